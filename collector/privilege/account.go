package privilege

import (
	"strings"

	"magento_migration_exporter/collector/database"
)

// Account is a MySQL account, or a MariaDB role, which has no host.
type Account struct {
	User string // empty for the anonymous user
	Host string
}

// ParseAccount reads user@host as CURRENT_USER() and USER() print it. A user name may hold an @, a host cannot.
func ParseAccount(text string) Account {
	at := strings.LastIndexByte(text, '@')
	if at < 0 {
		return Account{User: text}
	}
	return Account{User: text[:at], Host: text[at+1:]}
}

// String returns user@host for people to read. It is not SQL; see Quoted.
func (a Account) String() string { return a.User + "@" + a.Host }

// Quoted returns the account as SQL that every server version and sql_mode reads alike.
func (a Account) Quoted() string {
	if a.Host == "" && a.User != "" {
		return quoteName(a.User)
	}
	return quoteName(a.User) + "@" + quoteName(a.Host)
}

// quoteName writes a part of an account in single quotes, as people do, or in backticks where the server's sql_mode
// would decide what a backslash or a quote means.
func quoteName(name string) string {
	if strings.ContainsAny(name, `'\`) {
		return database.Quote(name)
	}
	return "'" + name + "'"
}
