package history

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"magento_migration_exporter/collector/finding"
)

func TestLog(t *testing.T) {
	t.Parallel()
	var log Log
	if _, ok := log.Last(); ok || !log.ChangedAt().IsZero() {
		t.Error("an empty log has no status")
	}
	day := func(n int) time.Time { return noon.AddDate(0, 0, n) }
	log = log.Add(Change{At: day(0), Status: finding.Unknown, First: true})
	if !log.ChangedAt().IsZero() {
		t.Error("the first status is no change")
	}
	shorter := log
	log = log.Add(Change{At: day(2), Status: finding.Fail, Summary: " a\n\tb " + strings.Repeat("é", maxSummary)})
	log = log.Add(Change{At: day(4), Status: finding.Pass, Summary: "fine"})
	if !log.ChangedAt().Equal(day(4)) || len(shorter) != 1 {
		t.Errorf("%v", log)
	}
	if s := log[1].Summary; len(s) > maxSummary || !strings.HasPrefix(s, "a b é") || !strings.HasSuffix(s, "é…") {
		t.Errorf("%d bytes: %s", len(s), s)
	}
	for n, want := range map[int]struct {
		before string
		after  int
	}{-1: {"", 3}, 0: {"unknown", 2}, 1: {"unknown", 2}, 2: {"fail", 1}, 5: {"pass", 0}} {
		before, after := log.Since(day(n))
		is := ""
		if before != nil {
			is = before.Status.String()
		}
		if is != want.before || len(after) != want.after {
			t.Errorf("since day %d: %s, then %v", n, is, after)
		}
	}
	if got := log.young(day(3).Add(Age)); len(got) != 2 || got[0].Status != finding.Fail {
		t.Errorf("what made the status of 90 days ago must stay: %v", got)
	}
}

// TestAThousandMigrationsFit fills each migration with more than it may keep.
func TestAThousandMigrationsFit(t *testing.T) {
	t.Parallel()
	m := Migration{Name: strings.Repeat("n", maxName), Seen: noon, Logs: map[string]Log{}}
	for p := range 17 {
		id := fmt.Sprintf("a_precondition_with_a_name_%02d", p)
		for c := range 2 + 10*p {
			m.Logs[id] = m.Logs[id].Add(Change{At: noon.Add(time.Duration(c) * time.Minute),
				Status: finding.NotApplicable, Summary: strings.Repeat("s", maxSummary)})
		}
	}
	Fit(m.Logs)
	lengths := []int{}
	for _, id := range slices.Sorted(func(yield func(string) bool) {
		for id := range m.Logs {
			if !yield(id) {
				return
			}
		}
	}) {
		lengths = append(lengths, len(m.Logs[id]))
	}
	if lengths[0] != 2 || slices.Max(lengths) > slices.Min(lengths)+1 {
		t.Errorf("the longest lose first: %v", lengths)
	}
	for range 2 * maxReports {
		m.Reports = AddReport(m.Reports, noon)
		noon := noon.Add(time.Hour)
		m.Reports = AddReport(m.Reports, noon)
	}
	m.Kept = map[string]json.RawMessage{"delta": json.RawMessage(`"` + strings.Repeat("k", maxKept-10) + `"`)}
	counted := &counter{}
	all := slices.Repeat([]Migration{m}, 1000)
	if err := write(counted, header{Host: "h", Writer: "w"}, all, noon); err != nil || counted.n > 10_000_000 {
		t.Errorf("%d bytes, %v", counted.n, err)
	}
}

// counter counts what is written to it.
type counter struct{ n int }

func (c *counter) Write(p []byte) (int, error) {
	c.n += len(p)
	return len(p), nil
}

func TestReports(t *testing.T) {
	t.Parallel()
	var reports []time.Time
	for minute := range 1000 {
		reports = AddReport(reports, noon.Add(time.Duration(minute)*time.Minute))
	}
	if len(reports) != maxReports || !reports[maxReports-1].Equal(noon.Add(990*time.Minute)) {
		t.Errorf("%v", reports)
	}
	if got := LastReport(reports, noon.Add(995*time.Minute)); !got.Equal(noon.Add(980 * time.Minute)) {
		t.Errorf("the same meeting: %v", got)
	}
	if got := LastReport(reports, noon.Add(2000*time.Minute)); !got.Equal(noon.Add(990 * time.Minute)) {
		t.Errorf("the next meeting: %v", got)
	}
	if got := LastReport(nil, noon); !got.IsZero() {
		t.Errorf("no report: %v", got)
	}
}

// FuzzRead reads anything, and what it wrote of it again.
func FuzzRead(f *testing.F) {
	var whole strings.Builder
	m := shop("acme")
	m.Reports = []time.Time{noon.Add(-time.Hour)}
	if err := write(&whole, header{Host: "h", Writer: "w"}, []Migration{m}, noon); err != nil {
		f.Fatal(err)
	}
	f.Add(whole.String())
	first, _, _ := strings.Cut(whole.String(), "\n")
	for _, line := range []string{
		`{}`, `{"migration":"a","seen":-9223372036854775808,"changes":{"x":[[1e30,"pass",""]]}}`, `null`, `[]`,
		`{"migration":"a","seen":1796040000000,"changes":{"x":[[],null,5,[1796040000000,"good","s"],[1796040000000,"fail",3]]}}`,
		`{"migration":"a","seen":1796040000000,"reports":[0,9e18],"changes":{"":[],"x":[[1796040000000,"fail","s",true]]}}`,
	} {
		f.Add(first + "\n" + line)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := read(strings.NewReader(text), noon)
		if err != nil {
			if len(c.migrations) > 0 {
				t.Errorf("%v, and %d migrations", err, len(c.migrations))
			}
			return
		}
		var all []Migration
		for name, m := range c.migrations {
			if m.Name != name || name == "" || len(name) > maxName {
				t.Errorf("a migration %q", name)
			}
			for id, log := range m.Logs {
				if len(log) == 0 || len(log) > maxChanges || !slices.IsSortedFunc(log, func(a, b Change) int {
					return a.At.Compare(b.At)
				}) {
					t.Errorf("%s: %v", id, log)
				}
				for _, change := range log {
					if len(change.Summary) > maxSummary || change.At.After(noon.Add(time.Hour)) {
						t.Errorf("%s: %v", id, change)
					}
				}
			}
			all = append(all, m)
		}
		var again strings.Builder
		if err := write(&again, c.header, all, noon); err != nil {
			t.Fatal(err)
		}
		back, err := read(strings.NewReader(again.String()), noon)
		if err != nil || back.unread > 0 || len(back.migrations) != len(c.migrations) {
			t.Errorf("%v, %s: %d migrations became %d", err, back.damage, len(c.migrations), len(back.migrations))
		}
	})
}

// TestReadStopsAtItsLimit gives it more than it may read.
func TestReadStopsAtItsLimit(t *testing.T) {
	t.Parallel()
	more := &endless{left: maxFile + 1<<20}
	c, err := read(more, noon)
	if err != nil || c.unread == 0 || len(c.migrations) != 0 {
		t.Errorf("%v, %d lines unread", err, c.unread)
	}
	if more.left == 0 {
		t.Error("it is read to its end")
	}
}

// endless is a header and then lines that are no JSON.
type endless struct{ begun, left int }

func (e *endless) Read(p []byte) (int, error) {
	if e.begun == 0 {
		e.begun = 1
		return copy(p, `{"format":"magento_migration_exporter history","version":1}`+"\n"), nil
	}
	if e.left <= 0 {
		return 0, io.EOF
	}
	junk := strings.Repeat("x", 999) + "\n"
	n := min(len(p), e.left)
	for i := 0; i < n; i += len(junk) {
		copy(p[i:n], junk)
	}
	e.left -= n
	return n, nil
}
