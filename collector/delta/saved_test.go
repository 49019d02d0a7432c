package delta

import (
	"math"
	"strings"
	"testing"
	"time"
)

// measured is a meter that has watched a delta for a day.
func measured(start time.Time) (m Meter, end time.Time) {
	for minute := range 24 * 60 {
		end = start.Add(time.Duration(minute) * time.Minute)
		m.Add(Load{At: end, Pending: 8_000_000 - 5000*minute, Running: true, Cycle: 10 * time.Second})
	}
	return m, end
}

func TestRatesOutliveARestart(t *testing.T) {
	t.Parallel()
	m, now := measured(time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC))
	text, err := m.Save()
	if err != nil || len(text) > 1200 {
		t.Fatalf("%d bytes, %v", len(text), err)
	}
	back, err := RestoreMeter(text, now.Add(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	was, is := m.Points(), back.Points()
	if len(is) != savedPoints || is[len(is)-1].At.Unix() != was[len(was)-1].At.Unix() || is[5].Pending == 0 {
		t.Errorf("%d points became %d: %+v", len(was), len(is), is)
	}
	load := Load{At: now.Add(2 * time.Minute), Pending: 900, Running: true, Cycle: 10 * time.Second}
	r := back.Add(load)
	if r.Known || !r.Measured || r.Delivery != m.best || r.Arrival != m.arrival || m.best == 0 {
		t.Errorf("%+v after %f and %f", r, m.arrival, m.best)
	}
	if fresh := (&Meter{}).Add(load); fresh.Measured {
		t.Error("without a restored meter nothing is measured")
	}
	late, err := RestoreMeter(text, now.Add(48*time.Hour))
	if err != nil || len(late.Points()) != 0 || late.best != m.best {
		t.Errorf("two days later: %+v, %v", late, err)
	}
	empty, err := (&Meter{}).Save()
	if err != nil {
		t.Fatal(err)
	}
	if back, err := RestoreMeter(empty, now); err != nil || back.best != 0 || len(back.points) != 0 {
		t.Errorf("nothing measured: %+v, %v", back, err)
	}
}

func TestSavedRatesThatAreNone(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "[]", `{"best":-1}`, `{"best":1e300}`, `{"arrival":"much"}`, `{"points":` + strings.Repeat("[", 5000)} {
		if m, err := RestoreMeter([]byte(text), time.Now()); err == nil {
			t.Errorf("%.50s: %+v", text, m)
		}
	}
}

func FuzzRestoreMeter(f *testing.F) {
	m, now := measured(time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC))
	text, err := m.Save()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte(`{"arrival":1e308,"best":1e-308,"points":[[1e300,1,2,3],[-1,0,0,0],[1796040000,1e18,-5,1e300],[1,2]]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := RestoreMeter(text, now)
		if err != nil {
			return
		}
		if len(m.points) > savedPoints || m.best < 0 || math.IsInf(m.best, 0) || math.IsNaN(m.arrival) {
			t.Errorf("%+v", m)
		}
		for i, p := range m.points {
			if p.At.After(now) || p.Pending < 0 || i > 0 && p.At.Before(m.points[i-1].At) {
				t.Errorf("%+v", p)
			}
		}
		m.Add(Load{At: now, Pending: 5, Cycle: time.Second})
		if _, err := m.Save(); err != nil {
			t.Error(err)
		}
	})
}
