package oracle

import (
	"maps"
	"slices"
	"testing"
)

const vectorDir = "../../vectors"

func TestOraclesJudgeTheVectors(t *testing.T) {
	keys, err := ReadKeys(vectorDir)
	if err != nil {
		t.Fatal(err)
	}
	all, err := All(keys)
	if err != nil {
		t.Fatal(err)
	}
	files, err := ReadFiles(vectorDir)
	if err != nil {
		t.Fatal(err)
	}
	said := map[string]string{}
	for _, o := range all {
		t.Run(o.Name, func(t *testing.T) {
			reasons, judged := differing(o), map[string]int{}
			for _, f := range files {
				judge := o.Judges[f.Format]
				if judge == nil {
					continue
				}
				judged[f.Format]++
				v, err := judge(f.Data)
				checkVerdict(t, f, err, reasons[f.Name])
				delete(reasons, f.Name)
				if err == nil && v.Said != "" {
					if said[f.Name] != "" && said[f.Name] != v.Said {
						t.Errorf("%s: %q, others say %q", f.Name, v.Said, said[f.Name])
					}
					said[f.Name] = v.Said
				}
			}
			for name := range reasons {
				t.Errorf("%s has a reason and was not judged", name)
			}
			for _, format := range slices.Sorted(maps.Keys(o.Judges)) {
				if judged[format] < 15 {
					t.Errorf("%d files of the format %s", judged[format], format)
				}
			}
			t.Log(judged)
		})
	}
}

// checkVerdict holds an oracle's verdict against the index: it is another when there
// is a reason, and only then.
func checkVerdict(t *testing.T, f File, err error, reasons []string) {
	t.Helper()
	same := (err == nil) == f.Accept
	switch {
	case len(reasons) > 1:
		t.Errorf("%s has %d reasons: %q", f.Name, len(reasons), reasons)
	case !same && len(reasons) == 0:
		t.Errorf("%s (%s): the oracle says %v", f.Name, f.Reason, err)
	case same && len(reasons) > 0:
		t.Errorf("%s: no disagreement any more, though %s", f.Name, reasons[0])
	}
}
