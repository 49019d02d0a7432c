package integrity

import (
	"cmp"
	"context"
	"database/sql"
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"time"

	"magento_migration_exporter/collector/database"
	"magento_migration_exporter/config/toolmap"
)

//go:embed sql/foreign_keys.sql
var foreignKeysSQL string

const dataIntegrity = `Migration\Step\DataIntegrity\Integrity`

// ForeignKey is a declared key of one column, which are the ones that the tool looks at. The names of tables are the
// real ones.
type ForeignKey struct{ Table, Name, Column, ParentTable, ParentColumn string }

// compare orders keys as FindOrphans goes through them.
func (k ForeignKey) compare(other ForeignKey) int {
	return cmp.Or(cmp.Compare(k.Table, other.Table), cmp.Compare(k.Name, other.Name))
}

// ReadForeignKeys reads the foreign keys of a session's database, in one statement that reads no table.
func ReadForeignKeys(ctx context.Context, s *database.Session) ([]ForeignKey, error) {
	var keys []ForeignKey
	err := s.Rows(ctx, foreignKeysSQL, nil, func(scan func(...any) error) error {
		var k ForeignKey
		if err := scan(&k.Table, &k.Name, &k.Column, &k.ParentTable, &k.ParentColumn); err != nil {
			return err
		}
		keys = append(keys, k)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading the foreign keys: %w", err)
	}
	slices.SortFunc(keys, ForeignKey.compare) // the server's collation orders otherwise
	return keys, nil
}

// Orphans is how far the search for orphans has come. Its zero value has not begun.
type Orphans struct {
	// Last is the key that was looked at last; the next call goes on behind it.
	Last ForeignKey
	// Found are the keys with orphans, in order, from this round and, for those not yet reached, the last one.
	Found []Orphan
	// Unknown are the keys that could not be checked, as a rule because the statement took longer than the session
	// allows.
	Unknown []Unchecked
	// Checked and Total count the keys of this round.
	Checked, Total int
	// Rounds counts how often all keys were gone through.
	Rounds int
}

// Orphan is a key with a row whose parent is missing.
type Orphan struct {
	ForeignKey
	// Value is what one such row has in the key's column.
	Value string
}

// Unchecked is a key of which nothing is known.
type Unchecked struct {
	ForeignKey
	Err error
}

// FindOrphans goes on with the search through keys, as ReadForeignKeys returns them, until it has been through all of
// them or the budget is spent; each key is one statement that stops at the first orphan, and that only the session's
// own limit ends. It is for a session of its own, best on a replica. The error is one that ends the search for now; the
// state is to be kept all the same.
func FindOrphans(
	ctx context.Context,
	s *database.Session,
	keys []ForeignKey,
	state Orphans,
	budget time.Duration,
	now func() time.Time,
) (Orphans, error) {
	end := now().Add(budget)
	state.Found, state.Unknown = slices.Clone(state.Found), slices.Clone(state.Unknown)
	state.Total = len(keys)
	if state.Last == (ForeignKey{}) {
		state.Checked = 0
	}
	for _, key := range keys {
		if key.compare(state.Last) <= 0 {
			continue
		}
		if !now().Before(end) {
			return state, nil
		}
		value, found, err := orphan(ctx, s, key)
		if ctx.Err() != nil {
			return state, ctx.Err()
		}
		state.note(key, value, found, err)
		if ended(err) {
			return state, err
		}
	}
	// What is no key any more has no orphans any more.
	gone := func(k ForeignKey) bool { return !slices.Contains(keys, k) }
	state.Found = slices.DeleteFunc(state.Found, func(o Orphan) bool { return gone(o.ForeignKey) })
	state.Unknown = slices.DeleteFunc(state.Unknown, func(u Unchecked) bool { return gone(u.ForeignKey) })
	state.Last = ForeignKey{}
	state.Rounds++
	return state, nil
}

// ended reports whether the session cannot be used any more: it is gone, or was given up on because the server did not
// end the statement.
func ended(err error) bool {
	cause := database.CauseOf(err)
	return cause == database.Lost || cause == database.Timeout && database.Number(err) == 0
}

// note replaces what was known of a key.
func (o *Orphans) note(key ForeignKey, value string, found bool, err error) {
	o.Last = key
	o.Checked++
	o.Found = slices.DeleteFunc(o.Found, func(old Orphan) bool { return old.ForeignKey == key })
	o.Unknown = slices.DeleteFunc(o.Unknown, func(old Unchecked) bool { return old.ForeignKey == key })
	switch {
	case err != nil:
		o.Unknown = append(o.Unknown, Unchecked{key, err})
	case found:
		o.Found = append(o.Found, Orphan{key, value})
		slices.SortFunc(o.Found, func(a, b Orphan) int { return a.compare(b.ForeignKey) })
	}
}

// orphan looks for one row of the child without its parent, as the tool looks for all.
func orphan(ctx context.Context, s *database.Session, k ForeignKey) (string, bool, error) {
	var value string
	err := s.Row(ctx, k.query()+" LIMIT 1", nil, &value)
	if errors.Is(err, sql.ErrNoRows) {
		return "", false, nil
	}
	return value, err == nil, err
}

func (k ForeignKey) query() string {
	child, parent := "child."+database.Quote(k.Column), "parent."+database.Quote(k.ParentColumn)
	return fmt.Sprintf("SELECT %s FROM %s child LEFT JOIN %s parent ON %s = %s WHERE %s IS NOT NULL AND %s IS NULL",
		child, database.Quote(k.Table), database.Quote(k.ParentTable), child, parent, child, parent)
}

// Predictions are the orphans in the tool's words, none when config.xml has no step that looks for them. The tool lists
// all orphans of a key; here each line has the one that was found. Its names of tables are the real ones.
func (o Orphans) Predictions(p *Plan, source *Schema) []Prediction {
	i := slices.IndexFunc(p.Steps, func(s Step) bool { return s.Class == dataIntegrity })
	if i < 0 || !holds(ruleOrphans, p.tool) {
		return nil
	}
	var predictions []Prediction
	for _, orphan := range o.Found {
		f := Prediction{
			Kind:     ForeignKeys,
			Mode:     p.Steps[i].Mode,
			Step:     p.Steps[i].Title,
			step:     i,
			Side:     toolmap.Source,
			Document: source.document(orphan.Table),
			Field:    orphan.Column,
			Message: fmt.Sprintf(
				"Foreign key (%s) constraint fails on source database. Orphan records id: %s from %s.%s has no "+
					"referenced records in %s",
				orphan.Name,
				orphan.Value,
				ticks(orphan.Table),
				ticks(orphan.Column),
				ticks(orphan.ParentTable),
			),
			Detail: "One of the orphans is named; the tool names all",
			Remedy: Remedy{
				Text: fmt.Sprintf(
					"See them with: %s; and delete them from the copy of Magento 1 that is migrated, or give them a "+
						"parent.",
					orphan.query(),
				),
			},
		}
		f.complete()
		predictions = append(predictions, f)
	}
	return predictions
}

// ticks quotes as the tool does, without doubling.
func ticks(name string) string { return "`" + name + "`" }
