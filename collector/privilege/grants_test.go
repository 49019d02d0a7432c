package privilege

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"magento_migration_exporter/collector/database"
)

func TestParseGrant(t *testing.T) {
	t.Parallel()
	u1 := Account{"u1", "%"}
	for name, test := range map[string]struct {
		line string
		want Grant
		text string // when it is not the line
	}{
		"MySQL 5.6, hash left out": {
			line: "GRANT USAGE ON *.* TO 'u1'@'%' IDENTIFIED BY PASSWORD",
			want: Grant{Privileges: []Privilege{usage}, Grantee: u1},
			text: "GRANT USAGE ON *.* TO 'u1'@'%'",
		},
		"MySQL 5.6, hash, limits and grant option": {
			line: "GRANT ALL PRIVILEGES ON *.* TO 'u1'@'%' IDENTIFIED BY PASSWORD " +
				"'*0123456789012345678901234567890123456789' WITH GRANT OPTION MAX_QUERIES_PER_HOUR 100 " +
				"MAX_USER_CONNECTIONS 4",
			want: Grant{Privileges: []Privilege{allPrivileges}, Grantee: u1, GrantOption: true},
			text: "GRANT ALL PRIVILEGES ON *.* TO 'u1'@'%' WITH GRANT OPTION",
		},
		"MySQL 5.6, quotes not escaped": {
			line: "GRANT SELECT ON `magento1`.* TO 'o'brien'@'%'",
			want: Grant{Scope: ScopeDatabase, Privileges: []Privilege{Select}, Database: "magento1",
				Grantee: Account{"o'brien", "%"}},
		},
		"MySQL 5.6, an account that looks like two": {
			line: "GRANT SELECT ON `magento1`.* TO 'a'@'b'@'%'",
			want: Grant{Scope: ScopeDatabase, Privileges: []Privilege{Select}, Database: "magento1",
				Grantee: Account{"a'@'b", "%"}},
		},
		"MySQL 5.6, a clause that looks like options": {
			line: "GRANT USAGE ON *.* TO 'u1'@'%' REQUIRE ISSUER '/CN=o'brien WITH GRANT OPTION' SUBJECT 'x'",
			want: Grant{Privileges: []Privilege{usage}, Grantee: u1},
			text: "GRANT USAGE ON *.* TO 'u1'@'%'",
		},
		"MySQL 5.6, columns not quoted": {
			line: "GRANT SELECT (id, v), INSERT, UPDATE (v) ON `magento1`.`orders` TO 'u1'@'%'",
			want: Grant{Scope: ScopeTable, Privileges: []Privilege{Insert}, ColumnPrivileges: []Privilege{Select,
				Update}, Database: "magento1", Object: "orders", Grantee: u1},
		},
		"MySQL 5.6, a proxy": {
			line: "GRANT PROXY ON ''@'' TO 'root'@'localhost' WITH GRANT OPTION",
			want: Grant{Scope: ScopeProxy, Privileges: []Privilege{"PROXY"}, Grantee: Account{"root", "localhost"},
				GrantOption: true},
		},
		"MySQL 5.6, ANSI quotes": {
			line: `GRANT SELECT ON "magento1".* TO 'u1'@'%'`,
			want: Grant{Scope: ScopeDatabase, Privileges: []Privilege{Select}, Database: "magento1", Grantee: u1},
		},
		"MySQL 5.6, the anonymous user": {
			line: "GRANT USAGE ON *.* TO ''@'localhost'",
			want: Grant{Privileges: []Privilege{usage}, Grantee: Account{"", "localhost"}},
		},
		"MariaDB, plugins": {
			line: "GRANT USAGE ON *.* TO `u1`@`%` IDENTIFIED VIA unix_socket OR mysql_native_password USING " +
				"'*0123456789012345678901234567890123456789' WITH MAX_STATEMENT_TIME 12.500000",
			want: Grant{Privileges: []Privilege{usage}, Grantee: u1,
				Plugins: []string{"unix_socket", "mysql_native_password"}},
			text: "GRANT USAGE ON *.* TO `u1`@`%`",
		},
		"MariaDB, backticks doubled": {
			line: "GRANT SELECT ON `back``tick`.* TO `a ``b`@`%`",
			want: Grant{Scope: ScopeDatabase, Privileges: []Privilege{Select}, Database: "back`tick",
				Grantee: Account{"a `b", "%"}},
		},
		"MariaDB, a role granted": {
			line: "GRANT `my role` TO `u1`@`%` WITH ADMIN OPTION",
			want: Grant{Scope: ScopeRole, Roles: []Account{{User: "my role"}}, Grantee: u1, GrantOption: true},
		},
		"MariaDB, a role's privileges": {
			line: "GRANT ALL PRIVILEGES ON `magento1`.* TO `tool`",
			want: Grant{Scope: ScopeDatabase, Privileges: []Privilege{allPrivileges}, Database: "magento1",
				Grantee: Account{User: "tool"}, GranteeKind: GranteeRole},
		},
		"MariaDB, PUBLIC": {
			line: "GRANT SELECT ON `magento1`.* TO PUBLIC",
			want: Grant{Scope: ScopeDatabase, Privileges: []Privilege{Select}, Database: "magento1",
				Grantee: Account{User: "PUBLIC"}, GranteeKind: GranteePublic},
		},
		"MariaDB, the default role": {
			line: "SET DEFAULT ROLE `tool` FOR `u1`@`%`",
			want: Grant{Scope: ScopeDefaultRole, Roles: []Account{{User: "tool"}}, Grantee: u1},
		},
		"MariaDB, a routine": {
			line: "GRANT EXECUTE ON PACKAGE BODY `magento1`.`p` TO `u1`@`%`",
			want: Grant{Scope: ScopeRoutine, Privileges: []Privilege{"EXECUTE"}, Database: "magento1", Object: "p",
				Grantee: u1},
		},
		"MariaDB, quotes off": {
			line: "GRANT ALL PRIVILEGES ON magento1.* TO u1@`%`",
			want: Grant{Scope: ScopeDatabase, Privileges: []Privilege{allPrivileges}, Database: "magento1",
				Grantee: u1},
		},
		"MariaDB, quotes off and a role": {
			line: "GRANT tool TO u1@`%`",
			want: Grant{Scope: ScopeRole, Roles: []Account{{User: "tool"}}, Grantee: u1},
		},
		"MySQL 8, dynamic privileges": {
			line: "GRANT BACKUP_ADMIN,SET_USER_ID,Whatever_Comes ON *.* TO `u1`@`%`",
			want: Grant{Privileges: []Privilege{"BACKUP_ADMIN", "SET_USER_ID", "WHATEVER_COMES"}, Grantee: u1},
		},
		"MySQL 8, roles granted": {
			line: "GRANT `r1`@`%`,`r2`@`localhost` TO `u1`@`%`",
			want: Grant{Scope: ScopeRole, Roles: []Account{{"r1", "%"}, {"r2", "localhost"}}, Grantee: u1},
		},
		"MySQL 8, a partial revoke": {
			line: "REVOKE INSERT, DROP ON `magento1`.* FROM `u1`@`%`",
			want: Grant{Scope: ScopeDatabase, Revoke: true, Privileges: []Privilege{Insert, Drop}, Database: "magento1",
				Grantee: u1},
		},
		"MySQL 8, quoted columns": {
			line: "GRANT SELECT (`id`, `a)b`) ON `magento1`.`orders` TO `u1`@`%`",
			want: Grant{Scope: ScopeTable, ColumnPrivileges: []Privilege{Select}, Database: "magento1",
				Object: "orders", Grantee: u1},
		},
		"Aurora": {
			line: "GRANT SELECT INTO S3, INVOKE LAMBDA ON *.* TO 'u1'@'%'",
			want: Grant{Privileges: []Privilege{"SELECT INTO S3", "INVOKE LAMBDA"}, Grantee: u1},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := ParseGrant(test.line)
			if err != nil {
				t.Fatal(err)
			}
			if test.want.text = test.text; test.text == "" {
				test.want.text = test.line
			}
			if !reflect.DeepEqual(got, test.want) {
				t.Errorf("got  %#v\nwant %#v", got, test.want)
			}
		})
	}
}

func TestParseGrantErrors(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"":                                      "byte 0: expected GRANT, REVOKE or SET DEFAULT ROLE",
		"DROP TABLE t":                          "byte 0: expected GRANT, REVOKE or SET DEFAULT ROLE",
		"GRANT ":                                "byte 6: expected a privilege",
		"GRANT SELECT":                          "byte 12: expected ON",
		"GRANT SELECT ON `magento1":             "byte 16: expected a closing `",
		"GRANT SELECT ON magento1 TO u":         "byte 25: expected a dot",
		"GRANT SELECT (id ON `m`.`t` TO `u`":    "byte 14: expected a column name",
		"GRANT SELECT ON `m`.* FROM `u`@`%`":    "byte 21: expected TO",
		"GRANT SELECT ON `m`.* TO 'secret'":     "byte 25: expected an account",
		"GRANT SELECT ON `m`.* TO `u`@`%`X":     "byte 32: expected the end of the account",
		"SET DEFAULT ROLE r TO x":               "byte 19: expected FOR",
		strings.Repeat("x", maxGrantLength+1):   "byte 65536: expected at most 65536 bytes",
		"GRANT SELECT ON *.* TO ":               "byte 23: expected a name",
		"REVOKE SELECT ON `m`.* TO `u1`@`%`":    "byte 22: expected FROM",
		"GRANT PROXY ON x TO":                   "byte 19: expected a name",
		"GRANT `r1`@ TO `u1`":                   "byte 11: expected a name",
		"GRANT SELECT, ON *.* TO `u1`@`%`":      "byte 13: expected a privilege",
		"GRANT SELECT (id) X ON *.* TO `u`@`%`": "byte 18: expected ON",
	} {
		_, err := ParseGrant(line)
		var syntax *GrantSyntaxError
		if !errors.As(err, &syntax) || err.Error() != want {
			t.Errorf("%.40q: got %v, want %s", line, err, want)
		}
	}
}

func TestParseGrantsKeepsWhatItCanRead(t *testing.T) {
	t.Parallel()
	g := ParseGrants([]string{"GRANT USAGE ON *.* TO `u1`@`%`", "GARBAGE '*0123456789012345678901234567890123456789'",
		"GRANT SELECT ON `m`.* TO `u1`@`%`"})
	if len(g.Lines) != 2 || len(g.Unread) != 1 || g.Unread[0].Error() != "line 2: byte 0: expected GRANT, REVOKE or "+
		"SET DEFAULT ROLE" {
		t.Errorf("%v %v", g.Lines, g.Unread)
	}
	many := make([]string, maxGrantLines+5)
	for i := range many {
		many[i] = "GRANT USAGE ON *.* TO `u1`@`%`"
	}
	if g := ParseGrants(many); len(g.Lines) != maxGrantLines || len(g.Unread) != 1 {
		t.Errorf("%d lines, %v", len(g.Lines), g.Unread)
	}
}

func FuzzParseGrant(f *testing.F) {
	for _, line := range []string{
		"GRANT USAGE ON *.* TO 'u1'@'%' IDENTIFIED BY PASSWORD '*0123456789012345678901234567890123456789' WITH GRANT " +
			"OPTION",
		"GRANT SELECT (`id`), INSERT (a, b) ON `magento1`.`orders` TO `a ``b`@`%`",
		"GRANT `r1`@`%`,`r2`@`%` TO `u1`@`%` WITH ADMIN OPTION",
		"GRANT PROXY ON ''@'' TO 'root'@'localhost' WITH GRANT OPTION",
		"REVOKE INSERT ON `world`.* FROM `u1`@`%`",
		"SET DEFAULT ROLE `mrole` FOR `u1`@`%`",
		"GRANT EXECUTE ON PROCEDURE \"magento1\".\"pr\" TO 'o'brien'@'%'",
		"GRANT mrole TO u1@`%`",
		"GRANT SELECT ON `magento\\_%`.* TO PUBLIC",
	} {
		f.Add(line)
	}
	server := newServer(map[string]string{"version": "10.11.19-MariaDB"})
	f.Fuzz(func(t *testing.T, line string) {
		grant, err := ParseGrant(line)
		if err != nil {
			var syntax *GrantSyntaxError
			if !errors.As(err, &syntax) || syntax.Offset < 0 || syntax.Offset > len(line) {
				t.Fatalf("%v", err)
			}
			return
		}
		// What is kept is itself a line, and says the same.
		again, err := ParseGrant(grant.String())
		if err != nil || !reflect.DeepEqual(grant, again) {
			t.Errorf("%q became %#v, then %#v, %v", line, grant, again, err)
		}
		if name := grant.Database; grant.Scope == ScopeDatabase && !server.matches(escapePattern(name), name) {
			t.Errorf("%q does not match itself", name)
		}
		r := newReading(server, standing{grants: Grants{Lines: []Grant{grant}}}, "magento1")
		_ = r.explain(Select)
	})
}

func TestMatchPattern(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		pattern, name string
		want          bool
	}{
		{"magento1", "magento1", true},
		{"magento1", "magento", false},
		{"magento", "magento1", false},
		{`magento\_one`, "magento_one", true},
		{`magento\_one`, "magentoXone", false},
		{`magento\_one`, `magento\_one`, false},
		{"magento_one", "magentoXone", true},
		{"magento%", "magento", true},
		{"magento%", "Magento1", false},
		{"m_gento", "mgento", false},
		{`magento\%`, "magento%", true},
		{`magento\%`, "magento1", false},
		{"%", "", true},
		{"%%", "x", true},
		{"_", "", false},
		{"_", "é", false}, // two bytes
		{"__", "é", true},
		{"%a%b%", "xxaxxbxx", true},
		{"%a%b", "xxaxxbxx", false},
		{"%ab", "aab", true},
		{`a\`, `a\`, true},
		{"", "", true},
		{"", "a", false},
		{strings.Repeat("%a", 60) + "%b", strings.Repeat("a", 10_000), false}, // takes no exponential time
	} {
		if got := matchPattern(test.pattern, test.name); got != test.want {
			t.Errorf("%.40q on %.40q: %t", test.pattern, test.name, got)
		}
	}
}

// TestReadingOfMySQL8 covers its rules, which were tried on MySQL 9.7.
func TestReadingOfMySQL8(t *testing.T) {
	t.Parallel()
	everything := "GRANT SELECT, INSERT, SUPER ON *.* TO `u1`@`%`"
	for name, test := range map[string]struct {
		lines          []string
		roles          bool
		partialRevokes bool
		database       string
		want           map[Privilege]State
	}{
		"roles are not active": {
			lines: []string{"GRANT USAGE ON *.* TO `u1`@`%`", "GRANT `r1`@`%` TO `u1`@`%`"},
			want:  map[Privilege]State{Select: Missing},
		},
		"a partial revoke": {
			lines: []string{everything, "REVOKE INSERT ON `magento1`.* FROM `u1`@`%`"},
			want:  map[Privilege]State{Select: Held, Insert: Missing, Super: Held},
		},
		"a partial revoke of another database": {
			lines: []string{everything, "REVOKE INSERT ON `magento2`.* FROM `u1`@`%`"},
			want:  map[Privilege]State{Insert: Held},
		},
		"an underscore is a wildcard": {
			lines: []string{"GRANT SELECT ON `magento_one`.* TO `u1`@`%`"}, database: "magentoXone",
			want: map[Privilege]State{Select: Held},
		},
		"an underscore is none with partial revokes": {
			lines: []string{"GRANT SELECT ON `magento_one`.* TO `u1`@`%`"}, database: "magentoXone",
			partialRevokes: true, want: map[Privilege]State{Select: Missing},
		},
		"an escaped underscore is another name with partial revokes": {
			lines: []string{`GRANT SELECT ON ` + "`magento\\_one`" + `.* TO ` + "`u1`@`%`"}, database: "magento_one",
			partialRevokes: true, want: map[Privilege]State{Select: Missing},
		},
		"a partial revoke of an escaped name": {
			lines:    []string{everything, `REVOKE INSERT ON ` + "`magento\\_one`" + `.* FROM ` + "`u1`@`%`"},
			database: "magento_one", partialRevokes: true, want: map[Privilege]State{Insert: Held},
		},
		"the exact line wins though it is not the first": {
			lines: []string{"GRANT INSERT ON `magento%`.* TO `u1`@`%`", "GRANT SELECT ON `magento1`.* TO `u1`@`%`"},
			want:  map[Privilege]State{Select: Held, Insert: Missing},
		},
		"of wildcards the longest literal beginning wins": {
			lines: []string{"GRANT SELECT ON `mag%`.* TO `u1`@`%`", "GRANT INSERT ON `magento%`.* TO `u1`@`%`"},
			want:  map[Privilege]State{Select: Missing, Insert: Held},
		},
		"wildcards at one place are not sure": {
			lines: []string{"GRANT SELECT, UPDATE ON `magento%`.* TO `u1`@`%`",
				"GRANT INSERT, UPDATE ON `magento_`.* TO `u1`@`%`"},
			want: map[Privilege]State{Select: Undetermined, Insert: Undetermined, Update: Held, Delete: Missing},
		},
		"with a role the first wildcard counts": {
			lines: []string{"GRANT SELECT ON `mag%`.* TO `u1`@`%`", "GRANT INSERT ON `magento%`.* TO `u1`@`%`"},
			roles: true,
			want:  map[Privilege]State{Select: Held, Insert: Missing, Update: Missing},
		},
		"with a role an escaped name is one of the wildcards": {
			lines: []string{"GRANT SELECT ON `mag%`.* TO `u1`@`%`", "GRANT INSERT ON `magento\\_one`.* TO `u1`@`%`"},
			roles: true, database: "magento_one",
			want: map[Privilege]State{Select: Held, Insert: Missing},
		},
		"a line that cannot be read leaves only what is global": {
			lines: []string{"GRANT SELECT ON *.* TO `u1`@`%`", "GRANT INSERT ON `magento1`.* TO `u1`@`%`", "GARBAGE"},
			want:  map[Privilege]State{Select: Held, Insert: Undetermined, Update: Undetermined},
		},
		"a grant on a table is not one on the database": {
			lines: []string{"GRANT SELECT ON `magento1`.`orders` TO `u1`@`%`"},
			want:  map[Privilege]State{Select: Missing},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := Server{Version: database.Version{Flavor: database.MySQL, Major: 8},
				PartialRevokes: test.partialRevokes}
			st := standing{grants: ParseGrants(test.lines)}
			if test.roles {
				st.roles = []Account{{"r1", "%"}}
			}
			target := test.database
			if target == "" {
				target = "magento1"
			}
			r := newReading(server, st, target)
			for p, want := range test.want {
				if got := r.holding(p).state; got != want {
					t.Errorf("%s is %s, want %s (%s)", p, got, want, r.explain(p))
				}
			}
		})
	}
}

func TestActiveRoles(t *testing.T) {
	t.Parallel()
	mysql8, mariadb := newServer(map[string]string{"version": "8.0.36"}),
		newServer(map[string]string{"version": "10.11.19-MariaDB"})
	for _, test := range []struct {
		server Server
		text   string
		want   []Account
	}{
		{mysql8, "NONE", nil},
		{mysql8, "`r1`@`%`,`r2`@`localhost`", []Account{{"r1", "%"}, {"r2", "localhost"}}},
		{mariadb, "", nil},
		{mariadb, "NONE", []Account{{User: "NONE"}}},
		{mariadb, "my role", []Account{{User: "my role"}}},
	} {
		if got := activeRoles(test.server, test.text); !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s: got %v, want %v", test.text, got, test.want)
		}
	}
}

// TestNestedRoles covers MariaDB's roles inside a role, whose lines the server merges by name.
func TestNestedRoles(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		lines []string
		want  map[Privilege]State
	}{
		"one name": {[]string{"GRANT SELECT ON `m%`.* TO `outer`", "GRANT INSERT ON `m%`.* TO `inner`"},
			map[Privilege]State{Select: Held, Insert: Held, Update: Missing}},
		"an exact name inside": {[]string{"GRANT SELECT ON `m%`.* TO `outer`",
			"GRANT INSERT ON `magento1`.* TO `inner`"}, map[Privilege]State{Select: Missing, Insert: Held}},
		"two wildcards": {[]string{"GRANT SELECT, DROP ON `m%`.* TO `outer`",
			"GRANT INSERT, DROP ON `ma%`.* TO `inner`"}, map[Privilege]State{Select: Undetermined, Drop: Held,
			Update: Missing}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := newServer(map[string]string{"version": "10.11.19-MariaDB"})
			for p, want := range test.want {
				if got := newReading(server, standing{grants: ParseGrants(test.lines)},
					"magento1").holding(p).state; got != want {
					t.Errorf("%s is %s, want %s", p, got, want)
				}
			}
		})
	}
}

func TestExplain(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		lines []string
		want  string
	}{
		"given": {[]string{"GRANT INSERT ON `magento\\_one`.* TO `u1`@`%`"},
			"given by «GRANT INSERT ON `magento\\_one`.* TO `u1`@`%`»"},
		"nothing": {[]string{"GRANT USAGE ON *.* TO `u1`@`%`"}, "no line of SHOW GRANTS gives INSERT on the " +
			"database magento_one"},
		"shadowed": {[]string{"GRANT SELECT ON `magento\\_one`.* TO `u1`@`%`",
			"GRANT INSERT ON `magento%`.* TO `u1`@`%`"}, "«GRANT SELECT ON `magento\\_one`.* TO `u1`@`%`» hides " +
			"«GRANT INSERT ON `magento%`.* TO `u1`@`%`»"},
		"other case": {[]string{"GRANT INSERT ON `Magento%`.* TO `u1`@`%`"}, "upper and lower case differ"},
		"backslash": {[]string{"GRANT INSERT ON `magento\\\\_one`.* TO `u1`@`%`"},
			`\ in the name takes the next character literally`},
		"one table": {[]string{"GRANT INSERT ON `magento_one`.`orders` TO `u1`@`%`"},
			"granted on 1 single table(s) only"},
		"one column": {[]string{"GRANT INSERT (`id`) ON `magento_one`.`orders` TO `u1`@`%`"},
			"granted on 1 single table(s) only"},
		"other table": {[]string{"GRANT INSERT ON `magento2`.`orders` TO `u1`@`%`"}, "no line of SHOW GRANTS"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := newServer(map[string]string{"version": "5.6.24", "lower_case_table_names": "0"})
			r := newReading(server, standing{grants: ParseGrants(test.lines)}, "magento_one")
			if got := r.explain(Insert); !strings.Contains(got, test.want) {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}
