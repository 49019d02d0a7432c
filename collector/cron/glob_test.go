package cron

import (
	"slices"
	"testing"
)

// TestMatches has a pattern stand for what is there, whether its last part is a name or a wildcard.
func TestMatches(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	h.write(t, "home/other/notes", "")
	for pattern, want := range map[string][]string{
		"/home/*":         {"/home/other", "/home/shop"},
		"/home/*/www":     {"/home/shop/www"},
		"/home/*/www/b*":  {"/home/shop/www/bin"},
		"/home/*/missing": {},
		"/home/missing":   {},
	} {
		l, steps := newLook(h.options(), "/nonexistent"), maxSteps
		r := reader{look: l, steps: &steps}
		for i := range want {
			want[i] = h.dir + want[i]
		}
		if got := r.matches(h.dir + pattern); !slices.Equal(got, want) {
			t.Errorf("%s stands for %q, want %q", pattern, got, want)
		}
	}
}
