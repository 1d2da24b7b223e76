package web

import (
	"net/http"

	"tingji/transcript"
)

// findAlike looks for a text, and for what sounds like it, in one hearing. The
// text comes in a body: what was said in court has no place in an address, which
// is logged.
func (s *Server) findAlike(w http.ResponseWriter, r *http.Request) error {
	var q struct {
		Wrong string `json:"wrong"`
		Right string `json:"right"`
	}
	if err := readJSON(w, r, &q, false); err != nil {
		return err
	}
	found, err := s.Docket.Alike(r.Context(), r.PathValue("id"), q.Wrong, q.Right)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, found)
}

func (s *Server) addHotwords(w http.ResponseWriter, r *http.Request) error {
	var q struct {
		Words []string `json:"words"`
	}
	if err := readJSON(w, r, &q, false); err != nil {
		return err
	}
	h, err := s.Docket.AddHotwords(r.Context(), r.PathValue("id"), q.Words)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, s.view(h))
}

// suggest names what a doubted word may have been.
func (s *Server) suggest(w http.ResponseWriter, r *http.Request) error {
	var q transcript.Doubted
	if err := readJSON(w, r, &q, false); err != nil {
		return err
	}
	list, err := s.Docket.Suggest(r.Context(), r.PathValue("id"), q)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, struct {
		Words []string `json:"words"`
	}{list})
}
