package finding

import "testing"

func TestCounted(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]string{
		0: "0 orders", 1: "1 order", 2: "2 orders", CountCap: "10000 orders", CountCap + 1: "more than 10000 orders",
	} {
		if got := Counted(n, "order", "orders"); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}
