package privilege

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"

	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/config"
)

const (
	createUser1 = "CREATE USER 'u1'@'%' IDENTIFIED BY 'pw'"
	verdictSet  = "SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, TRIGGER"
)

// toolTrigger is what the tool makes, for one event.
const toolTrigger = "CREATE TRIGGER magento1.trg_orders_after_insert AFTER INSERT ON magento1.orders FOR EACH ROW BEGIN " +
	"INSERT INTO m2_cl_orders (`id`,`operation`) VALUES (NEW.id,'INSERT')ON DUPLICATE KEY UPDATE operation = 'INSERT'; END"

// shopWrites lets an account make the tool's trigger and then says what the live shop's own write is answered.
func (l *lab) shopWrites(t *testing.T, user string) uint16 {
	t.Helper()
	conn := l.login(t, user, false)
	defer conn.Close()
	if err := conn.Exec(t.Context(), toolTrigger); err != nil {
		t.Fatalf("make the tool's trigger: %v", err)
	}
	defer l.exec(t, "DROP TRIGGER magento1.trg_orders_after_insert", "DELETE FROM magento1.orders", "DELETE FROM magento1.m2_cl_orders")
	return l.shopWrite(t)
}

func (l *lab) shopWrite(t *testing.T) uint16 {
	t.Helper()
	number, err := serverError(l.Exec(t.Context(), "INSERT INTO magento1.orders VALUES (1, 1)"))
	if err != nil {
		t.Fatal(err)
	}
	return number
}

func TestFireTimeDanger(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		servers string // both when empty
		setup   []string
		subject string
		status  finding.Status
		shop    uint16 // how the shop's write ends before the remedy
	}{
		"trigger without insert and update": {
			setup:   []string{createUser1, "GRANT SELECT, CREATE, DROP, DELETE, TRIGGER ON magento1.* TO 'u1'@'%'"},
			subject: SubjectLiveShop, status: finding.Fail, shop: 1142,
		},
		"trigger without select": {
			setup:   []string{createUser1, "GRANT INSERT, UPDATE, CREATE, DROP, DELETE, TRIGGER ON magento1.* TO 'u1'@'%'"},
			subject: SubjectLiveShop, status: finding.Fail, shop: 1143,
		},
		"everything through a role": {
			servers: "mariadb",
			setup:   []string{createUser1, "CREATE ROLE tool", "GRANT ALL ON magento1.* TO tool", "GRANT tool TO 'u1'@'%'", "SET DEFAULT ROLE tool FOR 'u1'@'%'"},
			subject: SubjectRoles, status: finding.Fail, shop: 1142,
		},
		"what the trigger does through a role": {
			servers: "mariadb",
			setup: []string{createUser1, "CREATE ROLE tool", "GRANT ALL ON magento1.* TO tool", "GRANT TRIGGER ON magento1.* TO 'u1'@'%'", "GRANT tool TO 'u1'@'%'",
				"SET DEFAULT ROLE tool FOR 'u1'@'%'"},
			subject: SubjectRoles, status: finding.Fail, shop: 1142,
		},
		// The account is u1@%, so triggers run as u1@%, which the row for localhost does not match.
		"everything through a row for another host": {
			setup: []string{createUser1, "CREATE USER 'u1'@'localhost'", "GRANT ALL ON magento1.* TO 'u1'@'localhost'",
				"DELETE FROM mysql.%[1]s WHERE User = 'u1' AND Host = 'localhost'", "FLUSH PRIVILEGES"},
			subject: SubjectHiddenGrants, status: finding.Warn, shop: 1142,
		},
		"everything through a row for all hosts": {
			setup:   []string{createUser1, "CREATE USER 'u1'@'localhost' IDENTIFIED BY 'pw'", "GRANT ALL ON magento1.* TO 'u1'@'%'"},
			subject: SubjectHiddenGrants, status: finding.Warn, shop: 0,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onEach(t, cmp.Or(test.servers, "mariadb mysql"), func(t *testing.T, l *lab) {
				accounts := map[bool]string{true: "global_priv", false: "user"}[l.isMariaDB()]
				for _, statement := range test.setup {
					l.exec(t, strings.ReplaceAll(statement, "%[1]s", accounts))
				}
				target := Target{System: finding.Magento1, Database: "magento1"}
				findings := Assess(l.observe(t, "u1", target), Task{}).Findings
				if number := l.shopWrites(t, "u1"); number != test.shop {
					t.Errorf("the shop's write is answered by error %d, want %d", number, test.shop)
				}
				found := mustFind(t, findings, test.subject, test.status)
				l.exec(t, statementsIn(found.Remedy)...)
				after := Assess(l.observe(t, "u1", target), Task{})
				if after.OK() != Held || len(after.Findings) > 0 {
					t.Errorf("after the remedy:\n%s", showFindings(after.Findings))
				}
				if number := l.shopWrites(t, "u1"); number != 0 {
					t.Errorf("after the remedy the shop's write is answered by error %d", number)
				}
			})
		})
	}
}

// TestPublicIsNoRole proves that what everybody may do counts when triggers fire.
func TestPublicIsNoRole(t *testing.T) {
	t.Parallel()
	l := use(t, "mariadb")
	l.exec(t, createUser1, "GRANT ALL ON magento1.* TO PUBLIC")
	assessment := Assess(l.observe(t, "u1", Target{System: finding.Magento1, Database: "magento1"}), Task{})
	if assessment.OK() != Held || len(assessment.Findings) > 0 {
		t.Error(showFindings(assessment.Findings))
	}
	if number := l.shopWrites(t, "u1"); number != 0 {
		t.Errorf("the shop's write is answered by error %d", number)
	}
}

// TestRolesAreFineOnMagento2 proves that the destination, where no triggers are made, takes roles.
func TestRolesAreFineOnMagento2(t *testing.T) {
	t.Parallel()
	l := use(t, "mariadb")
	l.exec(t, createUser1, "CREATE ROLE tool", "GRANT ALL ON magento2.* TO tool", "GRANT tool TO 'u1'@'%'", "SET DEFAULT ROLE tool FOR 'u1'@'%'")
	assessment := Assess(l.observe(t, "u1", Target{System: finding.Magento2, Database: "magento2"}), Task{})
	if assessment.OK() != Held || len(assessment.Findings) > 0 {
		t.Error(showFindings(assessment.Findings))
	}
}

func TestInactiveRoleIsNamed(t *testing.T) {
	t.Parallel()
	l := use(t, "mariadb")
	l.exec(t, createUser1, "CREATE ROLE tool", "GRANT ALL ON magento1.* TO tool", "GRANT tool TO 'u1'@'%'")
	assessment := Assess(l.observe(t, "u1", Target{System: finding.Magento1, Database: "magento1"}), Task{})
	if f := mustFind(t, assessment.Findings, string(Insert), finding.Fail); !strings.Contains(f.Evidence, "role(s) tool are granted to the account, but not active") {
		t.Error(f.Evidence)
	}
}

// TestDefiners covers triggers of the tool that are there already, as in delta: the shop writes as their definer.
func TestDefiners(t *testing.T) {
	t.Parallel()
	const asOld = "CREATE DEFINER='old'@'%' TRIGGER"
	for name, test := range map[string]struct {
		setup   []string
		undo    []string // what happens to the accounts once the triggers are there
		subject string
		status  finding.Status
		shop    uint16
	}{
		"other account, complete":    {undo: []string{"GRANT SELECT ON mysql.* TO 'u1'@'%'"}},
		"other account, not visible": {subject: SubjectDefiner, status: finding.Unknown},
		"other account, gone": {
			undo:    []string{"GRANT SELECT ON mysql.* TO 'u1'@'%'", "DROP USER 'old'@'%'"},
			subject: SubjectDefiner, status: finding.Fail, shop: 1449,
		},
		"other account, lost its INSERT": {
			undo:    []string{"GRANT SELECT ON mysql.* TO 'u1'@'%'", "REVOKE INSERT ON magento1.* FROM 'old'@'%'"},
			subject: SubjectDefiner, status: finding.Fail, shop: 1142,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onBoth(t, func(t *testing.T, l *lab) {
				l.exec(t, createUser1, "GRANT "+verdictSet+" ON magento1.* TO 'u1'@'%'", "CREATE USER 'old'@'%' IDENTIFIED BY 'pw'",
					"GRANT "+verdictSet+" ON magento1.* TO 'old'@'%'", strings.Replace(toolTrigger, "CREATE TRIGGER", asOld, 1))
				t.Cleanup(func() {
					l.exec(t, "DROP TRIGGER magento1.trg_orders_after_insert", "DELETE FROM magento1.orders", "DELETE FROM magento1.m2_cl_orders")
				})
				l.exec(t, test.undo...)
				findings := Assess(l.observe(t, "u1", Target{System: finding.Magento1, Database: "magento1"}), Task{Phase: config.PhaseDelta}).Findings
				if number := l.shopWrite(t); number != test.shop {
					t.Errorf("the shop's write is answered by error %d, want %d", number, test.shop)
				}
				if test.subject == "" {
					atMost(t, finding.Pass, findings)
					return
				}
				found := mustFind(t, findings, test.subject, test.status)
				if test.shop != 0 {
					l.exec(t, statementsIn(found.Remedy)...)
					if number := l.shopWrite(t); number != 0 {
						t.Errorf("after the remedy the shop's write is answered by error %d", number)
					}
				}
			})
		})
	}
}

// TestOwnTriggersThatStopTheShop is the account that lost a privilege after it made the triggers.
func TestOwnTriggersThatStopTheShop(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, l *lab) {
		l.exec(t, createUser1, "GRANT "+verdictSet+" ON magento1.* TO 'u1'@'%'", strings.Replace(toolTrigger, "CREATE TRIGGER", "CREATE DEFINER='u1'@'%' TRIGGER", 1))
		t.Cleanup(func() {
			l.exec(t, "DROP TRIGGER magento1.trg_orders_after_insert", "DELETE FROM magento1.orders", "DELETE FROM magento1.m2_cl_orders")
		})
		target := Target{System: finding.Magento1, Database: "magento1"}
		assessment := Assess(l.observe(t, "u1", target), Task{Phase: config.PhaseDelta})
		if assessment.OK() != Held || len(assessment.Findings) > 0 {
			t.Error(showFindings(assessment.Findings))
		}
		l.exec(t, "REVOKE UPDATE ON magento1.* FROM 'u1'@'%'")
		found := mustFind(t, Assess(l.observe(t, "u1", target), Task{Phase: config.PhaseDelta}).Findings, SubjectLiveShop, finding.Fail)
		if !strings.Contains(found.Summary, "1 trigger(s)") {
			t.Error(found.Summary)
		}
		if number := l.shopWrite(t); number != 1142 {
			t.Errorf("the shop's write is answered by error %d", number)
		}
	})
}

func TestAnonymousAccountCatchesTheLogin(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, l *lab) {
		l.exec(t, createUser1, "GRANT ALL ON magento1.* TO 'u1'@'%'", "CREATE USER ''@'localhost'")
		target := Target{System: finding.Magento1, Database: "magento1"}
		// The anonymous account has no password; logging in with u1's own would be denied.
		o := l.observe(t, "u1", target)
		if o.Account.User != "" {
			t.Fatalf("the account is %s", o.Account)
		}
		assessment := Assess(o, Task{})
		found := mustFind(t, assessment.Findings, SubjectAccount, finding.Warn)
		if !strings.Contains(found.Evidence, "CURRENT_USER() is @localhost, USER() is u1@localhost") {
			t.Error(found.Evidence)
		}
		l.exec(t, statementsIn(found.Remedy)...)
		after := Assess(l.observe(t, "u1", target), Task{})
		if after.OK() != Held || len(after.Findings) > 0 {
			t.Error(showFindings(after.Findings))
		}
	})
}

func TestNarrowerAccountIsNoted(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, l *lab) {
		l.exec(t, createUser1, "GRANT ALL ON *.* TO 'u1'@'%'", "CREATE USER 'u1'@'localhost' IDENTIFIED BY 'pw'")
		findings := Assess(l.observe(t, "u1", Target{System: finding.Magento2, Database: "magento2"}), Task{}).Findings
		if f := mustFind(t, findings, SubjectAccount, finding.Pass); !strings.Contains(f.Summary, "'u1'@'localhost'") {
			t.Error(f.Summary)
		}
		mustFind(t, findings, string(Insert), finding.Fail)
	})
}

// TestShowView proves that a source with views needs SHOW VIEW, and one without does not.
func TestShowView(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, l *lab) {
		target := Target{System: finding.Magento1, Database: "magento1"}
		l.exec(t, createUser1, "GRANT "+verdictSet+" ON magento1.* TO 'u1'@'%'")
		if assessment := Assess(l.observe(t, "u1", target), Task{}); assessment.OK() != Held || assessment.Privileges[len(assessment.Privileges)-1].Privilege == ShowView {
			t.Error("without views: ", assessment.Privileges)
		}
		l.exec(t, "CREATE VIEW magento1.shop_view AS SELECT id FROM magento1.probe")
		t.Cleanup(func() { l.exec(t, "DROP VIEW magento1.shop_view") })
		found := mustFind(t, Assess(l.observe(t, "u1", target), Task{}).Findings, string(ShowView), finding.Fail)
		l.exec(t, statementsIn(found.Remedy)...)
		if after := Assess(l.observe(t, "u1", target), Task{}); after.OK() != Held || len(after.Findings) > 0 {
			t.Error(showFindings(after.Findings))
		}
	})
}

func TestDirectCopy(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, l *lab) {
		target := Target{System: finding.Magento2, Database: "magento2", DirectCopyFrom: "magento_one"}
		l.exec(t, createUser1, "GRANT "+verdictSet+" ON magento2.* TO 'u1'@'%'")
		assessment := Assess(l.observe(t, "u1", target), Task{})
		if assessment.OK() != Held || assessment.Grant != "" {
			t.Errorf("a missing direct copy is no missing privilege: %s", showFindings(assessment.Findings))
		}
		found := mustFind(t, assessment.Findings, SubjectDirectCopy, finding.Warn)
		l.exec(t, statementsIn(found.Remedy)...)
		if after := Assess(l.observe(t, "u1", target), Task{}); len(after.Findings) > 0 {
			t.Error(showFindings(after.Findings))
		}
		if number, err := execute(t.Context(), l.login(t, "u1", false), "SELECT id FROM magento_one.orders"); number != 0 || err != nil {
			t.Error(number, err)
		}
	})
}

func TestReadOnlyServer(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, l *lab) {
		l.exec(t, createUser1, "GRANT SELECT, UPDATE, CREATE, TRIGGER ON magento1.* TO 'u1'@'%'", "SET GLOBAL read_only = 1")
		t.Cleanup(func() { l.exec(t, "SET GLOBAL read_only = 0") })
		o := l.observe(t, "u1", Target{System: finding.Magento1, Database: "magento1"})
		expectStates(t, Assess(o, Task{}), Select, Update, Create, Trigger)
		if !o.probe.ReadOnly {
			t.Error("the probe did not notice")
		}
		// PREPARE answers these, so that grants which SHOW GRANTS does not show count.
		for _, p := range []Privilege{Insert, Update, Delete, Create} {
			if o.probe.Answers[p].State == Undetermined {
				t.Errorf("%s was not answered: %+v", p, o.probe.Answers[p])
			}
		}
		found := mustFind(t, Assess(o, Task{}).Findings, SubjectReadOnly, finding.Warn)
		if want := "error 1290, read_only is ON"; !strings.Contains(found.Evidence, want) {
			t.Errorf("%q is not in %s", want, found.Evidence)
		}

		// Through another account's row: PREPARE still answers, and what it cannot answer SHOW GRANTS is not believed about.
		l.exec(t, "CREATE USER 'u1'@'localhost' IDENTIFIED BY 'pw'")
		states := map[Privilege]State{}
		for _, h := range Assess(l.observe(t, "u1", o.Target), Task{}).Privileges {
			states[h.Privilege] = h.State
		}
		want := map[Privilege]State{Select: Held, Insert: Missing, Update: Held, Delete: Missing, Create: Held, Drop: Undetermined, Trigger: Undetermined}
		for p, state := range want {
			if states[p] != state {
				t.Errorf("%s is %s, want %s", p, states[p], state)
			}
		}
	})
}

// expectStates wants exactly these privileges held and all others missing.
func expectStates(t *testing.T, assessment Assessment, want ...Privilege) {
	t.Helper()
	for _, h := range assessment.Privileges {
		state := Missing
		if slices.Contains(want, h.Privilege) {
			state = Held
		}
		if h.State != state {
			t.Errorf("%s is %s, want %s (%s)", h.Privilege, h.State, state, h.Evidence)
		}
	}
}

// TestReadOnlySessions is a server on which all sessions start read-only, for the tool as well.
func TestReadOnlySessions(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, l *lab) {
		l.exec(t, createUser1, "GRANT SELECT, UPDATE, CREATE, TRIGGER ON magento1.* TO 'u1'@'%'", "SET GLOBAL TRANSACTION READ ONLY")
		t.Cleanup(func() { l.exec(t, "SET GLOBAL TRANSACTION READ WRITE") })
		assessment := Assess(l.observe(t, "u1", sourceTarget), Task{})
		expectStates(t, assessment, Select, Update, Create, Trigger)
		l.exec(t, statementsIn(mustFind(t, assessment.Findings, SubjectReadOnly, finding.Warn).Remedy)...)
		if f, ok := find(Assess(l.observe(t, "u1", sourceTarget), Task{}).Findings, SubjectReadOnly); ok {
			t.Errorf("after the remedy: %+v", f)
		}
	})
}

// TestLockedTables is a backup that holds all tables locked: the probe must neither wait again and again nor call what waits denied.
func TestLockedTables(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, l *lab) {
		l.exec(t, createUser1, "GRANT SELECT, UPDATE, DELETE, CREATE, TRIGGER ON magento1.* TO 'u1'@'%'", "CREATE USER 'u2'@'%' IDENTIFIED BY 'pw'")
		backup, err := l.root.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer backup.Close()
		if _, err := backup.ExecContext(t.Context(), "FLUSH TABLES WITH READ LOCK"); err != nil {
			t.Fatal(err)
		}
		target := Target{System: finding.Magento1, Database: "magento1"}
		o := l.observe(t, "u1", target)
		at := slices.Index(probed(), o.probe.Locked)
		if at < 0 {
			t.Fatal("the probe met no lock")
		}
		// One statement waits for its limit, and no further one is sent.
		for _, p := range probed()[at+1:] {
			if answer := o.probe.Answers[p]; answer.Number != 0 || !strings.Contains(answer.Why, "not asked") {
				t.Errorf("%s: %+v", p, answer)
			}
		}
		expectStates(t, Assess(o, Task{}), Select, Update, Delete, Create, Trigger)
		expectStates(t, Assess(l.observe(t, "u2", target), Task{}))
		if _, err := backup.ExecContext(t.Context(), "UNLOCK TABLES"); err != nil {
			t.Fatal(err)
		}
	})
}

// TestBrokenTriggers covers triggers of the shop that the tool rewrites.
func TestBrokenTriggers(t *testing.T) {
	t.Parallel()
	l := use(t, "mariadb")
	l.exec(t, createUser1, "GRANT ALL ON magento1.* TO 'u1'@'%'",
		"CREATE TRIGGER magento1.shop_branches AFTER UPDATE ON magento1.orders FOR EACH ROW BEGIN IF NEW.v > 1 THEN SET @x = 1; END IF; END",
		"CREATE TRIGGER magento1.shop_first AFTER DELETE ON magento1.orders FOR EACH ROW SET @x = 1",
		"CREATE TRIGGER magento1.shop_second AFTER DELETE ON magento1.orders FOR EACH ROW SET @x = 2",
		"CREATE TRIGGER magento1.shop_before BEFORE UPDATE ON magento1.orders FOR EACH ROW BEGIN IF NEW.v > 1 THEN SET @x = 1; END IF; END",
		"CREATE TRIGGER magento1.shop_single AFTER INSERT ON magento1.orders FOR EACH ROW BEGIN SET @x = 1; END",
		"CREATE TRIGGER magento1.shop_elsewhere AFTER UPDATE ON magento1.probe FOR EACH ROW BEGIN IF NEW.v > 1 THEN SET @x = 1; END IF; END")
	t.Cleanup(func() {
		for _, name := range []string{"branches", "first", "second", "before", "single", "elsewhere"} {
			l.exec(t, "DROP TRIGGER magento1.shop_"+name)
		}
	})
	o := l.observe(t, "u1", Target{System: finding.Magento1, Database: "magento1"})
	named := func(task Task) []string {
		var names []string
		for _, f := range Assess(o, task).Findings {
			if f.Subject != SubjectTriggers || f.Status != finding.Warn {
				t.Errorf("unexpected: %+v", f)
			}
			for word := range strings.FieldsSeq(f.Summary) {
				if strings.HasPrefix(word, "shop_") {
					names = append(names, word)
				}
			}
		}
		slices.Sort(names)
		return names
	}
	if got, want := named(Task{DeltaTables: []string{"orders"}}), []string{"shop_branches", "shop_first", "shop_second"}; !slices.Equal(got, want) {
		t.Errorf("on a logged table: %v, want %v", got, want)
	}
	if got, want := named(Task{}), []string{"shop_branches", "shop_elsewhere", "shop_first", "shop_second"}; !slices.Equal(got, want) {
		t.Errorf("on any table: %v, want %v", got, want)
	}
}

// TestServerGone proves that a server that stops answering is an error, not a verdict.
func TestServerGone(t *testing.T) {
	t.Parallel()
	l := use(t, "mysql")
	l.exec(t, createUser1)
	conn := l.login(t, "u1", false)
	var id uint64
	if err := conn.Row(t.Context(), "SELECT CONNECTION_ID()", nil, &id); err != nil {
		t.Fatal(err)
	}
	l.exec(t, fmt.Sprintf("KILL %d", id))
	_, err := Observe(t.Context(), conn, Target{System: finding.Magento1, Database: "magento1"})
	if err == nil {
		t.Fatal("no error")
	}
	if number, _ := serverError(err); number != 0 {
		t.Errorf("%v is the answer of a server", err)
	}
	if !strings.Contains(err.Error(), "magento1") {
		t.Errorf("%v does not say what was being done", err)
	}
}

// TestNoPasswordHashIsShown proves that no password hash gets into what people and logs see.
func TestNoPasswordHashIsShown(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, l *lab) {
		// With SELECT on mysql.* MySQL 5.6 prints the hash as well.
		l.exec(t, createUser1, "GRANT SELECT ON *.* TO 'u1'@'%' REQUIRE NONE WITH MAX_QUERIES_PER_HOUR 1000")
		o := l.observe(t, "u1", Target{System: finding.Magento1, Database: "magento1"})
		var raw string
		if err := l.login(t, "u1", false).Row(t.Context(), "SHOW GRANTS", nil, &raw); err != nil || !passwordHash.MatchString(raw) {
			t.Fatalf("the server prints no hash: %v", err)
		}
		assessment := Assess(o, Task{})
		if text := fmt.Sprintf("%+v %#v %+v %s", o, o, assessment, showFindings(assessment.Findings)); passwordHash.MatchString(text) {
			t.Error("a password hash is shown")
		}
	})
}
