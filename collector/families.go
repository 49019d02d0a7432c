package collector

import "github.com/prometheus/client_golang/prometheus"

// Family describes one of the migrations' metric families.
type Family struct {
	Name, Help string
	// Counter is false for a gauge.
	Counter bool
	Labels  []string
}

// Families returns all of them in the order in which they are exported.
func Families() []Family {
	var all []Family
	for _, d := range descriptions() {
		all = append(all, Family{prometheus.BuildFQName(Namespace, "", string(d.family)), d.help, d.kind == prometheus.CounterValue, append([]string{"migration"}, d.labels...)})
	}
	return all
}
