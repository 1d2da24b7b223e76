package web

import (
	"net/http"

	"tingji/transcript"
)

// listAsides lists what was taken out of the text of a hearing.
func (s *Server) listAsides(w http.ResponseWriter, r *http.Request) error {
	list, err := s.Docket.Asides(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	if list == nil {
		list = []transcript.Aside{}
	}
	return writeJSON(w, http.StatusOK, struct {
		Asides []transcript.Aside `json:"asides"`
	}{list})
}

// bringBack makes a line of an aside.
func (s *Server) bringBack(w http.ResponseWriter, r *http.Request) error {
	return s.oneLine(w, r, http.StatusOK, func() (transcript.Line, error) {
		return s.Docket.BringBack(r.Context(), r.PathValue("id"), r.PathValue("aside"), author(r))
	})
}
