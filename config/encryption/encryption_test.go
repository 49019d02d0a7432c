package encryption

import (
	"errors"
	"testing"
)

// The values were made by PHP's sodium_crypto_aead_chacha20poly1305_ietf_encrypt, as Magento does.
const (
	key      = "0123456789abcdef0123456789abcdef"
	first    = "0:3:YWJjZGVmZ2hpamtsbN3hxGou6iaCmXc5b/Z2eX/55ljmEvVVvTo="
	encoded  = "base64AQIBAgECAQIBAgECAQIBAgECAQIBAgECAQIBAgECAQI="
	second   = "1:3:YWJjZGVmZ2hpamtszayH+Gnh0WYHWFxUSIB1AJgTvbATFqCg4vc="
	otherKey = "ffffffffffffffffffffffffffffffff"
)

func TestOpens(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		keys, value string
		want        bool
	}{
		{key, first, true},
		{"\n" + key + "\n" + encoded + "\n", first, true},
		{key + "\n" + encoded, second, true},
		{otherKey, first, false},
		{key, second, false}, // a key that was rotated away
		{otherKey + "\n" + key, first, false},
	} {
		if got, err := Opens(tc.keys, tc.value); got != tc.want || err != nil {
			t.Errorf("%q opens %q: %v, %v", tc.keys, tc.value, got, err)
		}
	}
	for _, value := range []string{"", "text", "0:2:YWJj", "0:3:", "0:3:YWJj", "a:3:YWJj", "0:3:===", "9999:3:YWJj"} {
		if got, err := Opens(key, value); got || !errors.Is(err, ErrOtherCipher) {
			t.Errorf("%q: %v, %v", value, got, err)
		}
	}
	for _, keys := range []string{"short", "base64!!!", "base64YWJj"} {
		if got, err := Opens(keys, first); got || err == nil {
			t.Errorf("%q: %v, %v", keys, got, err)
		}
	}
}

func FuzzOpens(f *testing.F) {
	f.Add(key, first)
	f.Add(key+"\n"+encoded, second)
	f.Add("", "0:3:")
	f.Fuzz(func(t *testing.T, keys, value string) {
		if opened, err := Opens(keys, value); opened && err != nil {
			t.Error("opened, and an error")
		}
	})
}
