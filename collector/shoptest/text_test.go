package shoptest_test

import (
	"testing"

	"magento_migration_exporter/collector/shoptest"
)

func TestSlip(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"Magento 1 is  1.5.1.0":                                    "  ",
		"it's  wrong, and Magento 2's is not":                      "  ",
		"release %!s(MISSING)":                                     "%!",
		"the reason is <nil>":                                      "<nil>",
		`the table does not have the prefix ""`:                    `""`,
		"the prefix ''":                                            "''",
		"Write:\na:\n    b: 1\n":                                   "",
		"Write:\na:  b":                                            "  ",
		`the name is "a  b"`:                                       "",
		"the name (`a  b`) is 'c  d'":                              "",
		"GRANT SELECT ON *.* TO ''@'localhost'":                    "",
		"running SELECT COALESCE(a, ''): Error 1":                  "",
		"running SELECT a = '' FROM b…: context deadline exceeded": "",
	} {
		if got := shoptest.Slip(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
