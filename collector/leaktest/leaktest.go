// Package leaktest waits for the end of what tests started, says what does not end, and measures what is kept.
package leaktest

import (
	"fmt"
	"os"
	"runtime"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// limit is how long what is ending may take to end, on a machine that is busy with other things.
const limit = 2 * time.Minute

// Main runs a package's tests and ends the process. It fails them too when they leave goroutines behind.
func Main(m *testing.M) {
	code := m.Run()
	if err := Goroutines(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = max(code, 1)
	}
	os.Exit(code)
}

// Goroutines waits until no goroutine is left but its caller's, and says which are left after two minutes.
func Goroutines() error {
	for deadline := time.Now().Add(limit); ; time.Sleep(10 * time.Millisecond) {
		if err := goleak.Find(); err == nil || time.Now().After(deadline) {
			return err
		}
	}
}

// Heap returns the bytes of the heap that are in use after garbage collection: what is kept between two calls is the
// difference.
func Heap() int64 {
	for range 3 { // weak pointers and finalizers take more than one collection
		runtime.GC()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
