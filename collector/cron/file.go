package cron

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"unicode"
	"unicode/utf8"
)

// readRegular reads a regular file of at most limit bytes. Links are followed; a FIFO, socket or device is refused,
// never waited for.
func readRegular(path string, limit int64) ([]byte, fs.FileInfo, error) {
	// Opening some devices does something, so they are distinguished before.
	info, err := os.Stat(path)
	if err != nil {
		return nil, nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, info, errNotRegular
	}
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOCTTY, 0)
	if err != nil {
		return nil, info, err
	}
	data, info, err := readOpened(f, limit)
	return data, info, errors.Join(err, f.Close())
}

var errNotRegular = errors.New("it is not a regular file")

// readOpened reads what was opened, if another file that is not regular did not take its place meanwhile.
func readOpened(f *os.File, limit int64) ([]byte, fs.FileInfo, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	switch {
	case !info.Mode().IsRegular():
		return nil, info, errNotRegular
	case info.Size() > limit:
		return nil, info, tooLarge(limit)
	}
	var data bytes.Buffer
	data.Grow(int(info.Size()) + bytes.MinRead) // which one read fills
	n, err := data.ReadFrom(io.LimitReader(f, limit+1))
	if err == nil && n > limit {
		err = tooLarge(limit)
	}
	return data.Bytes(), info, err
}

func tooLarge(limit int64) error {
	return fmt.Errorf("it is larger than %d KiB, so it was not read", limit>>10)
}

// reason drops the path, which is said beside it, from an error.
func reason(err error) string {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		return p.Err.Error()
	}
	return err.Error()
}

// readRemedy is for what the exporter's user must not read.
const readRemedy = "let the exporter read it: run it as root, " +
	"or give its systemd unit AmbientCapabilities=CAP_DAC_READ_SEARCH; " +
	"or name in cron_stopped.crontabs what it can read, and [] when cron does not run on this host"

// fewerRemedy is for more than one look reads.
const fewerRemedy = "name the crontabs of this Magento alone in cron_stopped.crontabs"

// maxShown is the longest text that is reported.
const maxShown = 500

// printable makes text one line that a terminal takes literally, and not too long.
func printable(text string) string {
	if !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
		quoted := strconv.Quote(text)
		text = quoted[1 : len(quoted)-1]
	}
	if len(text) <= maxShown {
		return text
	}
	end := maxShown
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + "…"
}

// ownerOf returns the number of the user that a file belongs to.
func ownerOf(info fs.FileInfo) uint64 {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return uint64(stat.Uid)
	}
	return math.MaxUint64
}

// sortedKeys makes the order of what a map yields the same each time.
func sortedKeys[V any](m map[string]V) []string {
	return slices.Sorted(maps.Keys(m))
}

// isFile reports whether a path names a regular file.
func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// inode identifies a file, whatever its path is.
type inode struct{ device, number uint64 }

func inodeOf(info fs.FileInfo) inode {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return inode{stat.Dev, stat.Ino}
	}
	return inode{}
}
