package remotelog

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/google/trillian"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
)

// openTree finds the tree, or makes it, and sees to its first root.
func (l *Log) openTree(ctx context.Context, admin trillian.TrillianAdminClient) error {
	id, err := readTree(l.cfg.TreeFile)
	if err != nil {
		return fmt.Errorf("reading which tree it is: %w", err)
	}
	if id == 0 {
		id, err = l.makeTree(ctx, admin)
	} else {
		err = l.checkTree(ctx, admin, id)
	}
	if err != nil {
		return err
	}
	l.tree = id
	// A crash may have come between making the tree and its first root.
	return l.ask(ctx, shortCall, func(ctx context.Context) error {
		_, err := l.rpc.InitLog(ctx, &trillian.InitLogRequest{LogId: id})
		if status.Code(err) == codes.AlreadyExists {
			return nil
		}
		return err
	})
}

func (l *Log) makeTree(ctx context.Context, admin trillian.TrillianAdminClient) (int64, error) {
	var tree *trillian.Tree
	err := l.ask(ctx, shortCall, func(ctx context.Context) (err error) {
		tree, err = admin.CreateTree(ctx, &trillian.CreateTreeRequest{Tree: &trillian.Tree{
			DisplayName:     "daybook",
			Description:     l.cfg.Origin,
			TreeType:        trillian.TreeType_PREORDERED_LOG,
			TreeState:       trillian.TreeState_ACTIVE,
			MaxRootDuration: durationpb.New(0), // no root without new entries
		}})
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("making a tree: %w", err)
	}
	if err := writeTree(l.cfg.TreeFile, tree.GetTreeId()); err != nil {
		return 0, fmt.Errorf("remembering tree %d: %w", tree.GetTreeId(), err)
	}
	return tree.GetTreeId(), nil
}

// checkTree refuses a tree that is not this ledger's, or takes no entries.
func (l *Log) checkTree(ctx context.Context, admin trillian.TrillianAdminClient, id int64) error {
	var tree *trillian.Tree
	missing := false
	err := l.ask(ctx, shortCall, func(ctx context.Context) (err error) {
		tree, err = admin.GetTree(ctx, &trillian.GetTreeRequest{TreeId: id})
		missing = status.Code(err) == codes.NotFound
		return err
	})
	switch {
	case missing || tree.GetDeleted():
		return fmt.Errorf("it has no tree %d, which %s names; if that is the right server, remove the file: a new tree is begun and filled from the history", id, l.cfg.TreeFile)
	case err != nil:
		return fmt.Errorf("asking for tree %d: %w", id, err)
	case tree.GetDescription() != l.cfg.Origin:
		return fmt.Errorf("tree %d, which %s names, belongs to %q and not to %q", id, l.cfg.TreeFile, tree.GetDescription(), l.cfg.Origin)
	case tree.GetTreeType() != trillian.TreeType_PREORDERED_LOG || tree.GetTreeState() != trillian.TreeState_ACTIVE:
		return fmt.Errorf("tree %d is a %v that is %v; it must be a PREORDERED_LOG that is ACTIVE", id, tree.GetTreeType(), tree.GetTreeState())
	}
	return nil
}

const treeFormat = "daybook/trillian-tree@1\n"

// readTree returns 0 when no tree is remembered.
func readTree(path string) (int64, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return parseTree(path, b)
}

func parseTree(path string, b []byte) (int64, error) {
	line, _ := strings.CutPrefix(string(b), treeFormat)
	id, err := strconv.ParseInt(strings.TrimSuffix(line, "\n"), 10, 64)
	if err != nil || id <= 0 || string(b) != formatTree(id) {
		return 0, fmt.Errorf("%s is not the file of a tree's number", path)
	}
	return id, nil
}

func formatTree(id int64) string { return treeFormat + strconv.FormatInt(id, 10) + "\n" }

// writeTree replaces the file as a whole. Its directory is not synced: a crash
// that takes the file along costs a tree, filled again from the history.
func writeTree(path string, id int64) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(path+".new", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = f.WriteString(formatTree(id))
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}
