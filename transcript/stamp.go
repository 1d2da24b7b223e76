package transcript

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/asn1"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/digitorus/pkcs7"
	"github.com/digitorus/timestamp"
)

// maxStamp bounds a time-stamp with its certificates, in bytes.
const maxStamp = 256 << 10

// Stamp is what a time-stamp authority says (RFC 3161): a record with this
// integrity check value existed at that time.
type Stamp struct {
	At        time.Time `json:"at"`
	Authority string    `json:"authority"` // subject of its certificate
	Serial    string    `json:"serial"`    // of the time-stamp
}

// stampResponse is a TimeStampResp: RFC 3161, 2.4.2.
type stampResponse struct {
	Status struct {
		Status  int
		Text    []asn1.RawValue `asn1:"optional"`
		Failure asn1.BitString  `asn1:"optional"`
	}
	Token asn1.RawValue `asn1:"optional"`
}

// ReadStamp reads an authority's response and holds it to an integrity check
// value: it has to be granted, signed, and about that value. With authorities,
// its certificate has to lead to one of them and have been valid at that time;
// with nil, whoever made it may have signed it.
func ReadStamp(response []byte, integrity string, authorities *x509.CertPool) (s Stamp, err error) {
	defer func() {
		// What others wrote is read by others' code.
		if p := recover(); p != nil {
			err = fmt.Errorf("cannot be read: %v", p)
		}
	}()
	if len(response) > maxStamp {
		return s, fmt.Errorf("is larger than %d bytes", maxStamp)
	}
	var r stampResponse
	rest, err := asn1.Unmarshal(response, &r)
	switch {
	case err != nil:
		return s, fmt.Errorf("is no time-stamp response: %w", err)
	case len(rest) > 0:
		return s, errors.New("is followed by something else")
	case r.Status.Status > 1 || len(r.Token.FullBytes) == 0: // 0 granted, 1 granted with modifications
		return s, fmt.Errorf("was not granted: status %d", r.Status.Status)
	}
	t, err := timestamp.Parse(r.Token.FullBytes)
	if err != nil {
		return s, fmt.Errorf("its signature does not hold: %w", err)
	}
	if want, err := hex.DecodeString(integrity); err != nil || t.HashAlgorithm != crypto.SHA256 || !bytes.Equal(t.HashedMessage, want) {
		return s, fmt.Errorf("is about %s %x, not about the integrity value", t.HashAlgorithm, t.HashedMessage)
	}
	token, err := pkcs7.Parse(r.Token.FullBytes)
	if err != nil {
		return s, fmt.Errorf("cannot be read: %w", err)
	}
	signer := token.GetOnlySigner()
	if signer == nil {
		return s, errors.New("the certificate that signed it is not in it")
	}
	if authorities != nil {
		between := x509.NewCertPool()
		for _, c := range token.Certificates {
			between.AddCert(c)
		}
		if _, err := signer.Verify(x509.VerifyOptions{Roots: authorities, Intermediates: between, CurrentTime: t.Time,
			KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageTimeStamping}}); err != nil {
			return s, fmt.Errorf("its certificate does not lead to a trusted authority: %w", err)
		}
	}
	return Stamp{At: t.Time.UTC(), Authority: signer.Subject.String(), Serial: t.SerialNumber.Text(16)}, nil
}

// stampLine is the second line of integrity.txt, where there is a time-stamp.
func stampLine(stamp []byte) string { return hashOf(stamp) + "  " + stampFile + "\n" }

// checkStamp holds a proof's time-stamp to its line in integrity.txt, and both
// to the integrity value. nil: there is none.
func checkStamp(response []byte, line, integrity string, authorities *x509.CertPool) (*Stamp, error) {
	if response == nil && line == "" {
		return nil, nil
	}
	said, listed := strings.CutSuffix(line, "  "+stampFile+"\n")
	switch {
	case line == "":
		return nil, &MismatchError{stampFile, "is not listed in " + integrityFile}
	case !listed || !isHash(said):
		return nil, &MismatchError{integrityFile, "was changed: its second line is not that of " + stampFile}
	case response == nil:
		return nil, &MismatchError{stampFile, "is missing"}
	case said != hashOf(response):
		// Two hashes have a sixteenth of their digits in common; with most of
		// them, it was not the file that was changed.
		if same(said, hashOf(response)) > len(said)/2 {
			return nil, &MismatchError{integrityFile, "was changed: " + stampFile + " gives " + hashOf(response)}
		}
		return nil, &MismatchError{stampFile, "was changed: it is not the file that " + integrityFile + " lists"}
	}
	s, err := ReadStamp(response, integrity, authorities)
	if err != nil {
		return nil, &MismatchError{stampFile, err.Error()}
	}
	return &s, nil
}

// same counts the places at which two texts of one length agree.
func same(a, b string) (n int) {
	for i := range a {
		if a[i] == b[i] {
			n++
		}
	}
	return n
}
