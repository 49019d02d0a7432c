package evidence

import (
	"context"
	"path/filepath"
	"slices"
	"strings"

	"github.com/prometheus/procfs"
)

// deltaCommand is the command of the tool that delivers changes.
const deltaCommand = "migrate:delta"

// deltaProcess returns the id of a process of this host that runs migrate:delta for this migration, 0 where none is
// seen: another host, another user or a container can hide it.
func (e *Evidence) deltaProcess(ctx context.Context) int { return e.toolProcess(ctx, deltaCommand) }

// toolProcess is deltaProcess for any command of the tool.
func (e *Evidence) toolProcess(ctx context.Context, command string) int {
	root := e.Migration.Magento2.Root
	if root == "" {
		return 0
	}
	flight := Flight{e.Migration.Name, "processes of " + command}
	id, err := answered(ctx, e.flights, flight, e.Magento1.statementTimeout, func() (int, error) {
		all, err := procfs.AllProcs()
		if err != nil {
			return 0, err
		}
		for _, p := range all {
			if args, err := p.CmdLine(); err == nil && slices.Contains(args, command) && runsIn(p, args, root) {
				return p.PID, nil
			}
		}
		return 0, nil
	})
	if err != nil {
		return 0
	}
	return id
}

// runsIn reports whether a process runs bin/magento of a root folder.
func runsIn(p procfs.Proc, args []string, root string) bool {
	cwd, err := p.Cwd()
	if err != nil {
		cwd = "/"
	}
	want, err := filepath.EvalSymlinks(root)
	if err != nil {
		return false
	}
	return slices.ContainsFunc(args, func(arg string) bool {
		if !strings.HasSuffix(arg, "magento") {
			return false
		}
		if !filepath.IsAbs(arg) {
			arg = filepath.Join(cwd, arg)
		}
		script, err := filepath.EvalSymlinks(arg)
		return err == nil && script == filepath.Join(want, "bin", "magento")
	})
}
