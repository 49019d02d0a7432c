package privilege

import (
	"fmt"
	"slices"
	"strings"

	"magento_migration_exporter/collector/database"
)

// grantStatement returns the GRANT that gives an account all the privileges on a database, whatever its other grants are.
//
// It names them all, not only those that are missing, and also what the account holds through a line for another name: the line that
// it makes is for exactly this database, so it counts from then on and hides every other line of the account.
func grantStatement(account Account, r reading, needed []Privilege) string {
	list := slices.Clone(needed)
	option := ""
	for _, line := range r.replaced() {
		for _, p := range line.Privileges {
			if p != usage && !slices.Contains(list, p) {
				list = append(list, p)
			}
		}
		if line.GrantOption {
			option = " WITH GRANT OPTION"
		}
	}
	if slices.Contains(list, allPrivileges) {
		list = []Privilege{allPrivileges}
	}
	names := make([]string, len(list))
	for i, p := range list {
		names[i] = string(p)
	}
	return fmt.Sprintf("GRANT %s ON %s.* TO %s%s;", strings.Join(names, ", "),
		database.Quote(escapePattern(r.database)), account.Quoted(), option)
}

// replaced returns the account's lines that count now and that a line for exactly this database would hide.
func (r reading) replaced() []Grant {
	exact := escapePattern(r.database)
	for _, g := range r.grantees {
		if g.kind != GranteeAccount {
			continue
		}
		lines, _ := r.counting(g)
		return slices.DeleteFunc(slices.Clone(lines), func(l Grant) bool { return l.Database == exact })
	}
	return nil
}

// remedy puts a sentence before statements or configuration lines, each on a line of its own.
func remedy(sentence string, lines ...string) string {
	return strings.Join(append([]string{sentence}, lines...), "\n")
}
