package precondition_test

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/collector/mysqltest"
	"magento_migration_exporter/collector/shoptest"
	"magento_migration_exporter/config"
)

// cronRow is a row of cron_schedule that was executed that long ago.
func cronRow(status, ago string) string {
	return "INSERT INTO cron_schedule (job_code, status, created_at, scheduled_at, executed_at) VALUES ('indexer_update_all_views', '" + status +
		"', UTC_TIMESTAMP() - INTERVAL " + ago + ", UTC_TIMESTAMP() - INTERVAL " + ago + ", UTC_TIMESTAMP() - INTERVAL " + ago + ")"
}

func TestCronStopped(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.Want("cron_stopped", finding.Pass)
	s.WantValue(0, "cron_running", "magento2")
	s.WantAbsent("cron_last_activity_timestamp_seconds", "magento2")

	s.On2("SET time_zone='+00:00'", cronRow("success", "1 MINUTE"))
	s.WantFinding("cron_stopped", finding.Fail, "cron runs", "cron:remove")
	s.WantValue(1, "cron_running", "magento2")
	if at, ok := s.Value("cron_last_activity_timestamp_seconds", "magento2"); !ok ||
		time.Since(time.Unix(int64(at), 0)) > 3*time.Minute {
		t.Errorf("last activity %v", at)
	}

	s.On2("SET time_zone='+00:00'", "DELETE FROM cron_schedule", cronRow("success", "1 HOUR"))
	s.WantFinding("cron_stopped", finding.Pass, "ran before and has been quiet since")
	s.WantValue(0, "cron_running", "magento2")

	s.Configure("cron_stopped", "{window: 2h, crontabs: [], processes: false}")
	s.Want("cron_stopped", finding.Fail)
	s.Configure("cron_stopped", "{crontabs: [], processes: false}")

	s.On2("SET time_zone='+00:00'", "DELETE FROM cron_schedule", cronRow("running", "2 HOUR"))
	s.WantFinding("cron_stopped", finding.Warn, "marked as running", "indexer_update_all_views")
	s.On2("SET time_zone='+00:00'", "DELETE FROM cron_schedule", cronRow("success", "-1 HOUR"))
	s.WantFinding("cron_stopped", finding.Unknown, "from the future", "timedatectl")
	s.WantAbsent("cron_running", "magento2")
	s.On2("DELETE FROM cron_schedule")
	s.Want("cron_stopped", finding.Pass)
}

func TestCronStoppedOnAnotherHost(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.Configure("cron_stopped", "{processes: false}")
	s.WantFinding("cron_stopped", finding.Unknown, "magento2.root", "crontabs: []")
	s.WantAbsent("cron_running", "magento2")
	s.Configure("cron_stopped", "{crontabs: []}")
	s.WantFinding("cron_stopped", finding.Unknown, "processes: false")
	s.On2("SET time_zone='+00:00'", cronRow("success", "1 MINUTE"))
	s.Want("cron_stopped", finding.Fail)
	s.WantValue(1, "cron_running", "magento2")
}

func TestCronStoppedOnThisHost(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	_, root2 := s.WithRoots()
	crontabs := t.TempDir()
	s.Set("cron_stopped", map[string]any{"crontabs": []string{crontabs + "/*"}, "processes": false})
	line := "* * * * * /usr/bin/php " + root2 + "/bin/magento %s 2>&1 | grep -v \"Ran jobs by schedule\" >> " + root2 + "/var/log/magento.cron.log\n"
	shoptest.WriteUnder(t, crontabs, "www-data", "# nothing yet\n")
	s.Want("cron_stopped", finding.Pass)
	s.WantValue(0, "cron_running", "magento2")
	shoptest.WriteUnder(t, crontabs, "www-data", fmt.Sprintf(line, "cron:run"))
	s.WantFinding("cron_stopped", finding.Fail, "is armed on this host", "www-data:1")
	s.WantValue(1, "cron_running", "magento2")
	shoptest.WriteUnder(t, root2, "app/etc/env.php", s.EnvPHP("'cron' => ['enabled' => 0],"))
	s.WantFinding("cron_stopped", finding.Pass, "cron.enabled is 0")
	s.WantValue(0, "cron_running", "magento2")
	for _, content := range []string{
		s.EnvPHP("'cron' => ['enabled' => getenv('CRON_ENABLED')],"),
		"<?php\n$c = include __DIR__ . '/env.base.php';\n$c['cron']['enabled'] = 0;\nreturn $c;\n",
		"<?php\nreturn ['cron' => ['enabled' => 0], 'db' => [",
	} {
		shoptest.WriteUnder(t, root2, "app/etc/env.php", content)
		s.WantFinding("cron_stopped", finding.Unknown, "it is unknown whether cron.enabled is 0", "env.php")
	}
	shoptest.WriteUnder(t, root2, "app/etc/env.php",
		strings.Replace(s.EnvPHP("'cron' => ['enabled' => 0],"), "return [", "$config = [", 1)+"\nreturn $config;\n")
	s.WantFinding("cron_stopped", finding.Pass, "cron.enabled is 0")
	shoptest.WriteUnder(t, crontabs, "www-data", "MAGENTO_DC_CRON__ENABLED=1\n"+fmt.Sprintf(line, "cron:run"))
	s.WantFinding("cron_stopped", finding.Fail, "is armed on this host", "www-data:2")
	shoptest.WriteUnder(t, crontabs, "www-data", "MAGENTO_DC_CRON__ENABLED=yes\n"+fmt.Sprintf(line, "cron:run"))
	s.WantFinding("cron_stopped", finding.Unknown, "the command's environment sets MAGENTO_DC_CRON__ENABLED")
	shoptest.WriteUnder(t, crontabs, "www-data", "MAGENTO_DC_CRON__ENABLED=0\n"+fmt.Sprintf(line, "cron:run"))
	s.WantFinding("cron_stopped", finding.Pass, "cron.enabled is 0")
	shoptest.WriteUnder(t, root2, "app/etc/env.php", s.EnvPHP("'cron' => ['enabled' => null],"))
	s.WantFinding("cron_stopped", finding.Fail, "is armed on this host")
	// Only cron:run heeds the switch.
	shoptest.WriteUnder(t, crontabs, "www-data", fmt.Sprintf(line, "queue:consumers:start async.operations.all"))
	s.Want("cron_stopped", finding.Fail)
	shoptest.WriteUnder(t, crontabs, "www-data", "#"+fmt.Sprintf(line, "cron:run"))
	s.Want("cron_stopped", finding.Pass)
	shoptest.WriteUnder(t, crontabs, "www-data", "* * * * * /usr/bin/php /var/www/another/bin/magento cron:run\n")
	s.Want("cron_stopped", finding.Pass)
}

// TestCronStoppedSeesAProcess runs a script that stands where bin/magento does.
func TestCronStoppedSeesAProcess(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	_, root2 := s.WithRoots()
	s.Configure("cron_stopped", "{crontabs: []}")
	s.Want("cron_stopped", finding.Pass)
	pid, stop := s.runMagento(root2, root2+"/bin/magento", "cron:run", "--group=default")
	s.WantFinding("cron_stopped", finding.Fail, "a process of Magento 2's cron runs", fmt.Sprintf("pid %d", pid), "kill")
	stop()
	s.Want("cron_stopped", finding.Pass)
}

// runMagento runs a script that stands where bin/magento does, which starts no other process, and returns when the kernel
// shows its command line: a process that was started has none at first. The process is gone when stop returns.
func (s *shop) runMagento(root string, args ...string) (pid int, stop func()) {
	s.T.Helper()
	shoptest.WriteUnder(s.T, root, "bin/magento", "read line\n")
	cmd := exec.CommandContext(s.T.Context(), "/bin/sh", args...)
	cmd.Dir = root
	stdin, err := cmd.StdinPipe()
	s.Must(err)
	s.Must(cmd.Start())
	stop = sync.OnceFunc(func() {
		_ = stdin.Close()
		_ = cmd.Wait() // its exit code is that of read
	})
	s.T.Cleanup(stop)
	pid = cmd.Process.Pid
	want := strings.Join(cmd.Args, "\x00") + "\x00"
	for deadline := time.Now().Add(5 * time.Minute); ; time.Sleep(10 * time.Millisecond) {
		line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		if err == nil && string(line) == want {
			return pid, stop
		}
		if time.Now().After(deadline) {
			s.T.Fatalf("process %d has not become %q: %q, %v", pid, want, line, err)
		}
	}
}

func TestCronStoppedSeesTheLock(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	conn, err := s.Root(s.Server2).Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.ExecContext(t.Context(), "DO GET_LOCK(?, 1)", s.DB2+"|CRON_index"); err != nil {
		t.Fatal(err)
	}
	s.WantFinding("cron_stopped", finding.Fail, "runs right now", "group index")
	s.WantValue(1, "cron_running", "magento2")
	if _, err := conn.ExecContext(t.Context(), "DO RELEASE_LOCK(?)", s.DB2+"|CRON_index"); err != nil {
		t.Fatal(err)
	}
	s.Want("cron_stopped", finding.Pass)
}

func TestCronAtCutover(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.Migration.Phase = config.PhaseCutover
	s.WantFinding("cron_stopped", finding.Fail, "cutover needs it", "cron:install")
	s.WantValue(0, "cron_running", "magento2")
	s.On2("SET time_zone='+00:00'", cronRow("success", "1 MINUTE"))
	s.Want("cron_stopped", finding.Pass)
	s.On1(cronRow("success", "1 MINUTE"))
	s.Want("cron_stopped", finding.Pass)
	s.WantValue(1, "cron_running", "magento1")
}

// TestMagento1Cron reads Magento 1's cron_schedule, whose times are UTC texts under the server's zone.
func TestMagento1Cron(t *testing.T) {
	t.Parallel()
	far := mysqltest.New(t, mysqltest.Options{Args: []string{"--default-time-zone=+09:00"}})
	s := newShop(t, func(s *shoptest.Shop) { s.Server1 = far })
	s.Want("cron_stopped", finding.Pass)
	s.On1("DELETE FROM cron_schedule")
	s.Want("cron_stopped", finding.Pass)
	s.WantValue(0, "cron_running", "magento1")
	s.On1(cronRow("success", "1 MINUTE"))
	s.WantFinding("cron_stopped", finding.Pass, "Magento 1's cron runs", "before migrate:settings")
	s.WantValue(1, "cron_running", "magento1")
	if at, ok := s.Value("cron_last_activity_timestamp_seconds", "magento1"); !ok ||
		time.Since(time.Unix(int64(at), 0)).Abs() > 3*time.Minute {
		t.Errorf("last activity %v", time.Unix(int64(at), 0))
	}
	s.Migration.Phase = config.PhaseDelta
	s.WantFinding("cron_stopped", finding.Warn, "Magento 1's cron runs during the migration", "crontab -e")
	s.On1("DELETE FROM cron_schedule", cronRow("success", "1 HOUR"))
	s.Want("cron_stopped", finding.Pass)
	s.WantValue(0, "cron_running", "magento1")
}
