package finding

import (
	"testing"
	"time"

	"magento_migration_exporter/config"
)

func TestWaive(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	until := func(subject string, ends time.Duration) config.Waiver {
		return config.Waiver{Subject: subject, Reason: "r", Expires: config.Expiry{Time: now.Add(ends)}}
	}
	finding := func(s Status, subject string) Finding {
		return Finding{Status: s, Subject: subject, Summary: subject + " is " + s.String()}
	}
	for name, tc := range map[string]struct {
		findings []Finding
		waivers  []config.Waiver
		want     Status
	}{
		"no waiver":        {[]Finding{finding(Fail, "a")}, nil, Fail},
		"whole":            {[]Finding{finding(Fail, "a")}, []config.Waiver{until("", time.Hour)}, Waived},
		"whole, unknown":   {[]Finding{finding(Unknown, "")}, []config.Waiver{until("", time.Hour)}, Waived},
		"whole, warn":      {[]Finding{finding(Warn, "a")}, []config.Waiver{until("", time.Hour)}, Waived},
		"nothing to waive": {[]Finding{finding(Pass, "a")}, []config.Waiver{until("", time.Hour)}, Pass},
		"ended":            {[]Finding{finding(Fail, "a")}, []config.Waiver{until("", 0)}, Fail},
		"subject":          {[]Finding{finding(Fail, "a")}, []config.Waiver{until("a", time.Hour)}, Waived},
		"subject ended":    {[]Finding{finding(Fail, "a")}, []config.Waiver{until("a", -time.Hour)}, Fail},
		"another subject":  {[]Finding{finding(Fail, "a")}, []config.Waiver{until("b", time.Hour)}, Fail},
		"one of two": {
			[]Finding{finding(Fail, "a"), finding(Warn, "b")}, []config.Waiver{until("a", time.Hour)}, Warn,
		},
		"both": {
			[]Finding{finding(Fail, "a"), finding(Warn, "b")},
			[]config.Waiver{until("a", time.Hour), until("b", time.Hour)}, Waived,
		},
		"unknown left": {
			[]Finding{finding(Fail, "a"), finding(Unknown, "b")}, []config.Waiver{until("a", time.Hour)}, Unknown,
		},
		"empty subject is nobody's": {[]Finding{finding(Fail, "")}, []config.Waiver{until("a", time.Hour)}, Fail},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			raw := Verdict{Summary: "fine", Findings: tc.findings}.Result(config.SeverityWarn, now, 0)
			got := Waive(raw, tc.waivers, now)
			if got.Status != tc.want {
				t.Errorf("got %s, want %s", got.Status, tc.want)
			}
			if len(got.Findings) != len(tc.findings) || got.Summary == "" {
				t.Errorf("a waiver hid something: %+v", got)
			}
			if raw.Findings[0].Status != tc.findings[0].Status {
				t.Error("the raw result was changed")
			}
		})
	}
}
