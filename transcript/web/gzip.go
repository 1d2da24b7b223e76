package web

import (
	"net/http"

	"github.com/klauspost/compress/gzhttp"
)

// squeeze sends what is text in a third of its bytes, to whoever can read it so: a
// phone on a slow network waits for bytes. Sound and streams of events go as they
// are. There is nothing secret in an answer that its length could give away: the
// reader sees all of it.
func squeeze(next http.Handler) http.Handler {
	wrap, err := gzhttp.NewWrapper(
		gzhttp.MinSize(1400), // what fits into a packet arrives no sooner
		gzhttp.ContentTypes([]string{"application/json", "text/html", "text/plain", "text/javascript", "text/css"}),
		gzhttp.EnableZstd(false), // one form to test
	)
	if err != nil {
		panic(err) // the options above are wrong: a mistake in the program
	}
	return wrap(next)
}
