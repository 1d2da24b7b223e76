// Package apachekafka runs a real Apache Kafka for tests: one process that is
// broker and controller (KRaft), from jars that testdata/kafka/fetch.sh copied.
// It needs java 17 or later. It is for tests alone: one node, no replication, a
// small heap.
package apachekafka

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	kafkago "github.com/segmentio/kafka-go"
)

// LibsEnv names the folder with the jars.
const LibsEnv = "TINGJI_TEST_KAFKA_LIBS"

// SkipReason is what a test says that has no jars.
const SkipReason = "no Apache Kafka: run testdata/kafka/fetch.sh DIR and set " + LibsEnv + "=DIR, or make e2e"

// clusterID is fixed: every folder holds a cluster of its own.
const clusterID = "dGluZ2ppLXRlc3QtMDAwMQ"

// Broker is one Apache Kafka in one folder. It is used by one goroutine at a time.
type Broker struct {
	libs, dir string
	addr      string
	cmd       *exec.Cmd
	exited    chan struct{}
}

// Libs is the folder with the jars, or "".
func Libs() string { return os.Getenv(LibsEnv) }

// Start formats dir, where no Kafka was started before, and starts a broker in
// it; it returns when the broker answers. Whatever the broker prints is in
// dir/server.log.
func Start(ctx context.Context, libs, dir string) (*Broker, error) {
	jars, err := filepath.Glob(filepath.Join(libs, "kafka_*.jar"))
	if err != nil || len(jars) == 0 {
		return nil, fmt.Errorf("apache kafka: no kafka_*.jar in %q", libs)
	}
	broker, controller, err := freePorts()
	if err != nil {
		return nil, fmt.Errorf("apache kafka: %w", err)
	}
	b := &Broker{libs: libs, dir: dir, addr: broker}
	if err := b.configure(controller); err != nil {
		return nil, fmt.Errorf("apache kafka: %w", err)
	}
	format := b.java(ctx, "kafka.tools.StorageTool", "format", "--cluster-id", clusterID, "--config", b.file("server.properties"))
	if out, err := format.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("apache kafka: format: %w: %s", err, bytes.TrimSpace(out))
	}
	if err := b.Restart(ctx); err != nil {
		return nil, err
	}
	return b, nil
}

// Restart starts the broker again after Kill or Stop, at the same address.
func (b *Broker) Restart(ctx context.Context) error {
	out, err := os.OpenFile(b.file("server.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("apache kafka: %w", err)
	}
	defer out.Close()
	b.cmd = b.java(context.WithoutCancel(ctx), "kafka.Kafka", b.file("server.properties"))
	b.cmd.Stdout, b.cmd.Stderr = out, out
	dieWithParent(b.cmd)
	if err := b.cmd.Start(); err != nil {
		return fmt.Errorf("apache kafka: %w", err)
	}
	b.exited = make(chan struct{})
	go func(cmd *exec.Cmd, exited chan struct{}) {
		cmd.Wait()
		close(exited)
	}(b.cmd, b.exited)
	if err := b.wait(ctx); err != nil {
		b.Kill()
		return fmt.Errorf("apache kafka: %w, see %s", err, b.file("server.log"))
	}
	return nil
}

// Addr is host:port of the broker; it stays the same over restarts.
func (b *Broker) Addr() string { return b.addr }

// Kill is kill -9, and waits for the end of the process.
func (b *Broker) Kill() {
	b.cmd.Process.Kill()
	<-b.exited
}

// Stop ends the broker in order, and by force if that takes a minute.
func (b *Broker) Stop() {
	b.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-b.exited:
	case <-time.After(time.Minute):
		b.Kill()
	}
}

func (b *Broker) file(name string) string { return filepath.Join(b.dir, name) }

func (b *Broker) java(ctx context.Context, class string, args ...string) *exec.Cmd {
	// Two cores are shared with everything under test: the serial collector and
	// the first compiler start soonest.
	flags := []string{
		"-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto",
		"-Dlog4j2.configurationFile=" + b.file("log4j2.properties"),
		"-cp", filepath.Join(b.libs, "*"), class,
	}
	return exec.CommandContext(ctx, "java", append(flags, args...)...)
}

func (b *Broker) configure(controller string) error {
	if err := os.MkdirAll(b.dir, 0o755); err != nil {
		return err
	}
	properties := fmt.Sprintf(`process.roles=broker,controller
node.id=1
controller.quorum.voters=1@%[2]s
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://%[1]s,CONTROLLER://%[2]s
advertised.listeners=PLAINTEXT://%[1]s
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs=%[3]s
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
# Short, so that tests see what a cluster does in weeks.
log.cleaner.backoff.ms=500
log.cleaner.min.cleanable.ratio=0.01
log.retention.check.interval.ms=1000
log.initial.task.delay.ms=500
`, b.addr, controller, b.file("data"))
	const log4j = `rootLogger.level = WARN
rootLogger.appenderRef.out.ref = out
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d %p %m (%c)%n%throwable
`
	return errors.Join(
		os.WriteFile(b.file("server.properties"), []byte(properties), 0o644),
		os.WriteFile(b.file("log4j2.properties"), []byte(log4j), 0o644),
	)
}

// wait returns when the broker answers as its own controller's broker.
func (b *Broker) wait(ctx context.Context) error {
	client := &kafkago.Client{Addr: kafkago.TCP(b.addr)}
	for {
		transport := &kafkago.Transport{}
		client.Transport = transport
		try, cancel := context.WithTimeout(ctx, 2*time.Second)
		meta, err := client.Metadata(try, &kafkago.MetadataRequest{})
		cancel()
		transport.CloseIdleConnections()
		if err == nil && len(meta.Brokers) == 1 {
			return nil
		}
		select {
		case <-b.exited:
			return errors.New("the broker ended while it started")
		case <-ctx.Done():
			return fmt.Errorf("the broker does not answer: %w", ctx.Err())
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// freePorts finds two addresses that nobody listens on at the moment.
func freePorts() (one, two string, err error) {
	a, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", "", err
	}
	defer a.Close()
	b, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", "", err
	}
	defer b.Close()
	return a.Addr().String(), b.Addr().String(), nil
}
