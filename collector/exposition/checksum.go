package exposition

import "hash/crc32"

// checksum is the CRC-32 of a text, in a form that can be joined with others without the texts.
type checksum struct {
	sum uint32
	// shift is x to the power of the text's length in bits, modulo the polynomial: multiplied by it, the sum of an
	// earlier text moves in front of this one.
	shift uint32
}

// The bits are in the order of package crc32: the highest one is that of x^0.
const (
	one       = 1 << 31
	xToThe8th = one >> 8
)

func newChecksum(text []byte) checksum {
	c := checksum{crc32.ChecksumIEEE(text), one}
	for power, n := uint32(xToThe8th), len(text); n > 0; n >>= 1 {
		if n&1 == 1 {
			c.shift = multiply(c.shift, power)
		}
		power = multiply(power, power)
	}
	return c
}

// joinedFrom is the length of a text from which joining is faster than computing its sum again.
const joinedFrom = 256

// after returns the CRC-32 of two texts: the first has the sum before, the second is c's text.
func (c checksum) after(before uint32) uint32 { return multiply(before, c.shift) ^ c.sum }

// multiply multiplies polynomials over GF(2) modulo that of CRC-32.
func multiply(a, b uint32) uint32 {
	product := uint32(0)
	for range 32 {
		product ^= b & -(a >> 31)
		a <<= 1
		b = b>>1 ^ crc32.IEEE&-(b&1)
	}
	return product
}
