package capture

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

// TestReceiptsForgotten: a daemon runs for years, and hears the receipts of all
// courtrooms.
func TestReceiptsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &Daemon{receipts: map[string]Receipt{}}
		const days = 3 * int(rememberReceipts/(24*time.Hour))
		for day := range days {
			for i := range 10 {
				d.receipt(Receipt{Hearing: fmt.Sprint("h", day, "-", i), Channel: "judge", Epoch: 1, Seq: 9, At: time.Now()}, &Spool{}, nil)
			}
			time.Sleep(24 * time.Hour)
		}
		if most := 10 * (days/3 + 2); len(d.receipts) > most {
			t.Errorf("%d receipts are remembered, want at most %d", len(d.receipts), most)
		}
		if r := d.held(fmt.Sprint("h", days-100, "-0"), "judge"); r.Seq != 9 {
			t.Errorf("a receipt of 100 days: %+v", r)
		}
	})
}
