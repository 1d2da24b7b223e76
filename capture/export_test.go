package capture

import "time"

// Suspend makes a daemon believe that its machine is suspended for as long as
// slept says in all. It is called before Run.
func (d *Daemon) Suspend(slept func() time.Duration) { d.asleep = slept }
