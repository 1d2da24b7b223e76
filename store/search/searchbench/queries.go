package searchbench

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"tingji/store/search/corpus"
	"tingji/transcript"
)

// kind is a kind of query.
type kind struct {
	name  string
	sound bool
	query func() string
}

func (b *bench) kinds() []kind {
	pick := func() sampled { return b.sample[b.rng.IntN(len(b.sample))] }
	part := func(text string, n int) string {
		runes := []rune(strings.Trim(text, "。"))
		for range 20 {
			if len(runes) < n {
				runes = []rune(strings.Trim(pick().text, "。"))
				continue
			}
			at := b.rng.IntN(len(runes) - n + 1)
			if s := string(runes[at : at+n]); !strings.ContainsAny(s, "，0123456789") {
				return s
			}
		}
		return "现在开庭"
	}
	quoted := func(s string) string { return `"` + s + `"` }
	plain := []kind{
		{"one character", false, func() string { return quoted(part(pick().text, 1)) }},
		{"common word", false, func() string {
			return quoted([]string{"我们", "没有", "合同", "这个", "原告"}[b.rng.IntN(5)])
		}},
		{"word as spoken", false, func() string { return quoted(b.corpus.Word()) }},
		{"rare word", false, func() string { return quoted(b.corpus.RareWord()) }},
		{"4 characters", false, func() string { return quoted(part(pick().text, 4)) }},
		{"8 characters", false, func() string { return quoted(part(pick().text, 8)) }},
		{"not there", false, func() string { return quoted(part(pick().text, 2) + part(pick().text, 2)) }},
		{"number", false, func() string { return b.corpus.Amount() }},
		{"two near", false, func() string { return part(pick().text, 2) + " ~3行 " + part(pick().text, 2) }},
		{"3 plain", true, func() string { return part(pick().truth, 3) }},
		{"pinyin 2", true, func() string { return "音:" + corpus.Typed(part(pick().truth, 2), 0) }},
		{"pinyin 3", true, func() string { return "音:" + corpus.Typed(part(pick().truth, 3), 0) }},
		{"initials 3", true, func() string { return "音:" + corpus.Typed(part(pick().truth, 3), 2) }},
		{"homophones 2", true, func() string { return "音:" + part(pick().truth, 2) }},
		{"homophones 4", true, func() string { return "音:" + part(pick().truth, 4) }},
	}
	var all []kind
	for _, k := range plain {
		all = append(all, k, kind{k.name + " + filters", k.sound, func() string {
			filters := []string{"角色:证人", "法庭:r3", "类型:刑初", "案由:盗窃", "-角色:审判长", "日期:2006"}
			q := k.query()
			for range 1 + b.rng.IntN(2) {
				q = filters[b.rng.IntN(len(filters))] + " " + q
			}
			return q
		}})
	}
	return all
}

// queries measures each kind, best and newest first.
func (b *bench) queries(ctx context.Context) error {
	see := func(transcript.SearchHearing) bool { return true }
	var characters, sounds, charactersCPU, soundsCPU []time.Duration
	fmt.Fprintf(b.Out, "%-28s %8s %8s %8s %8s  %8s %8s   %s\n", "ms", "p50", "p95", "p99", "max", "CPU p50", "p95", "hearings found on a page, lines, incomplete")
	for _, k := range b.kinds() {
		if !strings.Contains(k.name, b.Only) {
			continue
		}
		var times, cpu []time.Duration
		found, lines, incomplete, slowest, worst := 0, 0, 0, "", time.Duration(0)
		for n := range b.Queries {
			q := k.query()
			began, used := time.Now(), cpuTime()
			r, err := b.store.Search(ctx, transcript.SearchRequest{Query: q, Newest: b.Newest || n%2 == 0}, see)
			took := time.Since(began)
			if err != nil {
				return fmt.Errorf("%s: %w", q, err)
			}
			times, cpu = append(times, took), append(cpu, cpuTime()-used)
			if took > worst {
				worst, slowest = took, q
			}
			found += len(r.Hearings)
			lines += r.Count
			if r.Incomplete {
				incomplete++
			}
		}
		if k.sound {
			sounds, soundsCPU = append(sounds, times...), append(soundsCPU, cpu...)
		} else {
			characters, charactersCPU = append(characters, times...), append(charactersCPU, cpu...)
		}
		slices.Sort(times)
		slices.Sort(cpu)
		fmt.Fprintf(b.Out, "%-28s %8.2f %8.2f %8.2f %8.2f  %8.2f %8.2f   %.1f %.0f %d  %s\n", k.name, percentile(times, 50), percentile(times, 95),
			percentile(times, 99), percentile(times, 100), percentile(cpu, 50), percentile(cpu, 95), float64(found)/float64(b.Queries), float64(lines)/float64(b.Queries), incomplete, slowest)
	}
	for _, list := range [][]time.Duration{characters, sounds, charactersCPU, soundsCPU} {
		slices.Sort(list)
	}
	b.figures["search_p95_ms"] = percentile(characters, 95)
	b.figures["search_pinyin_p95_ms"] = percentile(sounds, 95)
	fmt.Fprintf(b.Out, "characters p50 %.2f p95 %.2f p99 %.2f, by sound p50 %.2f p95 %.2f p99 %.2f ms\n",
		percentile(characters, 50), percentile(characters, 95), percentile(characters, 99),
		percentile(sounds, 50), percentile(sounds, 95), percentile(sounds, 99))
	fmt.Fprintf(b.Out, "CPU: characters p50 %.2f p95 %.2f, by sound p50 %.2f p95 %.2f ms\n",
		percentile(charactersCPU, 50), percentile(charactersCPU, 95), percentile(soundsCPU, 50), percentile(soundsCPU, 95))
	return nil
}
