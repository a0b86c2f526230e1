package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// invite starts the witnesses that -witnesses asks for, and the server again, which
// then publishes nothing that not all of them cosigned.
func (h *hammer) invite(ctx context.Context) error {
	if h.witnesses == 0 {
		return nil
	}
	said, err := exec.CommandContext(ctx, h.bin, "policy", "--url", h.url).Output()
	if err != nil {
		return fmt.Errorf("asking for the keys of the logs: %w", err)
	}
	var logs []string
	for line := range strings.Lines(string(said)) {
		if f := strings.Fields(line); len(f) == 3 && (f[1] == "log" || f[1] == "index") {
			logs = append(logs, "--log", f[2])
		}
	}
	var policy, names strings.Builder
	for i := range h.witnesses {
		name := fmt.Sprintf("w%d.example/w", i)
		dir := filepath.Join(h.dir+".witnesses", fmt.Sprint(i))
		p, line, err := h.launch(ctx, "witness "+name, append([]string{"witness", "--dir", dir, "--name", name, "--http", "127.0.0.1:0"}, logs...)...)
		if err != nil {
			return err
		}
		h.circle = append(h.circle, p)
		fmt.Fprintf(&policy, "witness %s %s\n", name, line)
		names.WriteString(" " + name)
	}
	fmt.Fprintf(&policy, "group everybody all%s\nquorum everybody\n", names.String())
	h.policy = filepath.Join(h.dir+".witnesses", "policy")
	if err := os.WriteFile(h.policy, []byte(policy.String()), 0o600); err != nil {
		return err
	}
	if err := h.stop(syscall.SIGTERM); err != nil {
		return err
	}
	return h.start(ctx)
}
