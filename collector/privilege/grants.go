package privilege

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

const (
	maxGrantLength = 64 << 10 // bytes of one line of SHOW GRANTS
	maxGrantLines  = 10_000
)

// Scope is what a grant applies to.
type Scope int

// The scopes of grants.
const (
	ScopeGlobal Scope = iota
	ScopeDatabase
	ScopeTable
	ScopeRoutine
	ScopeProxy
	ScopeRole        // roles are granted, not privileges
	ScopeDefaultRole // SET DEFAULT ROLE, which MariaDB prints last
)

// GranteeKind says to whom a privilege is granted.
type GranteeKind int

// The kinds of grantees.
const (
	GranteeAccount GranteeKind = iota
	// GranteeRole is a MariaDB role, which has no host; MySQL 8's SHOW GRANTS lists a role's privileges under the
	// account.
	GranteeRole
	// GranteePublic is MariaDB's PUBLIC: everybody.
	GranteePublic
)

// Grant is one line of SHOW GRANTS. What follows the grantee, where servers print password hashes, is not kept.
type Grant struct {
	Scope Scope
	// Revoke is true for MySQL 8's partial revokes, which take from a database what is granted on all of them.
	Revoke bool
	// Privileges are in upper case, in the order of the line. Names that this package does not know are kept.
	Privileges []Privilege
	// ColumnPrivileges are those held on some columns of the table only.
	ColumnPrivileges []Privilege
	Roles            []Account // of ScopeRole and ScopeDefaultRole
	Database         string    // of ScopeDatabase, a pattern; of ScopeTable and ScopeRoutine, a name
	Object           string    // of ScopeTable and ScopeRoutine
	Grantee          Account
	GranteeKind      GranteeKind
	// GrantOption is WITH GRANT OPTION, or WITH ADMIN OPTION of a role.
	GrantOption bool
	// Plugins are the authentication plugins, of which MariaDB prints those that are no passwords, as alternatives.
	Plugins []string

	text string
}

// String returns the line up to the grantee and its grant option: no password hash, no TLS requirement, no limits.
func (g Grant) String() string { return g.text }

// has reports whether a line at its own scope gives a privilege.
func (g Grant) has(p Privilege) bool {
	return slices.Contains(g.Privileges, p) || slices.Contains(g.Privileges, allPrivileges)
}

// Grants is what SHOW GRANTS says.
type Grants struct {
	Lines []Grant // in the server's order, which carries meaning
	// Unread holds an error for each line that could not be read.
	Unread []error
}

// ParseGrants reads the lines of SHOW GRANTS of MySQL 5.6 and later and MariaDB 10.4 and later.
// The session that asked should have had an empty sql_mode and sql_quote_show_create on.
func ParseGrants(lines []string) Grants {
	var g Grants
	for i, line := range lines {
		if i == maxGrantLines {
			g.Unread = append(g.Unread, fmt.Errorf("line %d: more than %d lines", i+1, maxGrantLines))
			break
		}
		grant, err := ParseGrant(line)
		if err != nil {
			g.Unread = append(g.Unread, fmt.Errorf("line %d: %w", i+1, err))
			continue
		}
		g.Lines = append(g.Lines, grant)
	}
	return g
}

// GrantSyntaxError says where a line of SHOW GRANTS could not be read. It does not quote the line, which may hold a
// password hash.
type GrantSyntaxError struct {
	Offset   int // in bytes from the start of the line
	Expected string
}

func (e *GrantSyntaxError) Error() string {
	return fmt.Sprintf("byte %d: expected %s", e.Offset, e.Expected)
}

// ParseGrant reads one line of SHOW GRANTS. The error is a [*GrantSyntaxError].
func ParseGrant(line string) (Grant, error) {
	if len(line) > maxGrantLength {
		return Grant{}, &GrantSyntaxError{maxGrantLength, fmt.Sprintf("at most %d bytes", maxGrantLength)}
	}
	r := grantReader{text: line}
	g, err := r.grant()
	if err != nil {
		return Grant{}, err
	}
	return g, nil
}

// grantReader reads one line from left to right.
type grantReader struct {
	text string
	at   int
}

func (r *grantReader) expected(what string) error { return &GrantSyntaxError{r.at, what} }

func (r *grantReader) rest() string { return r.text[r.at:] }

func (r *grantReader) grant() (Grant, error) {
	var g Grant
	joint := "TO"
	switch {
	case r.keyword("GRANT"):
	case r.keyword("REVOKE"):
		g.Revoke, joint = true, "FROM"
	case r.keyword("SET"):
		return r.defaultRole()
	default:
		return g, r.expected("GRANT, REVOKE or SET DEFAULT ROLE")
	}
	if err := r.granted(&g, joint); err != nil {
		return g, err
	}
	return r.grantee(g)
}

func (r *grantReader) defaultRole() (Grant, error) {
	g := Grant{Scope: ScopeDefaultRole}
	for _, word := range []string{"DEFAULT", "ROLE"} {
		if !r.keyword(word) {
			return g, r.expected(word)
		}
	}
	roles, err := r.accounts()
	if err != nil {
		return g, err
	}
	g.Roles = roles
	if !r.keyword("FOR") {
		return g, r.expected("FOR")
	}
	return r.grantee(g)
}

// granted reads what is granted and on what, up to and including the joint word TO or FROM.
func (r *grantReader) granted(g *Grant, joint string) error {
	if r.atQuote() {
		roles, err := r.accounts()
		if err != nil {
			return err
		}
		g.Scope, g.Roles = ScopeRole, roles
	} else if err := r.privileges(g, joint); err != nil {
		return err
	}
	if g.Scope == ScopeRole {
		if !r.keyword(joint) {
			return r.expected(joint)
		}
		return nil
	}
	if !r.keyword("ON") {
		return r.expected("ON")
	}
	if err := r.object(g); err != nil {
		return err
	}
	if !r.keyword(joint) {
		return r.expected(joint)
	}
	return nil
}

// privileges reads a list of privileges. A list that runs into the joint word without an ON is one of unquoted role
// names.
func (r *grantReader) privileges(g *Grant, joint string) error {
	var names []string
	for {
		name := r.phrase("ON", joint)
		if name == "" {
			return r.expected("a privilege")
		}
		names = append(names, name)
		if r.symbol('(') {
			if err := r.columns(); err != nil {
				return err
			}
			g.ColumnPrivileges = append(g.ColumnPrivileges, Privilege(strings.ToUpper(name)))
		} else {
			g.Privileges = append(g.Privileges, Privilege(strings.ToUpper(name)))
		}
		if !r.symbol(',') {
			break
		}
	}
	if r.atKeyword(joint) && len(g.ColumnPrivileges) == 0 {
		g.Scope, g.Privileges = ScopeRole, nil
		for _, name := range names {
			g.Roles = append(g.Roles, Account{User: name})
		}
	}
	return nil
}

// phrase reads words up to punctuation or one of the stop words.
func (r *grantReader) phrase(stops ...string) string {
	var words []string
	for {
		start := r.at
		word := r.word()
		if word == "" || slices.Contains(stops, word) {
			r.at = start
			return strings.Join(words, " ")
		}
		words = append(words, word)
	}
}

// columns skips a list of column names behind its opening parenthesis. MySQL 5.6 does not quote them.
func (r *grantReader) columns() error {
	for {
		r.spaces()
		if r.atQuote() {
			if _, err := r.quoted(); err != nil {
				return err
			}
		} else {
			end := strings.IndexAny(r.rest(), ",)")
			if end <= 0 {
				return r.expected("a column name")
			}
			r.at += end
		}
		if r.symbol(')') {
			return nil
		}
		if !r.symbol(',') {
			return r.expected(", or )")
		}
	}
}

// object reads what stands between ON and the joint word.
func (r *grantReader) object(g *Grant) error {
	r.spaces()
	if slices.Equal(g.Privileges, []Privilege{"PROXY"}) {
		g.Scope = ScopeProxy
		_, _, err := r.account()
		return err
	}
	if strings.HasPrefix(r.rest(), "*.*") {
		r.at += len("*.*")
		g.Scope = ScopeGlobal
		return nil
	}
	kind := r.objectType()
	database, err := r.identifier()
	if err != nil {
		return err
	}
	g.Database = database
	if !r.symbol('.') {
		return r.expected("a dot")
	}
	if kind == "" && r.symbol('*') {
		g.Scope = ScopeDatabase
		return nil
	}
	g.Scope = ScopeTable
	if kind != "" && kind != "TABLE" {
		g.Scope = ScopeRoutine
	}
	g.Object, err = r.identifier()
	return err
}

// objectType reads words such as PROCEDURE or PACKAGE BODY that stand before a quoted name.
func (r *grantReader) objectType() string {
	start := r.at
	kind := r.phrase()
	if kind == "" || !r.atQuote() {
		r.at = start
		return ""
	}
	return kind
}

// trailingOptions is the only part behind the grantee that matters. It stands at the end of the line, whatever the
// clauses before it hold.
var trailingOptions = regexp.MustCompile(` WITH( (?:GRANT|ADMIN) OPTION)?(?: MAX_[A-Z_]+ [0-9.]+)*$`)

// grantee reads the grantee, then drops the rest of the line but for the grant option.
func (r *grantReader) grantee(g Grant) (Grant, error) {
	var err error
	if g.Grantee, g.GranteeKind, err = r.account(); err != nil {
		return g, err
	}
	rest := r.rest()
	if rest != "" && rest[0] != ' ' {
		return g, r.expected("the end of the account")
	}
	g.text = r.text[:r.at]
	g.Plugins = pluginsIn(rest)
	if option := trailingOptions.FindStringSubmatch(rest); len(option) > 1 && option[1] != "" {
		g.GrantOption = true
		g.text += " WITH" + option[1]
	}
	return g, nil
}

// pluginPattern is the next plugin of an account, and what it is given, such as a password hash.
var pluginPattern = regexp.MustCompile(`^(?: IDENTIFIED VIA| OR) ([a-z0-9_]+)(?: USING '[^']*')?`)

// pluginsIn returns the names of the plugins that a line has behind the grantee.
func pluginsIn(rest string) []string {
	var names []string
	for {
		m := pluginPattern.FindStringSubmatch(rest)
		if m == nil {
			return names
		}
		names, rest = append(names, m[1]), rest[len(m[0]):]
	}
}

func (r *grantReader) accounts() ([]Account, error) {
	var list []Account
	for {
		a, _, err := r.account()
		if err != nil {
			return nil, err
		}
		list = append(list, a)
		if !r.symbol(',') {
			return list, nil
		}
	}
}

// account reads an account, a role or PUBLIC.
func (r *grantReader) account() (Account, GranteeKind, error) {
	r.spaces()
	if strings.HasPrefix(r.rest(), "'") {
		a, err := r.unescapedAccount()
		return a, GranteeAccount, err
	}
	if r.keyword("PUBLIC") {
		return Account{User: "PUBLIC"}, GranteePublic, nil
	}
	user, err := r.identifier()
	if err != nil {
		return Account{}, 0, err
	}
	if !strings.HasPrefix(r.rest(), "@") {
		return Account{User: user}, GranteeRole, nil
	}
	r.at++
	host, err := r.identifier()
	return Account{User: user, Host: host}, GranteeAccount, err
}

// unescapedAccount reads an account as MySQL before 8.0 prints it: in single quotes that are not escaped, as in
// 'o'brien'@'%'. A host holds no quote, so the account ends at the first '@'host' that a space, a comma or the line's
// end follows.
func (r *grantReader) unescapedAccount() (Account, error) {
	const separator = "'@'"
	body := r.rest()[1:]
	for from := 0; ; {
		i := strings.Index(body[from:], separator)
		if i < 0 {
			return Account{}, r.expected("an account")
		}
		user := body[:from+i]
		behind := body[from+i+len(separator):]
		host, tail, ok := strings.Cut(behind, "'")
		if ok && (tail == "" || tail[0] == ' ' || tail[0] == ',') {
			r.at = len(r.text) - len(tail)
			return Account{User: user, Host: host}, nil
		}
		from += i + 1
	}
}

// identifier reads a name: quoted by backticks or, as under ANSI_QUOTES, by double quotes, or bare.
func (r *grantReader) identifier() (string, error) {
	if !strings.HasPrefix(r.rest(), " ") && r.atQuote() {
		return r.quoted()
	}
	end := strings.IndexAny(r.rest(), " .,@*()`\"'")
	if end < 0 {
		end = len(r.rest())
	}
	if end == 0 {
		return "", r.expected("a name")
	}
	name := r.rest()[:end]
	r.at += end
	return name, nil
}

// quoted reads a name in quotes, in which the quote itself is doubled.
func (r *grantReader) quoted() (string, error) {
	quote := r.text[r.at]
	var name strings.Builder
	for i := r.at + 1; i < len(r.text); i++ {
		if r.text[i] != quote {
			name.WriteByte(r.text[i])
			continue
		}
		if i+1 < len(r.text) && r.text[i+1] == quote {
			name.WriteByte(quote)
			i++
			continue
		}
		r.at = i + 1
		return name.String(), nil
	}
	return "", r.expected("a closing " + string(quote))
}

func (r *grantReader) spaces() {
	for r.at < len(r.text) && r.text[r.at] == ' ' {
		r.at++
	}
}

func (r *grantReader) atQuote() bool {
	r.spaces()
	return r.at < len(r.text) && strings.IndexByte("`\"'", r.text[r.at]) >= 0
}

func (r *grantReader) symbol(c byte) bool {
	r.spaces()
	if r.at < len(r.text) && r.text[r.at] == c {
		r.at++
		return true
	}
	return false
}

// word reads a run of letters and whatever else is no punctuation; it is empty at punctuation and at the end.
func (r *grantReader) word() string {
	r.spaces()
	end := strings.IndexAny(r.rest(), " ,().*`\"'")
	if end < 0 {
		end = len(r.rest())
	}
	word := r.rest()[:end]
	r.at += end
	return word
}

func (r *grantReader) atKeyword(word string) bool {
	start := r.at
	defer func() { r.at = start }()
	return r.keyword(word)
}

// keyword reads one given word, or nothing.
func (r *grantReader) keyword(word string) bool {
	start := r.at
	if r.word() == word {
		return true
	}
	r.at = start
	return false
}
