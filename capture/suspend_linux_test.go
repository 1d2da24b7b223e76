package capture

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// TestAsleep asks for how long the machine was suspended where the kernel says that
// it was so for 30 s longer than it was: in a time namespace of its own.
func TestAsleep(t *testing.T) {
	const child = "TINGJI_TEST_ASLEEP"
	if os.Getenv(child) != "" {
		fmt.Printf("asleep %d\n", asleep())
		return
	}
	cmd := exec.Command("unshare", "--time", "--boottime", "30", "--fork", os.Args[0], "-test.run", "^TestAsleep$", "-test.v")
	cmd.Env = append(os.Environ(), child+"=1")
	before := asleep()
	out, err := cmd.CombinedOutput()
	if err != nil && !strings.Contains(string(out), "asleep ") {
		t.Skipf("no time namespace here: %v: %s", err, out)
	}
	_, said, _ := strings.Cut(string(out), "asleep ")
	var slept int64
	if _, err := fmt.Sscan(said, &slept); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	if more := time.Duration(slept) - before; more < 29900*time.Millisecond || more > 30100*time.Millisecond {
		t.Errorf("slept %v, and %v before: 30 s are due", time.Duration(slept), before)
	}
}
