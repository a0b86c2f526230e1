package proof

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// object is a JSON object; encoding/json writes its members sorted.
type object = map[string]any

// valueOf is what an accepted vector states, in plain values.
func valueOf(t *testing.T, format, data string) object {
	t.Helper()
	b := []byte(data)
	switch format {
	case "checkpoint":
		return checkpointValue(must(OpenCheckpoint(b, logKey(t).Verifier)))
	case "proof":
		p := must(ParseProof(b))
		out := checkpointValue(must(p.Verify(logKey(t).Verifier)))
		out["position"], out["leafHash"] = p.Index, leafText(p.Extra)
		return out
	case "receipt":
		r := must(OpenReceipt(b, receiptKey(t).Verifier))
		var promises []object
		for _, l := range r.Lines {
			promises = append(promises, object{"position": l.Index, "hash": base64.RawURLEncoding.EncodeToString(l.EntryHash[:])})
		}
		return object{"origin": r.Origin, "time": r.Time.Format(time.RFC3339Nano), "promises": promises}
	case "policy":
		return policyValue(must(ParsePolicy(b)))
	case "cosigned":
		c, by, err := must(ParsePolicy([]byte(testPolicy(t)))).Check(b, logKey(t).Verifier)
		if err != nil {
			t.Fatal(err)
		}
		out := checkpointValue(c)
		out["cosigned"], out["knownAt"] = cosignedValue(by), by.At.Unix()
		return out
	case "card":
		return cardValue(must(ParseCard(b)))
	case "index-proof":
		p := must(ParseIndexProof(b))
		index := must(p.Verify(indexKey(t).Verifier))
		return object{"leaf": leafValue(p.Leaf), "index": checkpointValue(index), "tags": p.Tags != nil, "labels": p.Labels != nil}
	case "bundle":
		_, card, _ := annsTown(t)
		return bundleValue(must(must(ParseBundle(b)).Verify(card)))
	}
	t.Fatalf("unknown format %q", format)
	return nil
}

// leafText is the leaf hash of an entry.
func leafText(entry []byte) string {
	h := LeafHash(entry)
	return base64.StdEncoding.EncodeToString(h[:])
}

func checkpointValue(c Checkpoint) object {
	return object{"origin": c.Origin, "size": c.Size, "root": base64.StdEncoding.EncodeToString(c.Root[:])}
}

func leafValue(l IndexLeaf) object {
	b64 := func(h Hash) string { return base64.StdEncoding.EncodeToString(h[:]) }
	return object{"size": l.Size, "root": b64(l.Root), "tags": b64(l.Tags), "labels": b64(l.Labels)}
}

func cosignedValue(c Cosigned) (out []object) {
	for _, by := range c.By {
		out = append(out, object{"witness": by.Witness, "time": by.At.Unix()})
	}
	return out
}

// policyValue has the quorums of which nobody can be left out.
func policyValue(p Policy) object {
	quorums := [][]string{}
	for set := range 1 << min(len(p.Witnesses), 6) {
		with := func(left int) bool {
			var names []string
			for i, w := range p.Witnesses {
				if i != left && set>>min(i, 6)&1 == 1 {
					names = append(names, w.Name)
				}
			}
			return p.Met(names...)
		}
		least, names := with(-1), []string{}
		for i, w := range p.Witnesses {
			if set>>min(i, 6)&1 == 1 {
				least, names = least && !with(i), append(names, w.Name)
			}
		}
		if least {
			quorums = append(quorums, names)
		}
	}
	return object{"text": p.Text(), "quorums": quorums}
}

func cardValue(c Card) object {
	var trails []object
	for _, t := range c.Trails {
		trails = append(trails, object{"generation": t.Generation, "first": t.First, "gone": t.Gone})
	}
	return object{"origin": c.Origin(), "url": c.URL, "scheme": c.Scheme, "policy": c.Policy, "trails": trails, "link": c.Link()}
}

func bundleValue(p Proven) object {
	var found []object
	for _, e := range p.Events {
		one := object{"position": e.Position, "kind": e.Entry.Text("kind"), "number": e.Counter}
		open := []string{}
		for _, d := range e.Open {
			open = append(open, d.Name)
		}
		if one["opened"] = open; e.Seal != "" {
			one["seal"] = e.Seal
		} else {
			one["generation"] = e.Generation
		}
		if e.Head != nil {
			one["head"] = e.Head.Position
		}
		found = append(found, one)
	}
	out := object{
		"checkpoint": checkpointValue(p.Checkpoint), "leaf": leafValue(p.Leaf), "index": checkpointValue(p.Index), "events": found,
		"own": p.Own, "gone": p.Gone, "unopened": p.Unopened, "cosigned": cosignedValue(p.Cosigned), "indexCosigned": cosignedValue(p.IndexCosigned),
		"knownAt": p.At().Unix(),
	}
	if p.Replaced != nil {
		out["replaced"] = p.Replaced.Position
	}
	return out
}

// TestVectorValues holds values.json against what the accepted vectors state.
func TestVectorValues(t *testing.T) {
	made := map[string]object{}
	for _, v := range allVectors(t) {
		if v.want == "" {
			made[v.path()] = valueOf(t, v.format, v.data)
		}
	}
	var want bytes.Buffer
	e := json.NewEncoder(&want)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	if err := e.Encode(made); err != nil {
		t.Fatal(err)
	}
	if *update {
		writeFile(t, "values.json", want.String())
	}
	if kept, err := os.ReadFile(filepath.Join(vectorDir, "values.json")); err != nil || !bytes.Equal(kept, want.Bytes()) {
		t.Errorf("values.json is not what -update writes: %v", err)
	}
}
