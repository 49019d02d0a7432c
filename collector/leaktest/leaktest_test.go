package leaktest

import (
	"testing"
	"time"
)

// TestGoroutinesWaits has a goroutine that ends later.
func TestGoroutinesWaits(t *testing.T) {
	release := make(chan struct{})
	go func() { <-release }()
	time.AfterFunc(50*time.Millisecond, func() { close(release) })
	if err := Goroutines(); err != nil {
		t.Error(err)
	}
	select {
	case <-release:
	default:
		t.Error("it has not waited")
	}
}
