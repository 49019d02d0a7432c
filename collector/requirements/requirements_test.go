package requirements

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"magento_migration_exporter/collector/leaktest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

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
		{"2.2.11", "php", "7.2.34", true, true},
		{"2.2.9", "php", "7.2.34", false, true},
		{"2.2.7", "mariadb", "10.2.44", true, true},
		{"2.1.18", "mysql", "5.7.44", true, true},
		{"2.1.1", "mysql", "5.7.44", false, true},
		{"2.0.18", "php", "5.5.38", true, true},
		{"2.0.0", "elasticsearch", "2.4.6", false, false},
	} {
		r, ok := ParseRelease(tc.release)
		if !ok {
			t.Fatal(tc.release)
		}
		row, of, ok := table.Row(r)
		if !ok || of != r {
			t.Errorf("no row for %s, but %s", tc.release, of)
		}
		if supported, named := row.Supports(tc.component, tc.version); supported != tc.supported || named != tc.named {
			t.Errorf("%s with %s %s: supported %v, named %v", tc.release, tc.component, tc.version, supported, named)
		}
	}
	for release := range table.Releases {
		if r, _ := ParseRelease(release); r.Compare(Release{2, 0, 0, 0}) < 0 || r.Compare(Release{2, 4, 9, 99}) > 0 {
			t.Errorf("release %s", release)
		}
	}
}

// A patch release without a row has that of the newest older patch, and nothing is taken from another release.
func TestRowOfPatchReleases(t *testing.T) {
	t.Parallel()
	table, err := Load("")
	if err != nil {
		t.Fatal(err)
	}
	for release, want := range map[string]string{
		"2.3.5-p1": "2.3.5", "2.3.4-p2": "2.3.4", "2.3.7-p4": "2.3.7",
		"2.4.0-p1": "2.4.0", "2.4.1-p1": "2.4.1", "2.4.2-p2": "2.4.2",
		"2.4.7-p3": "2.4.7-p3", "2.4.7-p99": "2.4.7-p10", "2.4.3-p4": "2.4.3-p3", "2.2.11-p1": "2.2.11",
		"2.4.10": "", "2.4.10-p1": "", "2.5.0": "", "1.9.4": "", "2.2.12": "",
	} {
		r, ok := ParseRelease(release)
		if !ok {
			t.Fatal(release)
		}
		row, of, ok := table.Row(r)
		if !ok {
			of = Release{}
		}
		if ok != (want != "") || ok && (of.String() != want || len(row) == 0) {
			t.Errorf("%s has the row of %s (%v), want %s", release, of, ok, want)
		}
	}
	own, err := Parse([]byte("releases: {2.4.7-p3: {mariadb: ['10.11']}}"))
	if err != nil {
		t.Fatal(err)
	}
	if _, of, ok := own.Row(Release{2, 4, 7, 2}); ok {
		t.Errorf("2.4.7-p2 has the row of the newer %s", of)
	}
}

func TestBetween(t *testing.T) {
	t.Parallel()
	table, err := Load("")
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct{ since, before, first, last string }{
		{"2.0.0", "2.1.0", "2.0.0", "2.0.18"},
		{"2.2.0", "2.3.0", "2.2.0", "2.2.11"},
		{"2.4.0", "2.4.4", "2.4.0", "2.4.3-p3"},
		{"2.4.7", "2.4.8", "2.4.7", "2.4.7-p10"},
		{"2.4.8", "", "2.4.8", "2.4.9"},
		{"2.3.5-p1", "2.3.5-p2", "", ""},
	} {
		since, _ := ParseRelease(tc.since)
		before, _ := ParseRelease(tc.before)
		releases := table.Between(since, before)
		if len(releases) == 0 {
			if tc.first != "" {
				t.Errorf("nothing from %s to %s", tc.since, tc.before)
			}
			continue
		}
		first, last := releases[0].String(), releases[len(releases)-1].String()
		if first != tc.first || last != tc.last {
			t.Errorf("from %s to %s: %s to %s, want %s to %s", tc.since, tc.before, first, last, tc.first, tc.last)
		}
	}
}

// A named pipe instead of a file is refused at once: reading it would wait for as long as nobody writes to it.
func TestLoadRefusesPipes(t *testing.T) {
	t.Parallel()
	pipe := filepath.Join(t.TempDir(), "requirements.yml")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		_, err := Load(pipe)
		done <- err
	}()
	select {
	case err := <-done:
		if err == nil || !strings.Contains(err.Error(), pipe+": is not a regular file") {
			t.Error(err)
		}
	case <-time.After(2 * time.Minute):
		t.Fatal("Load waits for somebody who writes to the pipe")
	}
	large := filepath.Join(t.TempDir(), "large.yml")
	if err := os.WriteFile(large, make([]byte, MaxSize+1), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(large); err == nil || !strings.Contains(err.Error(), "larger than") {
		t.Error(err)
	}
}

func TestParseFaults(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "x: 1", "releases: {new: {php: ['8']}}", "releases: {2.4.7: {php: [eight]}}", "releases: [1]",
	} {
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
		{"8.9", "~8.2", true}, {"9.0", "~8.2", false}, {"7.4.33", "^7.2", true}, {"8.0", "^7.2", false},
		{"0.3.1", "^0.3", true}, {"0.4", "^0.3", false}, {"7.0.4", "7.0.2|7.0.4|~7.0.6", true},
		{"8.1.5", ">=7.4 <8.2", true}, {"8.2.0", ">=7.4,<8.2", false}, {"8.1.5", "8.1.*", true},
		{"8.2", "8.1.*", false},
		{"8.2", "*", true}, {"8.2.1", "!=8.2.1", false},
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
