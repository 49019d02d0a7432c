package cron

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"magento_migration_exporter/collector/finding"
)

// startCron runs what the crontabs say. Root gets Debian's own daemon, in a mount namespace where its fixed directories
// are the host's. Where cron cannot run so, the shell is given the command as cron gives it.
func (h host) startCron(t *testing.T, command string) {
	t.Helper()
	script := `mount --bind "$0/var/spool/cron/crontabs" /var/spool/cron/crontabs
mount -t tmpfs none /etc/cron.d
mount -t tmpfs none /run
mount --bind /dev/null /etc/crontab
exec /usr/sbin/cron -f`
	args := []string{"/bin/sh", "-c", command}
	if namespace := namespaceCommand(t); os.Getuid() == 0 && len(namespace) == 2 {
		args = slices.Concat(namespace, []string{"/bin/sh", "-ec", script, h.dir})
	}
	cmd := exec.CommandContext(t.Context(), args[0], args[1:]...)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	})
}

// TestDaemon installs a crontab, lets cron run it, ends what it started and takes the crontab out.
func TestDaemon(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	run := h.write(t, "run", "")
	t.Cleanup(func() { _ = os.Remove(run) })
	h.write(t, "home/shop/www/bin/magento", "#!/bin/sh\nwhile test -e {DIR}/run; do sleep 0.1; done\n")
	command := h.fill("cd {ROOT} && /bin/sh bin/magento cron:run >/dev/null 2>&1")
	hash := hash256(h.magento2)
	crontab := h.write(t, "var/spool/cron/crontabs/root",
		"#~ MAGENTO START "+hash+"\n@reboot "+command+"\n#~ MAGENTO END "+hash+"\n")
	o := h.options()
	o.Crontabs, o.Processes = []string{filepath.Join(h.dir, "var/spool/cron/crontabs/*")}, true
	await := func(what string, entries, processes int) Evidence {
		t.Helper()
		var e Evidence
		deadline := time.Now().Add(5 * time.Minute)
		for ; time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
			if e = Look(t.Context(), o); len(e.Armed(finding.Magento2)) == entries && len(e.Running(finding.Magento2)) == processes {
				return e
			}
		}
		t.Fatalf("%s: %+v", what, e)
		return e
	}
	if e := await("armed before cron runs", 1, 0); e.Entries[0].Kind != CronRun ||
		e.Entries[0].Schedule != "@reboot" || e.Entries[0].User != "root" {
		t.Errorf("%+v", e)
	}
	h.startCron(t, command)
	if e := await("running", 1, 1); e.Processes[0].Kind != CronRun ||
		e.Processes[0].Text != h.magento2+"/bin/magento cron:run" {
		t.Errorf("%+v", e)
	}
	if err := os.Remove(run); err != nil {
		t.Fatal(err)
	}
	await("armed after it ran", 1, 0)
	if err := os.Remove(crontab); err != nil {
		t.Fatal(err)
	}
	await("stopped", 0, 0)
}
