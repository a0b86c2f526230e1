package projections

// Ranges are the numbers of one source, as everything folded so far has them:
// from First to Last, but for the gaps.
type Ranges struct {
	First, Last int64      // both 0 where nothing is numbered
	Gaps        [][2]int64 // first and last missing number of each, ascending
	Lost        int64      // missing numbers below those gaps
}

// Whole are the contiguous ranges, ascending.
func (n Ranges) Whole() [][2]int64 {
	out, from := [][2]int64{}, n.First
	for _, g := range n.Gaps {
		out, from = append(out, [2]int64{from, g[0] - 1}), g[1]+1
	}
	return append(out, [2]int64{from, n.Last})
}

// Ranges are the numbers of a source, or ErrNotFound when it numbers nothing.
// Exact numbers are for officers.
func (r Reader) Ranges(organization, source string) (Ranges, error) {
	done, err := r.useOfficers()
	if err != nil {
		return Ranges{}, err
	}
	defer done()
	if !clean(organization, source) {
		return Ranges{}, ErrNotFound
	}
	value, err := r.get(part(numberPrefix, organization, source))
	if err != nil {
		return Ranges{}, err
	}
	n, err := parseNumbers(value)
	return Ranges{n.from, n.to, n.gaps, n.lost}, err
}

// Missing is how many numbers of a source are missing in what the reader has.
func (r Reader) Missing(organization, source string) (n uint64, err error) {
	done, err := r.useOfficers()
	if err != nil {
		return 0, err
	}
	defer done()
	f := gapOf(source)
	err = r.latest(f.key(organization, f.id(organization)), 0, func(_, value []byte) error {
		noted, err := parseNoted(value)
		n = uint64(noted.count)
		return err
	})
	return n, err
}

// gapOf is the finding of a source whose numbers are missing, as foldSequence
// makes it.
func gapOf(source string) finding {
	return finding{rule: RuleSequence, code: "gap", evidence: texts("source", source)}
}
