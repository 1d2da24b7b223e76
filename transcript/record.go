package transcript

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"tingji/asr"
	"tingji/capture"
)

// Record is a hearing ready to be written out.
type Record struct {
	Court       string          `json:"court"`
	RoomName    string          `json:"courtroom_name"`
	Hearing     capture.Hearing `json:"hearing"`
	Lines       []Line          `json:"lines"`
	Corrections []Correction    `json:"corrections"`
	WrittenAt   time.Time       `json:"written_at"`
	Complete    bool            `json:"complete"` // nothing is pending
	Style       Style           `json:"-"`        // how it is shown
}

// Record collects a hearing for export; a signed one is as it was signed,
// whatever has happened to the store since. ErrNotFound; *MismatchError where
// what was signed is damaged.
func (d *Docket) Record(ctx context.Context, hearing string) (Record, error) {
	h, err := d.store.Hearing(ctx, hearing)
	if err != nil {
		return Record{}, fmt.Errorf("record of hearing %s: %w", hearing, err)
	}
	var r Record
	if h.Status == capture.Signed && h.Signing != nil {
		r, _, err = d.sealedRecord(ctx, h)
	} else {
		r, _, err = d.record(ctx, h)
	}
	if err != nil {
		return Record{}, fmt.Errorf("record of hearing %s: %w", hearing, err)
	}
	return r, nil
}

// record collects a hearing in state h from the store, and the hearing's newest
// change that is in it.
func (d *Docket) record(ctx context.Context, h capture.Hearing) (Record, int64, error) {
	progress, err := d.Progress(ctx, h.ID) // before the lines: complete is true of them
	if err != nil {
		return Record{}, 0, err
	}
	lines, change, err := d.Lines(ctx, h.ID, 0)
	if err != nil {
		return Record{}, 0, fmt.Errorf("read lines: %w", err)
	}
	h.Demo = h.Demo || slices.ContainsFunc(lines, func(l Line) bool { return l.Engine == asr.Demonstration })
	corrections, err := d.Corrections(ctx, h.ID)
	if err != nil {
		return Record{}, 0, fmt.Errorf("read corrections: %w", err)
	}
	return Record{
		Court: d.court, RoomName: d.roomName(h.Courtroom), Hearing: h, Lines: lines, Corrections: corrections,
		WrittenAt: stamp(time.Now()), Complete: progress.Complete,
	}, change, nil
}

// ErrFormat is returned for a format that this package does not write.
var ErrFormat = errors.New("unknown record format")

// UnavailableError says that a record cannot be written in a format here, and
// what to install.
type UnavailableError struct {
	Text   string // Chinese
	TextEN string
}

func (e *UnavailableError) Error() string { return e.TextEN }

// Formats are those that [Record.Write] knows.
func Formats() []string { return []string{"txt", "json", "srt", "vtt"} }

// Write writes the record in one of [Formats], as UTF-8 without a byte order
// mark, and with \n as the line end.
func (r *Record) Write(w io.Writer, format string) error {
	var err error
	switch format {
	case "txt":
		err = r.writeText(w)
	case "json":
		err = r.writeJSON(w)
	case "srt":
		err = r.writeSRT(w)
	case "vtt":
		err = r.writeVTT(w)
	default:
		return fmt.Errorf("%w: %q", ErrFormat, format)
	}
	if err != nil {
		return fmt.Errorf("write %s record of hearing %s: %w", format, r.Hearing.ID, err)
	}
	return nil
}

// Turn is a line as the record shows it. Label and Shown are one line each,
// without characters that XML or a reader's eye cannot take.
type Turn struct {
	Line
	Label string // who speaks: 审判长, 证人（李四）; empty for a note of the clerk
	Shown string // the text, or what stands for speech that no engine could read
}

// unreadSpeech stands in the record where somebody spoke and no text could be
// made of it: to leave it out would hide it.
const unreadSpeech = "〔此处有语音，未能识别，可回放录音〕"

// singleTurns are the turns with one line each.
func (r *Record) singleTurns() []Turn {
	text := func(l Line) string { return l.Text }
	if r.Style.Written != nil {
		form := r.Style.Written.For(&r.Hearing)
		text = func(l Line) string { return form.Line(l).Text }
	}
	speakers := map[string][]string{} // of each role
	for _, l := range r.Lines {
		if l.Speaker != "" && !slices.Contains(speakers[l.Role], l.Speaker) {
			speakers[l.Role] = append(speakers[l.Role], l.Speaker)
		}
	}
	turns := make([]Turn, 0, len(r.Lines))
	for _, l := range r.Lines {
		t := Turn{Line: l, Label: heardText(l.Role), Shown: heardText(text(l))}
		if len(speakers[l.Role]) > 1 && l.Speaker != "" && l.Role != "" {
			t.Label += "（" + heardText(l.Speaker) + "）" // several share the role
		}
		if l.Text == "" && l.Rejected != "" && l.unseen() {
			t.Shown = unreadSpeech
		}
		if t.Shown != "" {
			turns = append(turns, t)
		}
	}
	return turns
}

// Field is one line of the record's head: 案号：（2024）内0102民初123号.
type Field struct{ Name, Value string }

// Title is the record's title; without a case it is a transcript and no record.
func (r *Record) Title() string {
	if r.Hearing.CaseNo == "" {
		return "录音转写"
	}
	return "法庭审理笔录（第　次）"
}

// Head is the head of a court record (DOMAIN.md); nil without a case.
func (r *Record) Head() []Field {
	h := &r.Hearing
	if h.CaseNo == "" {
		return nil
	}
	public := "不公开"
	if h.Public {
		public = "公开"
	}
	return []Field{
		{"案号", h.CaseNo},
		{"案由", h.Cause},
		{"开庭时间", r.period()},
		{"开庭地点", r.RoomName},
		{"是否公开审理", public},
		{"旁听人数", ""},
		{"审判长", r.names("审判长", "独任审判员")},
		{"审判员", r.names("审判员")},
		{"人民陪审员", r.names("人民陪审员")},
		{"书记员", r.names("书记员")},
		{"到庭诉讼参与人", r.parties()},
	}
}

// period is when the hearing was held: 2024年5月6日上午9时00分至11时20分.
func (r *Record) period() string {
	if r.Hearing.OpenedAt == nil {
		return ""
	}
	from := r.Hearing.OpenedAt.In(beijing)
	s := courtTime(from, true)
	if r.Hearing.ClosedAt == nil {
		return s + "至"
	}
	to := r.Hearing.ClosedAt.In(beijing)
	sameDay := from.Format(time.DateOnly) == to.Format(time.DateOnly)
	if sameDay && half(from) == half(to) {
		return s + "至" + clockTime(to)
	}
	return s + "至" + courtTime(to, !sameDay)
}

// beijing is the time of all courts of China, wherever the server stands; it
// has no summer time.
var beijing = time.FixedZone("CST", 8*3600)

func courtTime(t time.Time, day bool) string {
	s := half(t) + clockTime(t)
	if day {
		s = fmt.Sprintf("%d年%d月%d日", t.Year(), int(t.Month()), t.Day()) + s
	}
	return s
}

func half(t time.Time) string {
	if t.Hour() < 12 {
		return "上午"
	}
	return "下午"
}

func clockTime(t time.Time) string {
	hour := t.Hour()
	if hour > 12 {
		hour -= 12
	}
	return fmt.Sprintf("%d时%02d分", hour, t.Minute())
}

// names are the persons of a hearing with one of these roles, numbered or not.
func (r *Record) names(roles ...string) string {
	var names []string
	for _, p := range r.persons() {
		if slices.Contains(roles, baseRole(p.Role)) && !slices.Contains(names, p.Name) {
			names = append(names, p.Name)
		}
	}
	return strings.Join(names, "、")
}

// parties are all others: 原告张三；被告李四.
func (r *Record) parties() string {
	bench := capture.Roles("")
	var parties []string
	for _, p := range r.persons() {
		if !slices.Contains(bench, baseRole(p.Role)) {
			parties = append(parties, p.Role+p.Name)
		}
	}
	return strings.Join(parties, "；")
}

// persons are the participants, and who sits at a seat without being one.
func (r *Record) persons() []capture.Participant {
	persons := slices.Clone(r.Hearing.Participants)
	for _, s := range r.Hearing.Seats {
		p := capture.Participant{Role: s.Role, Name: s.Speaker}
		if p.Name != "" && !slices.Contains(persons, p) {
			persons = append(persons, p)
		}
	}
	return persons
}

// baseRole is a role without its number: 审判员二 is a 审判员.
func baseRole(role string) string {
	return strings.TrimRight(role, "0123456789一二三四五六七八九")
}

// Closing is the sentence under the text, before the signatures (民事诉讼法
// Art 150).
const Closing = "（以上笔录请当事人阅读或者向当事人宣读，确认无误后签名）"

// Signatures are the places for signatures under a record; none under a
// transcript without a case, and in the copy that is published.
func (r *Record) Signatures() []string {
	if r.Hearing.CaseNo == "" || r.Style.Publication {
		return nil
	}
	return []string{"审判人员签名", "书记员签名", "诉讼参与人签名", "日期"}
}
