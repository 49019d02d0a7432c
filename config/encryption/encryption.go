// Package encryption finds out whether a crypt key of Magento 2's env.php opens an encrypted value of its database. It
// gives neither the key nor what was encrypted to anybody.
package encryption

import (
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"golang.org/x/crypto/chacha20poly1305"
)

// MaxValue is the longest value that is looked at, in bytes.
const MaxValue = 64 << 10

// ErrOtherCipher is the error for a value that is not encrypted with the cipher of Magento 2.2 and newer, ChaCha20 with
// Poly1305 (number 3): older ciphers do not show whether the key is right.
var ErrOtherCipher = errors.New("the value is not encrypted with cipher 3")

// value is the form of encrypted values: the position of the key among those of env.php, the cipher, and base64.
var value = regexp.MustCompile(`^(\d{1,3}):(\d{1,2}):([A-Za-z0-9+/]+={0,2})$`)

// encodedKey is what keys of Magento 2.4.8 and newer begin with.
const encodedKey = "base64"

// Opens reports whether one of the keys of env.php, one a line, opens a value. As in Magento, the value says which one.
func Opens(keys, text string) (bool, error) {
	m := value.FindStringSubmatch(text)
	if m == nil || m[2] != "3" || len(text) > MaxValue {
		return false, ErrOtherCipher
	}
	all := strings.Fields(keys)
	at, err := strconv.Atoi(m[1])
	if err != nil || at >= len(all) {
		return false, nil
	}
	key := []byte(all[at])
	if encoded, ok := strings.CutPrefix(all[at], encodedKey); ok {
		if key, err = base64.StdEncoding.DecodeString(encoded); err != nil {
			return false, errors.New("a key that begins with base64 is not written in base64")
		}
	}
	cipher, err := chacha20poly1305.New(key)
	if err != nil {
		return false, fmt.Errorf("a key has %d bytes, not %d", len(key), chacha20poly1305.KeySize)
	}
	sealed, err := base64.StdEncoding.DecodeString(m[3])
	if err != nil || len(sealed) < cipher.NonceSize() {
		return false, ErrOtherCipher
	}
	nonce := sealed[:cipher.NonceSize()]
	_, err = cipher.Open(nil, nonce, sealed[cipher.NonceSize():], nonce)
	return err == nil, nil
}
