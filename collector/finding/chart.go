package finding

import "time"

// Chart is a course of values over time for a page to draw.
type Chart struct {
	// Title says what it shows, Caption is a sentence about it that can be empty.
	Title   string  `json:"title"`
	Caption string  `json:"caption"`
	Panels  []Panel `json:"panels"`
}

// Panel has lines of one unit, on one scale that begins at 0.
type Panel struct {
	Unit  string `json:"unit"`
	Lines []Line `json:"lines"`
}

// Line is one value over time, oldest first.
type Line struct {
	Name   string  `json:"name"`
	Points []Point `json:"points"`
}

// Point is a finite value at a time.
type Point struct {
	At    time.Time `json:"at"`
	Value float64   `json:"value"`
}
