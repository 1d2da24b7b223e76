package audio

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"tingji/capture"
)

// outbox holds receipts until the broker has them: of each channel the newest,
// as only that counts. Storing never waits for it.
type outbox struct {
	mu      sync.Mutex
	waiting map[channelKey]capture.Receipt
	filled  chan struct{} // holds a token while something waits
}

func newOutbox() *outbox {
	return &outbox{waiting: map[channelKey]capture.Receipt{}, filled: make(chan struct{}, 1)}
}

func (o *outbox) put(r capture.Receipt) {
	o.mu.Lock()
	o.waiting[channelKey{r.Hearing, r.Channel}] = r
	o.mu.Unlock()
	select {
	case o.filled <- struct{}{}:
	default:
	}
}

// putBack returns receipts that were not sent, where there are no newer ones.
func (o *outbox) putBack(list []capture.Receipt) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, r := range list {
		k := channelKey{r.Hearing, r.Channel}
		if _, newer := o.waiting[k]; !newer {
			o.waiting[k] = r
		}
	}
}

func (o *outbox) take() []capture.Receipt {
	o.mu.Lock()
	defer o.mu.Unlock()
	list := make([]capture.Receipt, 0, len(o.waiting))
	for _, r := range o.waiting {
		list = append(list, r)
	}
	clear(o.waiting)
	return list
}

// send publishes what is put until ctx ends. What is not sent by then is sent
// after the next start.
func (o *outbox) send(ctx context.Context, to Receipts, log *slog.Logger) {
	var retry <-chan time.Time
	failing := false
	for {
		select {
		case <-o.filled:
		case <-retry:
		case <-ctx.Done():
			return
		}
		list := o.take()
		if len(list) == 0 {
			continue
		}
		err := to.PublishReceipts(ctx, list)
		retry = nil
		if err != nil {
			o.putBack(list)
			retry = time.After(firstRetry)
			if !failing && ctx.Err() == nil {
				log.Warn("receipts cannot be published; will try again", "count", len(list), "err", err)
			}
		}
		failing = err != nil
	}
}
