package collector_test

import (
	"os"
	"testing"
	"time"
)

// eventually waits for a state, however busy the machine is.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	// To ask can cost more than what is waited for.
	pause := 5 * time.Millisecond
	for deadline := time.Now().Add(5 * time.Minute); !is(); time.Sleep(pause) {
		if time.Now().After(deadline) {
			t.Fatalf("it never came true: %s", what)
		}
		pause = min(2*pause, 100*time.Millisecond)
	}
}

// write makes a file.
func (s *shop) write(path, content string) {
	s.T.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		s.T.Fatal(err)
	}
}
