package web

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"tingji/capture"
	"tingji/transcript"
)

// hearingView is a hearing as the API shows it: its state, and what its court
// and courtroom are called.
type hearingView struct {
	capture.Hearing
	CourtroomName string `json:"courtroom_name"`
	Court         string `json:"court"`
}

// hearingNow adds how far its text has come, and the server's clock by which a
// page shows the time since the opening.
type hearingNow struct {
	hearingView
	Progress transcript.Progress `json:"progress"`
	Now      time.Time           `json:"now"`
}

func (s *Server) view(h capture.Hearing) hearingView {
	return hearingView{h, s.Rooms.Name(h.Courtroom), s.Court}
}

// courtZone is the one clock of the country, wherever the server thinks it is.
var courtZone = time.FixedZone("CST", 8*60*60)

func (s *Server) createHearing(w http.ResponseWriter, r *http.Request) error {
	var n transcript.NewHearing
	if err := readJSON(w, r, &n, false); err != nil {
		return err
	}
	h, err := s.Docket.Create(r.Context(), n)
	if err != nil {
		return caseNoProblem(err, n.CaseNo)
	}
	w.Header().Set("Location", "/api/v1/hearings/"+url.PathEscape(h.ID))
	return writeJSON(w, http.StatusCreated, s.view(h))
}

// checkHearing says what is wrong with a form that is being filled in, in the
// words in which createHearing would refuse it.
func (s *Server) checkHearing(w http.ResponseWriter, r *http.Request) error {
	var n transcript.NewHearing
	if err := readJSON(w, r, &n, false); err != nil {
		return err
	}
	h, err := s.Docket.Check(n)
	if err != nil {
		return caseNoProblem(err, n.CaseNo)
	}
	return writeJSON(w, http.StatusOK, struct {
		CaseNo string `json:"case_no"`
	}{h.CaseNo})
}

// caseNoProblem names the part of a case number that is wrong.
func caseNoProblem(err error, typed string) error {
	var field *transcript.FieldError
	var part *capture.CaseNoError
	if !errors.As(err, &field) || field.Field != "case_no" {
		return err
	}
	if _, wrong := capture.ParseCaseNo(typed); !errors.As(wrong, &part) {
		return err
	}
	return &apiError{code: invalidField, field: field.Field, part: string(part.Part), detail: text{field.Text, field.TextEN}}
}

// listCourtrooms names the rooms of the court, and who sits in them.
func (s *Server) listCourtrooms(w http.ResponseWriter, r *http.Request) error {
	type room struct {
		ID    string         `json:"id"`
		Name  string         `json:"name"`
		Seats []capture.Seat `json:"seats"`
	}
	rooms := []room{}
	for _, id := range s.Rooms.IDs() {
		rooms = append(rooms, room{id, s.Rooms.Name(id), s.Rooms.Seats(id)})
	}
	return writeJSON(w, http.StatusOK, struct {
		Court      string `json:"court"`
		Courtrooms []room `json:"courtrooms"`
	}{s.Court, rooms})
}

func (s *Server) listHearings(w http.ResponseWriter, r *http.Request) error {
	q := queryOf(r, "status", "courtroom", "case_no", "date", "limit", "before")
	f := transcript.HearingFilter{
		Courtroom: q.text("courtroom"),
		CaseNo:    q.text("case_no"),
		Before:    q.text("before"),
		Limit:     int(q.number("limit", 100, 1, 1000)),
	}
	if date := q.text("date"); date != "" {
		day, err := time.ParseInLocation(time.DateOnly, date, courtZone)
		if err != nil {
			q.refuse("date", text{"参数 date 应为一个日期，如 2026-05-06。", "parameter date should be a day such as 2026-05-06."})
		}
		f.From, f.To = day, day.AddDate(0, 0, 1)
	}
	known := []string{string(capture.Scheduled), string(capture.Open), string(capture.Paused), string(capture.Closed), string(capture.Signed)}
	if q.text("status") != "" {
		for status := range strings.SplitSeq(q.text("status"), ",") {
			if !slices.Contains(known, status) {
				q.refuse("status", text{
					"没有状态 " + status + "；可用：" + strings.Join(known, "、") + "，用逗号分开。",
					"there is no status " + status + "; known: " + strings.Join(known, ", ") + ", separated by commas."})
			}
			f.Status = append(f.Status, capture.Status(status))
		}
	}
	if q.err != nil {
		return q.err
	}
	hearings, err := s.Docket.Hearings(r.Context(), f)
	if err != nil {
		return err
	}
	views := make([]hearingView, 0, len(hearings))
	for _, h := range hearings {
		if s.visible(r, "hearing.list", h.ID) {
			views = append(views, s.view(h))
		}
	}
	return writeJSON(w, http.StatusOK, struct {
		Hearings []hearingView `json:"hearings"`
	}{views})
}

func (s *Server) getHearing(w http.ResponseWriter, r *http.Request) error {
	h, err := s.Docket.Hearing(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	p, err := s.Docket.Progress(r.Context(), h.ID)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, hearingNow{s.view(h), p, now()})
}

func (s *Server) openHearing(w http.ResponseWriter, r *http.Request) error {
	return s.change(w, r, func(ctx context.Context, id, _ string) (capture.Hearing, error) {
		return s.Docket.Open(ctx, id)
	})
}

func (s *Server) pauseHearing(w http.ResponseWriter, r *http.Request) error {
	return s.change(w, r, s.Docket.Pause)
}

func (s *Server) resumeHearing(w http.ResponseWriter, r *http.Request) error {
	return s.change(w, r, func(ctx context.Context, id, _ string) (capture.Hearing, error) {
		return s.Docket.Resume(ctx, id)
	})
}

func (s *Server) closeHearing(w http.ResponseWriter, r *http.Request) error {
	return s.change(w, r, s.Docket.Close)
}

// change runs a change of a hearing's state, whose request may give a reason.
func (s *Server) change(w http.ResponseWriter, r *http.Request, do func(ctx context.Context, id, reason string) (capture.Hearing, error)) error {
	var body struct {
		Reason string `json:"reason"`
	}
	if err := readJSON(w, r, &body, true); err != nil {
		return err
	}
	h, err := do(r.Context(), r.PathValue("id"), body.Reason)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, s.view(h))
}

// bindHearing gives a hearing that was opened on a courtroom's PC its case.
func (s *Server) bindHearing(w http.ResponseWriter, r *http.Request) error {
	var b transcript.Binding
	if err := readJSON(w, r, &b, false); err != nil {
		return err
	}
	h, err := s.Docket.Bind(r.Context(), r.PathValue("id"), b, author(r))
	if err != nil {
		return caseNoProblem(err, b.CaseNo)
	}
	return writeJSON(w, http.StatusOK, s.view(h))
}

// seatHearing adds a seat to a hearing, or says who sits at one now.
func (s *Server) seatHearing(w http.ResponseWriter, r *http.Request) error {
	var seat transcript.Seating
	if err := readJSON(w, r, &seat, false); err != nil {
		return err
	}
	h, err := s.Docket.Seat(r.Context(), r.PathValue("id"), seat, author(r))
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, s.view(h))
}

// releaseScreen says how far the parties' screen may show the hearing.
func (s *Server) releaseScreen(w http.ResponseWriter, r *http.Request) error {
	var q struct {
		Line string `json:"line"`
	}
	if err := readJSON(w, r, &q, true); err != nil {
		return err
	}
	h, err := s.Docket.Release(r.Context(), r.PathValue("id"), q.Line)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, s.view(h))
}

func (s *Server) getLedger(w http.ResponseWriter, r *http.Request) error {
	l, err := s.Docket.Ledger(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, l)
}
