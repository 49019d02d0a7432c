package transfer

import (
	"strings"
	"testing"
)

// The sizes for 138 columns are those that the tool was seen to use.
func TestPage(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		memory  string
		bulk    int
		columns int
		want    int
	}{
		{"128M", 0, 138, 325}, {"256M", 0, 138, 649}, {"2G", 0, 138, 5188}, {"-1", 0, 138, 50000},
		{"2G", 0, 29, 24684}, {"2G", 0, 1, 50000}, {"0", 0, 138, 50000}, {"-1", 2000, 138, 2000},
		{"-1", 60000, 3, 50000}, {"2G", -5, 138, 100}, {"2147483648", 0, 138, 5188}, {"2G", 0, 0, 50000},
	} {
		m, err := ParseMemoryLimit(c.memory)
		if err != nil {
			t.Fatal(err)
		}
		if got := (Page{BulkSize: c.bulk, Memory: m}).Rows(c.columns); got != c.want {
			t.Errorf("%+v: %d", c, got)
		}
	}
	for _, text := range []string{"", "much", "2T", "2 G", "1e9", "9999999999G", "999999999999999G", "--1", "1.5G"} {
		if m, err := ParseMemoryLimit(text); err == nil {
			t.Errorf("%q is %d", text, m)
		} else if !strings.Contains(err.Error(), text) {
			t.Error(err)
		}
	}
}

func FuzzParseMemoryLimit(f *testing.F) {
	for _, text := range []string{"2G", "-1", "756M", "1k", "", "999999999999999G"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		m, err := ParseMemoryLimit(text)
		if rows := (Page{Memory: m}).Rows(10); err == nil && (rows < 1 || rows > MaxPage) {
			t.Errorf("%q: %d rows", text, rows)
		}
	})
}
