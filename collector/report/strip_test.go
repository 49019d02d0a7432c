package report

import (
	"slices"
	"testing"
	"time"

	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/collector/history"
)

func TestStrip(t *testing.T) {
	t.Parallel()
	at := func(before time.Duration, s finding.Status) history.Change {
		return history.Change{At: noon.Add(-before), Status: s}
	}
	for _, tc := range []struct {
		name    string
		history history.Log
		want    []segment
		label   string
	}{
		{"nothing", nil, nil, ""},
		{"just begun", history.Log{at(0, finding.Pass)}, nil, ""},
		{
			"unchanged", history.Log{at(time.Hour, finding.Pass)}, []segment{{0, 12, 240, 4, finding.Pass}},
			"0 changes in the last 1 h 0 min, now pass",
		},
		{
			"half", history.Log{at(time.Hour, finding.Pass), at(30*time.Minute, finding.Fail)},
			[]segment{{0, 12, 120, 4, finding.Pass}, {120, 0, 120, 16, finding.Fail}},
			"1 change in the last 1 h 0 min, now fail",
		},
		{
			"a short one stays visible",
			history.Log{at(12*time.Hour, finding.Pass), at(time.Second, finding.Unknown)},
			[]segment{
				{0, 12, 239, 4, finding.Pass}, {238, 4, 2, 12, finding.Unknown},
			}, "1 change in the last 12 h 0 min, now unknown",
		},
		{
			"a day at most",
			history.Log{
				at(90*time.Hour, finding.Fail), at(48*time.Hour, finding.Warn), at(12*time.Hour, finding.NotApplicable),
			},
			[]segment{
				{0, 8, 120, 8, finding.Warn}, {120, 12, 120, 4, finding.NotApplicable},
			}, "1 change in the last 24 h 0 min, now not applicable",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got := newStrip(tc.history, noon)
			if !slices.Equal(got.Segments, tc.want) || got.Label != tc.label {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func TestLastChanges(t *testing.T) {
	t.Parallel()
	m := MigrationReadiness{}
	for _, id := range []string{"a", "b"} {
		p := PreconditionReadiness{ID: id, Title: id}
		for i := range 15 {
			p.History = append(p.History, history.Change{
				At:     noon.Add(time.Duration(i) * time.Minute),
				Status: []finding.Status{finding.Pass, finding.Fail}[i%2],
			})
		}
		m.Preconditions = append(m.Preconditions, p)
	}
	got := lastChanges(&m, noon.Add(time.Hour), "x-")
	if len(got) != maxChanges ||
		got[0] != (change{noon.Add(14 * time.Minute), "46 min ago", "x-a", "a", finding.Fail, finding.Pass}) ||
		got[1].Title != "b" {
		t.Errorf("%d: %+v", len(got), got[0])
	}
}
