package evidence

import (
	"math"
	"os"
	"path/filepath"
	"testing"

	"magento_migration_exporter/config/toolconfig"
)

// TestBulkSize has what somebody can write into config.xml, as PHP makes a number of it.
func TestBulkSize(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "config.xml")
	for text, want := range map[string]int{
		"": 0, "0": 0, "2000": 2000, "-5": -5, "+5": 5, "5k": 5, "many": 0, "0x10": 0, "1.9": 1,
		"1e3": 1000, "1.5E3x": 1500, ".5e3": 500, "1e-1": 0, "1e": 1, "-1e2": -100, "-.5e1": -5, "5.": 5, ".": 0, "--5": 0,
		" 7 ": 7, "\n12\n": 12, "\u00a05": 0, "1_000": 1, "1 000": 1, "\u0661": 0, "00012": 12,
		"1e999": 0, "-1e999": 0, "1e30": math.MaxInt32, "-1e30": math.MinInt32, "4e9": math.MaxInt32,
		"99999999999999999999": math.MaxInt32, "-99999999999999999999": math.MinInt32,
	} {
		err := os.WriteFile(path, []byte("<config><options><bulk_size>"+text+"</bulk_size></options></config>"), 0o600)
		if err != nil {
			t.Fatal(err)
		}
		c, err := toolconfig.Read(path, "")
		if err != nil {
			t.Fatal(err)
		}
		if got := (&Evidence{Tool: Tool{Config: c}}).BulkSize(); got != want {
			t.Errorf("%q is %d, want %d", text, got, want)
		}
	}
}
