package transcript

import (
	"context"
	"fmt"
	"time"

	"tingji/capture"
)

// SearchRequest asks for lines. Query is in the query language of
// docs/SEARCH.md; the other fields are what a box of filters writes, and hold
// as well. Zero fields select all.
type SearchRequest struct {
	Query     string
	Pinyin    string // typed pinyin or initials
	CaseNo    string // a part of it
	Role      string
	Courtroom string
	From, To  string // the first and last day, month or year: 2024-05-06
	Newest    bool   // newest hearings first; otherwise what is said before what only sounds so
	Limit     int    // hearings of a page; 0: 20, at most 100
	Cursor    string // Next of the page before
}

// SearchResult is a page of what was found.
type SearchResult struct {
	Query    string          `json:"query"` // as it was understood
	Hearings []SearchHearing `json:"hearings"`
	// Count is the number of lines found by the whole search. With CountMore it
	// is the number at which counting stopped: there are more.
	Count     int  `json:"count"`
	CountMore bool `json:"count_more"`
	// Widened: nothing was found as it was written, and this only sounds so.
	Widened bool `json:"widened"`
	// Incomplete: the search stopped early, or the index is still being made;
	// Count says what was seen. Next, if there is one, goes on from there.
	Incomplete bool   `json:"incomplete"`
	Next       string `json:"next,omitempty"` // cursor of the next page
}

// SearchHearing is a hearing with the lines found in it.
type SearchHearing struct {
	ID        string         `json:"id"`
	CaseNo    string         `json:"case_no"`
	Cause     string         `json:"cause"`
	Courtroom string         `json:"courtroom"`
	Status    capture.Status `json:"status"`
	Demo      bool           `json:"demo,omitempty"`
	At        time.Time      `json:"at"`    // when it was opened
	Count     int            `json:"count"` // lines found in it; Lines may be fewer
	Lines     []SearchLine   `json:"lines"`
}

// SearchLine is a line that was found, best first, then in the order of the
// record.
type SearchLine struct {
	ContextLine
	Match  string        `json:"match"` // exact, number, sound
	Spans  []SearchSpan  `json:"spans"`
	Before []ContextLine `json:"before"`
	After  []ContextLine `json:"after"`
	Near   []NearLine    `json:"near,omitempty"` // what the query wants near this line
}

// ContextLine is a line as a result shows it.
type ContextLine struct {
	ID      string `json:"id"`
	Channel string `json:"channel"`
	Role    string `json:"role"`
	Speaker string `json:"speaker"`
	StartMS int64  `json:"start_ms"` // on the hearing's clock
	EndMS   int64  `json:"end_ms"`
	Text    string `json:"text"` // as it stands, or as it was recognised where the query asks for that
}

// NearLine is a line with what was found in it.
type NearLine struct {
	ContextLine
	Spans []SearchSpan `json:"spans"`
}

// SearchSpan is a place in a line's text, in Unicode characters.
type SearchSpan struct {
	Start int    `json:"start"`
	End   int    `json:"end"`
	Match string `json:"match"`
}

// QueryError says what is wrong with a search, and where.
type QueryError struct {
	Field  string // of the request: q, pinyin, from, to, cursor, …
	Pos    int    // characters before the place in Field
	Len    int    // characters of the place; 0: at the end
	Text   string // Chinese
	TextEN string
}

func (e *QueryError) Error() string {
	return fmt.Sprintf("%s: at character %d: %s", e.Field, e.Pos+1, e.TextEN)
}

// Searcher finds lines. see decides which hearings the reader may see; what it
// refuses is in no result and no count. *QueryError for a bad request. Safe for
// several goroutines.
type Searcher interface {
	Search(ctx context.Context, r SearchRequest, see func(SearchHearing) bool) (SearchResult, error)
}
