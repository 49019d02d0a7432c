package privilege

import (
	"reflect"
	"testing"

	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/config"
)

// TestGrantsForOddNames pastes the remedy for accounts and databases whose names are hard to quote.
func TestGrantsForOddNames(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"", "ANSI_QUOTES,NO_BACKSLASH_ESCAPES"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			onAll(t, func(t *testing.T, l *lab) {
				users := []string{"o'brien", "foo@bar", "a `b", `back\slash`, "пётр", `both'\`}
				for i, user := range users {
					l.exec(t, "CREATE USER "+Account{user, "%"}.Quoted()+" IDENTIFIED BY 'pw'")
					for j, name := range labDatabases() {
						if i > 0 && j > 0 {
							break // each user on one database, and one user on each
						}
						target := Target{System: finding.Magento2, Database: name}
						before := Assess(l.observe(t, user, target), Task{})
						if before.OK() != Missing {
							t.Fatalf("%s on %s: %s", user, name, before.OK())
						}
						l.exec(t, "SET sql_mode = '"+mode+"'", before.Grant, "SET sql_mode = DEFAULT")
						after := Assess(l.observe(t, user, target), Task{})
						if after.OK() != Held || len(after.Findings) > 0 {
							t.Errorf("%s does not help: %s", before.Grant, showFindings(after.Findings))
						}
					}
				}
			})
		})
	}
}

// TestGrantGivesNoOtherDatabase proves that the remedy's database name is no pattern.
func TestGrantGivesNoOtherDatabase(t *testing.T) {
	t.Parallel()
	onAll(t, func(t *testing.T, l *lab) {
		l.exec(t, createUser1)
		l.exec(t, Assess(l.observe(t, "u1", Target{System: finding.Magento2, Database: "magento_one"}), Task{}).Grant)
		expectStates(t, Assess(l.observe(t, "u1", Target{System: finding.Magento2, Database: "magentoXone"}), Task{}))
	})
}

func TestGrantStatement(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		lines []string
		want  string
	}{
		"nothing before": {nil, "GRANT SELECT, INSERT ON `magento\\_one`.* TO 'u1'@'%';"},
		"adds to the exact line": {[]string{"GRANT ALTER ON `magento\\_one`.* TO `u1`@`%`"},
			"GRANT SELECT, INSERT ON `magento\\_one`.* TO 'u1'@'%';"},
		"keeps what it will hide": {[]string{"GRANT SELECT, ALTER ON `magento%`.* TO `u1`@`%` WITH GRANT OPTION"},
			"GRANT SELECT, INSERT, ALTER ON `magento\\_one`.* TO 'u1'@'%' WITH GRANT OPTION;"},
		"keeps all": {[]string{"GRANT ALL PRIVILEGES ON `magento_one`.* TO `u1`@`%`"},
			"GRANT ALL PRIVILEGES ON `magento\\_one`.* TO 'u1'@'%';"},
		"not what does not count": {[]string{"GRANT ALTER ON `magento\\_one`.* TO `u1`@`%`",
			"GRANT DROP ON `magento%`.* TO `u1`@`%`"}, "GRANT SELECT, INSERT ON `magento\\_one`.* TO 'u1'@'%';"},
		"not a role's": {[]string{"GRANT ALTER ON `magento%`.* TO `tool`"},
			"GRANT SELECT, INSERT ON `magento\\_one`.* TO 'u1'@'%';"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := newServer(map[string]string{"version": "10.11.19-MariaDB"})
			own := ParseGrants(test.lines)
			request := grantRequest{Account{"u1", "%"}, server, "magento_one", own, []standing{{grants: own}},
				[]Privilege{Select, Insert}}
			if got := request.statements(); len(got) != 1 || got[0] != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestAccount(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]struct {
		account Account
		quoted  string
	}{
		"u1@%":          {Account{"u1", "%"}, "'u1'@'%'"},
		"@localhost":    {Account{"", "localhost"}, "''@'localhost'"},
		"foo@bar@10.%":  {Account{"foo@bar", "10.%"}, "'foo@bar'@'10.%'"},
		"o'brien@%":     {Account{"o'brien", "%"}, "`o'brien`@'%'"},
		"a\\`b@%":       {Account{"a\\`b", "%"}, "`a\\``b`@'%'"},
		"tool":          {Account{"tool", ""}, "'tool'"},
		"u1@::1":        {Account{"u1", "::1"}, "'u1'@'::1'"},
		"u1@10.0.0.0/8": {Account{"u1", "10.0.0.0/8"}, "'u1'@'10.0.0.0/8'"},
	} {
		got := ParseAccount(text)
		if got != want.account || got.Quoted() != want.quoted {
			t.Errorf("%s: got %#v %s", text, got, got.Quoted())
		}
	}
}

func TestRequired(t *testing.T) {
	t.Parallel()
	mysql := func(version string) Server { return newServer(map[string]string{"version": version}) }
	verdictSource := []Privilege{Select, Insert, Update, Delete, Create, Drop, Trigger}
	verdictDestination := []Privilege{Select, Insert, Update, Delete, Create, Drop}
	for name, test := range map[string]struct {
		system finding.System
		server Server
		views  bool
		task   Task
		want   []Privilege
	}{
		"source, not known": {finding.Magento1, mysql("5.6.24"), false, Task{}, verdictSource},
		"source, prepare": {finding.Magento1, mysql("5.6.24"), false, Task{Phase: config.PhasePrepare},
			verdictSource},
		"source, migrate": {finding.Magento1, mysql("5.6.24"), false, Task{Phase: config.PhaseMigrate},
			verdictSource},
		"source with views": {finding.Magento1, mysql("5.6.24"), true, Task{Phase: config.PhasePrepare},
			append(verdictSource[:7:7], ShowView)},
		"source, delta": {finding.Magento1, mysql("5.6.24"), true, Task{Phase: config.PhaseDelta},
			[]Privilege{Select, Insert, Update, Delete, Trigger}},
		"source, delta, Commerce": {finding.Magento1, mysql("5.6.24"), true, Task{Phase: config.PhaseDelta,
			Commerce: true}, verdictSource},
		"source, cutover": {finding.Magento1, mysql("5.6.24"), false, Task{Phase: config.PhaseCutover},
			[]Privilege{Select, Insert, Update, Delete, Trigger}},
		"destination, MySQL 5.6": {finding.Magento2, mysql("5.6.24"), true, Task{}, verdictDestination},
		"destination, MariaDB": {finding.Magento2, mysql("10.11.19-MariaDB"), false, Task{},
			verdictDestination},
		"destination, MySQL 5.7": {finding.Magento2, mysql("5.7.9"), false, Task{},
			append(verdictDestination[:6:6], References)},
		"destination, MySQL 8": {finding.Magento2, mysql("8.0.36"), false, Task{Phase: config.PhaseMigrate},
			append(verdictDestination[:6:6], References)},
		"destination, delta": {finding.Magento2, mysql("8.0.36"), false, Task{Phase: config.PhaseDelta},
			[]Privilege{Select, Insert, Update, Delete}},
		"destination, delta, TRUNCATE": {finding.Magento2, mysql("8.0.36"), false, Task{Phase: config.PhaseDelta,
			NormalizationIDs: true}, []Privilege{Select, Insert, Update, Delete, Drop}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []Privilege
			for _, need := range required(Observation{Target: Target{System: test.system}, Server: test.server,
				hasViews: test.views}, test.task) {
				if need.reason == "" {
					t.Errorf("%s is for nothing", need.privilege)
				}
				got = append(got, need.privilege)
			}
			if !reflect.DeepEqual(got, test.want) {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}

// TestReferences compares the verdict with really making a foreign key to a table that is there.
func TestReferences(t *testing.T) {
	t.Parallel()
	onAll(t, func(t *testing.T, l *lab) {
		target := Target{System: finding.Magento2, Database: "magento2"}
		for _, setup := range [][]string{
			{"GRANT " + verdictSet + " ON magento2.* TO 'u1'@'%'"},
			{"GRANT " + verdictSet + ", REFERENCES ON magento2.* TO 'u1'@'%'"},
			{"GRANT " + verdictSet + " ON magento2.* TO 'u1'@'%'", "GRANT REFERENCES (id) ON magento2.dropped TO " +
				"'u1'@'%'"},
			{"GRANT " + verdictSet + " ON magento2.* TO 'u1'@'%'", "GRANT REFERENCES ON magento2.probe TO 'u1'@'%'"},
			{"GRANT SELECT ON *.* TO 'u1'@'%'", "GRANT " + verdictSet + ", REFERENCES ON magento2.* TO 'u1'@'%'"},
			{"CREATE USER 'u1'@'localhost' IDENTIFIED BY 'pw'", "GRANT " + verdictSet +
				", REFERENCES ON magento2.* TO 'u1'@'%'"},
		} {
			l.forgetAccounts(t)
			l.exec(t, append([]string{createUser1}, setup...)...)
			assessment := Assess(l.observe(t, "u1", target), Task{})
			expectOneJudgement(t, assessment)
			number, err := execute(t.Context(), l.login(t, "u1", false),
				"CREATE TABLE magento2.made (a INT, FOREIGN KEY (a) REFERENCES magento2.orders (id))")
			if err != nil {
				t.Fatal(err)
			}
			if number == 0 {
				l.exec(t, "DROP TABLE magento2.made")
			}
			if (assessment.OK() == Held) != (number == 0) {
				t.Errorf("%s: making a foreign key is answered by error %d, but there is:\n%s", setup, number,
					showFindings(assessment.Findings))
			}
		}
	})
}

func TestGrantOn(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"shop":       "GRANT TRIGGER ON `shop`.* TO 'u1'@'%';",
		"shop_one":   "GRANT TRIGGER ON `shop\\_one`.* TO 'u1'@'%';",
		"100%`shop`": "GRANT TRIGGER ON `100\\%``shop```.* TO 'u1'@'%';",
	} {
		if got := GrantOn(name, Account{"u1", "%"}, Trigger); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}
