package collector

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
			v.add(Finding{Status: s, Summary: fmt.Sprint("finding ", i)})
		}
		r := v.result(tc.severity, time.Time{}, 0)
		if r.Status != tc.want {
			t.Errorf("%v with severity %s: %s, want %s", tc.findings, tc.severity, r.Status, tc.want)
		}
		if (r.Summary == "fine") != (tc.want == Pass) {
			t.Errorf("%v: summary %q", tc.findings, r.Summary)
		}
	}
	v := Verdict{NotApplicable: true, Summary: "later"}
	if r := v.result(config.SeverityWarn, time.Time{}, 0); r.Status != NotApplicable || r.Summary != "later" {
		t.Errorf("%+v", r)
	}
	v.warn("a", "but", "", "")
	if r := v.result(config.SeverityWarn, time.Time{}, 0); r.Status != Warn {
		t.Errorf("a warning beside not_applicable: %s", r.Status)
	}
}

func TestResultIsCapped(t *testing.T) {
	t.Parallel()
	v := Verdict{}
	for range 300 {
		v.warn("a", strings.Repeat("ä", 5000), "", "")
	}
	v.fail("last", "the worst", "", "")
	r := v.result(config.SeverityWarn, time.Time{}, 0)
	if len(r.Findings) != maxFindings+1 || r.Findings[0].Status != Fail || !strings.Contains(r.Findings[maxFindings].Summary, "101 more") {
		t.Errorf("%d findings, first %s, last %q", len(r.Findings), r.Findings[0].Status, r.Findings[len(r.Findings)-1].Summary)
	}
	if s := r.Findings[1].Summary; len(s) > maxText+40 || !strings.Contains(s, "bytes more") {
		t.Errorf("a text of %d bytes", len(s))
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
