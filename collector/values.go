package collector

import "time"

// The label values of system.
const (
	magento1 = "magento1"
	magento2 = "magento2"
)

func systems() []string { return []string{magento1, magento2} }

func boolValue(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// unixSeconds keeps milliseconds, which is what a float64 holds exactly and what anybody needs.
func unixSeconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

// seconds converts any of the duration types.
func seconds[D ~int64](d D) float64 { return time.Duration(d).Seconds() }
