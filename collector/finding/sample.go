package finding

import "time"

// Namespace begins the name of every metric of a migration and of the exporter.
const Namespace = "magento_migration"

// Family declares a metric family of a migration.
type Family struct {
	// Name is without the namespace.
	Name string
	// Counter is true for a counter; the other families are gauges.
	Counter bool
	// Labels come after the label migration.
	Labels []string
	// Help is one sentence, with the unit where the name has none.
	Help string
	// Zero lists the label values of series that always exist: 0 when the last evaluation has no sample for them.
	Zero [][]string
}

// FullName returns the name with the namespace.
func (f *Family) FullName() string { return Namespace + "_" + f.Name }

// Sample is one value of a family. It names the family without the namespace.
type Sample struct {
	Family string
	Labels []string
	Value  float64
}

// Bool is 1 for true and 0 for false.
func Bool(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// UnixSeconds returns Unix seconds with milliseconds, which a float64 holds exactly.
func UnixSeconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
