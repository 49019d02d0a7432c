package privilege

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"magento_migration_exporter/collector/database"
	"magento_migration_exporter/collector/finding"
)

func TestAnonymousAccountCatchesTheLogin(t *testing.T) {
	t.Parallel()
	onAll(t, func(t *testing.T, l *lab) {
		l.exec(t, createUser1, "GRANT ALL ON magento1.* TO 'u1'@'%'", "CREATE USER ''@'localhost'")
		// The anonymous account has no password; logging in with u1's own would be denied.
		o := l.observe(t, "u1", sourceTarget)
		if o.Account.User != "" {
			t.Fatalf("the account is %s", o.Account)
		}
		assessment := Assess(o, Task{})
		found := mustFind(t, assessment.Findings, SubjectAccount, finding.Warn)
		if !strings.Contains(found.Evidence, "CURRENT_USER() is @localhost, USER() is u1@localhost") {
			t.Error(found.Evidence)
		}
		l.exec(t, statementsIn(found.Remedy)...)
		after := Assess(l.observe(t, "u1", sourceTarget), Task{})
		if after.OK() != Held || len(after.Findings) > 0 {
			t.Error(showFindings(after.Findings))
		}
	})
}

func TestNarrowerAccountIsNoted(t *testing.T) {
	t.Parallel()
	onAll(t, func(t *testing.T, l *lab) {
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
	onAll(t, func(t *testing.T, l *lab) {
		l.exec(t, createUser1, "GRANT "+verdictSet+" ON magento1.* TO 'u1'@'%'")
		assessment := Assess(l.observe(t, "u1", sourceTarget), Task{})
		if assessment.OK() != Held || assessment.Privileges[len(assessment.Privileges)-1].Privilege == ShowView {
			t.Error("without views: ", assessment.Privileges)
		}
		l.exec(t, "CREATE VIEW magento1.shop_view AS SELECT id FROM magento1.probe",
			"CREATE VIEW magento1.a_view AS SELECT id FROM magento1.probe")
		t.Cleanup(func() { l.exec(t, "DROP VIEW magento1.shop_view, magento1.a_view") })
		// On one of two views it is not enough, on each it is.
		l.exec(t, "GRANT SHOW VIEW ON magento1.a_view TO 'u1'@'%'")
		mustFind(t, Assess(l.observe(t, "u1", sourceTarget), Task{}).Findings, string(ShowView), finding.Fail)
		l.exec(t, "GRANT SHOW VIEW ON magento1.shop_view TO 'u1'@'%'")
		if each := Assess(l.observe(t, "u1", sourceTarget), Task{}); each.OK() != Held || len(each.Findings) > 0 {
			t.Error(showFindings(each.Findings))
		}
		l.exec(t, "REVOKE SHOW VIEW ON magento1.shop_view FROM 'u1'@'%'",
			"REVOKE SHOW VIEW ON magento1.a_view FROM 'u1'@'%'")
		found := mustFind(t, Assess(l.observe(t, "u1", sourceTarget), Task{}).Findings, string(ShowView), finding.Fail)
		l.exec(t, statementsIn(found.Remedy)...)
		if after := Assess(l.observe(t, "u1", sourceTarget), Task{}); after.OK() != Held || len(after.Findings) > 0 {
			t.Error(showFindings(after.Findings))
		}
	})
}

func TestDirectCopy(t *testing.T) {
	t.Parallel()
	onAll(t, func(t *testing.T, l *lab) {
		target := Target{System: finding.Magento2, Database: "magento2", DirectCopyFrom: "magento_one"}
		l.exec(t, createUser1, "GRANT "+verdictSet+", REFERENCES ON magento2.* TO 'u1'@'%'")
		assessment := Assess(l.observe(t, "u1", target), Task{})
		if assessment.OK() != Held || assessment.Grant != "" {
			t.Errorf("a missing direct copy is no missing privilege: %s", showFindings(assessment.Findings))
		}
		found := mustFind(t, assessment.Findings, SubjectDirectCopy, finding.Warn)
		l.exec(t, statementsIn(found.Remedy)...)
		if after := Assess(l.observe(t, "u1", target), Task{}); len(after.Findings) > 0 {
			t.Error(showFindings(after.Findings))
		}
		if number, err := execute(t.Context(), l.login(t, "u1", false),
			"SELECT id FROM magento_one.orders"); number != 0 || err != nil {
			t.Error(number, err)
		}
	})
}

func TestReadOnlyServer(t *testing.T) {
	t.Parallel()
	onAll(t, func(t *testing.T, l *lab) {
		l.exec(t, createUser1, "GRANT SELECT, UPDATE, CREATE, TRIGGER ON magento1.* TO 'u1'@'%'",
			"CREATE USER 'dba'@'%' IDENTIFIED BY 'pw'", "GRANT ALL ON *.* TO 'dba'@'%'", "SET GLOBAL read_only = 1")
		t.Cleanup(func() { l.exec(t, "SET GLOBAL read_only = 0") })
		o := l.observe(t, "u1", sourceTarget)
		assessment := Assess(o, Task{})
		expectStates(t, assessment, Select, Update, Create, Trigger)
		expectOneJudgement(t, assessment)
		// PREPARE answers these, so that grants which SHOW GRANTS does not show count.
		for _, p := range []Privilege{Insert, Update, Delete, Create} {
			if o.session.probe.Answers[p].State == Undetermined {
				t.Errorf("%s was not answered: %+v", p, o.session.probe.Answers[p])
			}
		}
		found := mustFind(t, AssessReadOnly(o), SubjectReadOnly, finding.Fail)
		if want := "error 1290, read_only is ON"; !strings.Contains(found.Evidence, want) {
			t.Errorf("%q is not in %s", want, found.Evidence)
		}
		// Who is exempt is found by trying.
		if findings := AssessReadOnly(l.observe(t, "dba", sourceTarget)); len(findings) > 0 {
			t.Errorf("the administrator's writes are taken: %s", showFindings(findings))
		}

		// Through another account's row: PREPARE still answers, and what it cannot answer SHOW GRANTS is not believed
		// about.
		l.exec(t, "CREATE USER 'u1'@'localhost' IDENTIFIED BY 'pw'")
		assessment = Assess(l.observe(t, "u1", sourceTarget), Task{})
		states := map[Privilege]State{}
		for _, h := range assessment.Privileges {
			states[h.Privilege] = h.State
		}
		want := map[Privilege]State{Select: Held, Insert: Missing, Update: Held, Delete: Missing, Create: Held,
			Drop: Undetermined, Trigger: Undetermined}
		for p, state := range want {
			if states[p] != state {
				t.Errorf("%s is %s, want %s", p, states[p], state)
			}
		}
		expectOneJudgement(t, assessment)
		l.exec(t, statementsIn(found.Remedy)...)
		if findings := AssessReadOnly(l.observe(t, "u1", sourceTarget)); len(findings) > 0 {
			t.Errorf("after the remedy: %s", showFindings(findings))
		}
	})
}

// TestReferencesOnAReadOnlyServer lets the server check what it would not run.
func TestReferencesOnAReadOnlyServer(t *testing.T) {
	t.Parallel()
	onAll(t, func(t *testing.T, l *lab) {
		target := Target{System: finding.Magento2, Database: "magento2"}
		l.exec(t, createUser1, "GRANT "+verdictSet+" ON magento2.* TO 'u1'@'%'", "SET GLOBAL read_only = 1")
		t.Cleanup(func() { l.exec(t, "SET GLOBAL read_only = 0") })
		for _, want := range []bool{false, true} {
			for _, h := range Assess(l.observe(t, "u1", target), Task{}).Privileges {
				if h.Privilege == References && (h.State == Held) != want {
					t.Errorf("REFERENCES is %s, held: %t", h.State, want)
				}
			}
			l.exec(t, "GRANT REFERENCES ON magento2.* TO 'u1'@'%'")
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

// TestReadOnlySessions is a server on which all sessions start read-only, for the tool as well. What the account may do
// is known all the same.
func TestReadOnlySessions(t *testing.T) {
	t.Parallel()
	onAll(t, func(t *testing.T, l *lab) {
		l.exec(t, createUser1, "GRANT SELECT, UPDATE, CREATE, TRIGGER ON magento1.* TO 'u1'@'%'",
			"SET GLOBAL TRANSACTION READ ONLY")
		t.Cleanup(func() { l.exec(t, "SET GLOBAL TRANSACTION READ WRITE") })
		o := l.observe(t, "u1", sourceTarget)
		expectStates(t, Assess(o, Task{}), Select, Update, Create, Trigger)
		for p, answer := range o.session.probe.Answers {
			if answer.State == Undetermined {
				t.Errorf("%s was not answered: %+v", p, answer)
			}
		}
		l.exec(t, statementsIn(mustFind(t, AssessReadOnly(o), SubjectReadOnly, finding.Fail).Remedy)...)
		if findings := AssessReadOnly(l.observe(t, "u1", sourceTarget)); len(findings) > 0 {
			t.Errorf("after the remedy: %s", showFindings(findings))
		}
	})
}

// TestLockedTables is a backup that holds all tables locked: the probe must neither wait again and again nor call what
// waits denied.
func TestLockedTables(t *testing.T) {
	t.Parallel()
	onAll(t, func(t *testing.T, l *lab) {
		l.exec(t, createUser1, "GRANT SELECT, UPDATE, DELETE, CREATE, TRIGGER ON magento1.* TO 'u1'@'%'",
			"CREATE USER 'u2'@'%' IDENTIFIED BY 'pw'")
		backup, err := l.root.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer backup.Close()
		if _, err := backup.ExecContext(t.Context(), "FLUSH TABLES WITH READ LOCK"); err != nil {
			t.Fatal(err)
		}
		o := l.observe(t, "u1", sourceTarget)
		at := slices.Index(probed(), o.session.probe.Locked)
		if at < 0 {
			t.Fatal("the probe met no lock")
		}
		// One statement waits for its limit, and no further one is sent.
		for _, p := range probed()[at+1:] {
			if answer := o.session.probe.Answers[p]; answer.Number != 0 || !strings.Contains(answer.Why, "not asked") {
				t.Errorf("%s: %+v", p, answer)
			}
		}
		expectStates(t, Assess(o, Task{}), Select, Update, Delete, Create, Trigger)
		expectStates(t, Assess(l.observe(t, "u2", sourceTarget), Task{}))
		if _, err := backup.ExecContext(t.Context(), "UNLOCK TABLES"); err != nil {
			t.Fatal(err)
		}
	})
}

// TestServerGone proves that a server that stops answering is an error, not a verdict.
func TestServerGone(t *testing.T) {
	t.Parallel()
	onAll(t, func(t *testing.T, l *lab) {
		l.exec(t, createUser1)
		s := l.login(t, "u1", false)
		var id uint64
		if err := s.Row(t.Context(), "SELECT CONNECTION_ID()", nil, &id); err != nil {
			t.Fatal(err)
		}
		l.exec(t, fmt.Sprintf("KILL %d", id))
		_, err := Observe(t.Context(), s, sourceTarget)
		if database.CauseOf(err) != database.Lost || !strings.Contains(err.Error(), "magento1") {
			t.Errorf("%v", err)
		}
	})
}

// TestNoPasswordHashIsShown proves that no password hash gets into what people and logs see.
func TestNoPasswordHashIsShown(t *testing.T) {
	t.Parallel()
	onServers(t, func(s labServer) bool { return s.hash != nil }, func(t *testing.T, l *lab) {
		// With SELECT on mysql.* MySQL 5.6 prints the hash as well.
		l.exec(t, createUser1, "GRANT SELECT ON *.* TO 'u1'@'%' REQUIRE NONE WITH MAX_QUERIES_PER_HOUR 1000")
		o := l.observe(t, "u1", sourceTarget)
		var raw string
		if err := l.login(t, "u1", false).Row(t.Context(), "SHOW GRANTS", nil, &raw); err != nil ||
			!l.hash.MatchString(raw) {
			t.Fatalf("the server prints no hash: %v", err)
		}
		assessment := Assess(o, Task{})
		if text := fmt.Sprintf("%+v %#v %+v "+
			"%s", o, o, assessment, showFindings(assessment.Findings)); l.hash.MatchString(text) {
			t.Error("a password hash is shown")
		}
	})
}

// TestGlobalSettingsDecideNothing compares what is found with what is found after an administrator has limited
// everybody's statements.
func TestGlobalSettingsDecideNothing(t *testing.T) {
	t.Parallel()
	onAll(t, func(t *testing.T, l *lab) {
		l.exec(t, createUser1, "GRANT "+verdictSet+" ON magento1.* TO 'u1'@'%'",
			"GRANT INDEX ON `magento\\_one`.* TO 'u1'@'%'",
			"CREATE VIEW magento1.shop_view AS SELECT id FROM magento1.probe",
			"GRANT SHOW VIEW ON magento1.* TO 'u1'@'%'")
		for _, event := range []string{"INSERT", "UPDATE", "DELETE"} {
			l.exec(t, "CREATE TRIGGER magento1.shop_"+event+" AFTER "+event+" ON magento1.orders FOR EACH ROW BEGIN "+
				"IF 1 THEN SET @x = 1; END IF; END")
		}
		t.Cleanup(func() {
			l.exec(t, "DROP TRIGGER magento1.shop_INSERT", "DROP TRIGGER magento1.shop_UPDATE",
				"DROP TRIGGER magento1.shop_DELETE",
				"DROP VIEW magento1.shop_view")
			l.restart(t)
		})
		found := func() string {
			o := l.observe(t, "u1", sourceTarget)
			return showFindings(Assess(o, Task{}).Findings) + showFindings(AssessTrust(o, Task{}).Findings) +
				showFindings(AssessReadOnly(o))
		}
		before := found()
		if strings.Count(before, "the tool would break the shop's trigger") != 3 {
			t.Errorf("not all triggers are found:\n%s", before)
		}
		l.exec(t, "SET GLOBAL sql_select_limit = 1", "SET GLOBAL sql_mode = 'ANSI,NO_BACKSLASH_ESCAPES'",
			"SET GLOBAL sql_quote_show_create = 0",
			"SET GLOBAL max_join_size = 1", "SET GLOBAL sql_safe_updates = 1", "SET GLOBAL autocommit = 0",
			"SET GLOBAL time_zone = '+09:00'",
			"SET GLOBAL character_set_client = latin1", "SET GLOBAL character_set_results = latin1",
			"SET GLOBAL lc_messages = 'de_DE'")
		if after := found(); after != before {
			t.Errorf("before\n%s\nand after\n%s", before, after)
		}
	})
}
