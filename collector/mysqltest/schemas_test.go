package mysqltest

import (
	"database/sql"
	"testing"
)

// count returns the one number that a query yields.
func count(t *testing.T, db *sql.DB, query string, args ...any) int {
	t.Helper()
	var n int
	if err := db.QueryRowContext(t.Context(), query, args...).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

func TestSchemasLoad(t *testing.T) {
	t.Parallel()
	for _, flavor := range flavors {
		t.Run(flavor.String(), func(t *testing.T) {
			t.Parallel()
			s := New(t, Options{Flavor: flavor})
			for _, prefix := range []string{"", "mage_"} {
				for name, script := range map[string]string{"magento1": Magento1(prefix), "magento2": Magento2(prefix)} {
					if err := s.Load(t.Context(), name+prefix, script); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
}
