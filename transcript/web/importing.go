package web

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"tingji/capture"
	"tingji/transcript"
)

// importHearings announces the hearings of a file of the case system, JSON or
// CSV: all of them or none. With check=true it only says what it would do.
func (s *Server) importHearings(w http.ResponseWriter, r *http.Request) error {
	q := queryOf(r, "check")
	check := q.flag("check", false)
	if q.err != nil {
		return q.err
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyTimeout))
	file, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return &apiError{code: tooLarge, detail: text{"文件超过 1 MiB。", "the file is larger than 1 MiB."}}
	case err != nil:
		return &apiError{code: malformed, cause: err, detail: text{"文件没有收全。", "the file did not arrive whole."}}
	}
	list, err := transcript.ReadImport(file)
	if err != nil {
		return err
	}
	made, there, err := s.Docket.Import(r.Context(), list, s.roomCalled, check)
	if err != nil {
		return err
	}
	views := func(list []capture.Hearing) []plannedHearing {
		all := make([]plannedHearing, 0, len(list))
		for _, h := range list {
			all = append(all, plannedHearing{h.ID, h.CaseNo, h.Cause, h.Courtroom, s.Rooms.Name(h.Courtroom), h.Public, h.Participants, h.Hotwords, h.ScheduledAt})
		}
		return all
	}
	status := http.StatusCreated
	if check {
		status = http.StatusOK
	}
	return writeJSON(w, status, struct {
		Hearings []plannedHearing `json:"hearings"`
		There    []plannedHearing `json:"there"`
	}{views(made), views(there)})
}

// plannedHearing is a hearing of a file; without an id, it is not announced.
type plannedHearing struct {
	ID            string                `json:"id,omitempty"`
	CaseNo        string                `json:"case_no"`
	Cause         string                `json:"cause"`
	Courtroom     string                `json:"courtroom"`
	CourtroomName string                `json:"courtroom_name"`
	Public        bool                  `json:"public"`
	Participants  []capture.Participant `json:"participants"`
	Hotwords      []string              `json:"hotwords"`
	ScheduledAt   *time.Time            `json:"scheduled_at,omitempty"`
}

// roomCalled is the id of a courtroom by its id or its name.
func (s *Server) roomCalled(name string) string {
	for _, id := range s.Rooms.IDs() {
		if strings.TrimSpace(name) == s.Rooms.Name(id) {
			return id
		}
	}
	return name
}

// listTemplates are what the hearings of each kind of procedure begin with.
func (s *Server) listTemplates(w http.ResponseWriter, r *http.Request) error {
	return writeJSON(w, http.StatusOK, struct {
		Templates []transcript.HearingTemplate `json:"templates"`
	}{transcript.HearingTemplates()})
}
