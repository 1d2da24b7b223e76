package web

import (
	"archive/zip"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"tingji/capture"
	"tingji/transcript"
)

// freezeTimeout bounds the reading of a hearing's sound, which signing and
// proving take: a day of eight seats, 22 GB, from a slow disk.
const freezeTimeout = 10 * time.Minute

// long gives a request the time that freezing takes.
func long(w http.ResponseWriter, r *http.Request) (context.Context, context.CancelFunc) {
	// A recorder in a test has no deadlines, and needs none. That of the body
	// would end the whole request: the server reads on, to see a client leave.
	ctl := http.NewResponseController(w)
	_ = ctl.SetReadDeadline(time.Now().Add(freezeTimeout + writeTimeout))
	_ = ctl.SetWriteDeadline(time.Now().Add(freezeTimeout + writeTimeout))
	return context.WithTimeout(r.Context(), freezeTimeout)
}

func (s *Server) signRecord(w http.ResponseWriter, r *http.Request) error {
	var q transcript.SignRequest
	if err := readJSON(w, r, &q, false); err != nil {
		return err
	}
	ctx, cancel := long(w, r)
	defer cancel()
	h, err := s.Docket.Sign(ctx, r.PathValue("id"), q, author(r))
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, s.view(h))
}

// listDoubts says what is open before a record is signed, and whether it can be
// signed at all.
func (s *Server) listDoubts(w http.ResponseWriter, r *http.Request) error {
	doubts, complete, err := s.Docket.Doubts(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, struct {
		Doubts   []transcript.Doubt `json:"doubts"`
		Complete bool               `json:"complete"`
	}{doubts, complete})
}

// explainFault keeps the written explanation of a stretch without sound.
func (s *Server) explainFault(w http.ResponseWriter, r *http.Request) error {
	var q transcript.FaultExplanation
	if err := readJSON(w, r, &q, false); err != nil {
		return err
	}
	h, err := s.Docket.ExplainFault(r.Context(), r.PathValue("id"), q, author(r))
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, s.view(h))
}

// markRead writes down who has read the record.
func (s *Server) markRead(w http.ResponseWriter, r *http.Request) error {
	var q transcript.ReadRequest
	if err := readJSON(w, r, &q, false); err != nil {
		return err
	}
	h, err := s.Docket.MarkRead(r.Context(), r.PathValue("id"), q, author(r))
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, s.view(h))
}

// proofView is what a proof says in JSON: its manifest, and how the value that
// stands on the paper comes of it.
type proofView struct {
	V         int                    `json:"v"`
	Hearing   string                 `json:"hearing"`
	CaseNo    string                 `json:"case_no"`
	Status    capture.Status         `json:"status"`
	Signing   *capture.Signing       `json:"signing,omitempty"`
	Algorithm string                 `json:"algorithm"`
	Integrity string                 `json:"integrity"`
	Manifest  string                 `json:"manifest"` // its SHA-256 is the integrity value
	Files     []transcript.ProofFile `json:"files"`
	Folder    string                 `json:"folder"` // address of all of it
	// Timestamp is what a time-stamp authority said; pending where it has not
	// answered yet.
	Timestamp        *transcript.Stamp `json:"timestamp,omitempty"`
	TimestampPending bool              `json:"timestamp_pending,omitempty"`
}

// getProof sends what proves a record: as JSON, or with format=zip as the
// folder that `tingji verify` takes.
func (s *Server) getProof(w http.ResponseWriter, r *http.Request) error {
	q := queryOf(r, "format")
	format := q.text("format")
	if format != "" && format != "json" && format != "zip" {
		q.refuse("format", text{"format 应为 json 或 zip。", "format should be json or zip."})
	}
	if q.err != nil {
		return q.err
	}
	ctx, cancel := long(w, r)
	defer cancel()
	p, err := s.Docket.Proof(ctx, r.PathValue("id"))
	if err != nil {
		return err
	}
	if format == "zip" {
		return s.zipProof(w, r, p)
	}
	return writeJSON(w, http.StatusOK, proofView{
		V: 1, Hearing: p.Hearing.ID, CaseNo: p.Hearing.CaseNo, Status: p.Hearing.Status, Signing: p.Hearing.Signing,
		Algorithm: "SHA-256", Integrity: p.Integrity, Manifest: string(p.Manifest), Files: p.Files,
		Folder:    "/api/v1/hearings/" + url.PathEscape(p.Hearing.ID) + "/proof?format=zip",
		Timestamp: p.Stamp, TimestampPending: p.Unstamped,
	})
}

// zipProof streams the folder. Sound is stored as it is: it hardly shrinks.
func (s *Server) zipProof(w http.ResponseWriter, r *http.Request, p *transcript.Proof) error {
	h := w.Header()
	h.Set("Content-Type", "application/zip")
	h.Set("Content-Disposition", attachment(transcript.Record{Hearing: p.Hearing}, "zip"))
	z := zip.NewWriter(&patient{w, http.NewResponseController(w)})
	err := p.Write(r.Context(), func(path string) (io.WriteCloser, error) {
		f, err := z.CreateHeader(&zip.FileHeader{Name: p.Hearing.ID + "/" + path, Method: zip.Store, Modified: now()})
		return nopCloser{f}, err
	})
	if err == nil {
		err = z.Close()
	}
	if err != nil && r.Context().Err() == nil {
		// The head of the answer is on its way: cut it, so that nobody takes
		// half a proof for a whole one.
		s.Log.Error("proof broken off", "hearing", p.Hearing.ID, "err", err)
		panic(http.ErrAbortHandler)
	}
	return nil
}

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }

func (s *Server) listCorrections(w http.ResponseWriter, r *http.Request) error {
	list, err := s.Docket.Corrections(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, struct {
		Corrections []transcript.Correction `json:"corrections"`
	}{list})
}

func (s *Server) getCorrection(w http.ResponseWriter, r *http.Request) error {
	c, err := s.Docket.Correction(r.Context(), r.PathValue("id"), r.PathValue("correction"))
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, c)
}

func (s *Server) requestCorrection(w http.ResponseWriter, r *http.Request) error {
	var q transcript.CorrectionRequest
	if err := readJSON(w, r, &q, false); err != nil {
		return err
	}
	c, err := s.Docket.RequestCorrection(r.Context(), r.PathValue("id"), q, author(r))
	if err != nil {
		return err
	}
	w.Header().Set("Location", fmt.Sprintf("/api/v1/hearings/%s/corrections/%s", url.PathEscape(c.Hearing), c.ID))
	return writeJSON(w, http.StatusCreated, c)
}

func (s *Server) decideCorrection(w http.ResponseWriter, r *http.Request) error {
	var q transcript.Ruling
	if err := readJSON(w, r, &q, false); err != nil {
		return err
	}
	c, err := s.Docket.DecideCorrection(r.Context(), r.PathValue("id"), r.PathValue("correction"), q, author(r))
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, c)
}
