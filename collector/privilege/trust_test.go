package privilege

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"

	"magento_migration_exporter/collector/database"
	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/config"
)

var sourceTarget = Target{System: finding.Magento1, Database: "magento1"}

// createTriggerError really makes a trigger, and says what the server answers.
func (l *lab) createTriggerError(t *testing.T) uint16 {
	t.Helper()
	conn := l.login(t, "u1", false)
	defer conn.Close()
	number, err := execute(t.Context(), conn, toolTrigger)
	if err != nil {
		t.Fatal(err)
	}
	if number == 0 {
		l.exec(t, "DROP TRIGGER magento1.trg_orders_after_insert")
	}
	return number
}

type trustCase struct {
	is      func(labServer) bool
	setup   func(*lab) []string
	trusted State
	number  uint16 // of really making a trigger
}

func trustCases() map[string]trustCase {
	superRole := func(l *lab) []string {
		return append(l.role("dba", "SUPER", "*.*"), "GRANT ALL ON magento1.* TO 'u1'@'%'")
	}
	mandatory := grants("CREATE ROLE dba", "GRANT SUPER ON *.* TO dba", "SET GLOBAL mandatory_roles = 'dba'",
		"GRANT ALL ON magento1.* TO 'u1'@'%'")
	return map[string]trustCase{
		"all on the database": {always, grants("GRANT ALL ON magento1.* TO 'u1'@'%' WITH GRANT OPTION"), Missing, 1419},
		"all but SUPER": {always, grants("GRANT ALL ON *.* TO 'u1'@'%'", "REVOKE SUPER ON *.* FROM 'u1'@'%'"),
			Missing, 1419},
		"nothing":    {always, grants(), Missing, 1419},
		"everything": {always, grants("GRANT ALL ON *.* TO 'u1'@'%'"), Held, 0},
		"SUPER and TRIGGER": {always, grants("GRANT TRIGGER ON magento1.* TO 'u1'@'%'",
			"GRANT SUPER ON *.* TO 'u1'@'%'"), Held, 0},
		"SUPER, no TRIGGER": {always, grants("GRANT SUPER ON *.* TO 'u1'@'%'"), Held, 1142},
		"BINLOG ADMIN": {
			isMariaDB, grants("GRANT BINLOG ADMIN, SET USER ON *.* TO 'u1'@'%'", "GRANT ALL ON magento1.* TO 'u1'@'%'"),
			Missing, 1419,
		},
		"SYSTEM_VARIABLES_ADMIN and others": {
			firesWithRoles, grants("GRANT SYSTEM_VARIABLES_ADMIN, BINLOG_ADMIN, SET_ANY_DEFINER, SYSTEM_USER ON *.* "+
				"TO 'u1'@'%'",
				"GRANT ALL ON magento1.* TO 'u1'@'%'"), Missing, 1419,
		},
		"SUPER through a role":           {withRoles, superRole, Held, 0},
		"SUPER through a mandatory role": {firesWithRoles, mandatory, Held, 0},
	}
}

// TestTrust compares the verdict with really making a trigger, with the binary log on and trust off.
func TestTrust(t *testing.T) {
	t.Parallel()
	for name, test := range trustCases() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onServers(t, test.is, func(t *testing.T, l *lab) {
				l.exec(t, append(append([]string{createUser1}, l.untrust...), test.setup(l)...)...)
				t.Cleanup(func() { l.exec(t, setTrust) })
				o := l.observe(t, "u1", sourceTarget)
				trust := AssessTrust(o, Task{})
				if trust.Trusted != test.trusted {
					t.Errorf("trusted is %s, want %s", trust.Trusted, test.trusted)
				}
				if number := l.createTriggerError(t); number != test.number {
					t.Errorf("making a trigger is answered by error %d, want %d", number, test.number)
				}
				if test.trusted == Missing {
					l.trustRemediesWork(t, mustFind(t, trust.Findings, SubjectTrust, finding.Fail))
				} else {
					onlyNotes(t, trust.Findings)
				}
				// A missing TRIGGER privilege is reported even where 1419 hides it.
				for _, h := range Assess(o, Task{}).Privileges {
					if want := l.holdsTrigger(t); h.Privilege == Trigger && h.session != want {
						t.Errorf("TRIGGER is %s, want %s", h.session, want)
					}
				}
			})
		})
	}
}

// trustRemediesWork pastes each statement of the remedy by itself and expects a pass.
func (l *lab) trustRemediesWork(t *testing.T, found finding.Finding) {
	t.Helper()
	statements := statementsIn(found.Remedy)
	if len(statements) != 2 || statements[0] != l.trust ||
		strings.Contains(found.Remedy, "[mysqld]\nlog_bin_trust_function_creators = 1\n") != l.configures {
		t.Errorf("remedy: %s", found.Remedy)
	}
	undo := [][]string{l.untrust, {"REVOKE SUPER ON *.* FROM 'u1'@'%'"}}
	for i, statement := range statements {
		l.exec(t, statement)
		if trust := AssessTrust(l.observe(t, "u1", sourceTarget), Task{}); trust.Trusted != Held {
			t.Errorf("after %s: %s", statement, showFindings(trust.Findings))
		}
		l.exec(t, undo[i]...)
	}
}

// holdsTrigger asks the same server with trust on, where nothing hides the privilege.
func (l *lab) holdsTrigger(t *testing.T) State {
	t.Helper()
	l.exec(t, setTrust)
	defer l.exec(t, l.untrust...)
	if l.createTriggerError(t) == 0 {
		return Held
	}
	return Missing
}

func TestAccountThatCanTrustItself(t *testing.T) {
	t.Parallel()
	onServers(t, func(s labServer) bool { return s.admin != "" }, func(t *testing.T, l *lab) {
		l.exec(t, append(l.untrust, createUser1, "GRANT "+l.admin+" ON *.* TO 'u1'@'%'")...)
		t.Cleanup(func() { l.exec(t, setTrust) })
		found := mustFind(t, AssessTrust(l.observe(t, "u1", sourceTarget), Task{}).Findings, SubjectTrust, finding.Fail)
		if !strings.Contains(found.Remedy, "This account can do it itself") {
			t.Error(found.Remedy)
		}
		if err := l.login(t, "u1", false).Exec(t.Context(), statementsIn(found.Remedy)[0]); err != nil {
			t.Error(err)
		}
	})
}

func TestTrustWithoutBinaryLog(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"mariadb-lctn1", "mysql-lctn1"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := use(t, name)
			l.exec(t, append(l.untrust, createUser1)...)
			trust := AssessTrust(l.observe(t, "u1", sourceTarget), Task{})
			if trust.Trusted != Held || trust.BinaryLog.Enabled || trust.BinaryLog.Trust || len(trust.Findings) > 0 {
				t.Errorf("%+v", trust)
			}
		})
	}
}

// TestTrustOnReadOnlyServer is a server that answers 1290 before anything else, so that its variables must tell.
func TestTrustOnReadOnlyServer(t *testing.T) {
	t.Parallel()
	onAll(t, func(t *testing.T, l *lab) {
		l.exec(t, createUser1, "GRANT ALL ON magento1.* TO 'u1'@'%'", "SET GLOBAL read_only = 1")
		t.Cleanup(func() { l.exec(t, "SET GLOBAL read_only = 0, log_bin_trust_function_creators = 1") })
		for value, want := range map[string]State{"0": Missing, "1": Held} {
			l.exec(t, "SET GLOBAL log_bin_trust_function_creators = "+value)
			if trust := AssessTrust(l.observe(t, "u1", sourceTarget), Task{}); trust.Trusted != want {
				t.Errorf("with trust=%s trusted is %s, want %s", value, trust.Trusted, want)
			}
		}
	})
}

// restartCase is how trust was set.
type restartCase struct {
	name string
	is   func(labServer) bool
	// started is true where the server has it on its command line.
	started bool
	setup   []string
	// want says what is known of a restart: Held needs no finding, Missing a warning, Undetermined a note.
	want State
	// after is what a restart really brings, empty where that is not tried.
	after string
}

// restartCases come in an order in which most find the server as they need it.
func restartCases() []restartCase {
	tells := func(s labServer) bool { return s.hasRoles } // MySQL 5.6 does not say where a value comes from
	tellsNot := func(s labServer) bool { return !s.hasRoles }
	const persistOff = "SET PERSIST log_bin_trust_function_creators = 0"
	return []restartCase{
		// What each of these sets while the server runs stands in the place of what those before it have set.
		{"persisted", firesWithRoles, false, []string{persistTrust}, Held, ""},
		{"persisted as ON, then set again", firesWithRoles, false, []string{"SET PERSIST " +
			"log_bin_trust_function_creators = ON", setTrust}, Held, ""},
		{"persisted as off, now on", firesWithRoles, false, []string{persistOff, setTrust}, Missing, ""},
		{"while it runs", always, false, []string{setTrust}, Undetermined, "0"},
		{"at the start", tells, true, nil, Held, "1"},
		{"at the start, not shown", tellsNot, true, nil, Undetermined, "1"},
		{"at the start and while it runs", always, true, []string{setTrust}, Undetermined, "1"},
		// The servers of the tests read no option files, so they do not read mysqld-auto.cnf either. With one that
		// does, the value there also wins over the command line.
		{
			"persisted as off, but started with it", firesWithRoles, true,
			[]string{"SET PERSIST_ONLY log_bin_trust_function_creators = 0"}, Missing, "",
		},
	}
}

// TestTrustAfterARestart restarts the servers to see what was predicted.
func TestTrustAfterARestart(t *testing.T) {
	t.Parallel()
	onAll(t, func(t *testing.T, l *lab) {
		const option = "--log-bin-trust-function-creators=1"
		fresh := false // while nothing was set since the server's start
		restart := func(test restartCase) {
			if test.started {
				l.restart(t, option)
			} else {
				l.restart(t)
			}
			fresh = true
		}
		for _, test := range restartCases() {
			if !test.is(l.labServer) {
				continue
			}
			t.Run(test.name, func(t *testing.T) {
				l.forgetAccounts(t)
				if slices.Contains(l.startedWith, option) != test.started || test.started && !fresh {
					restart(test)
				}
				l.exec(t, append([]string{createUser1}, test.setup...)...)
				fresh = fresh && len(test.setup) == 0
				l.expectRestart(t, test)
				if test.after == "" {
					return
				}
				restart(test)
				if after := l.value(t, "SELECT @@GLOBAL.log_bin_trust_function_creators"); after != test.after {
					t.Errorf("after a restart it is %s, want %s", after, test.after)
				}
			})
		}
	})
}

// expectRestart looks for what the findings say of a restart.
func (l *lab) expectRestart(t *testing.T, test restartCase) {
	t.Helper()
	status := map[State]finding.Status{Missing: finding.Warn, Undetermined: finding.Pass}
	f, ok := find(AssessTrust(l.observe(t, "u1", sourceTarget), Task{}).Findings, SubjectTrustPermanent)
	if ok != (test.want != Held) || ok && f.Status != status[test.want] {
		t.Errorf("want %s, got %+v", test.want, f)
	}
	if ok && !l.configures && statementsIn(f.Remedy)[0] != persistTrust ||
		ok && l.configures && !strings.HasSuffix(f.Remedy, "[mysqld]\nlog_bin_trust_function_creators = 1") {
		t.Error(f.Remedy)
	}
}

func (l *lab) restart(t *testing.T, args ...string) {
	t.Helper()
	if err := l.Restart(context.Background(), args...); err != nil {
		t.Fatal(err)
	}
	l.startedWith = args
}

// TestTrustInDelta is a change log whose triggers are all there: nothing more needs trust.
func TestTrustInDelta(t *testing.T) {
	t.Parallel()
	onAll(t, func(t *testing.T, l *lab) {
		l.exec(t, createUser1, "GRANT ALL ON magento1.* TO 'u1'@'%'")
		events := []string{"INSERT", "UPDATE", "DELETE"}
		create := func(event string) {
			row := "NEW"
			if event == "DELETE" {
				row = "OLD"
			}
			l.exec(t, "CREATE DEFINER='u1'@'%' TRIGGER magento1.trg_orders_after_"+event+" AFTER "+event+" ON "+
				"magento1.orders FOR EACH ROW BEGIN "+
				"INSERT INTO m2_cl_orders (`id`,`operation`) VALUES ("+row+".id,'"+event+"')ON DUPLICATE KEY UPDATE "+
				"operation = '"+event+"'; END")
		}
		create(events[0])
		create(events[1])
		t.Cleanup(func() {
			l.exec(t, "SET GLOBAL log_bin_trust_function_creators = 1")
			for _, event := range events {
				l.exec(t, "DROP TRIGGER IF EXISTS magento1.trg_orders_after_"+event)
			}
		})
		l.exec(t, "SET GLOBAL log_bin_trust_function_creators = 0")
		delta := Task{Phase: config.PhaseDelta}
		mustFind(t, AssessTrust(l.observe(t, "u1", sourceTarget), delta).Findings, SubjectTrust, finding.Fail)
		create(events[2])
		o := l.observe(t, "u1", sourceTarget)
		trust := AssessTrust(o, delta)
		note := mustFind(t, trust.Findings, SubjectTrust, finding.Pass)
		number, err := serverError(l.login(t, "u1", false).Exec(t.Context(),
			"DROP TRIGGER magento1.trg_orders_after_DELETE"))
		if err != nil || strings.Contains(note.Summary, "dropping") != l.dropNeedsTrust ||
			(number == 1419) != l.dropNeedsTrust {
			t.Errorf("dropping a trigger is answered by error %d (%v), and the note is: %s", number, err, note.Summary)
		}
		if trust.Trusted != Missing {
			t.Error("the gauge must not say more than the server")
		}
		mustFind(t, AssessTrust(o, Task{Phase: config.PhaseMigrate}).Findings, SubjectTrust, finding.Fail)
	})
}

// TestTrustOfServersThatAreNotHere judges what Galera, Amazon and MySQL 8 would say of themselves.
func TestTrustOfServersThatAreNotHere(t *testing.T) {
	t.Parallel()
	untrusting := map[string]string{"version": "8.0.36", "log_bin": "ON", "log_bin_trust_function_creators": "OFF",
		"lower_case_table_names": "0"}
	with := func(more map[string]string) map[string]string {
		all := map[string]string{}
		for _, m := range []map[string]string{untrusting, more} {
			maps.Copy(all, m)
		}
		return all
	}
	for name, test := range map[string]struct {
		variables map[string]string
		grants    []string
		refused   bool   // the server answered 1419
		answer    uint16 // else what it answered to CREATE TRIGGER
		trusted   State
		remedy    []string // parts of it
		without   string   // no part of it
	}{
		"MySQL 8": {
			variables: untrusting, refused: true, trusted: Missing,
			remedy: []string{"SET PERSIST log_bin_trust_function_creators = 1;", "GRANT SUPER ON *.* TO 'u1'@'%';",
				"SUPER or SYSTEM_VARIABLES_ADMIN"}, without: "my.cnf",
		},
		"MySQL 8, an account that can set it": {
			variables: untrusting, refused: true, trusted: Missing,
			grants: []string{"GRANT USAGE ON *.* TO `u1`@`%`", "GRANT SYSTEM_VARIABLES_ADMIN ON *.* TO `u1`@`%`"},
			remedy: []string{"This account can do it itself"},
		},
		"RDS by its programs": {
			variables: with(map[string]string{"basedir": "/rdsdbbin/mysql-8.0.36.R2/"}), refused: true,
			trusted: Missing,
			remedy:  []string{"DB parameter group", "modify-db-parameter-group"}, without: "SET ",
		},
		"RDS by a variable": {
			variables: with(map[string]string{"rds_superuser": "x"}), trusted: Missing,
			remedy: []string{"DB parameter group"}, without: "GRANT SUPER",
		},
		"Aurora": {
			variables: with(map[string]string{"aurora_version": "3.05.2"}), trusted: Missing,
			remedy: []string{"DB cluster parameter group", "modify-db-cluster-parameter-group"}, without: "GRANT SUPER",
		},
		"Galera without a binary log": {
			variables: map[string]string{"version": "10.11.6-MariaDB", "log_bin": "OFF", "wsrep_on": "ON",
				"wsrep_provider": "/usr/lib/galera/libgalera_smm.so"},
			refused: true, trusted: Missing, remedy: []string{"each node"},
		},
		"Galera without an answer": {
			variables: map[string]string{"version": "10.11.6-MariaDB", "log_bin": "OFF", "wsrep_on": "ON",
				"wsrep_provider": "/usr/lib/galera/libgalera_smm.so"},
			trusted: Missing, remedy: []string{"each node"},
		},
		"wsrep without a provider": {
			variables: map[string]string{"version": "10.11.6-MariaDB", "log_bin": "OFF", "wsrep_on": "ON",
				"wsrep_provider": "none"},
			trusted: Held,
		},
		"variables that say no, and a server that says yes": {
			variables: untrusting, answer: database.ErrTableAccessDenied, trusted: Held,
		},
		"an account with SUPER and no answer": {
			variables: untrusting, grants: []string{"GRANT SUPER ON *.* TO `u1`@`%`"}, trusted: Held,
		},
		"grants that cannot be read and no answer": {
			variables: untrusting, grants: []string{"GIBBERISH"}, trusted: Undetermined,
			remedy: []string{"GRANT SUPER"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := Observation{
				Target: sourceTarget, Server: newServer(test.variables), Login: Account{"u1", "web1"},
				Account: Account{"u1", "%"},
				session: standing{
					grants: ParseGrants(test.grants),
					probe: ProbeResult{TrustMissing: test.refused,
						Answers: map[Privilege]Answer{Trigger: {Number: test.answer}}},
				},
			}
			trust := AssessTrust(o, Task{})
			if trust.Trusted != test.trusted {
				t.Errorf("trusted is %s, want %s", trust.Trusted, test.trusted)
			}
			if len(test.remedy) == 0 {
				return
			}
			found, _ := find(trust.Findings, SubjectTrust)
			for _, part := range test.remedy {
				if !strings.Contains(found.Remedy, part) {
					t.Errorf("%q is not in: %s", part, found.Remedy)
				}
			}
			if test.without != "" && strings.Contains(found.Remedy, test.without) {
				t.Errorf("%q is in: %s", test.without, found.Remedy)
			}
		})
	}
}

func TestNewServer(t *testing.T) {
	t.Parallel()
	s := newServer(map[string]string{
		"version": "10.11.19-MariaDB-log", "lower_case_table_names": "1", "log_bin": "ON", "binlog_format": "ROW",
		"read_only": "ON", "partial_revokes": "ON",
	})
	want := Server{
		Version: database.Version{Flavor: database.MariaDB, Major: 10, Minor: 11, Patch: 19}, FoldsCase: true,
		ReadOnly: true, PartialRevokes: true,
		BinaryLog: BinaryLog{Enabled: true, Format: "ROW"},
	}
	if s != want {
		t.Errorf("got %+v, want %+v", s, want)
	}
}
