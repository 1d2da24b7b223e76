package transcript_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tingji/capture"
	"tingji/transcript"
)

func ptr[T any](v T) *T { return &v }

// spoken makes a docket whose hearing has one line of speech.
func spoken(t *testing.T) (*transcript.Docket, *fakeStore, transcript.Line) {
	t.Helper()
	store := newFakeStore()
	d, h := opened(t, store)
	log := newFakeLog()
	log.send(newSpeaker(h.ID, "judge", *h.OpenedAt).final(0, time.Second, "现在开庭。"))
	stop := run(t, d, log)
	synctest.Wait()
	stop()
	lines, _, err := d.Lines(t.Context(), h.ID, 0)
	if err != nil || len(lines) != 1 {
		t.Fatalf("lines %+v, %v", lines, err)
	}
	return d, store, lines[0]
}

func TestRevise(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, store, l := spoken(t)
		ctx := t.Context()
		time.Sleep(time.Minute)
		now, err := d.Revise(ctx, l.Hearing, l.ID, 1, transcript.Edit{Text: ptr(" 现在开庭！ "), Speaker: ptr("王法官")}, "书记员")
		if err != nil {
			t.Fatal(err)
		}
		if now.Text != "现在开庭！" || now.Speaker != "王法官" || now.Role != "审判长" || now.Revision != 2 || now.Author != "书记员" {
			t.Errorf("revised %+v", now)
		}
		same, err := d.Revise(ctx, l.Hearing, l.ID, 2, transcript.Edit{Text: ptr("现在开庭！")}, "书记员二")
		if err != nil || same.Revision != 2 {
			t.Errorf("an edit that changes nothing: %+v, %v", same, err)
		}
		var conflict *transcript.ConflictError
		if _, err := d.Revise(ctx, l.Hearing, l.ID, 1, transcript.Edit{Text: ptr("开庭")}, "书记员二"); !errors.As(err, &conflict) || conflict.Current.Text != "现在开庭！" {
			t.Errorf("an old revision: %v", err)
		}
		if _, err := d.Revise(ctx, l.Hearing, l.ID, 1, transcript.Edit{Text: ptr("现在开庭！")}, "书记员二"); !errors.As(err, &conflict) {
			t.Errorf("an old revision, the same words: %v", err)
		}
		history, err := d.Revisions(ctx, l.Hearing, l.ID)
		if err != nil || len(history) != 2 || history[0].Text != "现在开庭。" || history[0].Author != "engine:whisper" {
			t.Errorf("revisions %+v, %v", history, err)
		}
		if err := transcript.VerifyRevisions(l.Hearing, history); err != nil {
			t.Error(err)
		}
		if _, err := d.Revise(ctx, l.Hearing, "nobody", 1, transcript.Edit{Text: ptr("开庭")}, "书记员"); !errors.Is(err, transcript.ErrNotFound) {
			t.Errorf("unknown line: %v", err)
		}
		for field, e := range map[string]transcript.Edit{
			"text":    {Text: ptr(strings.Repeat("字", 100_000))},
			"role":    {Role: ptr("路人")},
			"speaker": {Speaker: ptr("王\u202e五")},
		} {
			var wrong *transcript.FieldError
			if _, err := d.Revise(ctx, l.Hearing, l.ID, 2, e, "书记员"); !errors.As(err, &wrong) || wrong.Field != field {
				t.Errorf("%s: %v", field, err)
			}
		}

		sign(t, store, l.Hearing)
		var state *transcript.StateError
		d = transcript.NewDocket(store, fakeRooms{}, quiet)
		if _, err := d.Revise(ctx, l.Hearing, l.ID, 2, transcript.Edit{Text: ptr("开庭")}, "书记员"); !errors.As(err, &state) || state.Status != capture.Signed {
			t.Errorf("a signed record: %v", err)
		}
		if _, err := d.AddLine(ctx, l.Hearing, transcript.HandLine{Text: "补记"}, "书记员"); !errors.As(err, &state) {
			t.Errorf("a line in a signed record: %v", err)
		}
	})
}

func sign(t *testing.T, store *fakeStore, id string) {
	t.Helper()
	_, _, err := store.UpdateHearing(t.Context(), id, func(h *capture.Hearing) error {
		h.Status = capture.Signed
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestAddLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, h := opened(t, newFakeStore())
		ctx := t.Context()
		time.Sleep(90 * time.Second)
		l, err := d.AddLine(ctx, h.ID, transcript.HandLine{Text: "（当庭出示证据一）"}, "书记员")
		if err != nil || l.StartMS != 90_000 || l.Origin != transcript.Hand || l.Author != "书记员" || l.Words == nil {
			t.Errorf("%+v, %v", l, err)
		}
		l, err = d.AddLine(ctx, h.ID, transcript.HandLine{Text: "是。", Role: "被告", StartMS: ptr(int64(1500))}, "书记员")
		if err != nil || l.StartMS != 1500 || !l.StartedAt.Equal(h.OpenedAt.Add(1500*time.Millisecond)) {
			t.Errorf("%+v, %v", l, err)
		}
		for field, bad := range map[string]transcript.HandLine{
			"text":     {Text: " "},
			"role":     {Text: "好", Role: "路人"},
			"start_ms": {Text: "好", StartMS: ptr(int64(-1))},
		} {
			var wrong *transcript.FieldError
			if _, err := d.AddLine(ctx, h.ID, bad, "书记员"); !errors.As(err, &wrong) || wrong.Field != field {
				t.Errorf("%s: %v", field, err)
			}
		}
		early, err := d.Create(ctx, newHearing())
		if err != nil {
			t.Fatal(err)
		}
		var state *transcript.StateError
		if _, err := d.AddLine(ctx, early.ID, transcript.HandLine{Text: "好"}, "书记员"); !errors.As(err, &state) {
			t.Errorf("before the opening: %v", err)
		}
	})
}
