package mysqltest

import (
	"testing"

	"go.uber.org/goleak"
)

var flavors = []Flavor{MariaDB, MySQL56}

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestStart(t *testing.T) {
	for _, flavor := range flavors {
		t.Run(flavor.String(), func(t *testing.T) {
			t.Parallel()
			s := New(t, Options{Flavor: flavor})
			root, err := s.Root(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			var v string
			if err := root.QueryRow("SELECT CONCAT(@@version,' ',CURRENT_USER())").Scan(&v); err != nil {
				t.Fatal(err)
			}
			t.Log(v, s.ErrorLog())
		})
	}
}
