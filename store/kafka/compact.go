package kafka

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// The folder in which the old files of the compacted topics are kept while kfake
// writes new ones. Renaming it is what begins and ends a compaction.
const (
	asideBeing = "compacting.tmp"  // links are being made; nothing has happened yet
	asideValid = "compacting"      // what stands in the log may be half written
	asideDone  = "compacting.done" // the log is whole; can go
)

// maybeCompact counts n bytes for the compacted topics, and compacts when they
// have doubled. It runs inside a control function: kfake serves nobody else
// meanwhile, some 100 ms for 20,000 batches.
func (g *guard) maybeCompact(n int64) {
	g.mu.Lock()
	g.grown += n
	due := g.grown >= max(g.compact, g.kept)
	g.mu.Unlock()
	if !due {
		return
	}
	g.e.mu.Lock()
	defer g.e.mu.Unlock()
	if g.e.closed {
		return
	}
	kept, err := g.e.runCompaction(g.warnings)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.grown, g.kept = 0, kept
	if err != nil {
		g.e.log.Error("compaction of the embedded kafka failed", "err", err, "restart_needed", errors.Is(err, errHalfCompacted))
	}
	if errors.Is(err, errHalfCompacted) {
		g.broken = err
	}
}

// errHalfCompacted means that the log lost records that only a restart brings back.
var errHalfCompacted = errors.New("the compacted topics are incomplete until the embedded broker is restarted")

// runCompaction lets kfake compact with the old files kept aside: it removes
// them before it writes the new ones, and goes on when the disk is full. An
// interrupted or failed compaction is undone by the next start.
// The caller holds e.mu and runs inside a control function.
func (e *Embedded) runCompaction(warnings *kfakeLog) (kept int64, err error) {
	partitions, err := compactedPartitions(logDir(e.dir))
	if err != nil {
		return 0, err
	}
	ends := make(map[string]int64)
	for _, p := range partitions {
		if info := e.cluster.PartitionInfo(p.topic, int32(p.number)); info != nil {
			ends[p.dir] = info.HighWatermark
		}
	}
	if err := setAside(e.dir, partitions); err != nil {
		return 0, fmt.Errorf("keep the old files: %w", err)
	}
	before := warnings.warnings()
	e.cluster.Compact()
	if warnings.warnings() != before {
		return 0, errHalfCompacted
	}
	for _, p := range partitions {
		bytes, end, err := checkCompacted(p.dir)
		if err != nil || end != ends[p.dir] {
			return 0, fmt.Errorf("%w: %s/%d ends at offset %d, had %d: %v", errHalfCompacted, p.topic, p.number, end, ends[p.dir], err)
		}
		kept += bytes
	}
	if err := os.Rename(filepath.Join(e.dir, asideValid), filepath.Join(e.dir, asideDone)); err != nil {
		return 0, fmt.Errorf("%w: %w", errHalfCompacted, err)
	}
	return kept, errors.Join(syncDir(e.dir), os.RemoveAll(filepath.Join(e.dir, asideDone)))
}

// checkCompacted makes the new files of a partition durable and reads them.
func checkCompacted(dir string) (bytes, end int64, err error) {
	// The snapshot of the last shutdown describes files that are gone.
	if err := os.Remove(filepath.Join(dir, snapshotFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return 0, 0, err
	}
	if err := syncDir(dir); err != nil {
		return 0, 0, err
	}
	segments, err := listSegments(dir)
	if err != nil {
		return 0, 0, err
	}
	for _, s := range segments {
		raw, err := os.ReadFile(s.path)
		if err != nil {
			return 0, 0, err
		}
		found := scan(raw, end, -1)
		if len(found.gaps) > 0 || found.torn > 0 {
			return 0, 0, fmt.Errorf("%s is damaged", s.path)
		}
		bytes, end = bytes+int64(len(raw)), found.end
	}
	return bytes, end, nil
}

// setAside links the files of the partitions into a folder of their own. Links
// are enough: kfake unlinks files and creates others, it overwrites none.
func setAside(dir string, partitions []partitionDir) error {
	being := filepath.Join(dir, asideBeing)
	if err := os.RemoveAll(being); err != nil {
		return err
	}
	for _, p := range partitions {
		to := filepath.Join(being, filepath.Base(p.dir))
		if err := os.MkdirAll(to, 0o755); err != nil {
			return err
		}
		files, err := os.ReadDir(p.dir)
		if err != nil {
			return err
		}
		for _, f := range files {
			if err := os.Link(filepath.Join(p.dir, f.Name()), filepath.Join(to, f.Name())); err != nil {
				return err
			}
		}
		if err := syncDir(to); err != nil {
			return err
		}
	}
	if err := syncDir(being); err != nil {
		return err
	}
	if err := os.Rename(being, filepath.Join(dir, asideValid)); err != nil {
		return err
	}
	return syncDir(dir)
}

// restoreCompaction undoes a compaction that did not come to its end. It can
// itself be interrupted anywhere and done again.
func restoreCompaction(dir string) error {
	valid := filepath.Join(dir, asideValid)
	old, err := os.ReadDir(valid)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, p := range old {
		to := filepath.Join(logDir(dir), partitionsFolder, p.Name())
		if err := os.RemoveAll(to); err != nil {
			return err
		}
		if err := os.Rename(filepath.Join(valid, p.Name()), to); err != nil {
			return err
		}
	}
	if len(old) > 0 {
		if err := syncDir(filepath.Join(logDir(dir), partitionsFolder)); err != nil {
			return err
		}
	}
	for _, left := range []string{asideValid, asideBeing, asideDone} {
		if err := os.RemoveAll(filepath.Join(dir, left)); err != nil {
			return err
		}
	}
	return nil
}

// compactedPartitions are the folders of the topics that kfake would compact.
func compactedPartitions(logDir string) ([]partitionDir, error) {
	names, err := compactedTopics(logDir)
	if err != nil {
		return nil, err
	}
	all, err := listPartitions(logDir)
	if err != nil {
		return nil, err
	}
	var out []partitionDir
	for _, p := range all {
		if names[p.topic] {
			out = append(out, p)
		}
	}
	return out, nil
}

// compactedTopics reads them from kfake's own list.
func compactedTopics(logDir string) (map[string]bool, error) {
	raw, err := os.ReadFile(filepath.Join(logDir, "topics.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var list struct {
		Topics []struct {
			Name    string            `json:"name"`
			Configs map[string]string `json:"configs"`
		} `json:"topics"`
	}
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, fmt.Errorf("topics.json: %w", err)
	}
	names := make(map[string]bool)
	for _, t := range list.Topics {
		if strings.Contains(t.Configs["cleanup.policy"], "compact") {
			names[t.Name] = true
		}
	}
	return names, nil
}

// syncDir makes renames and new files in a folder durable. Windows has no such
// thing, and does it by itself.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
