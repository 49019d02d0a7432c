package delta

import (
	"math"
	"testing"
	"time"
)

// loads feeds a meter with what is pending, a minute apart, and returns the last rates.
func loads(m *Meter, running bool, from time.Time, pending ...int) Rates {
	var r Rates
	for i, n := range pending {
		r = m.Add(Load{At: from.Add(time.Duration(i) * time.Minute), Pending: n, Running: running, Cycle: DefaultCycle})
	}
	return r
}

func TestMeterWithoutADelta(t *testing.T) {
	t.Parallel()
	var m Meter
	if r := loads(&m, false, start, 100); r.Known || r.Measured || r.Delivery != DefaultRate {
		t.Errorf("one look: %+v", r)
	}
	r := loads(&m, false, start.Add(time.Minute), 700, 1300, 1900)
	if !r.Known || r.Arrival != 10 || r.Delivery != DefaultRate {
		t.Errorf("%+v", r)
	}
	if want := 1.9 * 1000 / 990; math.Abs(r.Drain-want-DefaultCycle.Seconds()) > 0.01 {
		t.Errorf("drain %v", r.Drain)
	}
	if math.Abs(r.Closed-1.9-2*DefaultCycle.Seconds()) > 0.01 {
		t.Errorf("closed %v", r.Closed)
	}
}

func TestMeterOfABacklogThatShrinks(t *testing.T) {
	t.Parallel()
	var m Meter
	loads(&m, false, start, 400_000, 400_600, 401_200) // 10 a second arrive
	r := loads(&m, true, start.Add(time.Hour), 401_200, 281_200, 161_200)
	if !r.Known || !r.Measured || r.Arrival != 10 || r.Delivery != 2010 {
		t.Errorf("%+v", r)
	}
	if math.IsInf(r.Drain, 0) || r.Drain < 80 || r.Drain > 120 {
		t.Errorf("drain %v", r.Drain)
	}
	// What was measured stays known when nothing is pending.
	if r = loads(&m, true, start.Add(2*time.Hour), 0, 0, 0); r.Delivery != 2010 || r.Drain != 0 || r.Arrival != 0 {
		t.Errorf("%+v", r)
	}
}

func TestMeterOfADeltaThatDoesNotKeepUp(t *testing.T) {
	t.Parallel()
	var m Meter
	r := loads(&m, true, start, 1000, 61_000, 121_000)
	if r.Arrival != 2000 || !math.IsInf(r.Drain, 1) {
		t.Errorf("%+v", r)
	}
}

// TestMeterOfALongPage has a delta that works on its first page for minutes, of which nobody sees a row.
func TestMeterOfALongPage(t *testing.T) {
	t.Parallel()
	var m Meter
	loads(&m, false, start, 49_400, 50_000) // 10 a second arrive
	r := loads(&m, true, start.Add(time.Hour), 50_000, 50_000, 50_000)
	if r.Arrival != 0 || math.IsInf(r.Drain, 0) {
		t.Errorf("%+v", r)
	}
	// A backlog of this size that others fill as fast as it is delivered never ends.
	r = loads(&m, true, start.Add(2*time.Hour), 50_000, 50_200, 49_900, 50_000)
	if !math.IsInf(r.Drain, 1) {
		t.Errorf("%+v", r)
	}
}

// TestMeterOfAShopThatTrades has never nothing pending, and keeps up.
func TestMeterOfAShopThatTrades(t *testing.T) {
	t.Parallel()
	var m Meter
	r := loads(&m, true, start, 90, 160, 20, 140, 100)
	if math.IsInf(r.Drain, 0) || r.Arrival < 10 || r.Arrival > 20 {
		t.Errorf("%+v", r)
	}
}

func TestMeterKeepsLittle(t *testing.T) {
	t.Parallel()
	var m Meter
	for i := range 5000 {
		m.Add(Load{At: start.Add(time.Duration(i) * time.Minute), Pending: i, Cycle: DefaultCycle})
	}
	points := m.Points()
	if len(m.samples) > maxSamples || len(points) > maxPoints || len(points) < maxPoints/3 {
		t.Errorf("%d samples, %d points", len(m.samples), len(points))
	}
	first, last := points[0].At, points[len(points)-1].At
	if age := last.Sub(first); last != start.Add(4999*time.Minute) || age > 24*time.Hour || age < 23*time.Hour {
		t.Errorf("points from %s to %s", first, last)
	}
}

// TestTripwireNeedsMoreThanOneCycle sees the same row differ, again and again.
func TestTripwireNeedsMoreThanOneCycle(t *testing.T) {
	t.Parallel()
	p := plan{Probe: Probe{Document: "x"}}
	tw := Tripwire{
		plans:    []plan{p},
		suspects: map[string]map[int64]time.Time{"x": {}}, lost: map[string]map[int64]lostRow{"x": {}},
	}
	lost := func(after time.Duration, l look) int {
		tw.judge(p, map[int64]look{7: l}, start.Add(after), DefaultCycle)
		n := 0
		for _, loss := range tw.losses() {
			n += len(loss.IDs)
		}
		return n
	}
	for i, step := range []struct {
		after time.Duration
		look  look
		want  int
	}{
		{0, differing, 0},
		{DefaultCycle, differing, 0},
		{DefaultCycle + 1, changing, 0},
		{DefaultCycle + 1, waiting, 0}, // explained: it begins again
		{DefaultCycle + 2, differing, 0},
		{2*DefaultCycle + 3, differing, 1},
		{2*DefaultCycle + 4, changing, 1},
		{2*DefaultCycle + 5, waiting, 0}, // it is in the log again
		{2*DefaultCycle + 6, differing, 1},
		{2*DefaultCycle + 7, equal, 0},
		{2*DefaultCycle + 8, differing, 0},
	} {
		if got := lost(step.after, step.look); got != step.want {
			t.Errorf("step %d: %d lost, want %d", i, got, step.want)
		}
	}
}

// TestPersistingConnections has an exporter's connection that two quick looks of another one both see, and the tool's.
func TestPersistingConnections(t *testing.T) {
	t.Parallel()
	var before []Thread
	for i, step := range []struct {
		after       time.Duration
		ids         []uint64
		twice, stay int
	}{
		{0, []uint64{7, 8}, 0, 0},
		{time.Millisecond, []uint64{7, 8}, 2, 0},
		{DefaultCycle - time.Second, []uint64{8, 9}, 1, 0},
		{DefaultCycle, []uint64{8, 9}, 2, 1},
		{time.Hour, []uint64{10}, 0, 0},
	} {
		var now []Thread
		for _, id := range step.ids {
			now = append(now, Thread{ID: id})
		}
		if twice, stay := Persisting(before, now, start.Add(step.after)); twice != step.twice || stay != step.stay {
			t.Errorf("look %d: %d twice, %d stay", i, twice, stay)
		}
		before = now
	}
}
