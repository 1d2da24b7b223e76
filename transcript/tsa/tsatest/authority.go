// Package tsatest runs a real time-stamp authority, that of OpenSSL, for tests.
package tsatest

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
)

// Authority stamps with a key and a certificate of its own.
type Authority struct {
	CAFile string // certificate of the root, PEM
	CA     *x509.CertPool
	Away   atomic.Bool // it does not answer

	dir string
	mu  sync.Mutex // openssl counts serial numbers in a file
}

const config = `[tsa]
default_tsa = here
[here]
serial = serial
signer_cert = tsa.pem
signer_key = tsa.key
signer_digest = sha256
certs = ca.pem
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1
tsa_name = yes
[ext]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = critical,timeStamping
`

// New makes an authority; the test is skipped where there is no openssl.
func New(t testing.TB) *Authority {
	t.Helper()
	if _, err := exec.LookPath("openssl"); err != nil {
		t.Skip("no openssl here: there is no time-stamp authority to test against (apt-get install openssl)")
	}
	a := &Authority{dir: t.TempDir(), CA: x509.NewCertPool()}
	a.CAFile = filepath.Join(a.dir, "ca.pem")
	for name, text := range map[string]string{"tsa.cnf": config, "serial": "01\n"} {
		if err := os.WriteFile(filepath.Join(a.dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range [][]string{
		{"req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-days", "3650", "-subj", "/O=Root of a test",
			"-addext", "keyUsage=critical,keyCertSign,cRLSign"},
		{"req", "-newkey", "rsa:2048", "-nodes", "-keyout", "tsa.key", "-out", "tsa.csr", "-subj", "/O=Time of a test"},
		{"x509", "-req", "-in", "tsa.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-out", "tsa.pem", "-days", "3650",
			"-extfile", "tsa.cnf", "-extensions", "ext"},
	} {
		if err := a.openssl(args...); err != nil {
			t.Fatal(err)
		}
	}
	pem, err := os.ReadFile(a.CAFile)
	if err != nil || !a.CA.AppendCertsFromPEM(pem) {
		t.Fatal("no certificate: ", err)
	}
	return a
}

func (a *Authority) openssl(args ...string) error {
	cmd := exec.Command("openssl", args...)
	cmd.Dir = a.dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("openssl %s: %w: %s", args[0], err, out)
	}
	return nil
}

// Reply answers a query (RFC 3161, DER).
func (a *Authority) Reply(query []byte) ([]byte, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.Away.Load() {
		return nil, errors.New("away")
	}
	if err := os.WriteFile(filepath.Join(a.dir, "query"), query, 0o600); err != nil {
		return nil, err
	}
	if err := a.openssl("ts", "-reply", "-config", "tsa.cnf", "-queryfile", "query", "-out", "reply"); err != nil {
		return nil, err
	}
	return os.ReadFile(filepath.Join(a.dir, "reply"))
}

// Verify has openssl hold a response to the file that it is about.
func (a *Authority) Verify(response, data string) error {
	return a.openssl("ts", "-verify", "-in", response, "-data", data, "-CAfile", "ca.pem")
}

// Serve answers over HTTP on loopback until the test ends.
func (a *Authority) Serve(t testing.TB) (url string) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		query, err := io.ReadAll(r.Body)
		if err == nil {
			query, err = a.Reply(query)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		w.Header().Set("Content-Type", "application/timestamp-reply")
		_, _ = w.Write(query)
	}))
	t.Cleanup(s.Close)
	return s.URL
}
