package web

import (
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"tingji/transcript"
)

func (s *Server) listLines(w http.ResponseWriter, r *http.Request) error {
	q := queryOf(r, "after", "words", "form", "amounts")
	after := q.number("after", 0, 0, math.MaxInt64)
	words := q.flag("words", true)
	style := q.style()
	if q.err != nil {
		return q.err
	}
	h, err := s.Docket.Hearing(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	lines, last, err := s.Docket.Lines(r.Context(), r.PathValue("id"), after)
	if err != nil {
		return err
	}
	views := make([]lineView, len(lines))
	for i, l := range lines {
		views[i] = viewLine(l)
		if style.Written != nil {
			written := style.Written.For(&h).Line(l)
			views[i].Written = &written
		}
		if !words {
			// A page of 10,000 lines opens without the times of their words.
			views[i].Words = nil
		}
	}
	return writeJSON(w, http.StatusOK, struct {
		Lines       []lineView `json:"lines"`
		LastEventID int64      `json:"last_event_id"`
	}{views, last})
}

// lineView is a line as the API shows it: with the places of the words that the
// engine was unsure of, which a page colours without the times of all words, and
// with its written form where that is asked for.
type lineView struct {
	transcript.Line
	Doubts  [][2]int            `json:"doubts,omitempty"`
	Written *transcript.Written `json:"written,omitempty"`
}

func viewLine(l transcript.Line) lineView { return lineView{Line: l, Doubts: l.DoubtfulWords()} }

func (s *Server) getLine(w http.ResponseWriter, r *http.Request) error {
	line, err := s.Docket.Line(r.Context(), r.PathValue("id"), r.PathValue("line"))
	if err != nil {
		return err
	}
	return writeLine(w, http.StatusOK, line)
}

func (s *Server) putLine(w http.ResponseWriter, r *http.Request) error {
	revision, err := ifMatch(r.Header.Values("If-Match"))
	if err != nil {
		return err
	}
	var e transcript.Edit
	if err := readJSON(w, r, &e, false); err != nil {
		return err
	}
	line, err := s.Docket.Revise(r.Context(), r.PathValue("id"), r.PathValue("line"), revision, e, author(r))
	if err != nil {
		return err
	}
	return writeLine(w, http.StatusOK, line)
}

func (s *Server) addLine(w http.ResponseWriter, r *http.Request) error {
	var l transcript.HandLine
	if err := readJSON(w, r, &l, false); err != nil {
		return err
	}
	line, err := s.Docket.AddLine(r.Context(), r.PathValue("id"), l, author(r))
	if err != nil {
		return err
	}
	w.Header().Set("Location", fmt.Sprintf("/api/v1/hearings/%s/lines/%s",
		url.PathEscape(line.Hearing), url.PathEscape(line.ID)))
	return writeLine(w, http.StatusCreated, line)
}

func (s *Server) listRevisions(w http.ResponseWriter, r *http.Request) error {
	revisions, err := s.Docket.Revisions(r.Context(), r.PathValue("id"), r.PathValue("line"))
	if err != nil {
		return err
	}
	if len(revisions) == 0 {
		return transcript.ErrNotFound
	}
	return writeJSON(w, http.StatusOK, struct {
		Revisions []transcript.Revision `json:"revisions"`
	}{revisions})
}

// writeLine sends a line with its revision as the entity tag, which a later
// change quotes in If-Match.
func writeLine(w http.ResponseWriter, status int, l transcript.Line) error {
	w.Header().Set("ETag", `"`+strconv.Itoa(l.Revision)+`"`)
	return writeJSON(w, status, viewLine(l))
}

// ifMatch is the revision that a change was made on: If-Match: "3", or 3.
func ifMatch(headers []string) (int, error) {
	if len(headers) == 0 {
		return 0, &apiError{code: preconditionRequired, field: "If-Match", detail: text{
			`修改一行须说明依据的版本：If-Match: "版本号"。`,
			`a change names the revision it was made on: If-Match: "<revision>".`}}
	}
	s := strings.TrimSpace(headers[0])
	if bare, ok := strings.CutPrefix(s, `"`); ok {
		if bare, ok = strings.CutSuffix(bare, `"`); ok {
			s = bare
		}
	}
	n, err := strconv.ParseUint(s, 10, 31)
	if len(headers) > 1 || err != nil || n == 0 {
		return 0, &apiError{code: malformed, field: "If-Match", detail: text{
			`If-Match 应为一个版本号，如 "3"。`, `If-Match should be one revision, such as "3".`}}
	}
	return int(n), nil
}
