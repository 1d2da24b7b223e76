package main

import (
	"encoding/json"
	"log/slog"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"tingji/asr"
	"tingji/asr/demo"
	"tingji/capture"
	"tingji/testdata/hearing"
	"tingji/transcript"
)

// TestRetranscribe: the sample hearing, decoded again from its archive: with
// the same engine nothing differs, with one that mishears what it mishears; and
// the record stays as it is.
func TestRetranscribe(t *testing.T) {
	t.Parallel()
	ref, err := hearing.Load()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	p := start(t, sample20(dir, "127.0.0.1:0")...)
	h := p.untilComplete(3 * time.Minute)
	p.stop()
	export := func() string {
		out, errs, code := tingji(t, nil, "export", h.ID, "--data", dir, "--format", "txt")
		if code != 0 || len(out) < 1000 {
			t.Fatalf("export: %d %s", code, errs)
		}
		return out
	}
	before := export()
	for _, tt := range []struct {
		opts   demo.Options
		differ bool
	}{{demo.Options{HearBleed: true}, false}, {demo.Options{HearBleed: true, WordErrorRate: 0.05}, true}} {
		engine := httptest.NewServer(demoEngine(ref, tt.opts, slog.New(slog.DiscardHandler)))
		out, errs, code := tingji(t, nil, "retranscribe", h.ID, "--data", dir, "--engine", engine.URL+"/v1", "--format", "json")
		engine.Close()
		var d difference
		if err := json.Unmarshal([]byte(out), &d); code != 0 || errs != "" || err != nil {
			t.Fatalf("%d %s %v", code, errs, err)
		}
		if d.Lines != len(ref.Sentences) || d.OnlyNew+d.OnlyRecord != 0 || d.Same+d.Differ != d.Lines || len(d.Places) != d.Differ || (d.Differ > 10) != tt.differ || (d.Differ == 0) == tt.differ {
			t.Errorf("%+v", d)
		}
		if share := float64(d.Distance) / float64(d.Characters); tt.differ && (share < 0.01 || share > 0.06) {
			t.Errorf("%d of %d characters differ", d.Distance, d.Characters)
		}
	}
	engine := httptest.NewServer(demoEngine(ref, demo.Options{HearBleed: true}, slog.New(slog.DiscardHandler)))
	out, errs, code := tingji(t, nil, "retranscribe", h.ID, "--data", dir, "--engine", engine.URL+"/v1", "--vocabulary", "--format", "json")
	engine.Close()
	var b benefit
	if err := json.Unmarshal([]byte(out), &b); code != 0 || errs != "" || err != nil || b.Lines != len(ref.Sentences) || len(b.Words) < 3 {
		t.Fatalf("%d %s %v %s", code, errs, err, out)
	}
	said := 0
	for _, w := range b.Words {
		if said += w.Said; w.Heard != w.Said || w.Helped != 0 || w.Harmed != 0 { // it does not listen to vocabulary
			t.Errorf("%+v", w)
		}
	}
	if said == 0 {
		t.Error("nobody says a word of the vocabulary")
	}
	if export() != before {
		t.Error("the record was changed")
	}
	for want, args := range map[string][]string{
		"needs an engine":             {"retranscribe", h.ID, "--data", dir},
		"no hearing":                  {"retranscribe", "nobody", "--data", dir, "--engine", "http://127.0.0.1:1/v1"},
		"no store":                    {"retranscribe", h.ID, "--data", t.TempDir(), "--engine", "http://127.0.0.1:1/v1"},
		"must end in /v1":             {"retranscribe", h.ID, "--data", dir, "--engine", "http://127.0.0.1:1"},
		"nothing was decoded":         {"retranscribe", h.ID, "--data", dir, "--engine", "http://127.0.0.1:1/v1"},
		"cannot be reached":           {"retranscribe", h.ID, "--data", dir, "--engine", "ws://127.0.0.1:1"},
		`must be one of "txt","json"`: {"retranscribe", h.ID, "--data", dir, "--engine", "http://127.0.0.1:1/v1", "--format", "docx"},
	} {
		out, errs, code := tingji(t, nil, args...)
		if code == 0 || out != "" || !strings.Contains(errs, want) || strings.Count(errs, "tingji:") != 1 {
			t.Errorf("%v: %d %q %q, want …%s…", args, code, out, errs, want)
		}
	}
}

func TestDiffer(t *testing.T) {
	opened := time.Date(2026, 5, 6, 9, 0, 0, 0, time.UTC)
	line := func(id, channel, text string, from, to int64) transcript.Line {
		return transcript.Line{ID: id, Channel: channel, Role: channel, Text: text, StartMS: from, EndMS: to, Origin: transcript.Speech}
	}
	final := func(id, channel, text string, from, to int64) asr.Segment {
		return asr.Segment{
			Utterance: id, Channel: channel, Text: text, Engine: "e", StartedAt: opened.Add(time.Duration(from) * time.Millisecond),
			First: capture.SampleIndex(from * 16), Last: capture.SampleIndex(to*16) - 1,
		}
	}
	byHand := line("hand-1", "a", "由书记员补记", 0, 500)
	byHand.Origin = transcript.Hand
	d := differ(transcript.Record{
		Hearing: capture.Hearing{ID: "h", Status: capture.Signed, OpenedAt: &opened},
		Lines: []transcript.Line{
			line("a-1-0", "a", "现在开庭。", 0, 1000), line("a-1-1", "a", "请坐", 2000, 3000), line("b-1-5", "b", "同意", 2000, 3000),
			line("b-1-6", "b", "不同意", 5000, 6000), line("a-1-7", "a", "", 8000, 9000), byHand,
		},
	}, []asr.Segment{
		final("a-1-0", "a", "现在 开庭", 0, 1000), final("a-1-1", "a", "请做", 2000, 3000), final("b-1-4", "b", "同意。", 1900, 2900),
		final("b-1-9", "b", "等一下", 9000, 9500), final("a-1-8", "a", "", 8000, 9000),
	})
	d.Places = append([]placeDiffers(nil), d.Places...)
	got, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"hearing":"h","status":"signed","engines":["e"],"lines":4,"same":2,"differ":1,"only_record":1,"only_new":1,"characters":11,"distance":7,"places":[` +
		`{"start_ms":2000,"end_ms":3000,"channel":"a","role":"a","line":"a-1-1","record":"请坐","new":"请做"},` +
		`{"start_ms":5000,"end_ms":6000,"channel":"b","role":"b","line":"b-1-6","record":"不同意","new":""},` +
		`{"start_ms":9000,"end_ms":9500,"channel":"b","role":"b","record":"","new":"等一下"}]}`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	var b strings.Builder
	if err := d.writeText(&b); err != nil || !strings.Contains(b.String(), "0:00:02 a\n- 请坐\n+ 请做\n") || !strings.Contains(b.String(), "(signed) was not changed") {
		t.Errorf("%v %s", err, b.String())
	}
}

// TestWeigh: a word of the vocabulary helps where it is heard because it was told,
// and harms where it is heard in another's place, or lost.
func TestWeigh(t *testing.T) {
	record := transcript.Record{Hearing: capture.Hearing{ID: "h", Hotwords: []string{"周启明", "借条"}, Cause: "民间借贷纠纷"}}
	var with, without []asr.Segment
	for i, l := range []struct{ record, with, without string }{
		{"周启明借的。", "周启明借的。", "周其明借的。"},   // helped
		{"周启明，周启明！", "周启明周启明", "周启明周七名"}, // helped once
		{"他叫周七明。", "他叫周启明", "他叫周七明"},     // harmed: not said
		{"有借条。", "有接条", "有借条"},           // harmed: lost
		{"借条和周启明", "借条和周启明", "借条和周启明"},   // neither
		{"周启明没有来", "周起明没有来", "周其明没有来"},   // not heard either way
		{"周启名", "周启明周启明", "周启明"},         // harmed once more than without
		{"无关的话", "", "借条"},               // the other one's fault
	} {
		id := asr.UtteranceID("judge", 1, capture.SampleIndex(i))
		record.Lines = append(record.Lines, transcript.Line{ID: id, Text: l.record, Origin: transcript.Speech})
		with = append(with, asr.Segment{Utterance: id, Text: l.with, Engine: "e"})
		without = append(without, asr.Segment{Utterance: id, Text: l.without, Engine: "e"})
	}
	record.Lines = append(record.Lines, transcript.Line{ID: "hand-1", Text: "周启明", Origin: transcript.Hand})
	b := weigh(record, with, without)
	want := []wordEffect{{"周启明", 5, 4, 2, 2}, {"借条", 2, 1, 0, 1}, {"民间借贷纠纷", 0, 0, 0, 0}}
	if b.Lines != 8 || !slices.Equal(b.Words, want) || !slices.Equal(b.Engines, []string{"e"}) {
		t.Errorf("%+v", b)
	}
}
