package keyring

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

var errCut = errors.New("the power is cut")

// plug is the power of the disks in one directory: it can be pulled before any
// step, and knows what is certainly on disk then: of a file what was synced, of
// a name what was there when its directory was synced.
type plug struct {
	t        testing.TB
	root     string
	cutAt    int // the step that does not happen; below 0: none
	steps    int
	cut      bool // that step was asked for
	last     step // done by the time the next one is asked for
	inodes   int
	names    map[string]int // path below root → file
	durable  map[string]int
	content  map[int][]byte // file → what it holds; no entry is a directory
	synced   map[int][]byte
	isFolder map[int]bool
}

// plugIn takes over root, whose content is on disk.
func plugIn(t testing.TB, root string, cutAt int) *plug {
	t.Helper()
	p := &plug{
		t: t, root: root, cutAt: cutAt,
		names: map[string]int{}, durable: map[string]int{}, content: map[int][]byte{}, synced: map[int][]byte{}, isFolder: map[int]bool{},
	}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == root {
			return err
		}
		p.inodes++
		p.names[p.rel(path)] = p.inodes
		p.isFolder[p.inodes] = d.IsDir()
		if !d.IsDir() {
			p.content[p.inodes], err = os.ReadFile(path)
			p.synced[p.inodes] = p.content[p.inodes]
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, inode := range p.names {
		p.durable[name] = inode
	}
	return p
}

func (p *plug) rel(path string) string {
	rel, err := filepath.Rel(p.root, path)
	if err != nil {
		p.t.Fatal(err)
	}
	return rel
}

// step is asked before every step.
func (p *plug) step(s step) error {
	p.settle()
	if p.steps == p.cutAt {
		p.cut = true
		return errCut
	}
	p.steps++
	p.last = s
	return nil
}

// settle takes the last step for done.
func (p *plug) settle() {
	s := p.last
	p.last = step{}
	if s.op == "" {
		return
	}
	name := p.rel(s.path)
	switch s.op {
	case "write":
		data, err := os.ReadFile(s.path)
		if err != nil {
			p.t.Fatal(err)
		}
		if p.names[name] == 0 {
			p.inodes++
			p.names[name] = p.inodes
		}
		p.content[p.names[name]] = data
	case "sync":
		p.synced[p.names[name]] = p.content[p.names[name]]
	case "rename":
		p.names[p.rel(s.to)] = p.names[name]
		delete(p.names, name)
	case "remove":
		delete(p.names, name)
	case "mkdir":
		if p.names[name] == 0 {
			p.inodes++
			p.names[name] = p.inodes
			p.isFolder[p.inodes] = true
		}
	case "syncdir":
		for _, names := range []map[string]int{p.durable, p.names} {
			for entry := range names {
				if filepath.Dir(entry) != name {
					continue
				}
				if inode := p.names[entry]; inode != 0 {
					p.durable[entry] = inode
				} else {
					delete(p.durable, entry)
				}
			}
		}
	default:
		p.t.Fatalf("an unknown step %q", s.op)
	}
}

// images are what may be found after the power came back: the names as they were
// or as they were last synced, and the contents likewise or half appended. They
// are directories.
func (p *plug) images() []string {
	p.settle()
	seen := map[[32]byte]bool{}
	var out []string
	for _, names := range []map[string]int{p.names, p.durable} {
		for _, content := range []map[int][]byte{p.content, p.synced, p.torn()} {
			sum := sha256.New()
			paths := make([]string, 0, len(names))
			for path := range names {
				paths = append(paths, path)
			}
			slices.Sort(paths)
			for _, path := range paths {
				fmt.Fprintf(sum, "%s %x\n", path, content[names[path]])
			}
			if id := [32]byte(sum.Sum(nil)); !seen[id] {
				seen[id] = true
				out = append(out, p.image(paths, names, content))
			}
		}
	}
	return out
}

// torn is what files hold when half of what was appended since the last sync is
// there.
func (p *plug) torn() map[int][]byte {
	out := map[int][]byte{}
	for inode, data := range p.content {
		synced := p.synced[inode]
		if bytes.HasPrefix(data, synced) {
			data = data[:len(synced)+(len(data)-len(synced))/2]
		}
		out[inode] = data
	}
	return out
}

func (p *plug) image(paths []string, names map[string]int, content map[int][]byte) string {
	root := newRoot(p.t)
	for _, path := range paths {
		var err error
		if p.isFolder[names[path]] {
			err = os.MkdirAll(filepath.Join(root, path), dirMode)
		} else if err = os.MkdirAll(filepath.Join(root, filepath.Dir(path)), dirMode); err == nil {
			err = os.WriteFile(filepath.Join(root, path), content[names[path]], fileMode)
		}
		if err != nil {
			p.t.Fatal(err)
		}
	}
	return root
}

// open opens the keyring of root with its power from p, which may be nil.
func openPlugged(root string, p *plug) (*Keyring, error) {
	d, m := &disk{root: filepath.Join(root, "keys")}, &fileMaster{disk: disk{root: root}, name: "master"}
	if p != nil {
		d.step, m.disk.step = p.step, p.step
	}
	return openOn(d, Config{Dir: d.root, Master: m, Now: func() time.Time { return time.Unix(1_800_000_000, 0) }})
}
