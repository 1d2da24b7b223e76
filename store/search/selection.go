package search

import "slices"

// Selection is the lines of a block that a plan selects, worked out in steps:
// of what must all be in a line, a step reads the part that takes the least to
// read, and leaves of the lines those that it is in too. Whoever finds that few
// are left can stop and look at them. For one goroutine.
type Selection struct {
	block  *Block
	sets   *Sets
	root   *node
	within *Set
	whole  bool // all steps are to be taken
}

// node is an Expr and how far it is worked out.
type node struct {
	e      *Expr // with its parts, where all of them are ranges of which any may hold
	any    bool
	parts  []*node
	except []*node

	weight int  // of the pages to read, where there are no parts
	set    *Set // what it selects, or more; nil: not begun
	left   int  // how many are in set
	done   bool
}

// Select begins to select what e does; whole says that all steps will be taken.
func (b *Block) Select(e *Expr, whole bool, sets *Sets) *Selection {
	return &Selection{block: b, sets: sets, root: b.node(e), whole: whole}
}

func (b *Block) node(e *Expr) *node {
	n := &node{e: e}
	if e == nil { // all lines: the last to begin with
		n.weight = b.lines
		return n
	}
	if e.ranges(func(r *Expr) { n.weight += b.weight(r) }) {
		return n
	}
	n.any = e.any
	for _, p := range e.parts {
		n.parts = append(n.parts, b.node(p))
	}
	for _, p := range e.except {
		n.except = append(n.except, b.node(p))
	}
	return n
}

// ranges calls f for the ranges of which any must hold, and reports whether e
// is nothing else.
func (e *Expr) ranges(f func(*Expr)) bool {
	if e.parts == nil {
		f(e)
		return true
	}
	if !e.any {
		return false
	}
	for _, p := range e.parts {
		if p.parts != nil {
			return false
		}
	}
	for _, p := range e.parts {
		f(p)
	}
	return true
}

// Within bounds a selection that has not begun to lines that are known to hold
// all that matter. The set is the selection's from then on.
func (s *Selection) Within(set *Set) { s.within = set }

// Begun reports whether anything is known of the lines.
func (s *Selection) Begun() bool { return s.root.set != nil || s.within != nil }

// Done reports whether Lines are exactly those that the plan selects.
func (s *Selection) Done() bool { return s.root.done }

// Lines are those that the plan selects, or more; nil: nothing is known yet.
func (s *Selection) Lines() *Set {
	if s.root.set != nil {
		return s.root.set
	}
	return s.within
}

// Left is how many lines are selected by what was read; 0 where that is nothing.
func (s *Selection) Left() int { return s.root.left }

// Weight is what the next step takes, in rows of usual size. Of alternatives
// only those go on that have more lines left than they take; where none has, ok
// is false.
func (s *Selection) Weight() (weight int, ok bool) { return s.root.next(s.whole, nil) }

// Rows are the rows that the next step needs.
func (s *Selection) Rows() (rows []int) {
	s.root.next(s.whole, func(e *Expr) {
		e.ranges(func(r *Expr) {
			from, to := s.block.pages(r)
			for p := from; p < to; p++ {
				rows = append(rows, rowPages+p)
			}
		})
	})
	return rows
}

// Step goes on with rows, which are those that Rows named.
func (s *Selection) Step(rows map[int][]byte) error {
	return s.step(s.root, s.within, rows)
}

// Close gives back the sets. Nobody may look at them any more.
func (s *Selection) Close() {
	s.sets.put(s.within)
	s.within = nil
	s.root.close(s.sets)
}

func (n *node) close(sets *Sets) {
	sets.put(n.set)
	n.set = nil
	for _, p := range n.parts {
		p.close(sets)
	}
	for _, p := range n.except {
		p.close(sets)
	}
}

// next calls f, unless that is nil, with the expressions that the next step
// reads, and returns their weight. Where it does not go on, ok is false.
func (n *node) next(whole bool, f func(*Expr)) (weight int, ok bool) {
	switch {
	case n.done:
		return 0, false
	case n.parts == nil:
		if f != nil && n.e != nil {
			f(n.e)
		}
		return n.weight, true
	case n.any:
		for _, p := range n.parts {
			if p.goesOn(whole) {
				w, _ := p.next(whole, f)
				weight, ok = weight+w, true
			}
		}
		return weight, ok
	}
	p, _ := n.choice(whole)
	if p == nil {
		return 0, false
	}
	return p.next(whole, f)
}

// goesOn reports whether a step of an alternative is worth it.
func (n *node) goesOn(whole bool) bool {
	weight, ok := n.next(whole, nil)
	return ok && (whole || n.set == nil || weight <= n.left)
}

// choice is the part of those that must all hold, or the exception, with which
// the next step goes on: that which takes the least, or has fewer common
// characters. Nil: none does.
func (n *node) choice(whole bool) (best *node, except bool) {
	least := 0
	for _, p := range n.parts {
		w, ok := p.next(whole, nil)
		if ok && (best == nil || w < least || w == least && p.common() < best.common()) {
			best, least = p, w
		}
	}
	if best != nil {
		return best, false
	}
	for _, p := range n.except {
		if !p.done {
			return p, true
		}
	}
	return nil, false
}

func (n *node) common() int {
	if n.e == nil {
		return 0
	}
	return n.e.common
}

// step works out more of n, for lines in within; nil: for all.
func (s *Selection) step(n *node, within *Set, rows map[int][]byte) error {
	err := s.workOut(n, within, rows)
	if err == nil {
		n.left = n.set.Count()
		n.done = n.done || n.left == 0
	}
	return err
}

func (s *Selection) workOut(n *node, within *Set, rows map[int][]byte) error {
	switch {
	case n.parts == nil:
		n.done, n.set = true, s.sets.get(s.block.lines)
		if n.e == nil {
			if within != nil {
				n.set.unite(within)
			} else {
				n.set.addRange(0, s.block.lines)
			}
			return nil
		}
		var err error
		n.e.ranges(func(r *Expr) {
			if err == nil {
				err = s.block.collect(r, rows, within, n.set)
			}
		})
		return err
	case n.any:
		was := n.set
		n.done, n.set = true, s.sets.get(s.block.lines)
		s.sets.put(was)
		for _, p := range n.parts {
			if p.goesOn(s.whole) {
				if err := s.step(p, within, rows); err != nil {
					return err
				}
			}
			n.set.unite(p.set)
			n.done = n.done && p.done
		}
		return nil
	}
	p, except := n.choice(s.whole)
	if n.set != nil {
		within = n.set
	}
	if err := s.step(p, within, rows); err != nil {
		return err
	}
	switch {
	case except:
		if p.done {
			n.set.subtract(p.set)
		}
	case p.parts == nil: // of the lines so far already
		s.sets.put(n.set)
		n.set, p.set = p.set, nil
	case n.set == nil:
		n.set = s.sets.get(s.block.lines)
		n.set.unite(p.set)
	default:
		n.set.intersect(p.set)
	}
	open := func(p *node) bool { return !p.done }
	n.done = !slices.ContainsFunc(n.parts, open) && !slices.ContainsFunc(n.except, open)
	return nil
}

// Around are the lines that stand no more than so many before or after one of
// set, and those of set.
func (p *Sets) Around(set *Set, lines int) *Set {
	all := len(set.words) << 6
	around := p.get(all - 1)
	for n, end := set.Next(0, all), 0; n < all; n = set.Next(n+1, all) {
		around.addRange(max(end, n-lines), min(all, n+lines+1))
		end = n + lines + 1
	}
	return around
}
