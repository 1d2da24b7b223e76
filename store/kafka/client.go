package kafka

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/sasl"
	"github.com/segmentio/kafka-go/sasl/plain"
	"github.com/segmentio/kafka-go/sasl/scram"
)

// Config says how the brokers are reached.
type Config struct {
	Brokers []string // host:port; one is enough to find the others
	TLS     TLS
	SASL    SASL
	// Replication is the number of copies of topics that [Client.Ensure] creates;
	// 0 is three, or as many as there are brokers.
	Replication int
}

// TLS names PEM files. The zero value is a plain connection.
type TLS struct {
	On   bool   // implied by the files
	CA   string // authorities that the broker's certificate may come from; empty: the system's
	Cert string // certificate and key of this client, both or neither
	Key  string
}

// SASL authenticates the client. An empty mechanism is none.
type SASL struct {
	Mechanism string // plain, scram-sha-256 or scram-sha-512
	User      string
	Password  string
}

const (
	dialTimeout = 5 * time.Second
	// callTimeout bounds one try of a request: a connection that was cut without
	// a word (a cable, a firewall) is noticed after it (kafka-go #387, #955).
	callTimeout = 15 * time.Second
	// metadataTTL bounds how long a client looks for a partition where it was
	// before. kafka-go refreshes at random moments within it.
	metadataTTL = 3 * time.Second
)

// Client speaks to one cluster. All methods may be used by several goroutines.
type Client struct {
	brokers     []string
	replication int
	log         *slog.Logger
	api         *kafkago.Client // calls bring their own deadline
	produce     *kafkago.Client // tells the broker how long it may wait for its replicas
	transport   *kafkago.Transport
	dialer      *kafkago.Dialer
	conns       conns
	outages     outages
	closed      context.Context
	close       context.CancelFunc
}

// New makes a client and does not connect; a courtroom must be able to start
// while the broker is away. It fails on a configuration that cannot work.
func New(cfg Config, log *slog.Logger) (*Client, error) {
	if len(cfg.Brokers) == 0 {
		return nil, errors.New("kafka: no broker is named: set kafka.brokers to host:port")
	}
	for _, b := range cfg.Brokers {
		if host, port, err := net.SplitHostPort(b); err != nil || host == "" || port == "" {
			return nil, fmt.Errorf("kafka: broker %q: want host:port", b)
		}
	}
	tlsConfig, err := cfg.TLS.load()
	if err != nil {
		return nil, fmt.Errorf("kafka: %w", err)
	}
	mechanism, err := cfg.SASL.mechanism()
	if err != nil {
		return nil, fmt.Errorf("kafka: %w", err)
	}

	c := &Client{brokers: cfg.Brokers, replication: cfg.Replication, log: log}
	c.outages.log = log
	c.closed, c.close = context.WithCancel(context.Background())
	const clientID = "tingji"
	c.transport = &kafkago.Transport{
		Dial: c.conns.dial, DialTimeout: dialTimeout, MetadataTTL: metadataTTL,
		ClientID: clientID, TLS: tlsConfig, SASL: mechanism, Context: c.closed,
	}
	addr := kafkago.TCP(cfg.Brokers...)
	c.api = &kafkago.Client{Addr: addr, Transport: c.transport}
	// Without a timeout of its own kafka-go tells the broker to give up after
	// 500 ms; with one, after half of it.
	c.produce = &kafkago.Client{Addr: addr, Transport: c.transport, Timeout: callTimeout}
	c.dialer = &kafkago.Dialer{
		ClientID: clientID, DialFunc: c.conns.dial, Timeout: dialTimeout, TLS: tlsConfig, SASLMechanism: mechanism,
	}
	return c, nil
}

// Dial is New followed by Ping.
func Dial(ctx context.Context, cfg Config, log *slog.Logger) (*Client, error) {
	c, err := New(cfg, log)
	if err != nil {
		return nil, err
	}
	if err := c.Ping(ctx); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// Ping connects to one of the brokers, authenticates, and returns nil if it
// answers. The error names each broker with what went wrong there.
func (c *Client) Ping(ctx context.Context) error {
	var failed []string
	var last error
	for _, broker := range c.brokers {
		if last = c.ping(ctx, broker); last == nil {
			return nil
		}
		if ctx.Err() != nil {
			return fmt.Errorf("kafka: broker %s: %w", broker, ctx.Err())
		}
		failed = append(failed, fmt.Sprintf("%s (%s)", broker, explain(last)))
	}
	return &unreachableError{text: strings.Join(failed, ", "), cause: last}
}

// unreachableError is one line for a person, with the cause for Retryable.
type unreachableError struct {
	text  string
	cause error
}

func (e *unreachableError) Error() string {
	return "kafka: no broker answers: " + e.text + ": start it, or correct the kafka section of the configuration"
}
func (e *unreachableError) Unwrap() error { return e.cause }

func (c *Client) ping(ctx context.Context, broker string) error {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	conn, err := c.dialer.DialContext(ctx, "tcp", broker)
	if err != nil {
		return err
	}
	defer conn.Close()
	deadline, _ := ctx.Deadline()
	if err := conn.SetDeadline(deadline); err != nil {
		return err
	}
	_, err = conn.ApiVersions()
	return err
}

// explain says in a few words what went wrong with a connection.
func explain(err error) string {
	var (
		code   kafkago.Error
		dns    *net.DNSError
		record tls.RecordHeaderError
		op     *net.OpError
	)
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused"
	case errors.As(err, &dns):
		return "unknown host " + dns.Name
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return "no answer in time"
	case errors.As(err, &record):
		return "the broker does not speak TLS there"
	case errors.Is(err, kafkago.SASLAuthenticationFailed):
		return "user or password refused"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET):
		return "it closed the connection; does it want TLS or a password?"
	case errors.Is(err, kafkago.Unknown):
		return "the broker could not do it; is its disk full?"
	case errors.As(err, &code):
		return strings.TrimPrefix(err.Error(), "kafka.(*Client).")
	case errors.As(err, &op):
		return op.Err.Error()
	}
	return err.Error()
}

// Close cuts all connections and waits for them. Calls under way, and later
// ones, return [ErrClosed]. It may be called more than once.
func (c *Client) Close() error {
	c.close()
	c.transport.CloseIdleConnections()
	c.conns.close()
	return nil
}

// Offsets are the offset of the first record of a partition and that of the
// next one that will be written. It retries until ctx ends.
func (c *Client) Offsets(ctx context.Context, topic string, partition int) (first, next int64, err error) {
	err = c.retry(ctx, topic, func(ctx context.Context) error {
		first, next, err = c.offsets(ctx, topic, partition)
		return err
	})
	if err != nil {
		return 0, 0, fmt.Errorf("kafka: offsets of %s/%d: %w", topic, partition, err)
	}
	return first, next, nil
}

func (c *Client) offsets(ctx context.Context, topic string, partition int) (first, next int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	res, err := c.api.ListOffsets(ctx, &kafkago.ListOffsetsRequest{Topics: map[string][]kafkago.OffsetRequest{
		topic: {kafkago.FirstOffsetOf(partition), kafkago.LastOffsetOf(partition)},
	}})
	if err != nil {
		return 0, 0, err
	}
	for _, p := range res.Topics[topic] {
		if p.Partition == partition {
			return p.FirstOffset, p.LastOffset, p.Error
		}
	}
	return 0, 0, kafkago.UnknownTopicOrPartition
}

// metadata is what the transport knows of the cluster, at most metadataTTL old.
func (c *Client) metadata(ctx context.Context) (*kafkago.MetadataResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	return c.api.Metadata(ctx, &kafkago.MetadataRequest{})
}

func (t TLS) load() (*tls.Config, error) {
	if !t.On && t.CA == "" && t.Cert == "" && t.Key == "" {
		return nil, nil
	}
	cfg := &tls.Config{MinVersion: tls.VersionTLS12}
	if t.CA != "" {
		pem, err := os.ReadFile(t.CA)
		if err != nil {
			return nil, fmt.Errorf("tls ca: %w", err)
		}
		cfg.RootCAs = x509.NewCertPool()
		if !cfg.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("tls ca %s: no PEM certificate in it", t.CA)
		}
	}
	if t.Cert != "" || t.Key != "" {
		pair, err := tls.LoadX509KeyPair(t.Cert, t.Key)
		if err != nil {
			return nil, fmt.Errorf("tls certificate %q with key %q: %w", t.Cert, t.Key, err)
		}
		cfg.Certificates = []tls.Certificate{pair}
	}
	return cfg, nil
}

func (s SASL) mechanism() (sasl.Mechanism, error) {
	switch strings.ToLower(s.Mechanism) {
	case "":
		if s.User != "" {
			return nil, errors.New("sasl: a user without a mechanism: plain, scram-sha-256 or scram-sha-512")
		}
		return nil, nil
	case "plain":
		return plain.Mechanism{Username: s.User, Password: s.Password}, nil
	case "scram-sha-256":
		return scram.Mechanism(scram.SHA256, s.User, s.Password)
	case "scram-sha-512":
		return scram.Mechanism(scram.SHA512, s.User, s.Password)
	}
	return nil, fmt.Errorf("sasl: mechanism %q: want plain, scram-sha-256 or scram-sha-512", s.Mechanism)
}

// conns are the open connections, so that Close can end requests that wait on
// the broker: kafka-go leaves them open until the answer.
type conns struct {
	mu     sync.Mutex
	open   map[*conn]struct{}
	closed bool
	gone   chan struct{} // closed when closed and the last connection has gone
}

type conn struct {
	net.Conn
	of   *conns
	once sync.Once
}

func (s *conns) dial(ctx context.Context, network, address string) (net.Conn, error) {
	d := net.Dialer{Timeout: dialTimeout, KeepAlive: 15 * time.Second}
	raw, err := d.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		raw.Close()
		return nil, ErrClosed
	}
	if s.open == nil {
		s.open = make(map[*conn]struct{})
	}
	c := &conn{Conn: raw, of: s}
	s.open[c] = struct{}{}
	return c, nil
}

func (c *conn) Close() error {
	err := c.Conn.Close()
	c.once.Do(func() {
		c.of.mu.Lock()
		defer c.of.mu.Unlock()
		delete(c.of.open, c)
		if c.of.closed && len(c.of.open) == 0 {
			close(c.of.gone)
		}
	})
	return err
}

// close cuts the connections and waits until kafka-go has let go of each.
func (s *conns) close() {
	s.mu.Lock()
	if !s.closed {
		s.closed, s.gone = true, make(chan struct{})
		if len(s.open) == 0 {
			close(s.gone)
		}
	}
	gone := s.gone
	for c := range s.open {
		c.Conn.Close()
	}
	s.mu.Unlock()
	select {
	case <-gone:
	case <-time.After(dialTimeout):
		// A connection that kafka-go forgot is closed all the same.
	}
}
