// Package tsa asks a time-stamp authority over HTTP (RFC 3161, 3.4).
package tsa

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"math/big"
	"mime"
	"net/http"
	"net/url"
	"time"

	"github.com/digitorus/timestamp"

	"tingji/transcript"
)

const (
	patience    = 20 * time.Second
	maxResponse = 256 << 10 // bytes; a response with its certificates has some 5,000
)

// Authority is a time-stamp authority. Safe for several goroutines.
type Authority struct {
	url    string
	client *http.Client
}

var _ transcript.Stamper = (*Authority)(nil)

// New makes a client of the authority at an http or https address; a name and a
// password in it are sent as basic authentication.
func New(url string) *Authority {
	return &Authority{url: url, client: &http.Client{Timeout: patience}}
}

// CheckURL says what is wrong with an authority's address; empty is none.
func CheckURL(s string) error {
	if s == "" {
		return nil
	}
	if u, err := url.Parse(s); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return fmt.Errorf("%q is no address such as http://tsa.example.cn/tsr", s)
	}
	return nil
}

// Stamp implements transcript.Stamper.
func (a *Authority) Stamp(ctx context.Context, integrity string) ([]byte, error) {
	sum, err := hex.DecodeString(integrity)
	if err != nil || len(sum) != crypto.SHA256.Size() {
		return nil, fmt.Errorf("time-stamp %q: no SHA-256", integrity)
	}
	nonce, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 63))
	if err != nil {
		return nil, fmt.Errorf("time-stamp: %w", err)
	}
	query := timestamp.Request{HashAlgorithm: crypto.SHA256, HashedMessage: sum, Certificates: true, Nonce: nonce}
	body, err := query.Marshal()
	if err != nil {
		return nil, fmt.Errorf("time-stamp: %w", err)
	}
	response, err := a.ask(ctx, body)
	if err != nil {
		return nil, fmt.Errorf("ask the time-stamp authority: %w", err)
	}
	if _, err := transcript.ReadStamp(response, integrity, nil); err != nil {
		return nil, fmt.Errorf("the authority's time-stamp: %w", err)
	}
	// An answer to somebody else's question, or to an old one, has another nonce.
	answer, err := timestamp.ParseResponse(response)
	if err != nil {
		return nil, fmt.Errorf("the authority's time-stamp: %w", err)
	}
	if answer.Nonce == nil || answer.Nonce.Cmp(nonce) != 0 {
		return nil, fmt.Errorf("the authority's time-stamp answers another question")
	}
	return response, nil
}

func (a *Authority) ask(ctx context.Context, query []byte) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, a.url, bytes.NewReader(query))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/timestamp-query")
	req.Header.Set("Accept", "application/timestamp-reply")
	resp, err := a.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxResponse+1))
	kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	switch {
	case err != nil:
		return nil, err
	case resp.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("it answers %s", resp.Status)
	case kind != "application/timestamp-reply":
		return nil, fmt.Errorf("it answers with %q, which is no time-stamp", kind)
	case len(body) > maxResponse:
		return nil, fmt.Errorf("its answer is larger than %d bytes", maxResponse)
	}
	return body, nil
}
