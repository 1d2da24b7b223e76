package transcript_test

import (
	"testing"
	"time"

	"tingji/transcript"
)

// The example of docs/FORMATS.md, section "Access hash".
func TestAccessHash(t *testing.T) {
	first := transcript.Access{
		Number: 1, At: time.Date(2026, 11, 27, 1, 30, 12, 345_678_900, time.UTC), Reader: "法官甲 10.1.2.3",
		Action: "record.read", Hearing: "20261123-013012-0k3x9a", Detail: "record.docx",
	}
	first.Hash = transcript.HashAccess(first)
	if want := "31e67abfdc182c86a2f35f2385e8a6d95fc4606c6171a4907aa3cf3292e43bc3"; first.Hash != want {
		t.Errorf("hash %s, want %s", first.Hash, want)
	}
	next := transcript.Access{Number: 2, Reader: "10.1.2.4", Action: "search", Detail: "q=借条", Refused: true, Previous: first.Hash}
	next.Hash = transcript.HashAccess(next)
	for name, change := range map[string]func(a *transcript.Access){
		"nothing":  func(*transcript.Access) {},
		"number":   func(a *transcript.Access) { a.Number++; a.Hash = transcript.HashAccess(*a) },
		"at":       func(a *transcript.Access) { a.At = a.At.Add(time.Microsecond) },
		"reader":   func(a *transcript.Access) { a.Reader = "" },
		"action":   func(a *transcript.Access) { a.Action += "x" },
		"hearing":  func(a *transcript.Access) { a.Hearing, a.Detail = a.Detail, a.Hearing },
		"detail":   func(a *transcript.Access) { a.Detail = "q=欠条" },
		"refused":  func(a *transcript.Access) { a.Refused = false },
		"previous": func(a *transcript.Access) { a.Previous = "" },
		"hash":     func(a *transcript.Access) { a.Hash = first.Hash },
	} {
		a := next
		change(&a)
		if err := transcript.FollowsAccess(first, a); (err == nil) != (name == "nothing") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := transcript.FollowsAccess(transcript.Access{}, first); err != nil {
		t.Error(err)
	}
}
