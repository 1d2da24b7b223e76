package transcript_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"tingji/capture"
	"tingji/transcript"
)

func TestAlike(t *testing.T) {
	for name, test := range map[string]struct {
		wrong, right string
		lines        []string
		sound        transcript.Sounding
		want         []string // heard, with * where it is the text itself
	}{
		"a name misheard in three ways": {"何文白", "何文柏",
			[]string{"被告何文白到庭。", "何文百欠款，何文白承认。", "何文柏签字。", "白天去的。"},
			transcript.SameSound, []string{"0:何文白*", "1:何文百", "1:何文白*"}},
		"curled tongue, nasal ending": {"苏小兰", "苏晓岚",
			[]string{"素小郎作证。", "苏晓岚说。", "苏小兰说"}, transcript.SameSound, []string{"0:素小郎", "2:苏小兰*"}},
		"similar":                   {"林志远", "宁智元", []string{"林志远"}, transcript.SimilarSound, []string{"0:林志远*"}},
		"another word altogether":   {"借款", "货款", []string{"借款属实。"}, transcript.OtherSound, []string{"0:借款*"}},
		"longer":                    {"二十", "二十万", []string{"二十万，二十。"}, "", []string{"0:二十*"}},
		"nothing to replace it by":  {"嗯", "", []string{"嗯，是的，嗯。"}, "", []string{"0:嗯*", "0:嗯*"}},
		"a name of the hearing":     {"周其明", "周棋名", []string{"周启明到庭，周奇明也到庭。"}, transcript.SameSound, []string{"0:周奇明"}},
		"what is no Chinese":        {"POS机", "ＰＯＳ机", []string{"POS机，pos机"}, transcript.OtherSound, []string{"0:POS机*"}},
		"the last of its line":      {"作证", "做证", []string{"作证", ""}, transcript.SameSound, []string{"0:作证*"}},
		"an umlaut":                 {"旅行", "吕行", []string{"路行，吕刑，吕行，旅行"}, transcript.SameSound, []string{"0:吕刑", "0:旅行*"}},
		"readings of one character": {"还款", "欢款", []string{"海款"}, transcript.SameSound, []string{"0:海款"}},
	} {
		t.Run(name, func(t *testing.T) {
			d, h := hearingWith(t, test.lines...)
			got, err := d.Alike(t.Context(), h.ID, test.wrong, test.right)
			if err != nil {
				t.Fatal(err)
			}
			var places []string
			for _, p := range got.Places {
				if string([]rune(p.Text)[p.From:p.To]) != p.Heard || p.Exact != (p.Heard == test.wrong) {
					t.Errorf("place %+v", p)
				}
				i := slices.Index(test.lines, p.Text)
				places = append(places, fmt.Sprintf("%d:%s%s", i, p.Heard, strings.Repeat("*", map[bool]int{true: 1}[p.Exact])))
			}
			if got.Sound != test.sound || !slices.Equal(places, test.want) {
				t.Errorf("sound %q, places %q; want %q, %q", got.Sound, places, test.sound, test.want)
			}
		})
	}
	// What a page shows in figures is found as it is shown, whole numbers alone.
	d, h := hearingWith(t, "借款二十万元，还二十万元", "共一百二十万元", "写明20万元，实为二十万元")
	for wrong, want := range map[string]string{"20万元": "二十万元 二十万元 20万元 二十万元", "0万": "0万", "款20万元，还": "款二十万元，还", "二十万元": "二十万元 二十万元 二十万元 二十万元"} {
		got, err := d.Alike(t.Context(), h.ID, wrong, "30万元")
		var heard []string
		for _, p := range got.Places {
			if heard = append(heard, p.Heard); !p.Exact || string([]rune(p.Text)[p.From:p.To]) != p.Heard {
				t.Errorf("place %+v", p)
			}
		}
		if strings.Join(heard, " ") != want || err != nil {
			t.Errorf("%s: %q, %v; want %s", wrong, heard, err, want)
		}
	}
	d, h = hearingWith(t)
	var field *transcript.FieldError
	if _, err := d.Alike(t.Context(), h.ID, " ", ""); !errors.As(err, &field) || field.Field != "wrong" {
		t.Errorf("nothing to look for: %v", err)
	}
	if _, err := d.Alike(t.Context(), "none", "何", ""); !errors.Is(err, transcript.ErrNotFound) {
		t.Errorf("no hearing: %v", err)
	}
}

func TestHotwordsAreAdded(t *testing.T) {
	d, h := hearingWith(t)
	before := h.Version
	h, err := d.AddHotwords(t.Context(), h.ID, []string{" 何文柏 ", "苏晓岚", "何文柏", ""})
	if err != nil || !slices.Equal(h.Hotwords, []string{"何文柏", "苏晓岚"}) || h.Version != before+1 {
		t.Fatalf("%+v, %v", h, err)
	}
	again, err := d.AddHotwords(t.Context(), h.ID, []string{"苏晓岚"})
	if err != nil || again.Version != h.Version {
		t.Errorf("a known word gives version %d after %d, %v", again.Version, h.Version, err)
	}
	var field *transcript.FieldError
	if _, err := d.AddHotwords(t.Context(), h.ID, []string{""}); !errors.As(err, &field) {
		t.Errorf("no word: %v", err)
	}
	var many []string
	for i := range 499 {
		many = append(many, fmt.Sprint("词", i))
	}
	if _, err := d.AddHotwords(t.Context(), h.ID, many); !errors.As(err, &field) || field.Field != "words" {
		t.Errorf("too many: %v", err)
	}
	if _, err := d.AddHotwords(t.Context(), "none", []string{"词"}); !errors.Is(err, transcript.ErrNotFound) {
		t.Errorf("no hearing: %v", err)
	}
}

// hearingWith is an open hearing in which these lines were written.
func hearingWith(t *testing.T, lines ...string) (*transcript.Docket, capture.Hearing) {
	t.Helper()
	d := transcript.NewDocket(newFakeStore(), fakeRooms{}, quiet)
	h, err := d.Create(t.Context(), transcript.NewHearing{CaseNo: "（2026）内0000民初1号", Courtroom: "三庭",
		Participants: []capture.Participant{{Role: "原告", Name: "周启明"}}})
	if err == nil {
		h, err = d.Open(t.Context(), h.ID)
	}
	for i, text := range lines {
		at := int64(i)
		if err == nil && text != "" {
			_, err = d.AddLine(t.Context(), h.ID, transcript.HandLine{Text: text, Role: "原告", Channel: "plaintiff", StartMS: &at}, "书记员")
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return d, h
}
