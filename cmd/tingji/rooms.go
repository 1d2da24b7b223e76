package main

import (
	"slices"

	"tingji/capture"
	"tingji/store/kafka"
	"tingji/testdata/hearing"
)

// courtrooms are the configured rooms; it implements [web.Courtrooms].
// It is not changed once the program runs.
type courtrooms []CourtroomConfig

func (c courtrooms) find(id string) (CourtroomConfig, bool) {
	i := slices.IndexFunc(c, func(r CourtroomConfig) bool { return r.ID == id })
	if i < 0 {
		return CourtroomConfig{}, false
	}
	return c[i], true
}

// IDs implements [web.Courtrooms].
func (c courtrooms) IDs() []string {
	ids := make([]string, len(c))
	for i, r := range c {
		ids[i] = r.ID
	}
	return ids
}

// Seats implements [transcript.Courtrooms].
func (c courtrooms) Seats(id string) []capture.Seat {
	room, _ := c.find(id)
	seats := make([]capture.Seat, len(room.Seats))
	for i, s := range room.Seats {
		seats[i] = capture.Seat{Channel: s.Channel, Role: s.Role, Speaker: s.Speaker}
	}
	return seats
}

// Name implements [transcript.Courtrooms].
func (c courtrooms) Name(id string) string {
	if room, ok := c.find(id); ok && room.Name != "" {
		return room.Name
	}
	if id == sampleRoom { // configured by tingji up alone; export and serve meet its hearings too
		if ref, err := hearing.Reference(); err == nil {
			return ref.Courtroom
		}
	}
	return id
}

// partitions is the table by which a courtroom keeps to one partition.
func (c courtrooms) partitions(count int) kafka.Partitions {
	p := kafka.Partitions{Count: count, Rooms: map[string]int{}}
	for _, room := range c {
		if room.Partition != nil {
			p.Rooms[room.ID] = *room.Partition
		}
	}
	return p
}
