package main

import "testing"

// The sample hearing's room is in no configuration but that of tingji up.
func TestRoomsAreNamed(t *testing.T) {
	rooms := courtrooms{{ID: "court-3", Name: "第三审判庭"}, {ID: "bare"}}
	for id, want := range map[string]string{"court-3": "第三审判庭", "bare": "bare", "gone": "gone", sampleRoom: "第三审判庭"} {
		if got := rooms.Name(id); got != want {
			t.Errorf("%s is called %q, want %q", id, got, want)
		}
	}
}
