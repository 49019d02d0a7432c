package finding

import "testing"

func TestQuoted(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"": "empty", "mage_": `"mage_"`, "a\nb": `"a\nb"`} {
		if got := Quoted(text); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
