package web

import (
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"tingji/capture"
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
	written := writtenFor(style, &h)
	for i, l := range lines {
		views[i] = viewLine(l, written)
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

// viewLine shows a line; written is nil where that form is not asked for.
func viewLine(l transcript.Line, written *transcript.WrittenForm) lineView {
	v := lineView{Line: l, Doubts: l.DoubtfulWords()}
	if written != nil {
		w := written.Line(l)
		v.Written = &w
	}
	return v
}

// writtenFor is the written form of a hearing's lines; nil where it is not asked for.
func writtenFor(style transcript.Style, h *capture.Hearing) *transcript.WrittenForm {
	if style.Written == nil {
		return nil
	}
	f := style.Written.For(h)
	return &f
}

// oneLine answers with the line that a request is about, in the form that it asks
// for. The form is read first: what is asked for wrongly changes nothing.
func (s *Server) oneLine(w http.ResponseWriter, r *http.Request, status int, get func() (transcript.Line, error)) error {
	q := queryOf(r, "form", "amounts")
	style := q.style()
	if q.err != nil {
		return q.err
	}
	line, err := get()
	if err != nil {
		return err
	}
	h, err := s.Docket.Hearing(r.Context(), line.Hearing)
	if err != nil {
		return err
	}
	if status == http.StatusCreated {
		w.Header().Set("Location", fmt.Sprintf("/api/v1/hearings/%s/lines/%s",
			url.PathEscape(line.Hearing), url.PathEscape(line.ID)))
	}
	// The revision is the entity tag, which a later change quotes in If-Match.
	w.Header().Set("ETag", `"`+strconv.Itoa(line.Revision)+`"`)
	return writeJSON(w, status, viewLine(line, writtenFor(style, &h)))
}

func (s *Server) getLine(w http.ResponseWriter, r *http.Request) error {
	return s.oneLine(w, r, http.StatusOK, func() (transcript.Line, error) {
		return s.Docket.Line(r.Context(), r.PathValue("id"), r.PathValue("line"))
	})
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
	return s.oneLine(w, r, http.StatusOK, func() (transcript.Line, error) {
		return s.Docket.Revise(r.Context(), r.PathValue("id"), r.PathValue("line"), revision, e, author(r))
	})
}

func (s *Server) addLine(w http.ResponseWriter, r *http.Request) error {
	var l transcript.HandLine
	if err := readJSON(w, r, &l, false); err != nil {
		return err
	}
	return s.oneLine(w, r, http.StatusCreated, func() (transcript.Line, error) {
		return s.Docket.AddLine(r.Context(), r.PathValue("id"), l, author(r))
	})
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
