package transcript_test

import (
	"bytes"
	"cmp"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tingji/asr"
	"tingji/capture"
	"tingji/transcript"
)

// courtDay is a hearing of ten seconds, closed and complete, with lines of
// two seats and their sound.
type courtDay struct {
	*transcript.Docket
	t       *testing.T
	store   *fakeStore
	sound   *fakeSound
	hearing capture.Hearing
	lines   []transcript.Line
}

// heardDay holds such a hearing; spoil changes what was heard of its lines.
// Call it in a synctest bubble.
func heardDay(t *testing.T, demo bool, spoil ...func(*asr.Segment)) *courtDay {
	t.Helper()
	ctx := t.Context()
	c := &courtDay{t: t, store: newFakeStore(), sound: &fakeSound{step: 7}}
	c.Docket = transcript.NewDocket(c.store, fakeRooms{}, quiet, transcript.WithCourt("某某区人民法院"), transcript.WithSound(c.sound))
	n := newHearing()
	n.Demo = demo
	n.Seats = []capture.Seat{{Channel: "judge", Role: "审判长", Speaker: "王法官"}, {Channel: "plaintiff", Role: "原告", Speaker: "李𬭚"}}
	n.Participants = []capture.Participant{{Role: "原告", Name: "李𬭚"}, {Role: "被告", Name: "周五"}}
	h, err := c.Create(ctx, n)
	if err == nil {
		h, err = c.Open(ctx, h.ID)
	}
	if err != nil {
		t.Fatal(err)
	}
	log := newFakeLog()
	for i, channel := range []string{"judge", "plaintiff"} {
		s := newSpeaker(h.ID, channel, *h.OpenedAt)
		from := time.Duration(i) * time.Second
		message := s.final(from, from+time.Second, []string{"现在开庭。", "请求归还借款。"}[i])
		message.Segment.Words = []asr.Word{{Text: message.Segment.Text, Start: from.Milliseconds(), End: from.Milliseconds() + 1000, Confidence: 0.9}}
		for _, f := range spoil {
			f(&message.Segment)
		}
		end := s.silence(10 * time.Second)
		end.Segment.After.Ended = true
		log.send(message, end)
		c.store.audio[h.ID] = append(c.store.audio[h.ID], transcript.AudioState{Hearing: h.ID, Channel: channel, Epoch: 1, Seq: 40, Samples: 10 * capture.Rate, Ended: true})
		c.store.spans[h.ID] = append(c.store.spans[h.ID], transcript.AudioSpan{Channel: channel, Epoch: 1, Samples: 10 * capture.Rate, At: h.OpenedAt.UnixMicro()})
		c.sound.parts = append(c.sound.parts,
			transcript.AudioPart{Channel: channel, Epoch: 1, Part: 1, Samples: 100, StartedAt: *h.OpenedAt},
			transcript.AudioPart{Channel: channel, Epoch: 1, Part: 2, First: 100, Samples: 23, StartedAt: h.OpenedAt.Add(time.Second)})
	}
	time.Sleep(10 * time.Second)
	stop := run(t, c.Docket, log)
	synctest.Wait()
	stop()
	if c.hearing, err = c.Close(ctx, h.ID, ""); err != nil {
		t.Fatal(err)
	}
	if c.lines, _, err = c.Lines(ctx, h.ID, 0); err != nil || len(c.lines) != 2 {
		t.Fatalf("lines %+v, %v", c.lines, err)
	}
	return c
}

var bench = []capture.Participant{{Role: "审判长", Name: "王法官"}}

func (c *courtDay) sign(q transcript.SignRequest) (capture.Hearing, error) {
	return c.Sign(c.t.Context(), c.hearing.ID, q, "书记员")
}

func (c *courtDay) mustSign() capture.Hearing {
	c.t.Helper()
	h, err := c.sign(transcript.SignRequest{Signers: bench})
	if err != nil {
		c.t.Fatal(err)
	}
	return h
}

func TestSign(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := heardDay(t, false)
		ctx := t.Context()
		before, err := c.Record(ctx, c.hearing.ID)
		if err != nil {
			t.Fatal(err)
		}
		h, err := c.sign(transcript.SignRequest{
			Signers: []capture.Participant{{Role: "审判长", Name: "王法官"}, {Role: "书记员", Name: " 孙三 "}, {Role: "原告", Name: "李𬭚"}},
			Reason:  "被告中途退庭", Overrule: "没有存疑，不必写",
		})
		if err != nil {
			t.Fatal(err)
		}
		s := h.Signing
		if h.Status != capture.Signed || s == nil || len(s.Signers) != 3 || s.Signers[1].Name != "孙三" || len(s.Integrity) != 64 {
			t.Fatalf("signed %+v %+v", h, s)
		}
		if want := []capture.Participant{{Role: "被告", Name: "周五"}}; !slices.Equal(s.Unsigned, want) {
			t.Errorf("unsigned %v", s.Unsigned)
		}
		if s.Doubts != 0 || s.Overrule != "" {
			t.Errorf("doubts overruled that are none: %+v", s)
		}
		time.Sleep(time.Hour)
		record, err := c.Record(ctx, h.ID)
		if err != nil {
			t.Fatal(err)
		}
		if !record.WrittenAt.Equal(s.At) || !record.Complete || len(record.Lines) != len(before.Lines) || record.Hearing.Signing.Integrity != s.Integrity {
			t.Errorf("record %+v", record)
		}
		var text bytes.Buffer
		if err := record.Write(&text, "txt"); err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"签名人：审判长王法官、书记员孙三、原告李𬭚\n", "未签名：被告周五\n", "未签名的原因：被告中途退庭\n", "完整性校验值（SHA-256）：" + s.Integrity + "\n"} {
			if !strings.Contains(text.String(), want) {
				t.Errorf("no %q in\n%s", want, text.String())
			}
		}

		var state *transcript.StateError
		for what, err := range map[string]error{
			"sign": func() error { _, err := c.sign(transcript.SignRequest{Signers: bench}); return err }(),
			"revise": func() error {
				_, err := c.Revise(ctx, h.ID, c.lines[0].ID, 1, transcript.Edit{Text: ptr("改")}, "书记员")
				return err
			}(),
			"add": func() error {
				_, err := c.AddLine(ctx, h.ID, transcript.HandLine{Text: "补记"}, "书记员")
				return err
			}(),
			"close": func() error { _, err := c.Close(ctx, h.ID, ""); return err }(),
			"request": func() error {
				_, err := c.RequestCorrection(ctx, h.ID, askFor(c.lines[0].ID, "改"), "书记员")
				return err
			}(),
			"decide": func() error {
				_, err := c.DecideCorrection(ctx, h.ID, "1", transcript.Ruling{Outcome: transcript.Accepted}, "审判长")
				return err
			}(),
		} {
			if !errors.As(err, &state) || state.Status != capture.Signed {
				t.Errorf("%s of a signed record: %v", what, err)
			}
		}
	})
}

// A record whose words have open doubts is signed by whoever says why.
func TestSignWithDoubts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := heardDay(t, false, func(s *asr.Segment) {
			if s.Channel == "judge" {
				s.Words, s.Text, s.Rejected = nil, "", "unsupported"
			} else {
				// 请求 is sure and short, the rest is not: below the bound together.
				s.Words = []asr.Word{{Text: "请求", Start: 1000, End: 1200, Confidence: 0.99}, {Text: "归还借款。", Start: 1200, End: 2000, Confidence: 0.4}}
			}
		})
		ctx := t.Context()
		request, err := c.RequestCorrection(ctx, c.hearing.ID, askFor(c.lines[1].ID, "请求归还本金。"), "书记员")
		if err != nil {
			t.Fatal(err)
		}
		spans := c.store.spans[c.hearing.ID] // the judge's sound has a hole from 4 to 6 s
		rest := spans[0]
		spans[0].Samples = 4 * capture.Rate
		rest.First, rest.Samples, rest.At = 6*capture.Rate, 4*capture.Rate, rest.At+6_000_000
		c.store.spans[c.hearing.ID] = slices.Insert(spans, 1, rest)
		kinds := func() (list []transcript.DoubtKind) {
			t.Helper()
			var open *transcript.DoubtsError
			if _, err := c.sign(transcript.SignRequest{Signers: bench}); !errors.As(err, &open) {
				t.Fatalf("signed with doubts: %v", err)
			}
			for _, d := range open.Doubts {
				if list = append(list, d.Kind); d.Text == "" || d.TextEN == "" {
					t.Errorf("a doubt without words: %+v", d)
				}
			}
			slices.Sort(list)
			return list
		}
		if got := kinds(); !slices.Equal(slices.Compact(got), []transcript.DoubtKind{transcript.DoubtCorrection, transcript.DoubtFault, transcript.DoubtUncertain, transcript.DoubtUnread}) {
			t.Errorf("doubts %v", got)
		}
		// Each ends as it should: looked at, confirmed as it is, decided.
		if _, err := c.Revise(ctx, c.hearing.ID, c.lines[0].ID, 1, transcript.Edit{Text: ptr("现在开庭。")}, "书记员"); err != nil {
			t.Fatal(err)
		}
		confirmed, err := c.Revise(ctx, c.hearing.ID, c.lines[1].ID, 1, transcript.Edit{Confirm: true}, "书记员")
		if err != nil || confirmed.Revision != 2 || confirmed.Text != c.lines[1].Text || confirmed.Author != "书记员" {
			t.Fatalf("confirmed %+v, %v", confirmed, err)
		}
		if _, err := c.DecideCorrection(ctx, c.hearing.ID, request.ID, transcript.Ruling{Outcome: transcript.Refused, Reason: "与录音不符"}, "审判长"); err != nil {
			t.Fatal(err)
		}
		if got := slices.Compact(kinds()); !slices.Equal(got, []transcript.DoubtKind{transcript.DoubtFault}) {
			t.Errorf("doubts left: %v", got)
		}
		// A fault is explained, and then no doubt any more; withdrawn, it is one again.
		time.Sleep(time.Minute) // nothing is on its way any more
		ledger, err := c.Ledger(ctx, c.hearing.ID)
		if err != nil || ledger.TotalMS[transcript.KindFault] == 0 {
			t.Fatalf("%+v, %v", ledger, err)
		}
		for _, e := range ledger.Entries {
			if e.Kind != transcript.KindFault {
				continue
			}
			if !strings.Contains(e.Draft, "第四条") || !strings.Contains(e.Draft, "审判长席没有录音") {
				t.Errorf("draft %q", e.Draft)
			}
			for _, text := range []string{e.Draft, ""} {
				if _, err := c.ExplainFault(ctx, c.hearing.ID, transcript.FaultExplanation{FromMS: e.FromMS, ToMS: e.ToMS, Text: text}, "书记员"); err != nil {
					t.Fatal(err)
				}
				open, complete, err := c.Doubts(ctx, c.hearing.ID)
				if err != nil || !complete || (text != "") != (len(open) == 0) {
					t.Errorf("explained by %q: %+v, %t, %v", text, open, complete, err)
				}
			}
		}
		h, err := c.sign(transcript.SignRequest{Signers: bench, Overrule: "设备故障，已附书面说明"})
		if err != nil || h.Signing.Doubts == 0 || h.Signing.Overrule == "" {
			t.Fatalf("overruled: %+v, %v", h.Signing, err)
		}
	})
}

func TestSignRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		demo := heardDay(t, true)
		if _, err := demo.sign(transcript.SignRequest{Signers: bench, Overrule: "x"}); !errors.Is(err, transcript.ErrDemo) {
			t.Errorf("a demonstration: %v", err)
		}
		for i, engine := range []string{"示例识别引擎", "whisper"} { // one line is enough
			mixed := heardDay(t, false, func(s *asr.Segment) {
				if s.Channel == "plaintiff" {
					s.Engine = engine
				}
			})
			_, err := mixed.sign(transcript.SignRequest{Signers: bench, Overrule: "x"})
			r, recordErr := mixed.Record(t.Context(), mixed.hearing.ID)
			if errors.Is(err, transcript.ErrDemo) != (i == 0) || recordErr != nil || (r.DemoNotice() != "") != (i == 0) {
				t.Errorf("with a line of %s: %v; record marked %q, %v", engine, err, r.DemoNotice(), recordErr)
			}
			// What lists, search and pages go by.
			if h, err := mixed.Hearing(t.Context(), mixed.hearing.ID); err != nil || h.Demo != (i == 0) {
				t.Errorf("with a line of %s: hearing marked %t, %v", engine, h.Demo, err)
			}
		}
		c := heardDay(t, false)
		for field, q := range map[string]transcript.SignRequest{
			"signers":         {},
			"signers[0].role": {Signers: []capture.Participant{{Role: "路人", Name: "甲"}}},
			"signers[0].name": {Signers: []capture.Participant{{Role: "原告", Name: " "}}},
			"signers[1].name": {Signers: []capture.Participant{bench[0], bench[0]}},
			"reason":          {Signers: bench, Reason: "a\u202eb"},
			"overrule":        {Signers: bench, Overrule: strings.Repeat("字", 1000)},
		} {
			var wrong *transcript.FieldError
			if _, err := c.sign(q); !errors.As(err, &wrong) || wrong.Field != field {
				t.Errorf("%s: %v", field, err)
			}
		}
		c.store.audio[c.hearing.ID][0].Missing = 3
		if _, err := c.sign(transcript.SignRequest{Signers: bench}); !errors.Is(err, transcript.ErrIncomplete) {
			t.Errorf("with a chunk missing: %v", err)
		}
		if _, err := c.Proof(t.Context(), c.hearing.ID); !errors.Is(err, transcript.ErrIncomplete) {
			t.Errorf("proof with a chunk missing: %v", err)
		}
		c.store.audio[c.hearing.ID][0].Missing = 0

		// Somebody writes while the record is being frozen: nobody signs what he
		// has not read.
		for _, call := range []string{"HearingRevisions", "Seal"} {
			once := true
			c.store.faults(func(name string) error {
				if name == call && once {
					once = false
					c.store.changes[c.hearing.ID]++
				}
				return nil
			}, nil)
			if _, err := c.sign(transcript.SignRequest{Signers: bench}); !errors.Is(err, transcript.ErrChanged) {
				t.Errorf("changed before %s: %v", call, err)
			}
		}
		once := true
		c.store.faults(func(name string) error {
			if name == "Lines" && once { // between the reading of the state and of the lines
				once = false
				c.store.changes[c.hearing.ID]++
				h, err := c.store.read(c.hearing.ID)
				h.Version++
				return cmp.Or(err, c.store.write(h))
			}
			return nil
		}, nil)
		if _, err := c.sign(transcript.SignRequest{Signers: bench}); !errors.Is(err, transcript.ErrChanged) {
			t.Errorf("the hearing's state changed: %v", err)
		}
		once = true
		c.store.faults(func(name string) error {
			if name == "HearingRevisions" && once {
				once = false
				c.store.changes[c.hearing.ID]++
			}
			return nil
		}, nil)
		if _, err := c.Proof(t.Context(), c.hearing.ID); !errors.Is(err, transcript.ErrChanged) {
			t.Errorf("proof of a record that is being changed: %v", err)
		}
		c.store.faults(nil, nil)
		open, h := opened(t, newFakeStore())
		var state *transcript.StateError
		if _, err := open.Sign(t.Context(), h.ID, transcript.SignRequest{Signers: bench}, "书记员"); !errors.As(err, &state) || state.Status != capture.Open {
			t.Errorf("an open hearing: %v", err)
		}
		if _, err := open.Proof(t.Context(), h.ID); !errors.As(err, &state) || state.Action != "prove" {
			t.Errorf("proof of an open hearing: %v", err)
		}
		if _, err := c.Sign(t.Context(), "nobody", transcript.SignRequest{Signers: bench}, "书记员"); !errors.Is(err, transcript.ErrNotFound) {
			t.Errorf("unknown hearing: %v", err)
		}
		c.mustSign()
	})
}

// What was explained and who has read stands at the end of the record; the copy
// that is published has no signatures.
func TestEndOfRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := heardDay(t, false)
		ctx := t.Context()
		var field *transcript.FieldError
		if _, err := c.ExplainFault(ctx, c.hearing.ID, transcript.FaultExplanation{FromMS: 0, ToMS: 1000, Text: "没有中断"}, "书记员"); !errors.As(err, &field) || field.Field != "from_ms" {
			t.Errorf("explained what is no fault: %v", err)
		}
		spans := c.store.spans[c.hearing.ID]
		rest := spans[0]
		spans[0].Samples = 4 * capture.Rate
		rest.First, rest.Samples, rest.At = 6*capture.Rate, 4*capture.Rate, rest.At+6_000_000
		c.store.spans[c.hearing.ID] = slices.Insert(spans, 1, rest)
		time.Sleep(time.Minute)
		if _, err := c.ExplainFault(ctx, c.hearing.ID, transcript.FaultExplanation{FromMS: 4000, ToMS: 6000, Text: "话筒线松动\n已更换。"}, "书记员"); err != nil {
			t.Fatal(err)
		}
		read := transcript.ReadRequest{By: capture.Participant{Role: "原告", Name: "李𬭚"}, Manner: capture.ReadAlone}
		for _, q := range []transcript.ReadRequest{{By: read.By}, {By: capture.Participant{Role: "原告"}, Manner: capture.ReadAloud}} {
			if _, err := c.MarkRead(ctx, c.hearing.ID, q, "书记员"); !errors.As(err, &field) {
				t.Errorf("%+v: %v", q, err)
			}
		}
		for _, q := range []transcript.ReadRequest{{By: read.By, Manner: capture.ReadAloud, Remark: "有遗漏"}, read,
			{By: capture.Participant{Role: "被告", Name: "周五"}, Manner: capture.ReadAloud, Remark: "请求补正"}} {
			h, err := c.MarkRead(ctx, c.hearing.ID, q, "书记员")
			if err != nil || h.Readings[len(h.Readings)-1].Change == 0 {
				t.Fatalf("%+v, %v", h.Readings, err)
			}
		}
		h := c.mustSign()
		if _, err := c.MarkRead(ctx, h.ID, read, "书记员"); err == nil {
			t.Error("a reading of a signed record was written down")
		}
		record, err := c.Record(ctx, h.ID)
		if err != nil {
			t.Fatal(err)
		}
		text := func() string {
			t.Helper()
			var b bytes.Buffer
			if err := record.Write(&b, "txt"); err != nil {
				t.Fatal(err)
			}
			return b.String()
		}
		for _, want := range []string{"\n录音中断的书面说明：\n1．00:00:04至00:00:06：话筒线松动 已更换。\n", "自行阅读，确认无误。\n", "听取宣读，意见：请求补正。\n", "审判人员签名", "完整性校验值"} {
			if got := text(); !strings.Contains(got, want) || strings.Contains(got, "有遗漏") {
				t.Errorf("no %q in\n%s", want, got)
			}
		}
		if err := record.Style.ParseCopy("publication"); err != nil {
			t.Fatal(err)
		}
		for _, not := range []string{"签名", "校验值", "阅读确认"} {
			if got := text(); strings.Contains(got, not) || !strings.Contains(got, "话筒线松动") {
				t.Errorf("%q in\n%s", not, got)
			}
		}
		if err := record.Style.ParseCopy("second"); !errors.As(err, &field) {
			t.Errorf("an unknown copy: %v", err)
		}
	})
}
