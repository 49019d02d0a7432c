// Package fit foretells which rows of Magento 1 the tables of Magento 2 do not take as they are: rows that collide in a
// unique key, and values that are too long, too large or of another kind for their column. The Data Migration Tool
// finds the first out in the middle of its run, with error 1062, and never says anything of the second: it turns off
// strict mode.
//
// A Plan is what both schemas and the tool's map files say of it. A Round looks at the rows, a bounded part of them at
// a time. Nothing is written, and Magento 2 is read only to confirm what was found: Magento 1's server may lack a
// collation of Magento 2's.
//
// How the tool inserts was read in the source of magento/data-migration-tool 2.4.6.1.
package fit

import "fmt"

// Kind is what is wrong with a row.
type Kind string

// The kinds.
const (
	// Collision is a row whose unique key another row has; the tool dies with error 1062.
	Collision Kind = "collision"
	// Merge is a row that replaces another one: the tool inserts these with ON DUPLICATE KEY UPDATE.
	Merge Kind = "merge"
	// Cut is a text that is longer than Magento 2's column, or a time of day that it does not have.
	Cut Kind = "cut"
	// Range is a number or time out of Magento 2's range; the nearest number, or the zero date, is stored.
	Range Kind = "range"
	// Rounded is a number with more digits behind the point than Magento 2 keeps.
	Rounded Kind = "rounded"
	// Lossy is a text with characters that become question marks.
	Lossy Kind = "lossy"
	// NoMember is a text that Magento 2's enum does not have; it becomes empty.
	NoMember Kind = "no_member"
	// OtherKind is a text in a column for numbers or times.
	OtherKind Kind = "other_kind"
	// Null is NULL in a column that has no NULL in Magento 2; it becomes 0 or ''.
	Null Kind = "null"
	// OnlyNull is the same in the only row of a table: for a single row the server refuses it with error 1048.
	OnlyNull Kind = "only_null"
	// ZeroDate is 0000-00-00, which Magento 2 takes, and which no date of Magento 2's own is.
	ZeroDate Kind = "zero_date"
	// Orphan is a row that Magento 2's foreign key does not allow.
	Orphan Kind = "orphan"
	// Group is a group of attributes whose name or code Magento 2 has already in the same attribute set.
	Group Kind = "attribute_group"
	// Set is an attribute set that Magento 2 has in another spelling.
	Set Kind = "attribute_set"
	// Attribute is an attribute that Magento 2 has in another spelling.
	Attribute Kind = "attribute"
	// StoreGroup is a group of stores for which the tool makes the code of another one; migrate:settings dies with
	// error 1062.
	StoreGroup Kind = "store_group"
	// AttributeType is an attribute that Magento 2 has with another backend type.
	AttributeType Kind = "attribute_type"
)

// MaxShown is how many rows or values are named.
const MaxShown = 20

// Problem is one thing that is wrong with rows of one table.
type Problem struct {
	Kind Kind
	// Document and Target are the tables in Magento 1 and Magento 2, without their prefixes.
	Document, Target string
	// Column is Magento 1's, Limit the type of Magento 2's, or the parent table of an orphan. Attribute is the code of
	// an attribute whose values become a column in Magento 2.
	Column, Limit, Attribute string
	// Key is the unique key of a collision or the foreign key of an orphan.
	Key string
	// Rows counts the rows, or the groups of rows that collide.
	Rows int
	// More is true when there are more than were counted.
	More bool
	// IDs are the primary keys of the first rows; for collisions those of one group, with " = " between them.
	IDs []string
	// Values are what collides. Mail addresses are never among them.
	Values []string
	// Query is a statement for Magento 1 that shows the rows; empty where there is none.
	Query string
}

// Subject is the column or key that the problem is about, for people and for waivers.
func (p Problem) Subject() string {
	switch {
	case p.Attribute != "":
		return p.Document + "." + p.Attribute
	case p.Column != "":
		return p.Document + "." + p.Column
	case p.Key != "":
		return p.Target + " " + p.Key
	}
	return p.Document
}

// Skipped is something that is not looked at.
type Skipped struct {
	// What is a table, table.column, or table and key.
	What string
	// Why completes "is not looked at: ".
	Why string
}

// String implements fmt.Stringer.
func (s Skipped) String() string { return fmt.Sprintf("%s (%s)", s.What, s.Why) }
