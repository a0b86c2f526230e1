package main

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// lasting are the parts of a data directory that cannot be made again, and public,
// which is the ledger as it was shown.
var lasting = []string{"history", "journal", "journal.index", "journal.leaves", "keys", "public"}

// pack writes the lasting parts of a stopped ledger as a tar in gzip. Equal directories
// give equal bytes: names ascend, and nobody's name, time or number is in it.
func pack(dir, file string) (err error) {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	packed, err := gzip.NewWriterLevel(f, gzip.BestCompression)
	if err != nil {
		return err
	}
	out := tar.NewWriter(packed)
	for _, part := range lasting {
		err := filepath.WalkDir(filepath.Join(dir, part), func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			return packOne(out, dir, path)
		})
		if err != nil {
			return err
		}
	}
	return errors.Join(out.Close(), packed.Close())
}

func packOne(out *tar.Writer, dir, path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	name, err := filepath.Rel(dir, path)
	if err != nil {
		return err
	}
	h := &tar.Header{Name: filepath.ToSlash(name), Mode: int64(info.Mode().Perm()), ModTime: time.Unix(0, 0), Format: tar.FormatUSTAR, Typeflag: tar.TypeDir}
	if info.IsDir() {
		h.Name += "/"
		return out.WriteHeader(h)
	}
	h.Typeflag, h.Size = tar.TypeReg, info.Size()
	if err := out.WriteHeader(h); err != nil {
		return err
	}
	b, err := os.ReadFile(path)
	if err == nil {
		_, err = out.Write(b)
	}
	return err
}

// unpack is a new data directory with what an archive holds.
func unpack(t *testing.T, file string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "data")
	if err := unpackTo(file, dir); err != nil {
		t.Fatalf("unpacking %s: %v", file, err)
	}
	return dir
}

func unpackTo(file, dir string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	packed, err := gzip.NewReader(f)
	if err != nil {
		return err
	}
	for in := tar.NewReader(packed); ; {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		part, _, _ := strings.Cut(h.Name, "/")
		if !filepath.IsLocal(h.Name) || !slices.Contains(lasting, part) {
			return fmt.Errorf("%s is no part of a data directory", h.Name)
		}
		path, mode := filepath.Join(dir, filepath.FromSlash(h.Name)), fs.FileMode(h.Mode)
		if h.Typeflag == tar.TypeDir {
			err = os.MkdirAll(path, mode)
		} else if err = os.MkdirAll(filepath.Dir(path), 0o755); err == nil {
			err = unpackOne(in, path, mode)
		}
		if err != nil {
			return err
		}
	}
}

func unpackOne(in io.Reader, path string, mode fs.FileMode) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, in)
	return errors.Join(err, f.Close())
}
