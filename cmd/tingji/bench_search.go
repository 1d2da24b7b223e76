package main

import (
	"context"

	"tingji/store/search/searchbench"
)

// benchSearch measures the search alone: the index of so many lines in a temporary
// folder, without the record that it was made from.
func benchSearch(ctx context.Context, lines int, f figures) error {
	found, err := searchbench.Measure(ctx, searchbench.Config{Lines: lines, Queries: 100, Bare: true})
	if err != nil {
		return err
	}
	for _, key := range []string{"search_p95_ms", "search_pinyin_p95_ms"} {
		if v, ok := found[key]; ok {
			f[key] = v
		}
	}
	f["search_lines"] = float64(lines)
	return nil
}
