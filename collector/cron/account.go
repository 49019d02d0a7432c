package cron

import (
	"bufio"
	"bytes"
	"strconv"
	"strings"
)

// account is one line of /etc/passwd.
type account struct {
	name, home string
	uid        uint64
}

// accounts are the host's own users, by name. The name service is not asked, because a directory server that hangs would hang this too.
type accounts map[string]account

// maxPasswd is far above what a passwd file needs.
const maxPasswd = 4 << 20

// readAccounts reads a passwd file. Without one no home directory is known, and what depends on it is said to be possible, not certain.
func readAccounts(path string) accounts {
	data, _, err := readRegular(path, maxPasswd)
	if err != nil {
		return accounts{}
	}
	return parseAccounts(data)
}

// parseAccounts leaves out the lines that are no accounts.
func parseAccounts(data []byte) accounts {
	found := accounts{}
	lines := bufio.NewScanner(bytes.NewReader(data))
	for lines.Scan() {
		fields := strings.Split(lines.Text(), ":")
		if len(fields) < 7 {
			continue
		}
		if uid, err := strconv.ParseUint(fields[2], 10, 32); err == nil {
			found[fields[0]] = account{name: fields[0], uid: uid, home: fields[5]}
		}
	}
	return found
}

// byUID finds an account; where several have the number, the name that sorts first, so that the answer is always the same.
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
