package transcript_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"tingji/capture"
	"tingji/transcript"
)

var update = flag.Bool("update", false, "write the golden files anew")

// courtRecord is a small hearing with everything that a writer must get right.
func courtRecord() transcript.Record {
	opened := time.Date(2026, 11, 23, 1, 0, 0, 0, time.UTC) // 9:00 in Beijing
	closed := opened.Add(2*time.Hour + 20*time.Minute)
	resumed := opened.Add(70 * time.Minute)
	line := func(channel, role, speaker, text string, start, end int64) transcript.Line {
		l := transcript.Line{
			ID: channel + "-1-" + time.Duration(start*16).String(), Hearing: "20261123-010000-0k3x9a", Channel: channel,
			Role: role, Speaker: speaker, Text: text, StartMS: start, EndMS: end,
			StartedAt: opened.Add(time.Duration(start) * time.Millisecond), Words: []transcript.Word{},
			Origin: transcript.Speech, Engine: "示例识别引擎", Model: "demo-reference", Language: "zh",
			Revision: 1, Author: "engine:示例识别引擎", Change: start, Hash: strings.Repeat("0", 64),
		}
		l.ID = channel + "-1-" + strings.TrimLeft(strings.Repeat("0", 8)+l.StartedAt.Format("150405000"), "0")
		return l
	}
	first := line("judge", "审判长", "王法官", "现在开庭。", 1200, 2310)
	first.Words = []transcript.Word{{Text: "现在", StartMS: 1200, EndMS: 1630, Confidence: 0.98}, {Text: "开庭", StartMS: 1630, EndMS: 2310, Confidence: 0.97}}
	hand := line("", "", "", "（当庭出示证据一 <借条> & 转账记录 --> 附卷）", 12_000, 12_000)
	hand.ID, hand.Origin, hand.Engine, hand.Model, hand.Language, hand.Author = "hand-1", transcript.Hand, "", "", "", "书记员"
	refused := line("defendant", "被告", "", "", 15_000, 17_000)
	refused.Rejected = "unsupported audio"
	removed := line("plaintiff", "原告", "", "", 18_000, 19_000)
	removed.Revision, removed.Author = 2, "书记员"
	return transcript.Record{
		Court: "某某区人民法院", RoomName: "第三审判庭",
		Hearing: capture.Hearing{
			ID: "20261123-010000-0k3x9a", Version: 5, Status: capture.Closed,
			CaseNo: "（2026）内0000民初1号", Cause: "民间借贷纠纷", Courtroom: "3", Public: true,
			Participants: []capture.Participant{
				{Role: "审判长", Name: "王法官"}, {Role: "人民陪审员一", Name: "赵一"}, {Role: "人民陪审员二", Name: "钱二"},
				{Role: "书记员", Name: "孙三"}, {Role: "原告", Name: "李𬭚"}, {Role: "被告", Name: "周 & 五"},
			},
			Seats: []capture.Seat{
				{Channel: "judge", Role: "审判长", Speaker: "王法官"}, {Channel: "plaintiff", Role: "原告"},
				{Channel: "defendant", Role: "被告"}, {Channel: "stand", Role: "证人", Speaker: "吴六"},
			},
			Hotwords: []string{"借条"}, Demo: true, CreatedAt: opened.Add(-time.Hour), OpenedAt: &opened, ClosedAt: &closed,
			Breaks: []capture.Break{{From: opened.Add(time.Hour), To: &resumed, Reason: "合议"}},
		},
		Lines: []transcript.Line{
			first,
			line("plaintiff", "原告", "", "请求判令被告归还 <十万元> & 利息。\x01\ufffe", 4000, 9500),
			hand, refused, removed,
			line("stand", "证人", "吴六", "我看见他签的字。", 3_600_000, 3_602_000),
			line("stand", "证人", "郑七", "我也看见了。\n\n就在当天。", 7_199_000, 7_201_999),
		},
		WrittenAt: closed.Add(time.Minute), Complete: true,
	}
}

// recording is a transcript outside a case.
func recording() transcript.Record {
	r := courtRecord()
	r.Hearing.CaseNo, r.Hearing.Participants = "", nil
	r.Lines = r.Lines[:2]
	return r
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata/golden", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs; -update writes it anew\n%s", path, got)
	}
}

func TestWrite(t *testing.T) {
	for _, format := range transcript.Formats() {
		for name, r := range map[string]transcript.Record{"record": courtRecord(), "recording": recording()} {
			var b bytes.Buffer
			if err := r.Write(&b, format); err != nil {
				t.Fatal(err)
			}
			golden(t, name+"."+format, b.Bytes())
			if !utf8.Valid(b.Bytes()) || bytes.HasPrefix(b.Bytes(), []byte("\ufeff")) || bytes.ContainsRune(b.Bytes(), '\r') {
				t.Errorf("%s.%s: not plain UTF-8 with \\n", name, format)
			}
		}
	}
	r := courtRecord()
	if err := r.Write(&bytes.Buffer{}, "pdf"); !errors.Is(err, transcript.ErrFormat) {
		t.Errorf("pdf: %v", err)
	}
	if err := r.Write(brokenPipe{}, "txt"); !errors.Is(err, errDisk) {
		t.Errorf("a failing writer: %v", err)
	}
}

// A signed record says at its end what was asked, and how it was signed.
func TestWriteSigned(t *testing.T) {
	r := courtRecord()
	r.Hearing.Demo, r.Hearing.Status = false, capture.Signed
	r.Hearing.Signing = &capture.Signing{
		At: *r.Hearing.ClosedAt, Author: "孙三", Reason: "被告拒绝签名",
		Signers:  []capture.Participant{{Role: "审判长", Name: "王法官"}, {Role: "书记员", Name: "孙三"}, {Role: "原告", Name: "李𬭚"}},
		Unsigned: []capture.Participant{{Role: "被告", Name: "周 & 五"}}, Overrule: "录音可辨", Doubts: 2, Integrity: strings.Repeat("0123abcd", 8),
	}
	r.Corrections = []transcript.Correction{
		{ID: "1", Role: "原告", Text: "请求判令", Says: "请求\n依法判令", StartMS: 3_723_000, By: capture.Participant{Role: "原告", Name: "李𬭚"}, Note: "漏字",
			Decision: &transcript.Decision{Outcome: transcript.Accepted, Text: "请求依法判令"}},
		{ID: "2", Role: "被告", Text: "是。", Says: "不是。", By: capture.Participant{Role: "被告", Name: "周 & 五"},
			Decision: &transcript.Decision{Outcome: transcript.Refused, Reason: "与录音不符。"}},
	}
	var b bytes.Buffer
	if err := r.Write(&b, "txt"); err != nil {
		t.Fatal(err)
	}
	golden(t, "signed.txt", b.Bytes())
}

type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, errDisk }

// What the JSON says is what the record was.
func TestJSONReadsBack(t *testing.T) {
	r := courtRecord()
	var b bytes.Buffer
	if err := r.Write(&b, "json"); err != nil {
		t.Fatal(err)
	}
	var back struct {
		V int `json:"v"`
		transcript.Record
	}
	if err := json.Unmarshal(b.Bytes(), &back); err != nil || back.V != 1 {
		t.Fatalf("v %d, %v", back.V, err)
	}
	if len(back.Lines) != len(r.Lines) || back.Lines[0].Words[1] != r.Lines[0].Words[1] || !back.Hearing.OpenedAt.Equal(*r.Hearing.OpenedAt) {
		t.Errorf("read back %+v", back)
	}
	var empty bytes.Buffer
	if err := (&transcript.Record{}).Write(&empty, "json"); err != nil || bytes.Contains(empty.Bytes(), []byte("null")) {
		t.Errorf("an empty record: %v\n%s", err, empty.Bytes())
	}
}

func TestPeriod(t *testing.T) {
	at := func(day, hour, minute int) *time.Time {
		t := time.Date(2024, 5, day, hour, minute, 0, 0, time.FixedZone("", 8*3600)).UTC()
		return &t
	}
	for _, tc := range []struct {
		from, to *time.Time
		want     string
	}{
		{nil, nil, ""},
		{at(6, 9, 0), nil, "2024年5月6日上午9时00分至"},
		{at(6, 9, 0), at(6, 11, 20), "2024年5月6日上午9时00分至11时20分"},
		{at(6, 9, 5), at(6, 14, 30), "2024年5月6日上午9时05分至下午2时30分"},
		{at(6, 12, 1), at(6, 13, 0), "2024年5月6日下午12时01分至1时00分"},
		{at(6, 23, 0), at(7, 1, 0), "2024年5月6日下午11时00分至2024年5月7日上午1时00分"},
	} {
		r := courtRecord()
		r.Hearing.OpenedAt, r.Hearing.ClosedAt = tc.from, tc.to
		for _, f := range r.Head() {
			if f.Name == "开庭时间" && f.Value != tc.want {
				t.Errorf("%s, want %s", f.Value, tc.want)
			}
		}
	}
}
