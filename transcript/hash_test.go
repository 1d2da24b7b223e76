package transcript_test

import (
	"errors"
	"testing"
	"time"

	"tingji/transcript"
)

// vector is the example of docs/FORMATS.md, section "Revision hash".
func vector() []transcript.Revision {
	at := time.Date(2026, 11, 23, 9, 30, 12, 345678000, time.FixedZone("CST", 8*3600))
	one := transcript.Revision{
		Line: "judge-1-16000", Revision: 1, Text: "现在开庭。", Role: "审判长", Speaker: "",
		Author: "engine:示例识别引擎", At: at,
	}
	one.Hash = transcript.HashRevision("20261123-013012-0k3x9a", one)
	two := one
	two.Revision, two.Text, two.Author, two.At = 2, "现在开庭！", "书记员", at.Add(time.Minute)
	two.Previous = one.Hash
	two.Hash = transcript.HashRevision("20261123-013012-0k3x9a", two)
	return []transcript.Revision{one, two}
}

func TestHashRevisionVector(t *testing.T) {
	got := vector()
	want := []string{
		"0450947eebae3e06338c97f455f29eee1722480ba8f225bbabf07e6ff8b2cf1e",
		"965b16ee617aa6ed9007a25d09c48f8849cdf20713d23574c503a829995954e5",
	}
	for i := range want {
		if got[i].Hash != want[i] {
			t.Errorf("revision %d: hash %s, want %s", i+1, got[i].Hash, want[i])
		}
	}
}

// Every field counts, and no text can slip from one field into the next.
func TestHashRevisionCoversEveryField(t *testing.T) {
	base := vector()[1]
	seen := map[string]string{transcript.HashRevision("h", base): "base"}
	for name, change := range map[string]func(*transcript.Revision){
		"line":     func(r *transcript.Revision) { r.Line += "0" },
		"revision": func(r *transcript.Revision) { r.Revision++ },
		"text":     func(r *transcript.Revision) { r.Text += "。" },
		"role":     func(r *transcript.Revision) { r.Role = "原告" },
		"speaker":  func(r *transcript.Revision) { r.Speaker = "张三" },
		"author":   func(r *transcript.Revision) { r.Author += "二" },
		"at":       func(r *transcript.Revision) { r.At = r.At.Add(time.Microsecond) },
		"previous": func(r *transcript.Revision) { r.Previous = "" },
		"boundary": func(r *transcript.Revision) { r.Text, r.Role = r.Text+"审", "判长" },
	} {
		r := base
		change(&r)
		h := transcript.HashRevision("h", r)
		if other, ok := seen[h]; ok {
			t.Errorf("%s: same hash as %s", name, other)
		}
		seen[h] = name
	}
	if transcript.HashRevision("i", base) == transcript.HashRevision("h", base) {
		t.Error("hearing does not count")
	}
	local := base
	local.At = local.At.UTC().Add(999 * time.Nanosecond)
	if transcript.HashRevision("h", local) != transcript.HashRevision("h", base) {
		t.Error("zone or nanoseconds count: a stored revision would not verify")
	}
}

func TestVerifyRevisions(t *testing.T) {
	const hearing = "20261123-013012-0k3x9a"
	if err := transcript.VerifyRevisions(hearing, vector()); err != nil {
		t.Fatalf("a whole chain: %v", err)
	}
	for name, tc := range map[string]struct {
		change func([]transcript.Revision) []transcript.Revision
		bad    int // revision named
	}{
		"text changed":   {func(r []transcript.Revision) []transcript.Revision { r[0].Text = "现在闭庭。"; return r }, 1},
		"author changed": {func(r []transcript.Revision) []transcript.Revision { r[1].Author = "审判长"; return r }, 2},
		"first removed":  {func(r []transcript.Revision) []transcript.Revision { return r[1:] }, 2},
		"swapped":        {func(r []transcript.Revision) []transcript.Revision { r[0], r[1] = r[1], r[0]; return r }, 2},
		"overwritten, hash redone": {func(r []transcript.Revision) []transcript.Revision {
			r[0].Text = "现在闭庭。"
			r[0].Hash = transcript.HashRevision(hearing, r[0])
			return r
		}, 2},
	} {
		err := transcript.VerifyRevisions(hearing, tc.change(vector()))
		var chain *transcript.ChainError
		if !errors.As(err, &chain) || chain.Revision != tc.bad {
			t.Errorf("%s: %v, want revision %d named", name, err, tc.bad)
		}
	}
}
