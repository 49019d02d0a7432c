package collector

import (
	"fmt"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/common/model"

	"magento_migration_exporter/collector/mysqltest"
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
	s.want("cron_stopped", Pass)
	s.wantValue(0, cronRunning, magento2)
	s.wantAbsent(cronLastActivity, magento2)

	s.on2("SET time_zone='+00:00'", cronRow("success", "1 MINUTE"))
	s.wantFinding("cron_stopped", Fail, "cron runs", "cron:remove")
	s.wantValue(1, cronRunning, magento2)
	if at, ok := s.value(cronLastActivity, magento2); !ok || time.Since(time.Unix(int64(at), 0)) > 3*time.Minute {
		t.Errorf("last activity %v", at)
	}

	s.on2("SET time_zone='+00:00'", "DELETE FROM cron_schedule", cronRow("success", "1 HOUR"))
	s.wantFinding("cron_stopped", Pass, "ran before and is quiet since")
	s.wantValue(0, cronRunning, magento2)

	s.migration.Preconditions.CronStopped.Window = model.Duration(2 * time.Hour)
	s.want("cron_stopped", Fail)
	s.migration.Preconditions.CronStopped.Window = 0

	s.on2("SET time_zone='+00:00'", "DELETE FROM cron_schedule", cronRow("running", "2 HOUR"))
	s.wantFinding("cron_stopped", Warn, "marked as running", "indexer_update_all_views")
	s.on2("SET time_zone='+00:00'", "DELETE FROM cron_schedule", cronRow("success", "-1 HOUR"))
	s.wantFinding("cron_stopped", Unknown, "from the future", "timedatectl")
	s.wantAbsent(cronRunning, magento2)
	s.on2("DELETE FROM cron_schedule")
	s.want("cron_stopped", Pass)
}

func TestCronStoppedOnAnotherHost(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.migration.Preconditions.CronStopped.Crontabs = nil
	s.wantFinding("cron_stopped", Unknown, "magento2.root", "crontabs: []")
	s.wantAbsent(cronRunning, magento2)
	s.migration.Preconditions.CronStopped.Crontabs = &[]string{}
	s.migration.Preconditions.CronStopped.Processes = nil
	s.wantFinding("cron_stopped", Unknown, "processes: false")
	s.on2("SET time_zone='+00:00'", cronRow("success", "1 MINUTE"))
	s.want("cron_stopped", Fail)
	s.wantValue(1, cronRunning, magento2)
}

func TestCronStoppedOnThisHost(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	_, root2 := s.withRoots()
	crontabs := t.TempDir()
	s.migration.Preconditions.CronStopped.Crontabs = &[]string{crontabs + "/*"}
	line := "* * * * * /usr/bin/php " + root2 + "/bin/magento %s 2>&1 | grep -v \"Ran jobs by schedule\" >> " + root2 + "/var/log/magento.cron.log\n"
	writeUnder(t, crontabs, "www-data", "# nothing yet\n")
	s.want("cron_stopped", Pass)
	s.wantValue(0, cronRunning, magento2)
	writeUnder(t, crontabs, "www-data", fmt.Sprintf(line, "cron:run"))
	s.wantFinding("cron_stopped", Fail, "is armed on this host", "www-data:1")
	s.wantValue(1, cronRunning, magento2)
	writeUnder(t, root2, "app/etc/env.php", s.envPHP("'cron' => ['enabled' => 0],"))
	s.wantFinding("cron_stopped", Pass, "cron.enabled is 0")
	s.wantValue(0, cronRunning, magento2)
	// Only cron:run heeds the switch.
	writeUnder(t, crontabs, "www-data", fmt.Sprintf(line, "queue:consumers:start async.operations.all"))
	s.want("cron_stopped", Fail)
	writeUnder(t, crontabs, "www-data", "#"+fmt.Sprintf(line, "cron:run"))
	s.want("cron_stopped", Pass)
	writeUnder(t, crontabs, "www-data", "* * * * * /usr/bin/php /var/www/another/bin/magento cron:run\n")
	s.want("cron_stopped", Pass)
}

// TestCronStoppedSeesAProcess runs a script that stands where bin/magento does.
func TestCronStoppedSeesAProcess(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	_, root2 := s.withRoots()
	s.migration.Preconditions.CronStopped.Processes = nil
	s.want("cron_stopped", Pass)
	writeUnder(t, root2, "bin/magento", "#!/bin/sh\nsleep 60 &\nwait\n")
	cmd := exec.CommandContext(t.Context(), "/bin/sh", root2+"/bin/magento", "cron:run", "--group=default")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stop := sync.OnceFunc(func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL); _ = cmd.Wait() })
	t.Cleanup(stop)
	s.wantFinding("cron_stopped", Fail, "a process of Magento 2's cron runs", fmt.Sprintf("pid %d", cmd.Process.Pid), "kill")
	stop()
	s.want("cron_stopped", Pass)
}

func TestCronStoppedSeesTheLock(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	conn, err := rootOf(t, s.server2).Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.ExecContext(t.Context(), "DO GET_LOCK(?, 1)", s.db2+"|CRON_index"); err != nil {
		t.Fatal(err)
	}
	s.wantFinding("cron_stopped", Fail, "works right now", "group index")
	s.wantValue(1, cronRunning, magento2)
	if _, err := conn.ExecContext(t.Context(), "DO RELEASE_LOCK(?)", s.db2+"|CRON_index"); err != nil {
		t.Fatal(err)
	}
	s.want("cron_stopped", Pass)
}

func TestCronAtCutover(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.migration.Phase = config.PhaseCutover
	s.wantFinding("cron_stopped", Fail, "cutover needs it", "cron:install")
	s.wantValue(0, cronRunning, magento2)
	s.on2("SET time_zone='+00:00'", cronRow("success", "1 MINUTE"))
	s.want("cron_stopped", Pass)
	s.on1(cronRow("success", "1 MINUTE"))
	s.want("cron_stopped", Pass)
	s.wantValue(1, cronRunning, magento1)
}

// TestMagento1Cron reads Magento 1's cron_schedule, whose times are UTC texts under the server's zone.
func TestMagento1Cron(t *testing.T) {
	t.Parallel()
	far := mysqltest.New(t, mysqltest.Options{Args: []string{"--default-time-zone=+09:00"}})
	s := newShop(t, func(s *shop) { s.server1 = far })
	s.want("cron_stopped", Pass)
	s.on1("DELETE FROM cron_schedule")
	s.want("cron_stopped", Pass)
	s.wantValue(0, cronRunning, magento1)
	s.on1(cronRow("success", "1 MINUTE"))
	s.wantFinding("cron_stopped", Pass, "Magento 1's cron runs", "before migrate:settings")
	s.wantValue(1, cronRunning, magento1)
	if at, ok := s.value(cronLastActivity, magento1); !ok || time.Since(time.Unix(int64(at), 0)).Abs() > 3*time.Minute {
		t.Errorf("last activity %v", time.Unix(int64(at), 0))
	}
	s.migration.Phase = config.PhaseDelta
	s.wantFinding("cron_stopped", Warn, "Magento 1's cron runs during the migration", "crontab -e")
	s.on1("DELETE FROM cron_schedule", cronRow("success", "1 HOUR"))
	s.want("cron_stopped", Pass)
	s.wantValue(0, cronRunning, magento1)
}
