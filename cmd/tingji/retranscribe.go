package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/agnivade/levenshtein"

	"tingji/asr"
	"tingji/capture"
	"tingji/transcript"
)

type retranscribeCmd struct {
	Hearing    string  `arg:"" help:"Id of the hearing, as its page's address shows it."`
	Engine     *string `placeholder:"URL" help:"The engine to decode with: base URL of an OpenAI-compatible server, ending in /v1; or ws:// for FunASR. Without it, the configured one."`
	Model      *string `placeholder:"NAME" help:"The model, as the server calls it."`
	Language   *string `placeholder:"CODE" help:"Language of the hearing: zh."`
	Vocabulary bool    `help:"Decode it twice, with the names and words of the case and without, and count for each where it helped and where it harmed."`
	Format     string  `default:"txt" enum:"txt,json" placeholder:"FORMAT" help:"txt or json."`
	Output     string  `short:"o" placeholder:"FILE" help:"Write to a file, whole or not at all; else to standard output."`
	DB         *string `name:"db" placeholder:"URL" help:"sqlite:FILE or postgres://…; without it, SQLite in the data folder."`
}

func (retranscribeCmd) once() {}

func (retranscribeCmd) Help() string {
	return "Decodes a hearing again from the archive's sound and shows where the words differ from the record. It changes nothing: the record stays as it is, signed or not, and it may run beside the record server.\n\n" +
		"Example:\n  tingji retranscribe 20260506-090000-k3x9 --engine http://gpu1:8000/v1\n  tingji retranscribe 20260506-090000-k3x9 --vocabulary"
}

func (c retranscribeCmd) apply(config *Config) {
	set(&config.DB, c.DB)
	set(&config.ASR.Model, c.Model)
	set(&config.ASR.Language, c.Language)
	if c.Engine != nil {
		config.ASR.URL, config.ASR.Engines = *c.Engine, nil
		if e := (EngineConfig{URL: *c.Engine}); e.native() {
			asr := &config.ASR
			asr.Engines = []EngineConfig{{URL: *c.Engine, Language: asr.Language, Timeout: asr.Timeout, Parallel: asr.Parallel, Weight: 1}}
		}
	}
}

func (c retranscribeCmd) Run(ctx context.Context, a *app) error {
	if a.config.ASR.URL == "" {
		return misuse("retranscribe needs an engine: set --engine to the base URL of an OpenAI-compatible speech server, ending in /v1")
	}
	if err := checkOutput(c.Output); err != nil {
		return err
	}
	db, err := a.existingStore(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	archive := a.archive(db)
	record, err := a.docket(db, archive).Record(ctx, c.Hearing)
	if errors.Is(err, transcript.ErrNotFound) {
		return misuse("there is no hearing %q in this store", c.Hearing)
	} else if err != nil {
		return err
	}
	h := record.Hearing
	if h.Status != capture.Closed && h.Status != capture.Signed {
		return misuse("hearing %s is %s: it can be decoded again once it is closed", h.ID, h.Status)
	}
	states, err := db.AudioStates(ctx, h.ID)
	if err != nil {
		return err
	}
	from := map[string]uint64{}
	for _, s := range states {
		from[s.Channel] = 0
	}
	if len(from) == 0 {
		return fmt.Errorf("hearing %s: the archive has no sound of it", h.ID)
	}

	engine, err := a.engine("")
	if err != nil {
		return err
	}
	defer engine.Close()
	if err := engine.Check(ctx); err != nil {
		return fmt.Errorf("nothing was decoded: %w", err)
	}
	parallel := a.config.ASR.Parallel
	if pool, ok := engine.(*asr.Pool); ok {
		parallel = pool.Parallel()
	}
	again := func(h capture.Hearing) ([]asr.Segment, error) {
		finals, err := asr.Replay(ctx, h, archive.Chunks(ctx, h.ID, from), engine,
			asr.Config{Parallel: parallel, GiveUp: engineGiveUp, SeatPauses: a.pauses}, a.log)
		if ctx.Err() != nil {
			err = errors.New("interrupted; nothing was written")
		}
		return finals, err
	}
	finals, err := again(h)
	if err != nil {
		return err
	}
	var d interface {
		writeJSON(w io.Writer) error
		writeText(w io.Writer) error
	}
	if c.Vocabulary {
		untold, err := again(withoutVocabulary(h))
		if err != nil {
			return err
		}
		d = weigh(record, finals, untold)
	} else {
		d = differ(record, finals)
	}
	var out bytes.Buffer
	if c.Format == "json" {
		err = d.writeJSON(&out)
	} else {
		err = d.writeText(&out)
	}
	if err != nil {
		return err
	}
	return deliver(a.stdout, c.Output, out.Bytes())
}

// difference is a record beside what another engine makes of its sound.
type difference struct {
	Hearing    string         `json:"hearing"`
	Status     string         `json:"status"`
	Engines    []string       `json:"engines"` // that decoded again
	Lines      int            `json:"lines"`   // of the record, by hand or without words left out
	Same       int            `json:"same"`    // but for marks and spaces
	Differ     int            `json:"differ"`
	OnlyRecord int            `json:"only_record"`
	OnlyNew    int            `json:"only_new"`
	Characters int            `json:"characters"` // of the record
	Distance   int            `json:"distance"`   // characters to change, add or take away
	Places     []placeDiffers `json:"places"`
}

// placeDiffers is a place at which the two differ; one of the texts may be empty.
type placeDiffers struct {
	StartMS int64  `json:"start_ms"`
	EndMS   int64  `json:"end_ms"`
	Channel string `json:"channel"`
	Role    string `json:"role"`
	Line    string `json:"line,omitempty"` // of the record
	Record  string `json:"record"`
	New     string `json:"new"`
}

// differ pairs lines and finals by their utterance, which the same sound has
// given the same name; where the detector has changed since, by most time in common.
func differ(record transcript.Record, finals []asr.Segment) difference {
	h := record.Hearing
	d := difference{Hearing: h.ID, Status: string(h.Status), Engines: []string{}, Places: []placeDiffers{}}
	spoken := map[string]*asr.Segment{} // not yet paired
	for i := range finals {
		s := &finals[i]
		if s.Engine != "" && !slices.Contains(d.Engines, s.Engine) {
			d.Engines = append(d.Engines, s.Engine)
		}
		if s.Text != "" {
			spoken[s.Utterance] = s
		}
	}
	zero := time.Time{}
	if h.OpenedAt != nil {
		zero = *h.OpenedAt
	}
	span := func(s *asr.Segment) (from, to int64) {
		from = s.StartedAt.Sub(zero).Milliseconds()
		return from, from + (s.Last + 1 - s.First).Milliseconds()
	}
	pair := func(l transcript.Line) *asr.Segment {
		if s := spoken[l.ID]; s != nil {
			return s
		}
		var best *asr.Segment
		most := (l.EndMS - l.StartMS) / 2
		for _, s := range spoken {
			from, to := span(s)
			if common := min(to, l.EndMS) - max(from, l.StartMS); s.Channel == l.Channel && (common > most || common == most && best != nil && s.First < best.First) {
				best, most = s, common
			}
		}
		return best
	}
	for _, l := range record.Lines {
		if l.Origin != transcript.Speech || l.Text == "" {
			continue
		}
		d.Lines++
		place := placeDiffers{StartMS: l.StartMS, EndMS: l.EndMS, Channel: l.Channel, Role: l.Role, Line: l.ID, Record: l.Text}
		old := withoutMarks(l.Text)
		d.Characters += len([]rune(old))
		s := pair(l)
		if s == nil {
			d.OnlyRecord++
			d.Distance += len([]rune(old))
			d.Places = append(d.Places, place)
			continue
		}
		delete(spoken, s.Utterance)
		if n := levenshtein.ComputeDistance(old, withoutMarks(s.Text)); n > 0 {
			d.Differ++
			d.Distance += n
			place.New = s.Text
			d.Places = append(d.Places, place)
		} else {
			d.Same++
		}
	}
	for _, s := range spoken {
		place := placeDiffers{Channel: s.Channel, Role: s.Channel, New: s.Text}
		place.StartMS, place.EndMS = span(s)
		if seat, ok := h.SeatAt(s.Channel, s.StartedAt); ok {
			place.Role = seat.Role
		}
		d.OnlyNew++
		d.Distance += len([]rune(withoutMarks(s.Text)))
		d.Places = append(d.Places, place)
	}
	slices.SortFunc(d.Places, func(x, y placeDiffers) int {
		return cmp.Or(cmp.Compare(x.StartMS, y.StartMS), cmp.Compare(x.Channel, y.Channel))
	})
	return d
}

// withoutMarks is a text without marks and spaces: engines set them as they like.
func withoutMarks(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsNumber(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, s)
}

func (d difference) writeJSON(w io.Writer) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(d)
}

func (d difference) writeText(w io.Writer) error {
	var b strings.Builder
	for _, p := range d.Places {
		fmt.Fprintf(&b, "%s %s\n", clock(p.StartMS), p.Role)
		if p.Record != "" {
			fmt.Fprintf(&b, "- %s\n", p.Record)
		}
		if p.New != "" {
			fmt.Fprintf(&b, "+ %s\n", p.New)
		}
	}
	share := 0.0
	if d.Characters > 0 {
		share = 100 * float64(d.Distance) / float64(d.Characters)
	}
	fmt.Fprintf(&b, "%d lines: %d the same, %d differ, %d only in the record, %d only now; %d of %d characters differ (%.1f %%)\nThe record (%s) was not changed. Engine: %s\n",
		d.Lines, d.Same, d.Differ, d.OnlyRecord, d.OnlyNew, d.Distance, d.Characters, share, d.Status, strings.Join(d.Engines, ", "))
	_, err := io.WriteString(w, b.String())
	return err
}
