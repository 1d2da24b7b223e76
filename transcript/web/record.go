package web

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"tingji/transcript"
)

// getRecord sends the record of a hearing as a file of one format.
func (s *Server) getRecord(format string) func(http.ResponseWriter, *http.Request) error {
	f, ok := s.Records[format]
	if !ok {
		return notBuilt
	}
	return func(w http.ResponseWriter, r *http.Request) error {
		q := queryOf(r, "form", "amounts", "turns", "copy")
		style := q.style()
		q.refuseField(style.ParseCopy(q.text("copy")))
		if q.err != nil {
			return q.err
		}
		rec, err := s.Docket.Record(r.Context(), r.PathValue("id"))
		if err != nil {
			return err
		}
		rec.Style = style
		ctx, cancel := long(w, r) // a PDF takes its time
		defer cancel()
		var body bytes.Buffer // an error in its middle must not look like a record
		if err := f.Write(ctx, &body, rec); err != nil {
			return fmt.Errorf("write record %s as %s: %w", rec.Hearing.ID, format, err)
		}
		h := w.Header()
		h.Set("Content-Type", f.ContentType)
		h.Set("Content-Disposition", attachment(rec, format))
		h.Set("Content-Length", strconv.Itoa(body.Len()))
		_, _ = body.WriteTo(&patient{w, http.NewResponseController(w)})
		return nil
	}
}

// attachment names the file, in Chinese for those who can (RFC 5987) and by the
// hearing's id for those who cannot.
func attachment(rec transcript.Record, format string) string {
	name := "庭审笔录"
	if rec.Style.Publication {
		name += "（公开）"
	}
	for _, part := range []string{rec.Hearing.CaseNo, openingDay(rec)} {
		if part != "" {
			name += "_" + part
		}
	}
	name = strings.Map(func(r rune) rune {
		if strings.ContainsRune(`/\:*?"<>|`, r) {
			return '_' // no file system takes these
		}
		return r
	}, name)
	plain := strings.Map(func(r rune) rune {
		if r <= ' ' || r >= 0x7f || r == '"' || r == '\\' {
			return '_'
		}
		return r
	}, rec.Hearing.ID)
	return fmt.Sprintf(`attachment; filename="record-%s.%s"; filename*=UTF-8''%s.%s`,
		plain, format, url.PathEscape(name), format)
}

// openingDay is the date that the record itself shows.
func openingDay(rec transcript.Record) string {
	if rec.Hearing.OpenedAt == nil {
		return ""
	}
	return rec.Hearing.OpenedAt.In(courtZone).Format("20060102")
}
