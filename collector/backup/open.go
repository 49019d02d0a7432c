package backup

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// Candidate is one version of a file or directory that may be a backup. Two candidates that are equal need not be read
// twice.
type Candidate struct {
	Path    string    // of a split file, its first part
	Dir     bool      // one of the known backup directories, or a folder of dumps of single tables
	Size    int64     // bytes; of several files, of all together
	ModTime time.Time // of several files, the latest's
	Inode   uint64
	Device  uint64
	Files   uint64 // of several files: a digest of their names, sizes and times; else 0
	// Parts are the names of the files that are one candidate, where they are not all of a directory: the parts of a
	// split file, in their order, or the dumps of single tables in a folder.
	Parts Names
}

// version identifies what was read, as a map key.
type version struct {
	path   string
	size   int64
	time   int64
	inode  uint64
	device uint64
	files  uint64
	parts  Names
}

func (c Candidate) version() version {
	return version{c.Path, c.Size, c.ModTime.UnixNano(), c.Inode, c.Device, c.Files, c.Parts}
}

// fileCandidate describes a regular file.
func fileCandidate(path string, info fs.FileInfo) Candidate {
	c := Candidate{Path: path, Size: info.Size(), ModTime: info.ModTime()}
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		c.Inode, c.Device = st.Ino, uint64(st.Dev) //nolint:unconvert // Dev's type differs between platforms
	}
	return c
}

// openRegular opens a file for reading if it is a regular one. A link to one is followed (latest.sql.gz is often a
// link); a FIFO, socket or device that took the file's place since it was listed is not waited for.
func openRegular(path string) (*os.File, fs.FileInfo, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOCTTY, 0)
	if err != nil {
		return nil, nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%q is %s, not a file", filepath.Base(path), typeName(info.Mode()))
	}
	if err != nil {
		return nil, nil, errors.Join(err, f.Close())
	}
	return f, info, nil
}

// typeName says what a file that is not regular is.
func typeName(mode fs.FileMode) string {
	switch {
	case mode.IsDir():
		return "a directory"
	case mode&fs.ModeNamedPipe != 0:
		return "a named pipe"
	case mode&fs.ModeSocket != 0:
		return "a socket"
	case mode&fs.ModeSymlink != 0:
		return "a symbolic link"
	case mode&fs.ModeDevice != 0:
		return "a device"
	}
	return "a special file"
}
