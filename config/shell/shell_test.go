package shell

import (
	"os/exec"
	"testing"
)

// TestWord asks a real shell what it makes of the quoted text.
func TestWord(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "plain", "/var/www/magento2", "a b", "it's", `back\slash`, "$HOME", "`id`", "-n", "a;b|c&d", "~", "*", "x=y", "#x", "new\nline", "täg",
		"\x01", "!", "{a,b}", "a'b\"c",
	} {
		out, err := exec.Command("sh", "-c", "printf %s "+Word(text)).Output()
		if err != nil || string(out) != text {
			t.Errorf("%q was quoted as %s, which a shell reads as %q (%v)", text, Word(text), out, err)
		}
	}
	if got := Word("/run/mysqld/mysqld.sock"); got != "/run/mysqld/mysqld.sock" {
		t.Errorf("a plain path was quoted: %s", got)
	}
	if got := Word("a\x00b"); got != "'ab'" {
		t.Errorf("NUL: %q", got)
	}
}

func FuzzWord(f *testing.F) {
	f.Add("it's")
	f.Fuzz(func(t *testing.T, text string) {
		if Word(text) == "" {
			t.Error("an empty word is none")
		}
	})
}
