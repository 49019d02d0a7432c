package privilege

import (
	"regexp"
	"strings"
	"testing"
)

// FuzzPattern compares the matching of database names with the same pattern as a regular expression over bytes.
func FuzzPattern(f *testing.F) {
	f.Add(`shop\_m_%`, "shop_m1")
	f.Add(`%\\%_`, `a\b`)
	f.Add(`a\`, `a\`)
	f.Fuzz(func(t *testing.T, pattern, name string) {
		// A server's names have at most 64 characters.
		if len(pattern) > 256 || len(name) > 256 {
			return
		}
		if !matchPattern(escapePattern(name), name) || firstWildcard(escapePattern(name)) >= 0 {
			t.Errorf("%q does not match itself", name)
		}
		var expression strings.Builder
		expression.WriteString(`\A`)
		for at := 0; at < len(pattern); {
			literal, width, wild := patternByte(pattern, at)
			at += width
			switch wild {
			case wildMany:
				expression.WriteString(`(?s:.*)`)
			case wildOne:
				expression.WriteString(`(?s:.)`)
			default:
				expression.WriteString(regexp.QuoteMeta(string(rune(literal))))
			}
		}
		expression.WriteString(`\z`)
		if want := regexp.MustCompile(expression.String()).MatchString(latin1(name)); matchPattern(pattern,
			name) != want {
			t.Errorf("%q matches %q: %v, want %v", pattern, name, !want, want)
		}
	})
}

// latin1 makes each byte one character.
func latin1(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		b.WriteRune(rune(c))
	}
	return b.String()
}

func FuzzAccount(f *testing.F) {
	f.Add("o'brien@x@10.0.0.%")
	f.Add("role")
	f.Fuzz(func(t *testing.T, text string) {
		a := ParseAccount(text)
		if strings.Contains(text, "@") && a.String() != text || strings.Contains(a.Host, "@") {
			t.Errorf("%q became %+v", text, a)
		}
		if quoted := a.Quoted(); strings.Count(quoted, "'")%2 != 0 && !strings.Contains(quoted, "`") {
			t.Errorf("%q is quoted as %s", text, quoted)
		}
	})
}

// FuzzDeltaTrigger reads a trigger's body as the server keeps it.
func FuzzDeltaTrigger(f *testing.F) {
	f.Add("BEGIN INSERT INTO m2_cl_sales_order (entity_id, operation) VALUES (NEW.entity_id, 'INSERT'); END")
	f.Add("insert into `x.M2_cl_")
	f.Fuzz(func(t *testing.T, body string) {
		if table := deltaTable(body); table != "" &&
			(!strings.Contains(strings.ToLower(table), "m2_cl_") || strings.ContainsAny(table, "` ")) {
			t.Errorf("%q", table)
		}
	})
}
