package capture

import "time"

// Suspend makes a daemon believe that its machine is suspended for as long as
// slept says in all. It is called before Run.
func (d *Daemon) Suspend(slept func() time.Duration) { d.asleep = slept }

// Hang has all that is done on a daemon's archive pass a gate, which may block. It is
// called before Run.
func (d *Daemon) Hang(gate func()) { d.gate = gate }

// Free has another say how much room there is. It is called before Run.
func (d *Daemon) Free(free func(dir string) (int64, error)) { d.free = free }
