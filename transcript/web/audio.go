package web

import (
	"math"
	"net/http"
	"time"

	"tingji/capture"
	"tingji/transcript"
)

// getAudio sends a stretch of a hearing's sound as WAV, or the part of it that
// a Range asks for: a player seeks in it while the hearing goes on.
func (s *Server) getAudio(w http.ResponseWriter, r *http.Request) error {
	q := queryOf(r, "channel", "from", "to")
	from := q.number("from", 0, 0, math.MaxInt64)
	to := q.number("to", math.MaxInt64, 0, math.MaxInt64)
	if q.err != nil {
		return q.err
	}
	h, err := s.Docket.Hearing(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	if h.OpenedAt == nil {
		return transcript.ErrNotFound
	}
	to = min(to, length(h, time.Now()).Milliseconds())
	if from >= to {
		return &apiError{code: malformed, field: "from", detail: text{
			"from 须小于 to，并在庭审的时长之内（毫秒）。",
			"from should be less than to and within the hearing's length, in milliseconds."}}
	}
	sound, modified, err := s.Audio(r.Context(), h, q.text("channel"), from, to)
	if err != nil {
		return err
	}
	defer sound.Close()
	w.Header().Set("Content-Type", "audio/wav")
	answer := &ranged{patient: patient{w, http.NewResponseController(w)}}
	http.ServeContent(answer, r, "", modified, sound)
	if answer.noRange {
		return &apiError{code: noSuchRange, field: "Range", detail: text{
			"录音没有这一段：Range 超出了它的长度，见 Content-Range。",
			"the sound has no such part: Range is beyond its length, which Content-Range says."}}
	}
	return nil
}

// length is how long a hearing has lasted, breaks included.
func length(h capture.Hearing, now time.Time) time.Duration {
	switch {
	case h.OpenedAt == nil:
		return 0
	case h.ClosedAt != nil:
		return h.ClosedAt.Sub(*h.OpenedAt)
	}
	return now.Sub(*h.OpenedAt)
}

// patient lets an answer take as long as it needs, while no single write takes
// longer than writeTimeout.
type patient struct {
	http.ResponseWriter
	ctl *http.ResponseController
}

func (p *patient) Write(b []byte) (int, error) {
	// A recorder in a test has no deadlines, and needs none.
	_ = p.ctl.SetWriteDeadline(time.Now().Add(writeTimeout))
	return p.ResponseWriter.Write(b)
}

// ranged holds back what net/http says, in plain text, of a range that is not
// there: the API answers with problems.
type ranged struct {
	patient
	noRange bool
}

func (a *ranged) WriteHeader(status int) {
	if a.noRange = status == http.StatusRequestedRangeNotSatisfiable; !a.noRange {
		a.patient.WriteHeader(status)
	}
}

func (a *ranged) Write(b []byte) (int, error) {
	if a.noRange {
		return len(b), nil
	}
	return a.patient.Write(b)
}
