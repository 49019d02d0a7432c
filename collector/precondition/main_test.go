package precondition_test

import (
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"testing"

	"magento_migration_exporter/collector/precondition"
	"magento_migration_exporter/collector/shoptest"
)

var shared shoptest.Servers

func TestMain(m *testing.M) {
	// There is little garbage, and collecting it was a tenth of what this process did.
	debug.SetGCPercent(400)
	os.Exit(shared.Run(m))
}

// shop is a whole migration with what only these tests do with one.
type shop struct{ *shoptest.Shop }

// newShop makes a migration whose database preconditions all pass. In the tests of one precondition's file only that one
// is evaluated, and what shoptest.With adds; in the other files, all are.
func newShop(t *testing.T, change ...func(*shoptest.Shop)) *shop {
	t.Helper()
	if id := subject(); id != "" {
		change = slices.Insert(change, 0, shoptest.Only(id))
	}
	return &shop{shared.New(t, change...)}
}

// subject returns the precondition that the file of the running test is named after, if it is one.
func subject() string {
	const suffix = "_test.go"
	var callers [64]uintptr
	frames := runtime.CallersFrames(callers[:runtime.Callers(2, callers[:])])
	file := ""
	for more := true; more; {
		var f runtime.Frame
		if f, more = frames.Next(); strings.HasSuffix(f.File, suffix) {
			file = filepath.Base(f.File)
		}
	}
	for _, id := range precondition.All().IDs() {
		if strings.HasPrefix(strings.TrimSuffix(file, suffix)+"_", id+"_") {
			return id
		}
	}
	return ""
}
