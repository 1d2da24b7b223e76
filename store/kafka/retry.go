package kafka

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
)

const (
	firstPause = 50 * time.Millisecond
	// longestPause bounds how long after its return a broker is noticed.
	longestPause = 2 * time.Second
	// quiet is how long after its end an outage that comes back is not news.
	quiet = 30 * time.Second
)

// retry runs try until it succeeds, fails for good, or ctx ends. Where it ends
// because of ctx the error says what failed last. what names the subject for
// the log: a topic, a group.
func (c *Client) retry(ctx context.Context, what string, try func(context.Context) error) error {
	pause := firstPause
	for {
		err := try(ctx)
		if err == nil {
			c.outages.ended(what)
			return nil
		}
		if c.closed.Err() != nil {
			return ErrClosed
		}
		if ctx.Err() == nil {
			err = c.cause(ctx, err)
			if !Retryable(err) {
				return err
			}
			c.outages.began(what, err)
		}
		// Jitter, so that nine courtrooms do not knock at the same moment.
		t := time.NewTimer(pause/2 + rand.N(pause))
		select {
		case <-ctx.Done():
			t.Stop()
			if errors.Is(err, ctx.Err()) {
				return err
			}
			return fmt.Errorf("%w (%s)", ctx.Err(), explain(err))
		case <-c.closed.Done():
			t.Stop()
			return ErrClosed
		case <-t.C:
		}
		pause = min(2*pause, longestPause)
	}
}

// cause finds why a topic is unknown: while kafka-go has never reached the
// cluster it calls every topic unknown, and the reason is in the metadata.
func (c *Client) cause(ctx context.Context, err error) error {
	if !errors.Is(err, protocol.ErrNoTopic) {
		return err
	}
	if _, why := c.metadata(ctx); why != nil {
		return why
	}
	return err
}

// outages logs each outage once when it begins and once when it ends.
type outages struct {
	log *slog.Logger
	mu  sync.Mutex
	of  map[string]*outage
}

type outage struct {
	since time.Time
	until time.Time // zero while it lasts
	said  bool
	err   error
	tries int
}

// subject is the topic for what a broker answers, and the network for what
// it does not: forty readers that lose the broker are one outage.
func subject(what string, err error) string {
	var code kafkago.Error
	if errors.As(err, &code) {
		return what
	}
	return "network"
}

func (o *outages) began(what string, err error) {
	key, now := subject(what, err), time.Now()
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.of == nil {
		o.of = make(map[string]*outage)
	}
	out := o.of[key]
	switch {
	case out == nil, !out.until.IsZero() && now.Sub(out.until) > quiet:
		o.of[key] = &outage{since: now, said: true, err: err, tries: 1}
		o.log.Warn("kafka does not answer as it should; trying again", "subject", key, "err", explain(err))
	case !out.until.IsZero():
		*out = outage{since: now, err: err, tries: 1} // it flaps: said once is enough
	default:
		out.err, out.tries = err, out.tries+1
	}
}

func (o *outages) ended(what string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, key := range [...]string{what, "network"} {
		if out := o.of[key]; out != nil && out.until.IsZero() {
			out.until = time.Now()
			if out.said {
				o.log.Info("kafka is back", "subject", key, "after", out.until.Sub(out.since).Round(time.Millisecond), "tries", out.tries)
			}
		}
	}
}

// Outage is the longest trouble there is now with the brokers, for health pages:
// since when, and what it is. ok is false while all is well, or while nothing
// was tried.
func (c *Client) Outage() (since time.Time, err error, ok bool) {
	c.outages.mu.Lock()
	defer c.outages.mu.Unlock()
	for _, out := range c.outages.of {
		if out.until.IsZero() && (!ok || out.since.Before(since)) {
			since, err, ok = out.since, out.err, true
		}
	}
	return since, err, ok
}
