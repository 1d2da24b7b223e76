package asr

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the old bytes that are missing")

const oldSegments = "../testdata/backcompat/segments.v1"

func segments() map[string]Segment {
	at := time.Date(2026, 5, 6, 9, 0, 1, 700_000_000, time.UTC)
	final := Segment{
		V: 1, ID: "20260506-090000-k3x9/judge-1-27200", Hearing: "20260506-090000-k3x9", Channel: "judge", Epoch: 1,
		Utterance: "judge-1-27200", Stage: Final, First: 27200, Last: 47199, StartedAt: at, Text: "现在开庭。",
		Words:  []Word{{Text: "现在", Start: 2000, End: 2400, Confidence: 0.97}, {Text: "开庭。", Start: 2400, End: 2700}},
		Engine: "127.0.0.1:8080", Model: "whisper-1", Language: "zh",
		Before: &Position{}, After: &Position{Epoch: 1, Sample: 47200, Seq: 11, Offset: 57},
		State: json.RawMessage(`{"v":1,"in":-3,"hp":-512,"lvl":4310,"min":4301,"n":39,"blk":[4290,4288,4118,4118,4118,4118,4118,4118]}`),
	}
	partial := final
	partial.Stage, partial.Last, partial.Text, partial.Stable, partial.Words = Partial, 41599, "现在开", 2, []Word{{Text: "现在开", Start: 1700, End: 2600}}
	partial.Before, partial.After, partial.State, partial.Estimated = nil, nil, nil, true
	silence := final
	silence.Utterance, silence.ID = "judge-1-47200", "20260506-090000-k3x9/judge-1-47200"
	silence.Stage, silence.First, silence.Last, silence.Text, silence.Words = Silence, 47200, 207199, "", []Word{}
	silence.StartedAt = at.Add(1250 * time.Millisecond)
	silence.Engine, silence.Model, silence.Language = "", "", ""
	silence.Before, silence.After = final.After, &Position{Epoch: 1, Sample: 207200, Seq: 51, Offset: 97, Ended: true}
	rejected := final
	rejected.Text, rejected.Words, rejected.Rejected = "", []Word{}, "HTTP 413: too long"
	crosstalk := final
	crosstalk.Text, crosstalk.Words = "开庭。", final.Words[1:]
	crosstalk.Crosstalk = []Crosstalk{{From: "clerk", GainDB: -17.9, Start: 2000, End: 2400, Text: "现在"}}
	doubtful := rejected
	doubtful.Rejected = "doubtful (credits): 谢谢观看"
	doubtful.Doubtful = []Doubt{{Reason: Credits, Start: 1700, End: 2950, Text: "谢谢观看"}}
	return map[string]Segment{"final": final, "partial": partial, "silence": silence, "rejected": rejected, "crosstalk": crosstalk, "doubtful": doubtful}
}

// TestOldSegments: what was written once is read for ever, and written the same.
func TestOldSegments(t *testing.T) {
	if *update {
		for name, s := range segments() {
			b, err := json.Marshal(s)
			if err != nil {
				t.Fatal(err)
			}
			f, err := os.OpenFile(filepath.Join(oldSegments, name+".json"), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
			if err != nil {
				t.Log(err) // old bytes are never rewritten
				continue
			}
			if _, err := f.Write(b); err != nil || f.Close() != nil {
				t.Fatal(err)
			}
		}
	}
	files, err := filepath.Glob(oldSegments + "/*.json")
	if err != nil || len(files) < len(segments()) {
		t.Fatalf("%d old segments: %v", len(files), err)
	}
	for name, want := range segments() {
		b, err := os.ReadFile(filepath.Join(oldSegments, name+".json"))
		if err != nil {
			t.Fatal(err)
		}
		got, err := ParseSegment(b)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v\n got %+v\nwant %+v", name, err, got, want)
		}
		if again, _ := json.Marshal(got); string(again) != string(b) {
			t.Errorf("%s: written as %s\nwas %s", name, again, b)
		}
	}
}

func TestParseSegmentRefuses(t *testing.T) {
	at := func(p Position) *Position { return &p }
	for name, change := range map[string]func(*Segment){
		"version":            func(s *Segment) { s.V = 2 },
		"hearing":            func(s *Segment) { s.Hearing = "a/b" },
		"channel":            func(s *Segment) { s.Channel = "" },
		"epoch":              func(s *Segment) { s.Epoch = 0 },
		"first":              func(s *Segment) { s.First = -1 },
		"last":               func(s *Segment) { s.Last = s.First - 2 },
		"no samples":         func(s *Segment) { s.Last = s.First - 1; s.After.Sample = s.First; s.Words = nil },
		"utterance":          func(s *Segment) { s.Utterance = "judge-1-27201" },
		"id":                 func(s *Segment) { s.ID = "other" },
		"started":            func(s *Segment) { s.StartedAt = time.Time{} },
		"stage":              func(s *Segment) { s.Stage = "guess" },
		"partial position":   func(s *Segment) { s.Stage = Partial },
		"no before":          func(s *Segment) { s.Before = nil },
		"no after":           func(s *Segment) { s.After = nil },
		"after elsewhere":    func(s *Segment) { s.After.Sample++ },
		"after in epoch":     func(s *Segment) { s.After.Epoch++ },
		"before too late":    func(s *Segment) { s.Before = at(Position{Epoch: 1, Sample: s.First + 1}) },
		"before in epoch":    func(s *Segment) { s.Before = at(Position{Epoch: 2}) },
		"before negative":    func(s *Segment) { s.Before = at(Position{Epoch: 1, Sample: -1}) },
		"seq backwards":      func(s *Segment) { s.Before = at(Position{Seq: 12}) },
		"state":              func(s *Segment) { s.State = json.RawMessage(`7`) },
		"long state":         func(s *Segment) { s.State = json.RawMessage(`{"v":"` + strings.Repeat("x", 20000) + `"}`) },
		"text":               func(s *Segment) { s.Text = strings.Repeat("是", 30_000) },
		"rejected text":      func(s *Segment) { s.Rejected = "no" },
		"silence text":       func(s *Segment) { s.Stage = Silence },
		"stable":             func(s *Segment) { s.Stage, s.Before, s.After, s.State, s.Stable = Partial, nil, nil, nil, 6 },
		"words":              func(s *Segment) { s.Words = make([]Word, 10_000) },
		"word early":         func(s *Segment) { s.Words[0].Start = 1699 },
		"word late":          func(s *Segment) { s.Words[1].End = 2952 },
		"word backwards":     func(s *Segment) { s.Words[1].Start = 2399 },
		"word inverted":      func(s *Segment) { s.Words[1].End = 2300 },
		"confidence":         func(s *Segment) { s.Words[0].Confidence = 1.1 },
		"crosstalk self":     func(s *Segment) { s.Crosstalk = []Crosstalk{{From: "judge", Start: 1700, End: 1800}} },
		"crosstalk louder":   func(s *Segment) { s.Crosstalk = []Crosstalk{{From: "clerk", GainDB: 1, Start: 1700, End: 1800}} },
		"crosstalk late":     func(s *Segment) { s.Crosstalk = []Crosstalk{{From: "clerk", Start: 1700, End: 9000}} },
		"crosstalk inverted": func(s *Segment) { s.Crosstalk = []Crosstalk{{From: "clerk", Start: 1800, End: 1750}} },
		"crosstalk nobody":   func(s *Segment) { s.Crosstalk = []Crosstalk{{Start: 1700, End: 1800}} },
		"doubt nameless":     func(s *Segment) { s.Doubtful = []Doubt{{Start: 1700, End: 1800}} },
		"doubt late":         func(s *Segment) { s.Doubtful = []Doubt{{Reason: Loop, Start: 1700, End: 9000}} },
		"doubt in a silence": func(s *Segment) {
			s.Stage, s.Text, s.Words = Silence, "", nil
			s.Doubtful = []Doubt{{Reason: Loop, Start: 1700, End: 1800}}
		},
		"megabyte": func(s *Segment) { s.Engine = strings.Repeat("x", 2<<20) },
	} {
		s := segments()["final"]
		change(&s)
		b, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ParseSegment(b); err == nil {
			t.Errorf("%s was taken", name)
		} else if strings.ContainsAny(err.Error(), "\n") || strings.Contains(err.Error(), "开庭") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzParseSegment(f *testing.F) {
	files, err := filepath.Glob(oldSegments + "/*.json")
	if err != nil || len(files) == 0 {
		f.Fatal("no seeds")
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := ParseSegment(b)
		if err != nil {
			return
		}
		again, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ParseSegment(again); err != nil && len(again) <= maxSegmentBytes {
			t.Fatalf("%v: %s", err, again)
		}
	})
}

func TestSpread(t *testing.T) {
	for text, want := range map[string]string{
		"":           "",
		" 。":         "。@0-1200",
		"现在开庭。":      "现@0-300 在@300-600 开@600-900 庭。@900-1200",
		"《民法典》第12条”": "《民@0-171 法@171-342 典》@342-514 第@514-685 12@685-1028 条”@1028-1200",
		"it's OK, 是": "it's@0-600 OK,@600-1000 是@1000-1200",
	} {
		var got []string
		for _, w := range Spread(text, 0, 1200*time.Millisecond) {
			got = append(got, fmt.Sprintf("%s@%d-%d", w.Text, w.Start.Milliseconds(), w.End.Milliseconds()))
		}
		if s := strings.Join(got, " "); s != want {
			t.Errorf("%q: got %s, want %s", text, s, want)
		}
	}
}
