package finding

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"magento_migration_exporter/config"
)

func TestResultTakesTheWorstPart(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		findings []Status
		severity config.Severity
		want     Status
	}{
		{nil, config.SeverityWarn, Pass},
		{[]Status{Pass}, config.SeverityWarn, Pass},
		{[]Status{Pass, Warn}, config.SeverityWarn, Warn},
		{[]Status{Warn, Unknown}, config.SeverityWarn, Unknown},
		{[]Status{Unknown, Fail, Warn}, config.SeverityWarn, Fail},
		{[]Status{Warn}, config.SeverityFail, Fail},
		{[]Status{Unknown}, config.SeverityFail, Unknown},
	} {
		v := Verdict{Summary: "fine"}
		for i, s := range tc.findings {
			v.Add(Finding{Status: s, Summary: fmt.Sprint("finding ", i)})
		}
		r := v.Result(tc.severity, time.Time{}, 0)
		if r.Status != tc.want {
			t.Errorf("%v with severity %s: %s, want %s", tc.findings, tc.severity, r.Status, tc.want)
		}
		if (r.Summary == "fine") != (tc.want == Pass) {
			t.Errorf("%v: summary %q", tc.findings, r.Summary)
		}
	}
	v := Verdict{NotApplicable: true, Summary: "later"}
	if r := v.Result(config.SeverityWarn, time.Time{}, 0); r.Status != NotApplicable || r.Summary != "later" {
		t.Errorf("%+v", r)
	}
	v.Warn("a", "but", "", "")
	if r := v.Result(config.SeverityWarn, time.Time{}, 0); r.Status != Warn {
		t.Errorf("a warning beside not_applicable: %s", r.Status)
	}
}

func TestResultIsCapped(t *testing.T) {
	t.Parallel()
	v := Verdict{}
	for range 300 {
		v.Warn("a", strings.Repeat("ä", 5000), "", "")
	}
	v.Fail("last", "the worst", "", "")
	r := Waive(v.Result(config.SeverityWarn, time.Time{}, 0), nil, time.Time{})
	if len(r.Findings) != maxFindings+1 || r.Findings[0].Status != Fail ||
		!strings.Contains(r.Findings[maxFindings].Summary, "101 more") {
		t.Errorf("%d findings, first %s, last %q", len(r.Findings), r.Findings[0].Status,
			r.Findings[len(r.Findings)-1].Summary)
	}
	if s := r.Findings[1].Summary; len(s) > maxText+40 || !strings.Contains(s, "bytes more") {
		t.Errorf("a text of %d bytes", len(s))
	}
}

// TestTheCapChangesNoStatus waives more subjects than are shown, all and all but one.
func TestTheCapChangesNoStatus(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	for _, n := range []int{maxFindings + 50, maxFindings + maxHidden + 50} {
		v := Verdict{}
		var waivers []config.Waiver
		for i := range n {
			subject := fmt.Sprint("module ", i)
			v.Fail(subject, subject+" is undecided", "", "decide")
			waivers = append(waivers, config.Waiver{Subject: subject, Expires: config.Expiry{Time: now.Add(time.Hour)}})
		}
		raw := v.Result(config.SeverityWarn, now, 0)
		some := Waive(raw, waivers[:n-1], now)
		if some.Status != Fail || some.Findings[maxFindings].Status != Fail || some.Findings[maxFindings].Remedy == "" {
			t.Errorf("all but one of %d are waived: %s, last finding %+v", n, some.Status, some.Findings[maxFindings])
		}
		all := Waive(raw, waivers, now)
		want := Waived
		if n > maxFindings+maxHidden {
			want = Fail // a subject that is not kept cannot be waived by name
		}
		if all.Status != want || all.Findings[maxFindings].Status != want {
			t.Errorf("%d are waived: %s, last finding %+v", n, all.Status, all.Findings[maxFindings])
		}
	}
	v := Verdict{}
	for range maxFindings + 9 {
		v.Note("a", "fine", "", "")
	}
	v.Fail("b", "not fine", "", "fix")
	r := Waive(v.Result(config.SeverityWarn, now, 0), nil, now)
	if rest := r.Findings[maxFindings]; r.Status != Fail || rest.Status != Pass || rest.Evidence != "10 pass" {
		t.Errorf("%s, last finding %+v", r.Status, rest)
	}
}

func TestStatusText(t *testing.T) {
	t.Parallel()
	for _, s := range Statuses() {
		text, _ := s.MarshalText()
		var back Status
		if err := back.UnmarshalText(text); err != nil || back != s {
			t.Errorf("%s became %s: %v", s, back, err)
		}
	}
	var s Status
	if err := s.UnmarshalText([]byte("good")); err == nil {
		t.Error("accepted a status that does not exist")
	}
	if s != Unknown {
		t.Error("the zero status must be unknown")
	}
}

// TestTheRestHasTheStatusOfWhatIsHidden checks the finding that stands for those that are not shown.
func TestTheRestHasTheStatusOfWhatIsHidden(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		counts   map[Status]int
		want     Status
		evidence string
		summary  string
		remedy   bool
	}{
		"all hidden pass": {
			map[Status]int{Fail: 3, Pass: 400}, Pass, "203 pass", "203 more findings are not shown", false,
		},
		"one is hidden":   {map[Status]int{Warn: 200, Pass: 1}, Pass, "1 pass", "1 more finding is not shown", false},
		"warnings beside": {map[Status]int{Fail: 199, Warn: 3, Pass: 9}, Warn, "2 warn", "11 more findings", false},
		"unknown ones": {
			map[Status]int{Fail: 150, Unknown: 60, Pass: 5}, Unknown, "10 unknown", "15 more findings", true,
		},
		"failures only": {map[Status]int{Fail: 609}, Fail, "409 fail", "409 more findings are not shown", true},
	} {
		v := Verdict{}
		for status, n := range tc.counts {
			for i := range n {
				v.Add(Finding{Status: status, Subject: fmt.Sprint(status, i), Summary: "x"})
			}
		}
		r := Waive(v.Result(config.SeverityWarn, time.Time{}, 0), nil, time.Time{})
		rest := r.Findings[len(r.Findings)-1]
		if rest.Status != tc.want || !strings.Contains(rest.Evidence, tc.evidence) ||
			!strings.Contains(rest.Summary, tc.summary) || (rest.Remedy != "") != tc.remedy {
			t.Errorf("%s: %+v", name, rest)
		}
	}
}
