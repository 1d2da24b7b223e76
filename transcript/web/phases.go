package web

import (
	"errors"
	"net/http"

	"tingji/transcript"
)

type phaseList struct {
	Phases []transcript.HearingPhase `json:"phases"`
}

func (s *Server) listPhases(w http.ResponseWriter, r *http.Request) error {
	phases, err := s.Docket.Phases(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, phaseList{phases})
}

// putPhase takes the clerk's decision about one line and sends all phases.
func (s *Server) putPhase(w http.ResponseWriter, r *http.Request) error {
	var body struct {
		Phase *transcript.Phase `json:"phase"`
	}
	if err := readJSON(w, r, &body, false); err != nil {
		return err
	}
	if body.Phase == nil {
		return &transcript.FieldError{Field: "phase",
			Text: "请写明阶段；不是任何阶段的开始则留空字符串", TextEN: "name the phase; an empty string where none begins"}
	}
	if _, err := s.Docket.MarkPhase(r.Context(), r.PathValue("id"), r.PathValue("line"), *body.Phase, author(r)); err != nil {
		return err
	}
	return s.listPhases(w, r)
}

// style reads how a record is to be shown; turns is not asked for where lines
// are shown one by one.
func (q *query) style() transcript.Style {
	style, err := transcript.ParseStyle(q.text("form"), q.text("amounts"), q.text("turns"))
	q.refuseField(err)
	return style
}

// refuseField refuses a parameter by the *transcript.FieldError that names it.
func (q *query) refuseField(err error) {
	var field *transcript.FieldError
	if errors.As(err, &field) {
		q.refuse(field.Field, text{"参数 " + field.Field + "：" + field.Text + "。", "parameter " + field.Field + ": " + field.TextEN + "."})
	}
}
