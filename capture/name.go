package capture

// names gives strings that were there before again, so that what comes with every
// chunk is made once. It is for use by one goroutine, or under a lock.
type names struct {
	keys  map[[2]string]string // of a hearing and a channel
	known map[string]string
}

// namesMost bounds what is remembered: more than there are hearings in a month.
const namesMost = 4096

// key is [Key].
func (n *names) key(hearing, channel string) string {
	at := [2]string{hearing, channel}
	if key, ok := n.keys[at]; ok {
		return key
	}
	if n.keys == nil || len(n.keys) >= namesMost {
		n.keys = map[[2]string]string{}
	}
	key := Key(hearing, channel)
	n.keys[at] = key
	return key
}

// name is b as a string.
func (n *names) name(b []byte) string {
	if s, ok := n.known[string(b)]; ok {
		return s
	}
	if n.known == nil || len(n.known) >= namesMost {
		n.known = map[string]string{}
	}
	s := string(b)
	n.known[s] = s
	return s
}
