package transcript

import (
	"fmt"
	"slices"
	"strings"
)

// Style is how a record shows what is stored. The zero Style shows what was
// said as the engine and the clerk wrote it, a line for each utterance. No Style
// changes the JSON form, whose lines are the stored ones.
type Style struct {
	// Written, where it is not nil, shows the written form of each line; names
	// and terms of the case file stay as they are spelt there.
	Written *WrittenForm
	// JoinMS joins what one speaker says with pauses of at most JoinMS into one
	// turn, unless a phase begins in between; 0 joins nothing. Subtitles are
	// never joined.
	JoinMS int64
	// Publication shows the copy that is published: without signatures, and
	// without what stands in their place.
	Publication bool
}

// DefaultJoinMS is a pause that does not end a turn.
const DefaultJoinMS = 5000

// ParseStyle reads a style from the words by which it is asked for, all of which
// may be empty: form spoken or written, amounts short, full or both (which ask
// for the written form), turns single or joined. *FieldError.
func ParseStyle(form, amounts, turns string) (Style, error) {
	var s Style
	unknown := func(field, value string, known ...string) error {
		return &FieldError{field,
			fmt.Sprintf("没有“%s”；可用：%s", value, strings.Join(known, "、")),
			fmt.Sprintf("there is no %q; known: %s", value, strings.Join(known, ", "))}
	}
	if !slices.Contains([]string{"", "spoken", "written"}, form) {
		return s, unknown("form", form, "spoken", "written")
	}
	if !slices.Contains([]string{"", "short", "full", "both"}, amounts) {
		return s, unknown("amounts", amounts, "short", "full", "both")
	}
	if !slices.Contains([]string{"", "single", "joined"}, turns) {
		return s, unknown("turns", turns, "single", "joined")
	}
	if form == "spoken" && amounts != "" {
		return s, &FieldError{"amounts", "按口语形式时不能指定金额写法", "the spoken form has no form of amounts"}
	}
	if form == "written" || amounts != "" {
		s.Written = &WrittenForm{Amounts: Amounts(strings.TrimPrefix(amounts, "short"))}
	}
	if turns == "joined" {
		s.JoinMS = DefaultJoinMS
	}
	return s, nil
}

// ParseCopy sets which copy of a record is asked for: original (or nothing), or
// publication. *FieldError.
func (s *Style) ParseCopy(name string) error {
	switch name {
	case "", "original":
	case "publication":
		s.Publication = true
	default:
		return &FieldError{"copy", fmt.Sprintf("没有“%s”；可用：original、publication", name),
			fmt.Sprintf("there is no %q; known: original, publication", name)}
	}
	return nil
}

// Turns are the lines that belong into the record, in the order of speech, as
// Style has them. A line whose words the clerk has taken out is not among them.
func (r *Record) Turns() []Turn {
	turns := r.singleTurns()
	if r.Style.JoinMS > 0 {
		turns = joinTurns(turns, r.phaseLines(), r.Style.JoinMS)
	}
	return turns
}

// phaseLines are the lines with which a phase begins: those that the clerk has
// confirmed, and those that are proposed and not refused.
func (r *Record) phaseLines() map[string]bool {
	begins := map[string]bool{}
	for _, p := range HearingPhases(r.Lines, &r.Hearing) {
		begins[p.Line] = p.State != PhaseRefused
	}
	return begins
}

// joinTurns makes one turn of neighbours with the same label. Notes of the
// clerk and speech that nobody could read stand alone.
func joinTurns(turns []Turn, phaseBegins map[string]bool, pauseMS int64) []Turn {
	joined := make([]Turn, 0, len(turns))
	alone := func(t *Turn) bool { return t.Origin != Speech || t.Label == "" || t.Shown == unreadSpeech }
	for _, t := range turns {
		if len(joined) > 0 {
			last := &joined[len(joined)-1]
			if last.Label == t.Label && last.Role == t.Role && last.Speaker == t.Speaker && !alone(last) && !alone(&t) &&
				!phaseBegins[t.ID] && t.StartMS-last.EndMS <= pauseMS {
				last.Shown = joinText(last.Shown, t.Shown)
				last.EndMS = max(last.EndMS, t.EndMS)
				continue
			}
		}
		joined = append(joined, t)
	}
	return joined
}

// joinText puts a comma between texts whose engine gives no marks: without one
// they would run into one another.
func joinText(a, b string) string {
	last := []rune(a)
	if n := len(last); n > 0 && !isMark(last[n-1]) {
		return a + "，" + b
	}
	return a + b
}
