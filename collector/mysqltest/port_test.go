package mysqltest

import "testing"

// TestHeldPortsAreChosenOnce chooses so many ports that some would be chosen twice.
func TestHeldPortsAreChosenOnce(t *testing.T) {
	t.Parallel()
	held := map[int]bool{}
	for range 400 {
		port, hold, err := holdPort()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := hold.Close(); err != nil {
				t.Error(err)
			}
		})
		if held[port] {
			t.Fatalf("port %d was chosen twice", port)
		}
		held[port] = true
	}
	for range 2000 {
		port, err := FreePort()
		if err != nil {
			t.Fatal(err)
		}
		if held[port] {
			t.Fatalf("port %d is held, and was chosen", port)
		}
	}
}
