//go:build !unix

package searchbench

import "time"

func cpuTime() time.Duration { return 0 } // not measured
