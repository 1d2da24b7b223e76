package web

import (
	"errors"
	"net/http"

	"tingji/transcript"
)

// search finds lines. The gate is asked for each hearing: what it refuses is in
// no result and no count.
func (s *Server) search(w http.ResponseWriter, r *http.Request) error {
	if s.Search == nil {
		return notBuilt(w, r)
	}
	q := queryOf(r, "q", "pinyin", "case_no", "role", "courtroom", "from", "to", "order", "limit", "cursor")
	request := transcript.SearchRequest{
		Query: q.text("q"), Pinyin: q.text("pinyin"), CaseNo: q.text("case_no"), Role: q.text("role"),
		Courtroom: q.text("courtroom"), From: q.text("from"), To: q.text("to"),
		Limit: int(q.number("limit", 20, 1, 100)), Cursor: q.text("cursor"),
	}
	switch q.text("order") {
	case "", "best":
	case "newest":
		request.Newest = true
	default:
		q.refuse("order", text{"参数 order 应为 best 或 newest。", "parameter order should be best or newest."})
	}
	if q.err != nil {
		return q.err
	}
	found, err := s.Search.Search(r.Context(), request, func(h transcript.SearchHearing) bool {
		return s.Gate(r, "search", h.ID) == nil
	})
	var bad *transcript.QueryError
	if errors.As(err, &bad) {
		return &apiError{code: malformed, field: bad.Field, position: &bad.Pos, length: &bad.Len, detail: text{bad.Text, bad.TextEN}}
	}
	if err != nil {
		return err
	}
	view := searchView{SearchResult: found, Hearings: make([]foundHearing, 0, len(found.Hearings))}
	for _, h := range found.Hearings {
		view.Hearings = append(view.Hearings, foundHearing{h, s.Rooms.Name(h.Courtroom)})
	}
	return writeJSON(w, http.StatusOK, view)
}

// searchView is a page of what was found, with the names of its courtrooms.
type searchView struct {
	transcript.SearchResult
	Hearings []foundHearing `json:"hearings"`
}

type foundHearing struct {
	transcript.SearchHearing
	CourtroomName string `json:"courtroom_name"`
}
