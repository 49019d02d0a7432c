package cron

import (
	"errors"
	"io/fs"
	"strconv"
	"strings"
)

// account is one line of /etc/passwd.
type account struct {
	name, home string
	uid        uint64
}

// accounts are the host's own users, by name. The name service is not asked, because a directory server that hangs
// would hang this too.
type accounts map[string]account

// maxPasswd is far above what a passwd file needs.
const maxPasswd = 4 << 20

// readAccounts reads a passwd file. Without one no home directory is known, and what depends on it is possible, not
// certain.
func readAccounts(path string) (accounts, error) {
	data, _, err := readRegular(path, maxPasswd)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return accounts{}, err
	}
	return parseAccounts(data), nil
}

// parseAccounts leaves out the lines that are no accounts. A line can have any length.
func parseAccounts(data []byte) accounts {
	found := accounts{}
	for line := range strings.Lines(string(data)) {
		fields := strings.Split(strings.TrimRight(line, "\r\n"), ":")
		if len(fields) < 7 {
			continue
		}
		if uid, err := strconv.ParseUint(fields[2], 10, 32); err == nil {
			found[fields[0]] = account{name: fields[0], uid: uid, home: fields[5]}
		}
	}
	return found
}

// byUID finds an account. Where several have the number it takes the name that sorts first, so that the answer is
// always the same.
func (a accounts) byUID(uid uint64) (account, bool) {
	var found account
	for _, account := range a {
		if account.uid == uid && (found.name == "" || account.name < found.name) {
			found = account
		}
	}
	return found, found.name != ""
}

// userName names a user, or gives the number where nobody has it.
func (a accounts) userName(uid uint64) string {
	if account, ok := a.byUID(uid); ok {
		return account.name
	}
	return strconv.FormatUint(uid, 10)
}
