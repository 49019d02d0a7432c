package evidence

import "testing"

func TestWantsGroupNames(t *testing.T) {
	t.Parallel()
	for release, want := range map[string]bool{
		"2.0.0": true, "2.2.11": true, "2.3.4": true, "v2.3.4": true, "2.3.5": false, "2.4.0": false, "2.4.6.1": false,
		"2.4.8.1": false, "dev-2.4-develop": false, "2.4.x-dev": false, "": false,
	} {
		if got := wantsGroupNames(release); got != want {
			t.Errorf("%s: %t", release, got)
		}
	}
}
