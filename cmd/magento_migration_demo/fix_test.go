package main

import "testing"

func TestFirstStatements(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, remedy, want string }{
		{"none", "Set magento2.root; then look again.\nAnd again.", ""},
		{"after a sentence", "As root:\nGRANT SELECT ON a.* TO b;", "GRANT SELECT ON a.* TO b;"},
		{"several", "As root:\nDROP USER a;\nCREATE USER a;", "DROP USER a;\nCREATE USER a;"},
		{"alternatives", "As root:\nSET GLOBAL a = 1;\nOr, less safe:\nGRANT SUPER ON *.* TO b;", "SET GLOBAL a = 1;"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := firstStatements(test.remedy); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}
