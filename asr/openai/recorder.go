package openai

import (
	"bytes"
	"errors"
	"io"
	"net/http"
)

// maxBody bounds an answer. A verbose answer for half a minute of speech takes some
// ten kilobytes.
const maxBody = 4 << 20

// answer is what a server said, status and all.
type answer struct {
	status int
	header http.Header
	body   []byte
}

var errTooLarge = errors.New("answer is too large")

// recorder is the HTTP client of one call of go-openai: it reads the answer
// whole, keeps it, and passes it on.
type recorder struct {
	client *http.Client
	answer answer // status is 0 until a server has answered
	err    error  // of the exchange: network, time, a body cut short
}

func (r *recorder) Do(request *http.Request) (*http.Response, error) {
	response, err := r.client.Do(request)
	if err != nil {
		r.err = err
		return nil, err
	}
	defer response.Body.Close()
	r.answer.status, r.answer.header = response.StatusCode, response.Header
	r.answer.body, err = io.ReadAll(io.LimitReader(response.Body, maxBody+1))
	if err == nil && len(r.answer.body) > maxBody {
		err = errTooLarge
	}
	if err != nil {
		r.err = err
		return nil, err
	}
	response.Body = io.NopCloser(bytes.NewReader(r.answer.body))
	return response, nil
}
