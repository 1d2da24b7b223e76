package transcript

import (
	"context"
	"fmt"
	"time"

	"tingji/capture"
)

// Stamper asks a time-stamp authority (RFC 3161).
type Stamper interface {
	// Stamp returns the authority's response about an integrity check value,
	// which [ReadStamp] takes.
	Stamp(ctx context.Context, integrity string) ([]byte, error)
}

// WithStamper has signed records time-stamped. Signing does not wait for it:
// [Docket.Run] asks, and asks again while the authority is away.
func WithStamper(s Stamper) Option { return func(d *Docket) { d.stamper = s } }

// StampStore keeps time-stamps beside the files of signed records.
type StampStore interface {
	// Unstamped are hearings that were signed since then and have no time-stamp,
	// the newest first.
	Unstamped(ctx context.Context, since time.Time) ([]capture.Hearing, error)
	// KeepStamp keeps a signed hearing's time-stamp; the first one stays.
	// *StateError where it is not signed.
	KeepStamp(ctx context.Context, hearing string, stamp []byte) error
}

const (
	// stampFor is how long after its signing a record is stamped: one that was
	// signed before there was an authority is left as it is.
	stampFor   = 30 * 24 * time.Hour
	stampAgain = time.Minute // after the first failure; it doubles
	stampLast  = 15 * time.Minute

	alarmStamp = "timestamp-missing"
)

// stamp has every signed record stamped, until ctx ends.
func (d *Docket) stamp(ctx context.Context) {
	if d.stamper == nil {
		return
	}
	wait := stampAgain
	var said time.Time // when the authority began to be away
	for {
		missing, err := d.stampMissing(ctx)
		if ctx.Err() != nil {
			return
		}
		again := stampLast // what another process has signed is found then
		if err != nil {
			if said.IsZero() {
				said = time.Now()
				d.log.Warn("record is not time-stamped; will try again", "missing", missing, "err", err)
			}
			d.sayUnstamped(said, missing)
			again = wait
			wait = min(2*wait, stampLast)
		} else if wait = stampAgain; !said.IsZero() {
			d.log.Info("time-stamps work again", "after", time.Since(said).Round(time.Second))
			if said = (time.Time{}); d.alarms.clear(alarmStamp, "stamp") {
				d.tellHealth(d.ownHealth())
			}
		}
		select {
		case <-d.signed:
		case <-time.After(again):
		case <-ctx.Done():
			return
		}
	}
}

// stampMissing stamps what is not; with an error, missing records are left.
func (d *Docket) stampMissing(ctx context.Context) (missing int, err error) {
	list, err := d.store.Unstamped(ctx, time.Now().Add(-stampFor))
	if err != nil {
		return 0, fmt.Errorf("find records without a time-stamp: %w", err)
	}
	for i, h := range list {
		response, err := d.stamper.Stamp(ctx, h.Signing.Integrity)
		if err == nil {
			_, err = ReadStamp(response, h.Signing.Integrity, nil)
		}
		if err == nil {
			err = d.store.KeepStamp(ctx, h.ID, response)
		}
		if err != nil {
			return len(list) - i, fmt.Errorf("stamp hearing %s: %w", h.ID, err)
		}
		d.log.Info("record time-stamped", "hearing", h.ID, "courtroom", h.Courtroom)
	}
	return 0, nil
}

func (d *Docket) sayUnstamped(since time.Time, missing int) {
	if d.alarms.raise("stamp", capture.Alarm{
		Code: alarmStamp, Since: stamp(since),
		Text:   fmt.Sprintf("时间戳服务没有应答，有 %d 份已签名的笔录还没有时间戳；会自动再试，签名不受影响。请技术人员检查网络和配置项 tsa。", missing),
		TextEN: fmt.Sprintf("The time-stamp authority does not answer: %d signed records have no time-stamp yet. It is asked again by itself, and the signatures are not affected; have the network and the setting tsa checked.", missing),
	}) {
		d.tellHealth(d.ownHealth())
	}
}
