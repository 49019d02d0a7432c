package fit

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"magento_migration_exporter/collector/database"
)

const (
	// firstPage is how many rows the first statement reads; largestPage is the most.
	firstPage, largestPage = 20000, 200000
	// smallestPage is as few rows as a page gets when the server ends statements by its limit.
	smallestPage = 64
	// shortest and longest are the times between which a page stays as large as it is.
	shortest, longest = 100 * time.Millisecond, 400 * time.Millisecond
)

// pages goes through a table in the order of a unique key, as many rows at a time as the server reads in a fraction of
// a second. A table without such a key is a single page.
type pages struct {
	of *table
	// path is the key that is followed, nil where there is none.
	path *index
	rows int
	// after and to are the keys of the last page's last row and the present one's, literals of SQL. Without after the
	// page is the first one, without to the last one.
	after, to []string
	// bounded is true once the end of the present page is known.
	bounded bool
}

func newPages(t *table) *pages { return &pages{of: t, path: t.path(), rows: firstPage} }

// path returns the index that leads to each row once: the primary key, or else a unique one without NULL.
func (t *table) path() *index {
	follows := func(i *index) bool {
		return i != nil && i.unique && !i.hash && !slices.ContainsFunc(i.parts, func(x part) bool {
			c := t.column(x.column)
			return c == nil || c.nullable || x.length > 0 || !c.sorts()
		})
	}
	if key := t.primary(); follows(key) {
		return key
	}
	for _, i := range t.indexes {
		if follows(i) {
			return i
		}
	}
	return nil
}

// sorts reports whether a column's values can be written as literals that compare as the column is sorted. An enum is
// sorted by the place in its list, and compared as a text.
func (c *column) sorts() bool {
	f := c.family()
	return f != other && f != float && c.kind != "enum"
}

// bound finds the end of the present page.
func (g *pages) bound(ctx context.Context, session *database.Session) error {
	if g.bounded || g.path == nil {
		return nil
	}
	var columns, order []string
	for _, x := range g.path.parts {
		c := g.of.column(x.column)
		columns = append(columns, c.hexadecimal("t."+database.Quote(c.name)))
		order = append(order, "t."+database.Quote(c.name))
	}
	values, dest := make([]string, len(columns)), make([]any, len(columns))
	for i := range values {
		dest[i] = &values[i]
	}
	query := fmt.Sprintf("SELECT %s FROM %s%s ORDER BY %s LIMIT 1 OFFSET %d", strings.Join(columns, ", "), g.from(),
		where(g.beyond(">", g.after)), strings.Join(order, ", "), g.rows-1)
	switch err := session.Row(ctx, query, nil, dest...); {
	case errors.Is(err, sql.ErrNoRows):
		g.to = nil
	case err != nil:
		return fmt.Errorf("looking for the next rows of %s: %w", g.of.name, err)
	default:
		g.to = nil
		for i, x := range g.path.parts {
			g.to = append(g.to, g.of.column(x.column).literal(values[i]))
		}
	}
	g.bounded = true
	return nil
}

// from is the table t, read by the key that is followed.
func (g *pages) from() string {
	if g.path == nil {
		return database.Quote(g.of.name) + " t"
	}
	return database.Quote(g.of.name) + " t FORCE INDEX (" + database.Quote(g.path.name) + ")"
}

// conditions are those for the rows of the present page.
func (g *pages) conditions() []string {
	return append(g.beyond(">", g.after), g.beyond("<", g.to)...)
}

// beyond compares rows with a key: those after it, or those up to it. It is a form that servers find a range in, unlike
// the comparison of whole rows.
func (g *pages) beyond(sign string, key []string) []string {
	if key == nil {
		return nil
	}
	var alternatives []string
	same := ""
	for i, x := range g.path.parts {
		name, last := "t."+database.Quote(x.column), sign
		if sign == "<" && i == len(key)-1 {
			last = "<="
		}
		alternatives = append(alternatives, same+name+" "+last+" "+key[i])
		same += name + " = " + key[i] + " AND "
	}
	first := "t." + database.Quote(g.path.parts[0].column)
	if len(key) == 1 {
		return alternatives
	}
	return []string{fmt.Sprintf("%s %s= %s", first, sign, key[0]), "(" + strings.Join(alternatives, " OR ") + ")"}
}

// next goes on to the next page, and is false after the last one. The time that this page took decides how many rows
// the next one has.
func (g *pages) next(took time.Duration) bool {
	g.rows = paced(g.rows, took)
	more := g.to != nil
	g.after, g.to, g.bounded = g.to, nil, false
	return more
}

// paced is how many rows the next statement is for, after one that took some time.
func paced(rows int, took time.Duration) int {
	switch {
	case took < shortest:
		return min(rows*2, largestPage)
	case took > longest:
		return max(rows/2, 1)
	}
	return rows
}

// again makes the page smaller after a statement that the server ended by its limit. It is false for other errors, and
// where a smaller page is no way out.
func (g *pages) again(err error) bool {
	if !limited(err) || g.path == nil || g.rows <= smallestPage {
		return false
	}
	g.rows, g.to, g.bounded = max(g.rows/8, smallestPage), nil, false
	return true
}

// limited reports whether the server itself has ended a statement by its limit: then the session is still there.
func limited(err error) bool {
	return database.CauseOf(err) == database.Timeout && database.Number(err) != 0
}

// hexadecimal is the expression for a column's value in hexadecimal, for literal.
func (c *column) hexadecimal(name string) string {
	if f := c.family(); f != text && f != binary {
		name = "CONVERT(CAST(" + name + " AS CHAR) USING utf8mb4)"
	}
	return "HEX(" + name + ")"
}

// literal is a value that the server wrote in hexadecimal, as SQL.
func (c *column) literal(hexadecimal string) string {
	switch c.family() {
	case text:
		return "_" + c.charset + " X'" + hexadecimal + "'"
	case binary:
		return "X'" + hexadecimal + "'"
	}
	value := plainText(hexadecimal)
	if number.MatchString(value) {
		return value // as a text it would be compared as a floating point number
	}
	return database.Literal(value)
}
