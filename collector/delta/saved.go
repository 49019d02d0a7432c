package delta

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"
)

// savedPoints is how many moments of a day outlive a restart: few, because a thousand migrations share one file.
const savedPoints = 24

// maxSaved is more bytes than a saved meter has.
const maxSaved = 4 << 10

// savedMeter is what outlives a restart. The samples do not: the arrival is measured over whole cycles of one process.
type savedMeter struct {
	Arrival float64 `json:"arrival"`
	Best    float64 `json:"best"`
	// Points are Unix seconds, pending rows, arrival and delivery; below zero for what was not known.
	Points [][4]float64 `json:"points"`
}

// maxRate is more rows a second than any server takes.
const maxRate = 1e9

// unknownRate stands for a rate that was not known.
const unknownRate = -1

// Save returns what the meter has measured, as JSON.
func (m *Meter) Save() ([]byte, error) {
	s := savedMeter{Arrival: m.arrival, Best: m.best, Points: [][4]float64{}}
	points := m.Points()
	for i, p := range points {
		// The last ones of equal parts: the newest is always among them.
		if (i+1)*savedPoints/len(points) == i*savedPoints/len(points) {
			continue
		}
		saved := [4]float64{float64(p.At.Unix()), float64(p.Pending), unknownRate, unknownRate}
		if p.ArrivalKnown {
			saved[2] = math.Round(p.Arrival*10) / 10
		}
		if p.DeliveryKnown {
			saved[3] = math.Round(p.Delivery*10) / 10
		}
		s.Points = append(s.Points, saved)
	}
	return json.Marshal(s)
}

// RestoreMeter returns a meter that goes on from what Save returned.
func RestoreMeter(text []byte, now time.Time) (Meter, error) {
	if len(text) > maxSaved {
		return Meter{}, errors.New("reading saved rates: the text is too long")
	}
	var s savedMeter
	if err := json.Unmarshal(text, &s); err != nil {
		return Meter{}, fmt.Errorf("reading saved rates: %w", err)
	}
	if s.Arrival < 0 || s.Best < 0 || s.Arrival > maxRate || s.Best > maxRate {
		return Meter{}, errors.New("reading saved rates: no delta is so fast")
	}
	m := Meter{arrival: s.Arrival, best: s.Best}
	for _, saved := range s.Points {
		const second, rows = 1e12, 1e15 // beyond them an integer is not exact, or no time
		if saved[0] < 0 || saved[0] > second || saved[1] < 0 || saved[1] > rows {
			continue
		}
		p := Point{
			At: time.Unix(int64(saved[0]), 0).UTC(), Pending: int(saved[1]),
			Arrival: max(
				0,
				saved[2],
			), Delivery: max(0, saved[3]), ArrivalKnown: saved[2] >= 0, DeliveryKnown: saved[3] >= 0,
		}
		if !p.At.After(now) && now.Sub(p.At) <= 24*time.Hour {
			m.points = append(m.points, p)
		}
	}
	slices.SortStableFunc(m.points, func(a, b Point) int { return a.At.Compare(b.At) })
	m.points = m.points[max(0, len(m.points)-savedPoints):]
	if n := len(m.points); n > 0 {
		m.latest = m.points[n-1]
	}
	return m, nil
}
