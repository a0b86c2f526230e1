package broker

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// TestReadFiles: the files of a stopped server hold what was published, with
// headers and without; a bit flipped in any byte of them is noticed, and reading changes nothing.
func TestReadFiles(t *testing.T) {
	dir := t.TempDir()
	b, nc := open(t, dir)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "S", Subjects: []string{"s"}}); err != nil {
		t.Fatal(err)
	}
	var want [][]byte
	for i := range 7 {
		msg := &nats.Msg{Subject: "s", Data: bytes.Repeat(fmt.Append(nil, i), i*i)}
		if i%3 == 0 {
			msg.Header = nats.Header{"A": {"b"}}
		}
		if _, err := js.PublishMsg(t.Context(), msg); err != nil {
			t.Fatal(err)
		}
		want = append(want, msg.Data)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if err := readsAs(dir, want); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, blockDir("S"), "1.blk")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for at := 0; at < len(whole); at++ {
		damaged := bytes.Clone(whole)
		damaged[at] ^= 1 << (at % 8)
		if err := os.WriteFile(path, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		var wrong *FileError
		if err := readsAs(dir, want); !errors.As(err, &wrong) {
			t.Fatalf("byte %d is damaged: %v", at, err)
		}
		if err := CheckFiles(dir, "S", "s"); (err == nil) != (wrong == nil || wrong.Torn) {
			t.Fatalf("byte %d is damaged: %v before a start", at, err)
		}
		if after, _ := os.ReadFile(path); !bytes.Equal(after, damaged) {
			t.Fatal("reading changed the file")
		}
	}
}

func readsAs(dir string, want [][]byte) error {
	n := 0
	for m, err := range ReadFiles(dir, "S", "s") {
		if err != nil {
			return err
		}
		if n == len(want) || int(m.Seq) != n+1 || !bytes.Equal(m.Data, want[n]) {
			return fmt.Errorf("message %d differs", m.Seq)
		}
		n++
	}
	if n != len(want) {
		return fmt.Errorf("%d messages, want %d", n, len(want))
	}
	return nil
}

// TestReadFilesTorn: a file that ends within a record says so, wherever it is
// cut, and gives what comes before.
func TestReadFilesTorn(t *testing.T) {
	dir := t.TempDir()
	b, nc := open(t, dir)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "S", Subjects: []string{"s"}}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := js.Publish(t.Context(), "s", []byte("message")); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, blockDir("S"), "1.blk")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	one := len(whole) / 2
	for n := len(whole) - 1; n > one; n-- {
		if err := os.WriteFile(path, whole[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		var wrong *FileError
		if err := readsAs(dir, [][]byte{[]byte("message"), nil}); !errors.As(err, &wrong) || !wrong.Torn || wrong.Offset != int64(one) {
			t.Fatalf("cut at %d: %v", n, err)
		}
	}
	if err := os.WriteFile(path, append(whole[:one:one], make([]byte, 99)...), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(CheckFiles(dir, "S", "s"), CheckFiles(t.TempDir(), "S", "s")); err != nil {
		t.Fatalf("a torn end, and no history: %v", err)
	}
	if err := readsAs(t.TempDir(), nil); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("no history: %v", err)
	}
}
