package evidence

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/prometheus/procfs"
)

// commandPrefix is what the tool's commands begin with; a mode follows.
const commandPrefix = "migrate:"

// deltaCommand is the command of the tool that delivers changes.
const deltaCommand = commandPrefix + "delta"

// processLook is shared by the preconditions in one evaluation: a host can have thousands of processes.
type processLook struct {
	once sync.Once
	// byCommand are ids by the tool's commands.
	byCommand map[string]int
}

// deltaProcess returns the id of a process of this host that runs migrate:delta for this migration, 0 where none is
// seen: another host, another user or a container can hide it.
func (e *Evidence) deltaProcess(ctx context.Context) int { return e.toolProcess(ctx, deltaCommand) }

// toolProcess is deltaProcess for any command of the tool.
func (e *Evidence) toolProcess(ctx context.Context, command string) int {
	root := e.Migration.Magento2.Root
	if root == "" {
		return 0
	}
	e.processes.once.Do(func() {
		flight := Flight{e.Migration.Name, "processes of the tool"}
		e.processes.byCommand, _ = answered(ctx, e.flights, flight, e.Magento1.statementTimeout,
			func() (map[string]int, error) { return toolProcesses(root) })
	})
	return e.processes.byCommand[command]
}

// toolProcesses finds the processes that run a command of the tool in a root folder: the first one of each command.
func toolProcesses(root string) (map[string]int, error) {
	all, err := procfs.AllProcs()
	if err != nil {
		return nil, err
	}
	found := map[string]int{}
	for _, p := range all {
		args, err := p.CmdLine()
		if err != nil {
			continue // it has ended
		}
		command := slices.IndexFunc(args, func(arg string) bool { return strings.HasPrefix(arg, commandPrefix) })
		if command < 0 || found[args[command]] != 0 || !runsIn(p, args, root) {
			continue
		}
		found[args[command]] = p.PID
	}
	return found, nil
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
