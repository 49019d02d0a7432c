package finding

import (
	"fmt"
	"strconv"
	"time"
)

// maxText caps each text of a result, in bytes, so that a hostile database cannot fill memory or the page.
const maxText = 4096

// Cut caps a text; the end of a capped text says how much is missing.
func Cut(s string) string {
	if len(s) <= maxText {
		return s
	}
	end := maxText
	for end > 0 && s[end]&0xC0 == 0x80 {
		end--
	}
	return s[:end] + fmt.Sprintf("… (%d bytes more)", len(s)-end)
}

// CountCap is where counting rows stops: a count above it is shown as "more than".
const CountCap = 10000

// Count is the text for a count that stops above CountCap.
func Count(n int) string {
	if n > CountCap {
		return fmt.Sprintf("more than %d", CountCap)
	}
	return fmt.Sprint(n)
}

// Counted is a Count of things, which have one name for a single one and another for several.
func Counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return Count(n) + " " + many
}

// Grouped writes a number that is not negative in groups of three digits.
func Grouped(n int) string {
	digits := strconv.Itoa(n)
	for at := len(digits) - 3; at > 0; at -= 3 {
		digits = digits[:at] + " " + digits[at:]
	}
	return digits
}

// Time is a point in time for people, in UTC.
func Time(t time.Time) string { return t.UTC().Format(time.DateTime) + " UTC" }

// Duration is a length of time for people, with one or two units. A negative one is 0.
func Duration(d time.Duration) string {
	switch d = d.Round(time.Second); {
	case d < time.Second:
		return "0 s"
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%d days", int(d.Hours())/24)
}

// Rows says a number of rows and what they do, in both numbers.
func Rows(n int, one, many string) string {
	return GroupedOf(n, "row "+one, "rows "+many)
}

// GroupedOf is a number in groups of three digits of things, which have one name for a single one and another for
// several.
func GroupedOf(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return Grouped(n) + " " + many
}
