package backup

import (
	"bytes"
	"path"
	"slices"
	"strconv"
	"strings"
)

// beginning is how a kind of file begins.
type beginning struct {
	magic string
	text  string // what it is
	how   string // how a person gets at what is in it
}

// unread are the beginnings of what may hold a backup, but is not looked into.
var unread = []beginning{
	{"7z\xbc\xaf\x27\x1c", "a 7z archive", "unpack it (7z x)"},
	{"Rar!\x1a\x07", "a RAR archive", "unpack it (unrar x)"},
	{"MSCF", "a cabinet archive", "unpack it (cabextract)"},
	{"070701", "a cpio archive", "unpack it (cpio -i)"},
	{"070702", "a cpio archive", "unpack it (cpio -i)"},
	{"070707", "a cpio archive", "unpack it (cpio -i)"},
	{"!<arch>\n", "an ar archive", "unpack it (ar x)"},
	{"PK\x07\x08", "a part of a split ZIP archive", "join its parts (zip -s 0)"},
	{"\x1f\x9d", "compressed by compress", "decompress it (uncompress)"},
	{"LZIP", "compressed by lzip", "decompress it (lzip -d)"},
	{"\x89LZO\x00\r\n\x1a\n", "compressed by lzop", "decompress it (lzop -d)"},
	{"\x5d\x00\x00", "compressed by lzma", "decompress it (unlzma)"},
	{"qpress10", "compressed by qpress", "decompress it (qpress -d)"},
	{"\xff\x06\x00\x00sNaPpY", "compressed by snappy", "decompress it (snzip -d)"},
	{"\x78\x01", "compressed by zlib", "decompress it (zlib-flate -uncompress)"},
	{"\x78\x9c", "compressed by zlib", "decompress it (zlib-flate -uncompress)"},
	{"\x78\xda", "compressed by zlib", "decompress it (zlib-flate -uncompress)"},
	{"Salted__", "encrypted by openssl", "decrypt a copy (openssl enc -d)"},
	{"U2FsdGVkX1", "encrypted by openssl", "decrypt a copy (openssl enc -d -a)"},
	{"-----BEGIN PGP MESSAGE", "encrypted by PGP", "decrypt a copy (gpg -d)"},
	{"age-encryption.org/", "encrypted by age", "decrypt a copy (age -d)"},
	{"-----BEGIN AGE ENCRYPTED FILE", "encrypted by age", "decrypt a copy (age -d)"},
	{"-----BEGIN CMS", "encrypted as a CMS message", "decrypt a copy (openssl cms -decrypt)"},
	{"-----BEGIN PKCS7", "encrypted as a CMS message", "decrypt a copy (openssl smime -decrypt)"},
	{"AES\x01", "encrypted by AES Crypt", "decrypt a copy (aescrypt -d)"},
	{"AES\x02", "encrypted by AES Crypt", "decrypt a copy (aescrypt -d)"},
	{"$ANSIBLE_VAULT;", "encrypted by Ansible Vault", "decrypt a copy (ansible-vault decrypt)"},
	{"scrypt\x00", "encrypted by scrypt", "decrypt a copy (scrypt dec)"},
	{"RCLONE\x00\x00", "encrypted by rclone", "copy it out of the crypt remote (rclone copy)"},
	{"LUKS\xba\xbe", "an encrypted image of a disk", "restore it elsewhere and dump the database there"},
	{"BORG_SEG", "a segment of a borg repository", "extract the backup (borg extract)"},
	{"QFI\xfb", "an image of a disk", "restore it elsewhere and dump the database there"},
	{"KDMV", "an image of a disk", "restore it elsewhere and dump the database there"},
	{"vhdxfile", "an image of a disk", "restore it elsewhere and dump the database there"},
	{"conectix", "an image of a disk", "restore it elsewhere and dump the database there"},
}

// opaqueBeginning names what may hold a backup and is not looked into.
func opaqueBeginning(head []byte) (beginning, bool) {
	for _, b := range unread {
		if bytes.HasPrefix(head, []byte(b.magic)) {
			return b, true
		}
	}
	switch {
	case isPGP(head):
		return beginning{text: "encrypted by PGP", how: "decrypt a copy (gpg -d)"}, true
	case len(head) > 20 && head[0] == 0x30 && bytes.Contains(head[:20], []byte("\x2a\x86\x48\x86\xf7\x0d\x01\x07")):
		return beginning{text: "encrypted as a CMS message", how: "decrypt a copy (openssl cms -decrypt)"}, true
	}
	return beginning{}, false
}

// encodedExtensions end the names of files that are encrypted or compressed, also by programs that put nothing at the
// beginning which shows it.
var encodedExtensions = wordSet(".enc .aes .cpt .gpg .pgp .age .crypt .crypto .nacl .p7m .ssl .br .lrz .lzo .zpaq .dar")

// opaqueByName names what begins like no text, and whose name says that it is encrypted or compressed.
func opaqueByName(name string, head []byte) (beginning, bool) {
	ext := strings.ToLower(path.Ext(name))
	noText := func(b byte) bool { return (b < ' ' || b >= 0x7f) && !isBlank[b] }
	if !encodedExtensions[ext] || sniffCompression(head) != CompressionNone || !slices.ContainsFunc(head, noText) {
		return beginning{}, false
	}
	return beginning{text: "no text, and its name ends in " + ext, how: "decrypt or unpack a copy"}, true
}

// advice is what to do about it, for people.
func (b beginning) advice() string {
	return strings.ToUpper(b.how[:1]) + b.how[1:] + " where the backups are looked for."
}

// isPGP reports whether a binary message of OpenPGP begins: a session key that is encrypted for a key or with a
// password, data without one before it, or a message that is only signed, compressed or packed (RFC 9580, section 4.2).
func isPGP(head []byte) bool {
	const (
		publicKey, signature, password, compressed, encrypted, marker, literal, protected = 1, 4, 3, 8, 9, 10, 11, 18
		oldCompressed                                                                     = 0xa3
	)
	if len(head) < 8 || head[0]&0x80 == 0 {
		return false
	}
	if head[0] == oldCompressed { // of unknown length, as gpg --sign writes it; the algorithm follows
		return head[1] >= 1 && head[1] <= 3
	}
	tag, body := head[0]&0x3f, 2
	switch {
	case head[0]&0x40 == 0:
		tag, body = head[0]>>2&0xf, 1+1<<(head[0]&3)
	case head[1] == 255:
		body = 6
	case head[1] >= 192 && head[1] < 224: // above, the length of the first part
		body = 3
	}
	first := head[min(body, len(head)-1)]
	switch tag {
	case publicKey:
		return first == 3 || first == 6
	case password:
		return first >= 4 && first <= 6
	case signature:
		return first == 3 && head[1] == 13 // its length
	case compressed:
		return first >= 1 && first <= 3
	case literal:
		return strings.IndexByte("btu", first) >= 0
	case marker:
		return first == 'P'
	case protected:
		return first == 1 || first == 2
	case encrypted:
		return head[0]&0x40 == 0 // what follows is random
	}
	return false
}

// A header of tar: 512 bytes, with their sum in octal digits.
const (
	tarBlock    = 512
	tarSum      = 148
	tarSumEnd   = 156
	tarMagic    = 257
	tarMagicEnd = 262
)

// isTar reports whether a tar archive begins. intact is false where only its magic is right.
func isTar(head []byte) (tar, intact bool) {
	if len(head) < tarBlock {
		return len(head) >= tarMagicEnd && string(head[tarMagic:tarMagicEnd]) == "ustar", false
	}
	digits := strings.Trim(string(head[tarSum:tarSumEnd]), " \x00")
	want, err := strconv.ParseInt(digits, 8, 64)
	sum := int64(0)
	for i, b := range head[:tarBlock] {
		if i >= tarSum && i < tarSumEnd {
			b = ' '
		}
		sum += int64(b)
	}
	intact = err == nil && sum == want && head[0] != 0
	return intact || string(head[tarMagic:tarMagicEnd]) == "ustar", intact
}

// isZip reports whether a ZIP archive begins, which may be an empty one.
func isZip(head []byte) bool {
	return bytes.HasPrefix(head, []byte("PK\x03\x04")) || bytes.HasPrefix(head, []byte("PK\x05\x06"))
}

// knownHead reports whether the first lines are those that some program begins a dump with.
func knownHead(head []byte) bool {
	const lines = 12
	head = bytes.TrimPrefix(head, []byte(byteOrderMark))
	if bytes.HasPrefix(head, []byte(sandboxLine)) {
		return true
	}
	n := 0
	for line := range bytes.Lines(head) {
		text := strings.TrimSpace(string(line))
		if headerLine.MatchString(text) || writerOf(text) != nil {
			return true
		}
		if n++; n == lines {
			break
		}
	}
	return false
}

// beginsBackup reports whether a file with this beginning is the first or only one of a backup, and no later part of
// one.
func beginsBackup(head []byte) bool {
	tar, _ := isTar(head)
	_, opaque := opaqueBeginning(head)
	return tar || opaque || isZip(head) || sniffCompression(head) != CompressionNone ||
		bytes.HasPrefix(head, []byte(xbMagic)) || knownHead(head)
}

// beginsByChance reports whether what shows that a backup begins is so little that random bytes have it now and then:
// two bytes, or a packet of PGP.
func beginsByChance(head []byte) bool {
	return isPGP(head) || slices.ContainsFunc(unread, func(b beginning) bool {
		return len(b.magic) == 2 && bytes.HasPrefix(head, []byte(b.magic))
	})
}

// What the name of a file in an archive says.
type nameSays int

const (
	nameOther nameSays = iota // it is something else, unless it begins as a dump without any compression
	nameMaybe                 // it may be a dump, if it begins as one
	nameDump                  // it is a dump
)

var (
	dumpExtensions  = wordSet(".sql .dump .mysql")
	maybeExtensions = wordSet(".bak .xb .xbstream .tar .tgz .tbz .txz .zip .7z .rar .gpg .pgp .asc .enc .age .aes")
)

// nameOf returns what a name says.
func nameOf(name string) nameSays {
	name = strings.ToLower(stem(path.Base(name)))
	switch ext := path.Ext(name); {
	case dumpExtensions[ext]:
		return nameDump
	case ext == "" || maybeExtensions[ext]:
		return nameMaybe
	}
	return nameOther
}
