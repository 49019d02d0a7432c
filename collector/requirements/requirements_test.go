package requirements

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestBuiltInTable(t *testing.T) {
	t.Parallel()
	table, err := Load("")
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		release, component, version string
		supported, named            bool
	}{
		{"2.4.7-p3", "mariadb", "10.6.19", true, true},
		{"2.4.7-p3", "mariadb", "10.11.6", false, true},
		{"2.4.7-p6", "mariadb", "10.11.6", true, true},
		{"2.4.7-p3", "mysql", "8.0.40", true, true},
		{"2.4.7-p3", "php", "8.2.36", true, true},
		{"2.4.7-p3", "php", "8.1.0", false, true},
		{"2.4.4-p18", "mysql", "8.0.40", false, false},
		{"2.4.8", "opensearch", "2.19.1", true, true},
		{"2.4.9", "elasticsearch", "8.11.0", false, false},
		{"2.3.5", "mysql", "5.7.44", true, true},
		{"2.4.8-p5", "composer", "2.10.1", true, true},
		{"2.4.8-p4", "composer", "2.9.2", false, true},
		{"2.4.8-p4", "composer", "2.11.0", true, true},
	} {
		r, ok := ParseRelease(tc.release)
		if !ok {
			t.Fatal(tc.release)
		}
		row, ok := table.Row(r)
		if !ok {
			t.Errorf("no row for %s", tc.release)
		}
		if supported, named := row.Supports(tc.component, tc.version); supported != tc.supported || named != tc.named {
			t.Errorf("%s with %s %s: supported %v, named %v", tc.release, tc.component, tc.version, supported, named)
		}
	}
	for release := range table.Releases {
		if r, _ := ParseRelease(release); r.Compare(Release{2, 3, 0, 0}) < 0 || r.Compare(Release{2, 4, 9, 99}) > 0 {
			t.Errorf("release %s", release)
		}
	}
}

func TestParseFaults(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "x: 1", "releases: {new: {php: ['8']}}", "releases: {2.4.7: {php: [eight]}}", "releases: [1]"} {
		if _, err := Parse([]byte(text)); err == nil && text != "" {
			t.Errorf("%q was accepted", text)
		}
	}
	path := filepath.Join(t.TempDir(), "own.yml")
	if _, err := Load(path); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("%v", err)
	}
	if err := os.WriteFile(path, []byte("releases: {2.4.7-p3: {mariadb: ['10.11']}}"), 0o600); err != nil {
		t.Fatal(err)
	}
	own, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if ok, _ := own.Releases["2.4.7-p3"].Supports("mariadb", "10.11.2"); !ok {
		t.Error("the user's own table was not used")
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("releases: {2.4.7-p3: {mariadb: ['10.11', '11+']}}"))
	f.Fuzz(func(_ *testing.T, data []byte) {
		table, err := Parse(data)
		if err == nil {
			for _, row := range table.Releases {
				row.Supports("php", "8.1")
			}
		}
	})
}

func TestSatisfies(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		version, constraint string
		want                bool
	}{
		{"8.2.36", "~8.2.0||~8.3.0", true}, {"8.4.1", "~8.2.0||~8.3.0", false}, {"8.3.0", "~8.2.0 || ~8.3.0", true},
		{"8.9", "~8.2", true}, {"9.0", "~8.2", false}, {"7.4.33", "^7.2", true}, {"8.0", "^7.2", false}, {"0.3.1", "^0.3", true}, {"0.4", "^0.3", false},
		{"8.1.5", ">=7.4 <8.2", true}, {"8.2.0", ">=7.4,<8.2", false}, {"8.1.5", "8.1.*", true}, {"8.2", "8.1.*", false}, {"8.2", "*", true}, {"8.2.1", "!=8.2.1", false},
	} {
		if got, err := Satisfies(tc.version, tc.constraint); err != nil || got != tc.want {
			t.Errorf("%s %s: %v %v", tc.version, tc.constraint, got, err)
		}
	}
	for _, constraint := range []string{"", "dev-main", "~8.2 as x", "@stable", "|", "8.2-beta"} {
		if got, err := Satisfies("8.2.0", constraint); err == nil {
			t.Errorf("%q: %v", constraint, got)
		}
	}
}

func FuzzSatisfies(f *testing.F) {
	f.Add("8.2.36", "~8.2.0||~8.3.0")
	f.Fuzz(func(_ *testing.T, version, constraint string) { _, _ = Satisfies(version, constraint) })
}
