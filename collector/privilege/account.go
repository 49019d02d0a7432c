package privilege

import (
	"slices"
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

// phpPlugins are the authentication plugins that PHP's mysqlnd has. Empty is a password.
func phpPlugins() []string {
	return []string{"mysql_native_password", "caching_sha2_password", "sha256_password"}
}

// ForeignPlugins returns the authentication plugins of the account, where they are shown, unless PHP has one of them.
// This program has some that PHP lacks, such as ed25519.
func (o Observation) ForeignPlugins() []string {
	for _, line := range o.session.grants.Lines {
		if line.GranteeKind == GranteeAccount && len(line.Plugins) > 0 {
			if slices.ContainsFunc(line.Plugins, func(p string) bool { return slices.Contains(phpPlugins(), p) }) {
				return nil
			}
			return line.Plugins
		}
	}
	return nil
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
