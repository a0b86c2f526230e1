package proof

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// TestSampleVectors holds samples against what another program drew.
func TestSampleVectors(t *testing.T) {
	b, err := os.ReadFile(filepath.Join(vectorDir, "samples.json"))
	if err != nil {
		t.Fatal(err)
	}
	var list struct {
		Vectors []struct {
			Name, Checkpoint, Seed string
			Of                     uint64
			Draw                   int
			Drawn                  []uint64
		}
	}
	if err := json.Unmarshal(b, &list); err != nil || len(list.Vectors) < 5 {
		t.Fatalf("%d vectors, %v", len(list.Vectors), err)
	}
	for _, v := range list.Vectors {
		c, err := ParseCheckpoint(v.Checkpoint)
		if err != nil {
			t.Fatal(err)
		}
		seed := SpotSeed(c)
		if base64.RawURLEncoding.EncodeToString(seed[:]) != v.Seed {
			t.Errorf("%s: the seed is %x", v.Name, seed)
		}
		if got := Sample(seed, v.Of, v.Draw); !slices.Equal(got, v.Drawn) {
			t.Errorf("%s: drew %d, want %d", v.Name, got, v.Drawn)
		}
	}
}

func TestSampleDropsWhatWouldBias(t *testing.T) {
	// Of 2^63+1 nearly every second number is dropped.
	got := Sample(sha256.Sum256([]byte("x")), 1<<63+1, 6)
	want := []uint64{4545904751221739192, 7798939515035228908, 3146988947705486107, 1942224407195400771, 8797391449906515028, 7172925673826935779}
	if !slices.Equal(got, want) {
		t.Errorf("drew %d, want %d", got, want)
	}
	for _, n := range []uint64{1, 2, 3, 1 << 63, math.MaxUint64} {
		for _, x := range Sample(sha256.Sum256(nil), n, 3) {
			if x >= n {
				t.Errorf("%d is not below %d", x, n)
			}
		}
	}
	if Sample(sha256.Sum256(nil), 0, 3) != nil || Sample(sha256.Sum256(nil), 3, 0) != nil {
		t.Error("nothing is drawn of something")
	}
}

func TestDetection(t *testing.T) {
	for _, x := range []struct {
		f    float64
		m    int
		want float64
	}{{0.01, 1, 0.01}, {0.01, 300, 0.950959}, {0.001, 3000, 0.950288}, {0, 5, 0}} {
		if got := Detection(x.f, x.m); math.Abs(got-x.want) > 1e-6 {
			t.Errorf("%v in %d: %v, want %v", x.f, x.m, got, x.want)
		}
	}
}
