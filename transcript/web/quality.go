package web

import (
	"errors"
	"net/http"
	"time"

	"tingji/capture"
	"tingji/transcript"
)

// getQuality compares what engines heard with what people made of it. The gate
// is asked for each hearing: what it refuses is in no figure.
func (s *Server) getQuality(w http.ResponseWriter, r *http.Request) error {
	if s.Quality == nil {
		return notBuilt(w, r)
	}
	q := queryOf(r, "from", "to", "demo")
	request, err := transcript.ParseQuality(q.text("from"), q.text("to"), time.Now())
	request.Demo = q.flag("demo", false)
	var bad *transcript.QueryError
	if errors.As(err, &bad) {
		q.refuse(bad.Field, text{bad.Text, bad.Field + ": " + bad.TextEN})
	}
	if q.err != nil {
		return q.err
	}
	ctx, cancel := long(w, r) // years of hearings take their time
	defer cancel()
	found, err := transcript.MeasureQuality(ctx, s.Quality, request, func(h capture.Hearing) bool {
		return s.visible(r, "quality.read", h.ID)
	})
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, found)
}
