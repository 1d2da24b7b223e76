package kafka

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"

	kafkago "github.com/segmentio/kafka-go"
)

// ErrClosed is returned by a [Client] or an [Embedded] after its Close.
var ErrClosed = errors.New("kafka: closed")

// OffsetError is returned by [Reader.Next] when the offset it stands at is not
// in the log: behind its start, because records were deleted, or past its end,
// because the log was lost. The records between are gone from this broker; the
// caller decides where to go on, and says so with [Reader.SeekTo].
type OffsetError struct {
	Topic     string
	Partition int
	Requested int64
	First     int64 // offset of the first record there is
	Last      int64 // offset of the next record that will be written
}

func (e *OffsetError) Error() string {
	return fmt.Sprintf("%s/%d has no offset %d: the log holds %d to %d", e.Topic, e.Partition, e.Requested, e.First, e.Last-1)
}

// permanentError marks an error that trying again cannot cure.
type permanentError struct{ error }

func (e permanentError) Unwrap() error { return e.error }

func permanent(err error) error { return permanentError{err} }

// Retryable reports whether the same call may succeed later with nobody changing
// anything: the broker is away, is electing, is full. It is false for nil, for a
// call that its caller gave up, for a closed client, and for what only a person
// can put right: a message that is too large, a missing permission, wrong
// credentials, a certificate that is not trusted, an [OffsetError].
//
// What is unknown is retryable: what cannot be sent stays in the spool, and a
// message that is given up wrongly is lost.
func Retryable(err error) bool {
	var (
		marked   permanentError
		offset   *OffsetError
		code     kafkago.Error
		verify   *tls.CertificateVerificationError
		record   tls.RecordHeaderError
		alert    tls.AlertError
		unknown  x509.UnknownAuthorityError
		hostname x509.HostnameError
	)
	switch {
	case err == nil, errors.Is(err, context.Canceled), errors.Is(err, ErrClosed),
		errors.As(err, &marked), errors.As(err, &offset),
		errors.As(err, &verify), errors.As(err, &record), errors.As(err, &alert),
		errors.As(err, &unknown), errors.As(err, &hostname):
		return false
	case errors.As(err, &code):
		return code.Temporary() || retryableCode(code)
	}
	return true
}

// NoSuchTopic reports whether an error says that the broker has no such topic.
func NoSuchTopic(err error) bool { return errors.Is(err, kafkago.UnknownTopicOrPartition) }

// retryableCode are codes that pass by themselves and that kafka-go does not
// count as temporary.
func retryableCode(code kafkago.Error) bool {
	switch code {
	case kafkago.Unknown, // the embedded broker on a full disk
		kafkago.BrokerNotAvailable, kafkago.ReplicaNotAvailable,
		kafkago.OffsetOutOfRange, // confirmed or refuted by listing the offsets, see Reader
		kafkago.RebalanceInProgress, kafkago.IllegalGeneration, kafkago.UnknownMemberId,
		kafkago.ReassignmentInProgress:
		return true
	}
	return false
}
