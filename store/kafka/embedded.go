package kafka

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/gofrs/flock"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kversion"
)

// embeddedClusterID is how a client knows the embedded broker, in any process.
const embeddedClusterID = "tingji-embedded"

const (
	// DefaultCap is what audio.v1 may hold on disk where the configuration names
	// nothing: 20 minutes of 72 channels, 2 hours of 10. kfake reads its logs into
	// memory when it starts, a little more than a byte for each on disk.
	DefaultCap = 2 << 30
	// minCap keeps room for the segments that cannot be trimmed yet.
	minCap = 1 << 20
	// segmentBytes is how much a damaged byte can cost at most, and the grain in
	// which trimming frees the disk.
	segmentBytes = 16 << 20
	// compactBytes is how much compacted topics grow before they are compacted.
	compactBytes = 4 << 20
)

// EmbeddedConfig configures the broker in the process.
type EmbeddedConfig struct {
	Dir string // its folder, created where it is missing; one process at a time
	// Addr is where it listens, and what it tells clients to connect to, so it
	// must be an address that they can reach, not 0.0.0.0. Default 127.0.0.1:0.
	// There is no password: leave it on the loopback.
	Addr string
	// CapBytes bounds audio.v1 on disk; 0 is [DefaultCap]. Beyond it the broker
	// refuses audio with THROTTLING_QUOTA_EXCEEDED, which is [Retryable], until
	// [Embedded.Trim] made room. Other topics go on.
	CapBytes int64
	// CompactBytes is how much the compacted topics may grow between two
	// compactions; 0 is 4 MiB.
	CompactBytes int64
	Log          *slog.Logger
}

// Embedded is a Kafka broker in this process, on disk, for one machine: no
// replication, no authentication. What it acknowledged survives kill -9 of the
// process and, as far as the disk keeps what fsync wrote, a power cut; kfake does
// not look at the result of fsync.
//
// Memory: about 100 bytes for each batch it holds, and while it starts once the
// size of the logs after a crash; the owner of the process bounds that with
// CapBytes and debug.SetMemoryLimit.
//
// All methods may be called by several goroutines.
type Embedded struct {
	cluster *kfake.Cluster
	lock    *flock.Flock
	log     *slog.Logger
	dir     string
	addr    string
	report  Report

	guard guard

	// mu is held while anything asks the cluster to do something: a call that
	// comes after its Close would wait for ever.
	mu     sync.Mutex
	closed bool
}

// StartEmbedded starts the broker, or says in one line why it cannot. Before, it
// checks every batch on disk; what it found is in [Embedded.Report] and in the
// log. A folder may be opened on another port than before. ctx bounds nothing
// but the start.
func StartEmbedded(ctx context.Context, cfg EmbeddedConfig) (*Embedded, error) {
	if cfg.Addr == "" {
		cfg.Addr = "127.0.0.1:0"
	}
	if cfg.CapBytes == 0 {
		cfg.CapBytes = DefaultCap
	}
	if cfg.CompactBytes == 0 {
		cfg.CompactBytes = compactBytes
	}
	host, _, err := net.SplitHostPort(cfg.Addr)
	if ip := net.ParseIP(host); err != nil || host == "" || ip != nil && ip.IsUnspecified() {
		return nil, fmt.Errorf("kafka: embedded broker: address %q: want host:port that clients can connect to, such as 127.0.0.1:9092", cfg.Addr)
	}
	if cfg.CapBytes < minCap {
		return nil, fmt.Errorf("kafka: embedded broker: a cap of %d bytes, want at least %d", cfg.CapBytes, minCap)
	}
	lock, err := lockDir(cfg.Dir)
	if err != nil {
		return nil, fmt.Errorf("kafka: embedded broker: %w", err)
	}
	e := &Embedded{lock: lock, log: cfg.Log, dir: cfg.Dir}
	if err := e.start(ctx, cfg); err != nil {
		lock.Unlock()
		return nil, fmt.Errorf("kafka: embedded broker: %w", err)
	}
	return e, nil
}

func (e *Embedded) start(ctx context.Context, cfg EmbeddedConfig) (err error) {
	if err := restoreCompaction(e.dir); err != nil {
		return fmt.Errorf("undo an interrupted compaction: %w", err)
	}
	if e.report, err = repair(ctx, logDir(e.dir), filepath.Join(e.dir, "damaged")); err != nil {
		return fmt.Errorf("check the log: %w", err)
	}
	for _, d := range e.report.Damaged {
		e.log.Error("kafka log was damaged", "topic", d.Topic, "partition", d.Partition, "from_offset", d.From, "to_offset", d.To, "bytes", d.Bytes, "copy", d.Copy)
	}
	// Produce from version 13 on names topics by an id that the guard cannot read.
	versions := kversion.Stable()
	versions.SetMaxKeyVersion(keyProduce, 12)
	warnings := &kfakeLog{log: e.log}
	e.cluster, err = kfake.NewCluster(
		kfake.NumBrokers(1),
		kfake.ClusterID(embeddedClusterID),
		kfake.ListenFn(func(network, _ string) (net.Listener, error) { return net.Listen(network, cfg.Addr) }),
		kfake.DataDir(logDir(e.dir)),
		kfake.SyncWrites(), // acknowledged is on the disk
		kfake.GroupMinSessionTimeout(time.Second),
		kfake.MaxVersions(versions),
		kfake.WithLogger(warnings),
		kfake.BrokerConfigs(brokerConfigs(segmentSize(cfg.CapBytes))),
	)
	if err != nil {
		if errors.Is(err, syscall.EADDRINUSE) {
			return fmt.Errorf("%s is taken by another program: set kafka.listen to another port", cfg.Addr)
		}
		return err
	}
	e.addr = e.cluster.ListenAddrs()[0]
	// kfake has read the logs whole; the process should not keep their size.
	debug.FreeOSMemory()
	e.guard.init(e, cfg, warnings)
	return nil
}

func segmentSize(capBytes int64) int64 { return min(segmentBytes, max(capBytes/64, 64<<10)) }

func brokerConfigs(segment int64) map[string]string {
	number := func(n int64) string { return strconv.FormatInt(n, 10) }
	return map[string]string{
		"log.segment.bytes": number(segment),
		// No retention, ever. kfake applies seven days to all topics as soon as
		// one of them is compacted, and a retention that empties a partition lets
		// its offsets begin at 0 at the next start, while groups stay where they
		// were: what is written then is never delivered.
		"log.retention.ms":    "-1",
		"log.retention.bytes": "-1",
		// kfake's own compaction deletes the old files before it writes the new
		// ones: kill -9 between them loses the topic. It never runs by itself; the
		// guard runs it with the old files kept aside.
		"log.cleaner.backoff.ms": number((10 * 365 * day).Milliseconds()),
		// Committed offsets are hints, but good ones.
		"offsets.retention.minutes": number(int64(100 * 365 * day / time.Minute)),
	}
}

// Addrs are the addresses of the broker for [Config].Brokers.
func (e *Embedded) Addrs() []string { return []string{e.addr} }

// Report says what the start found on the disk.
func (e *Embedded) Report() Report { return e.report }

// Err is nil while the broker works, and else says why it must be restarted.
func (e *Embedded) Err() error { return e.guard.err() }

// Close stops listening, flushes, and lets go of the folder; connections are cut.
// It waits for all that, and may be called more than once.
func (e *Embedded) Close() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return nil
	}
	e.closed = true
	e.cluster.Close()
	if err := e.lock.Unlock(); err != nil {
		return fmt.Errorf("kafka: unlock %s: %w", e.dir, err)
	}
	return nil
}

// Trim deletes the records of a partition before an offset, and always leaves the
// last one, whatever the offset: kfake finds the next offset of a partition in its
// records, and an empty one begins at 0 again. The disk gets its space back
// segment by segment. After kill -9 some trimmed records may be there again.
func (e *Embedded) Trim(topic string, partition int, before int64) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return ErrClosed
	}
	info := e.cluster.PartitionInfo(topic, int32(partition))
	if info == nil {
		return fmt.Errorf("kafka: trim %s/%d: no such partition", topic, partition)
	}
	before = min(before, info.HighWatermark-1)
	if before <= info.LogStartOffset {
		return nil
	}
	if err := e.cluster.DeleteRecords(topic, int32(partition), before); err != nil {
		return fmt.Errorf("kafka: trim %s/%d before %d: %w", topic, partition, before, err)
	}
	return e.guard.measure()
}

// Size is what each topic takes on disk, in bytes.
func (e *Embedded) Size() (map[string]int64, error) {
	return diskBytes(logDir(e.dir))
}

func logDir(dir string) string { return filepath.Join(dir, "log") }

// lockDir makes the folder and locks it: kfake does not, and two processes in one
// folder destroy it.
func lockDir(dir string) (*flock.Flock, error) {
	if dir == "" {
		return nil, errors.New("no folder is named")
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	path := filepath.Join(dir, "lock")
	lock := flock.New(path)
	ok, err := lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("lock folder %s: %w", dir, err)
	}
	if !ok {
		holder := "another process"
		if b, err := os.ReadFile(path); err == nil && len(b) > 0 {
			holder = "process " + strings.TrimSpace(string(b))
		}
		return nil, fmt.Errorf("folder %s is in use by %s: stop it, or name another folder", dir, holder)
	}
	if err := os.WriteFile(path, []byte(strconv.Itoa(os.Getpid())+"\n"), 0o644); err != nil {
		lock.Unlock()
		return nil, err
	}
	return lock, nil
}
