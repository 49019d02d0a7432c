package evidence

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/prometheus/procfs"

	"magento_migration_exporter/collector/delta"
)

// deltaCommand is the command of the tool that delivers changes.
const deltaCommand = "migrate:delta"

// deltaProcess returns the id of a process of this host that runs migrate:delta for this migration, 0 where none is
// seen: another host, another user or a container can hide it.
func (e *Evidence) deltaProcess(ctx context.Context) int { return e.toolProcess(ctx, deltaCommand) }

// processLook is shared by the preconditions in one evaluation, which look at the same time: each of two looks would
// take the other for one that hangs.
type processLook struct {
	once sync.Once
	// ids are by command of the tool.
	ids map[string]int
}

// toolProcess is deltaProcess for any command of the tool.
func (e *Evidence) toolProcess(ctx context.Context, command string) int {
	root := e.Migration.Magento2.Root
	if root == "" {
		return 0
	}
	e.processes.once.Do(func() {
		flight := Flight{e.Migration.Name, "processes of the tool"}
		ids, err := answered(ctx, e.flights, flight, e.Magento1.statementTimeout, func() (map[string]int, error) {
			return toolProcesses(root)
		})
		if err == nil {
			e.processes.ids = ids
		}
	})
	return e.processes.ids[command]
}

// toolProcesses returns the ids of the processes that run a command of the tool in a root folder.
func toolProcesses(root string) (map[string]int, error) {
	all, err := procfs.AllProcs()
	if err != nil {
		return nil, err
	}
	ids := map[string]int{}
	for _, p := range all {
		args, err := p.CmdLine()
		if err != nil {
			continue // it has ended
		}
		for _, mode := range delta.Modes() {
			command := "migrate:" + mode
			if ids[command] == 0 && slices.Contains(args, command) && runsIn(p, args, root) {
				ids[command] = p.PID
			}
		}
	}
	return ids, nil
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
