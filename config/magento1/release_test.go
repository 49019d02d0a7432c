package magento1

import (
	"maps"
	"strings"
	"testing"
)

// Rows of core_resource as installed shops have them.
var (
	of1945 = map[string]string{
		"core_setup": "1.6.0.10", "admin_setup": "1.6.1.3", "eav_setup": "1.6.0.1", "catalog_setup": "1.6.0.0.19.1.6",
		"customer_setup": "1.6.2.0.7", "sales_setup": "1.6.0.10", "cms_setup": "1.6.0.0.2",
		"directory_setup": "1.6.0.3", "aw_blog_setup": "1.3.16", "paypal_setup": "1.6.0.6",
	}
	of1510 = map[string]string{
		"core_setup": "0.8.28", "admin_setup": "0.7.2", "eav_setup": "0.7.16", "catalog_setup": "1.4.0.0.44",
		"customer_setup": "1.4.0.0.14", "sales_setup": "1.4.0.25", "cms_setup": "0.7.13", "directory_setup": "0.8.11",
	}
)

// with returns the rows with some of them changed; those with an empty version are taken out.
func with(rows map[string]string, changes map[string]string) map[string]string {
	rows = maps.Clone(rows)
	maps.Copy(rows, changes)
	maps.DeleteFunc(rows, func(_, version string) bool { return version == "" })
	return rows
}

func TestInferRelease(t *testing.T) {
	t.Parallel()
	enterprise := map[string]string{"enterprise_cms_setup": "1.6.0.0"}
	for name, test := range map[string]struct {
		rows map[string]string
		want string
	}{
		"1.9.4.5":                 {of1945, "Community 1.9.4.3 to 1.9.4.5"},
		"1.14.4.5":                {with(of1945, enterprise), "Enterprise 1.14.4.3 to 1.14.4.5"},
		"1.5.1.0":                 {of1510, "Community 1.5.1.0"},
		"1.10.1.1":                {with(of1510, enterprise), "Enterprise 1.10.1.0 to 1.10.1.1"},
		"a single row":            {map[string]string{"catalog_setup": "1.6.0.0.8"}, "Community 1.6.2.0"},
		"a single row of several": {map[string]string{"sales_setup": "1.6.0.10"}, "Community 1.9.3.0 to 1.9.4.5"},
		"two rows": {
			map[string]string{"sales_setup": "1.6.0.10", "customer_setup": "1.6.2.0.6"}, "Community 1.9.3.8 to 1.9.3.9",
		},
		"without core_setup": {
			with(of1945, map[string]string{"core_setup": ""}), "Community 1.9.4.3 to 1.9.4.5",
		},
		"before the table": {
			map[string]string{"catalog_setup": "0.7.1", "sales_setup": "0.9.14"}, "Community 1.1.4 or older",
		},
		"enterprise before the table": {
			with(map[string]string{"catalog_setup": "1.4.0.0.38"}, enterprise), "Enterprise 1.9 or older",
		},
		"OpenMage": {
			with(of1945, map[string]string{"core_setup": "1.6.0.11", "sales_setup": "1.6.0.12"}),
			"Community 1.9.4.3 or newer",
		},
		"between two releases": {
			with(of1945,
				map[string]string{
					"core_setup": "1.6.0.9", "admin_setup": "1.6.1.2", "catalog_setup": "1.6.0.0.19.1.5",
				}),
			"Community 1.9.4.0 to 1.9.4.2",
		},
		"an upgrade that stopped": {
			with(of1945, map[string]string{"customer_setup": "1.6.2.0.4"}),
			"problem: core_setup 1.6.0.10 is that of 1.9.4.3 to 1.9.4.5, and customer_setup 1.6.2.0.4 is that of " +
				"1.9.2.2 to 1.9.2.4: an upgrade did not run all of its setup scripts",
		},
		"of Magento 2": {map[string]string{}, "problem: core_resource has no row of Magento's own modules"},
		"extensions only": {
			map[string]string{"aw_blog_setup": "1.3.16"}, "problem: core_resource has no row of Magento's own modules",
		},
		"no versions": {
			map[string]string{
				"core_setup": "", "catalog_setup": "new", "sales_setup": "1..2", "eav_setup": "99999999999999999999",
			},
			"problem: core_resource has no row of Magento's own modules",
		},
		"some versions": {
			map[string]string{"core_setup": "x", "catalog_setup": "1.6.0.0.14"}, "Community 1.7.0.0 to 1.7.0.2",
		},
	} {
		r := InferRelease(test.rows)
		got := r.Edition + " " + r.String()
		if r.Problem != "" {
			got = "problem: " + r.Problem
		}
		if got != test.want {
			t.Errorf("%s\n got %s\nwant %s", name, got, test.want)
		}
	}
	if got := InferRelease(of1510).Evidence; !strings.HasPrefix(got, "core_setup 0.8.28, admin_setup 0.7.2, ") {
		t.Error(got)
	}
}

// The table is in order, complete, and each of its rows differs from the others.
func TestReleaseTable(t *testing.T) {
	t.Parallel()
	rows := setupRows()
	if len(rows) != 33 || rows[0].first[Community] != "1.1.1" || rows[len(rows)-1].last[Community] != "1.9.4.5" {
		t.Fatalf("%d rows", len(rows))
	}
	for i, row := range rows {
		if r := InferRelease(row.versions); r.First != row.first[Community] || r.Last != row.last[Community] ||
			r.Problem != "" {
			t.Errorf("the versions of %s are taken for those of %s: %s", row.release(Community), r, r.Problem)
		}
		if CompareNumbers(row.first[Community], row.last[Community]) > 0 ||
			CompareNumbers(row.first[Enterprise], row.last[Enterprise]) > 0 {
			t.Errorf("%s: first and last are swapped", row.release(Community))
		}
		for _, code := range setupCodes {
			if !isNumber(row.versions[code]) || i > 0 &&
				CompareNumbers(rows[i-1].versions[code], row.versions[code]) > 0 {
				t.Errorf("%s: %s %q", row.release(Community), code, row.versions[code])
			}
		}
		if i > 0 && CompareNumbers(rows[i-1].last[Community], row.first[Community]) >= 0 {
			t.Errorf("%s stands behind %s", row.release(Community), rows[i-1].release(Community))
		}
	}
}

func TestCompareNumbers(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		a, b string
		want int
	}{
		{"1.9.4.5", "1.9.4.5", 0}, {"1.9.3.10", "1.9.3.9", 1}, {
			"1.6.0.0.19", "1.6.0.0.19.1.2", -1,
		}, {"1.5.1.0", "1.6.0.0", -1},
		{"1.14.4.5", "1.9.4.5", 1}, {"0.9.56", "1.4.0.15", -1}, {"", "1", -1},
	} {
		if got := CompareNumbers(test.a, test.b); got != test.want {
			t.Errorf("%s %s: %d, want %d", test.a, test.b, got, test.want)
		}
	}
}

func FuzzInferRelease(f *testing.F) {
	f.Add("1.6.0.10", "1.6.0.0.19.1.6", "enterprise_x_setup")
	f.Add("0.8.28", "", "aw_blog_setup")
	f.Fuzz(func(t *testing.T, core, catalog, other string) {
		r := InferRelease(map[string]string{"core_setup": core, "catalog_setup": catalog, other: "1.0"})
		if (r.String() == "") != (r.Problem != "") || r.First != "" && r.Last != "" &&
			CompareNumbers(r.First, r.Last) > 0 {
			t.Errorf("%+v", r)
		}
	})
}
