package kafka

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// fake is a bare kfake, to misbehave on demand.
func fake(t *testing.T, opts ...kfake.Opt) *kfake.Cluster {
	t.Helper()
	cluster, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(1), kfake.SeedTopics(1, "t")}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	return cluster
}

func client(t *testing.T, cfg Config, log *slog.Logger) (*Client, context.Context) {
	t.Helper()
	c, err := New(cfg, log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	return c, ctx
}

// failProduce answers the first n produce requests of the cluster with a code.
func failProduce(cluster *kfake.Cluster, n int, code kafkago.Error) {
	cluster.ControlKey(keyProduce, func(r kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		if n--; n < 0 {
			return nil, nil, false
		}
		res, err := refuse(r.(*kmsg.ProduceRequest), code, "a test")
		return res, err, true
	})
}

// kafka-go's records are spent after one request: sent again they are empty.
func TestRetrySendsTheSameAgain(t *testing.T) {
	cluster := fake(t)
	failProduce(cluster, 3, kafkago.NotEnoughReplicas)
	var log bytes.Buffer
	c, ctx := client(t, Config{Brokers: cluster.ListenAddrs()}, slog.New(slog.NewTextHandler(&log, nil)))
	want := []Record{{Key: []byte("k"), Value: []byte("one"), Headers: []Header{{Key: "h", Value: []byte("x")}}}, {Key: []byte("k"), Value: []byte("two")}}
	if base, err := c.Produce(ctx, "t", 0, want); base != 0 || err != nil {
		t.Fatal(base, err)
	}
	got, err := c.Reader("t", 0, First).Next(ctx)
	if err != nil || len(got) != 2 {
		t.Fatalf("%d records, %v", len(got), err)
	}
	for i := range want {
		if !bytes.Equal(got[i].Value, want[i].Value) || !bytes.Equal(got[i].Key, want[i].Key) || len(got[i].Headers) != len(want[i].Headers) {
			t.Errorf("record %d is %q", i, got[i].Value)
		}
	}
	// Once when it began, once when it ended.
	if out := log.String(); strings.Count(out, "level=WARN") != 1 || strings.Count(out, "kafka is back") != 1 {
		t.Errorf("log:\n%s", out)
	}
}

func TestPermanentErrorReturnsAtOnce(t *testing.T) {
	cluster := fake(t)
	failProduce(cluster, 1, kafkago.TopicAuthorizationFailed)
	c, ctx := client(t, Config{Brokers: cluster.ListenAddrs()}, slog.New(slog.DiscardHandler))
	_, err := c.Produce(ctx, "t", 0, []Record{{Value: []byte("x")}})
	if !errors.Is(err, kafkago.TopicAuthorizationFailed) || Retryable(err) {
		t.Error(err)
	}
}

func TestSmallBrokerGetsHalves(t *testing.T) {
	cluster := fake(t, kfake.BrokerConfigs(map[string]string{"message.max.bytes": "5000"}))
	c, ctx := client(t, Config{Brokers: cluster.ListenAddrs()}, slog.New(slog.DiscardHandler))
	var records []Record
	for i := range 50 {
		records = append(records, Record{Value: fmt.Appendf(nil, "%01000d", i)})
	}
	if base, err := c.Produce(ctx, "t", 0, records); base != 0 || err != nil {
		t.Fatal(base, err)
	}
	r := c.Reader("t", 0, First)
	for i := 0; i < 50; {
		got, err := r.Next(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, rec := range got {
			if !bytes.Equal(rec.Value, records[i].Value) {
				t.Fatalf("record %d is %.20q", i, rec.Value)
			}
			i++
		}
	}
}

// A broker that is away when the client starts, and comes, is one outage.
func TestStartsBeforeTheBroker(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := ln.Addr().String()
	ln.Close()
	var log bytes.Buffer
	c, ctx := client(t, Config{Brokers: []string{addr}}, slog.New(slog.NewTextHandler(&log, nil)))
	err = c.Ping(ctx)
	if err == nil || !strings.Contains(err.Error(), addr) || !strings.Contains(err.Error(), "connection refused") || strings.Contains(err.Error(), "\n") {
		t.Errorf("ping: %v", err)
	}
	short, cancel := context.WithTimeout(ctx, 200*time.Millisecond)
	defer cancel()
	_, err = c.Produce(short, TopicAudio, 0, []Record{{Value: []byte("x")}})
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "connection refused") || !Retryable(err) {
		t.Errorf("while it is away: %v", err)
	}
	sent := make(chan error, 8)
	for p := range 8 {
		go func() {
			_, err := c.Produce(ctx, TopicAudio, p, []Record{{Value: []byte("x")}})
			sent <- err
		}()
	}
	e, err := StartEmbedded(ctx, EmbeddedConfig{Dir: t.TempDir(), Addr: addr, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if err := c.Ensure(ctx, Topics(8)...); err != nil {
		t.Fatal(err)
	}
	for range 8 {
		if err := <-sent; err != nil {
			t.Error(err)
		}
	}
	c.Close()
	if n := strings.Count(log.String(), "subject=network"); n != 2 {
		t.Errorf("the network is mentioned %d times, want when it went and when it came:\n%s", n, log.String())
	}
}

func TestCloseEndsCalls(t *testing.T) {
	cluster := fake(t)
	c, ctx := client(t, Config{Brokers: cluster.ListenAddrs()}, slog.New(slog.DiscardHandler))
	r := c.Reader("t", 0, 0)
	done := make(chan error, 1)
	fetching := make(chan struct{})
	cluster.ControlKey(int16(kmsg.Fetch), func(kmsg.Request) (kmsg.Response, error, bool) {
		close(fetching)
		cluster.DropControl()
		return nil, nil, false
	})
	go func() {
		_, err := r.Next(ctx)
		done <- err
	}()
	<-fetching
	for range 2 {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
	if err := <-done; !errors.Is(err, ErrClosed) {
		t.Errorf("next: %v", err)
	}
	if _, err := c.Produce(ctx, "t", 0, []Record{{}}); !errors.Is(err, ErrClosed) || Retryable(err) {
		t.Errorf("produce: %v", err)
	}
	if err := c.Join(ctx, "g", "t", nil); !errors.Is(err, ErrClosed) {
		t.Errorf("join: %v", err)
	}
}

// authority makes a CA and a server certificate for 127.0.0.1.
func authority(t *testing.T) (caFile string, server *tls.Config) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	caFile = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(caFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return caFile, &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
}

func TestSecurity(t *testing.T) {
	ca, server := authority(t)
	plain := fake(t)
	secured := fake(t, kfake.TLS(server), kfake.EnableSASL(),
		kfake.Superuser("PLAIN", "p", "secret"), kfake.Superuser("SCRAM-SHA-256", "s", "secret"), kfake.Superuser("SCRAM-SHA-512", "l", "secret"))
	tests := map[string]struct {
		broker *kfake.Cluster
		tls    TLS
		sasl   SASL
		want   string // of the error
		retry  bool
	}{
		"plain":                {secured, TLS{CA: ca}, SASL{"plain", "p", "secret"}, "", false},
		"scram 256":            {secured, TLS{CA: ca}, SASL{"SCRAM-SHA-256", "s", "secret"}, "", false},
		"scram 512":            {secured, TLS{CA: ca}, SASL{"scram-sha-512", "l", "secret"}, "", false},
		"wrong password":       {secured, TLS{CA: ca}, SASL{"plain", "p", "wrong"}, "user or password refused", false},
		"unknown authority":    {secured, TLS{On: true}, SASL{"plain", "p", "secret"}, "certificate signed by unknown authority", false},
		"no TLS on this side":  {secured, TLS{}, SASL{}, "TLS", true},
		"no TLS on that side":  {plain, TLS{On: true}, SASL{}, "", true},
		"no CA in the file":    {plain, TLS{CA: os.Args[0]}, SASL{}, "no PEM certificate", true},
		"no such file":         {plain, TLS{CA: "/nowhere/ca.pem"}, SASL{}, "/nowhere/ca.pem", true},
		"certificate, no key":  {plain, TLS{Cert: ca}, SASL{}, "tls certificate", true},
		"unknown mechanism":    {plain, TLS{}, SASL{"gssapi", "p", ""}, "want plain, scram-sha-256 or scram-sha-512", true},
		"user, no mechanism":   {plain, TLS{}, SASL{"", "p", ""}, "without a mechanism", true},
		"nothing asked, plain": {plain, TLS{}, SASL{}, "", false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // some wait until the other side gives up
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			c, err := Dial(ctx, Config{Brokers: tt.broker.ListenAddrs(), TLS: tt.tls, SASL: tt.sasl}, slog.New(slog.DiscardHandler))
			if name == "no TLS on that side" {
				if err == nil {
					t.Error("connected")
				}
				return
			}
			if tt.want != "" {
				if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "\n") {
					t.Errorf("got %v, want one line with %q", err, tt.want)
				}
				if Retryable(err) != tt.retry {
					t.Errorf("retryable %v: %v", Retryable(err), err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if _, err := c.Produce(ctx, "t", 0, []Record{{Value: []byte("x")}}); err != nil {
				t.Error(err)
			}
			done := errors.New("done")
			if err := c.Join(ctx, "g", "t", func(context.Context, *Generation) error { return done }); !errors.Is(err, done) {
				t.Errorf("join: %v", err)
			}
		})
	}
}

func TestConfig(t *testing.T) {
	for _, brokers := range [][]string{nil, {""}, {"host"}, {"host:"}, {":9092"}, {"a:1", "b"}} {
		if _, err := New(Config{Brokers: brokers}, slog.Default()); err == nil {
			t.Errorf("brokers %q were accepted", brokers)
		}
	}
}

func TestRetryable(t *testing.T) {
	tests := map[string]struct {
		err  error
		want bool
	}{
		"nil":                   {nil, false},
		"given up":              {fmt.Errorf("x: %w", context.Canceled), false},
		"no time left":          {fmt.Errorf("x: %w", context.DeadlineExceeded), true},
		"end of file":           {io.EOF, true}, // kafka-go does not retry it (#1352)
		"refused":               {&net.OpError{Op: "dial", Err: errors.New("refused")}, true},
		"unknown":               {errors.New("what is this"), true},
		"closed":                {ErrClosed, false},
		"no such offset":        {&OffsetError{}, false},
		"leader moves":          {kafkago.NotLeaderForPartition, true},
		"cap":                   {fmt.Errorf("%w: full", kafkago.ThrottlingQuotaExceeded), true},
		"full disk":             {kafkago.Unknown, true},
		"broker gone":           {kafkago.BrokerNotAvailable, true},
		"too few replicas":      {kafkago.NotEnoughReplicas, true},
		"too large":             {kafkago.MessageSizeTooLarge, false},
		"no permission":         {kafkago.TopicAuthorizationFailed, false},
		"wrong password":        {kafkago.SASLAuthenticationFailed, false},
		"wrong partition count": {permanent(errors.New("x")), false},
	}
	for name, tt := range tests {
		if got := Retryable(tt.err); got != tt.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestPartitions(t *testing.T) {
	p := Partitions{Count: 16, Rooms: map[string]int{"room-1": 0, "room-9": 15}}
	if err := p.Validate(); err != nil {
		t.Error(err)
	}
	// The hash is part of the contract: another one would move rooms on a live cluster.
	for room, want := range map[string]int{"room-1": 0, "room-9": 15, "第三审判庭": 10, "annex": 13, "": 5} {
		if got := p.Of(room); got != want {
			t.Errorf("%q is in %d, want %d", room, got, want)
		}
	}
	for _, bad := range []Partitions{{}, {Count: -1}, {Count: 4, Rooms: map[string]int{"a": 4}}, {Count: 4, Rooms: map[string]int{"a": -1}}} {
		if bad.Validate() == nil {
			t.Errorf("%+v was accepted", bad)
		}
	}
}

func TestFit(t *testing.T) {
	of := func(sizes ...int) (records []Record) {
		for _, n := range sizes {
			records = append(records, Record{Value: make([]byte, n)})
		}
		return records
	}
	for _, tt := range []struct {
		sizes []int
		want  int
	}{
		{[]int{1}, 1}, {[]int{2 << 20}, 1}, {[]int{2 << 20, 1}, 1}, {[]int{1, 2 << 20}, 1},
		{[]int{400_000, 400_000, 400_000}, 2}, {[]int{maxBatch - batchHeader - 41, 0}, 1}, {[]int{maxBatch - batchHeader - 2*41, 0}, 2},
	} {
		if got := fit(of(tt.sizes...)); got != tt.want {
			t.Errorf("%v: %d, want %d", tt.sizes, got, tt.want)
		}
	}
}
