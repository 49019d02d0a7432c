package transfer

import (
	"context"
	"database/sql"
	_ "embed" // the query for columns
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"magento_migration_exporter/collector/database"
	"magento_migration_exporter/config/toolmap"
)

//go:embed sql/fields.sql
var fieldsQuery string

// sampleRows is how many of the newest rows of a table are measured.
const sampleRows = 1000

// Sample is what the newest rows of a table measure.
type Sample struct {
	// Rows counts the table's rows up to MaxPage+1, so that whole pages are told from a smaller table.
	Rows int
	// Measured is how many rows were measured.
	Measured int
	// Width is the average length of a row's values in a statement with their quotes, in bytes. Values is how many they
	// are.
	Width  float64
	Values int
	// Direct is true when the tool copies the table within the server: then there is no statement with its rows.
	Direct bool

	// rows and bytes are the plan's when it was measured, at is when that was.
	rows, bytes int64
	at          time.Time
	// pending is how many rows waited for the delta then.
	pending int
}

// stale is how long what was measured counts although the server shows no change: it shows a few rows late.
const stale = time.Hour

// current reports whether the table has not changed since it was measured, as far as the server and the delta log show
// it: the rows that wait now are others when they have become many more.
func (s Sample) current(t Table, now time.Time, pending int) bool {
	return s.rows == t.Rows && s.bytes == t.Bytes && now.Sub(s.at) < stale && pending <= 2*s.pending+sampleRows/2
}

// row is the length of a row in a statement whose values are separated by so many bytes. A row has parentheses and a
// separator behind it, but none behind its last value.
func (s Sample) row(separator int) float64 { return s.Width + float64(separator*s.Values) + 2 }

// field is a column.
type field struct {
	name, kind, preset string
	primary            bool
}

func readFields(ctx context.Context, side Side, document string) ([]field, error) {
	var fields []field
	err := side.Session.Rows(ctx, fieldsQuery, []any{side.Prefix + document}, func(scan func(...any) error) error {
		var f field
		err := scan(&f.name, &f.kind, &f.preset, &f.primary)
		fields = append(fields, f)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading the columns of %s: %w", side.Prefix+document, err)
	}
	return fields, nil
}

// readBoth reads the columns of a table and of the one that it is copied to.
func readBoth(ctx context.Context, sides [2]Side, t Table) (from, to []field, err error) {
	if from, err = readFields(ctx, sides[0], t.Document); err != nil {
		return nil, nil, err
	}
	if to, err = readFields(ctx, sides[1], t.Target); err != nil {
		return nil, nil, &database.SideError{Side: 1, Err: err}
	}
	return from, to, nil
}

// isText reports whether the tool's quoting can make a value longer.
func (f field) isText() bool {
	return strings.Contains(f.kind, "char") || strings.Contains(f.kind, "text") || strings.Contains(f.kind, "blob") ||
		strings.Contains(f.kind, "binary") || f.kind == "json" || f.kind == "enum" || f.kind == "set"
}

// length is an expression for the length of a value as PHP quotes it: with two quotes, NULL as the word. QUOTE of the
// server does not escape what the replacements double. Of a long value the beginning stands for the rest: REPLACE takes
// a time that grows with the square of the length.
func (f field) length(table string) string {
	name := table + database.Quote(f.name)
	if !f.isText() {
		return "COALESCE(LENGTH(" + name + ") + 2, 4)"
	}
	begin := "LEFT(" + name + ", 500)"
	escaped := begin
	for _, c := range []string{`\"`, `\n`, `\r`} {
		escaped = fmt.Sprintf("REPLACE(%s, '%s', '%s')", escaped, c, c+c)
	}
	return fmt.Sprintf("IF(%[1]s IS NULL, 4, 2 + (LENGTH(QUOTE(%[2]s)) - 2) * LENGTH(%[1]s) / "+
		"GREATEST(1, LENGTH(%[3]s)))", name, escaped, begin)
}

// copied returns the columns of Magento 1 whose values the tool sends.
func (s Sources) copied(t Table, from, to []field) []field {
	m := s.Maps[t.mapOption]
	if m == nil {
		return from
	}
	return slices.DeleteFunc(slices.Clone(from), func(f field) bool {
		target, ok, err := m.FieldMap(t.Document, f.name, toolmap.Source)
		return err != nil || !ok || !slices.ContainsFunc(to, func(d field) bool { return d.name == target })
	})
}

// direct reports whether the tool copies a table within the server: when it is told to, Magento 2 has all columns, and
// no rule changes a value.
func (s Sources) direct(t Table, from, to []field) bool {
	m := s.Maps[t.mapOption]
	if s.Config.Value("direct_document_copy") != "1" || t.mapOption != "map_file" || m == nil {
		return false
	}
	for _, f := range from {
		if !slices.ContainsFunc(to, func(d field) bool { return d.name == f.name }) ||
			len(m.Transforms(t.Document, f.name, toolmap.Source)) > 0 {
			return false
		}
	}
	return !slices.ContainsFunc(to, func(d field) bool {
		return len(m.Transforms(t.Target, d.name, toolmap.Destination)) > 0
	})
}

// measure looks at the newest rows of a table.
func measure(ctx context.Context, in Input, t Table, now time.Time) (Sample, error) {
	s := Sample{rows: t.Rows, bytes: t.Bytes, at: now, pending: in.Pending[t.Document]}
	sources, err := in.Sources()
	if err != nil {
		return s, err
	}
	from, to, err := readBoth(ctx, in.Sides, t)
	if err != nil {
		return s, err
	}
	if s.Direct = sources.direct(t, from, to); s.Direct {
		return s, nil
	}
	fields := sources.copied(t, from, to)
	s.Values = len(fields)
	if len(fields) == 0 {
		return s, nil
	}
	m1 := in.Sides[0]
	table := database.Quote(m1.Prefix + t.Document)
	count := fmt.Sprintf("SELECT COUNT(*) FROM (SELECT 1 FROM %s LIMIT %d) capped", table, MaxPage+1)
	if err := m1.Session.Row(ctx, count, nil, &s.Rows); err != nil {
		return s, fmt.Errorf("counting the rows of %s: %w", m1.Prefix+t.Document, err)
	}
	lengths := make([]string, len(fields))
	for i, f := range fields {
		lengths[i] = f.length("")
	}
	query := fmt.Sprintf("SELECT COUNT(*), COALESCE(AVG(width), 0) FROM (SELECT %s AS width FROM %s%s LIMIT %d) newest",
		strings.Join(lengths, " + "), table, newestFirst(from), sampleRows)
	if err := m1.Session.Row(ctx, query, nil, &s.Measured, &s.Width); err != nil {
		return s, fmt.Errorf("measuring rows of %s: %w", m1.Prefix+t.Document, err)
	}
	if t.entity {
		return s, measureAttributes(ctx, m1, t, to, fields, &s)
	}
	return s, nil
}

// newestFirst orders by the primary key's first column, which the server can read backwards.
func newestFirst(fields []field) string {
	i := slices.IndexFunc(fields, func(f field) bool { return f.primary })
	if i < 0 {
		return ""
	}
	return " ORDER BY " + database.Quote(fields[i].name) + " DESC"
}

// attributeTypes are the types that have a table of values.
func attributeTypes() []string { return []string{"datetime", "decimal", "int", "text", "varchar"} }

// measureAttributes adds what only Magento 2's entity tables have as columns: values of attributes, or the column's
// default.
func measureAttributes(
	ctx context.Context, m1 Side, t Table, to, copied []field, s *Sample,
) error {
	presets := map[string]float64{}
	for _, f := range to {
		if !slices.ContainsFunc(copied, func(c field) bool { return c.name == f.name }) {
			presets[f.name] = f.presetLength()
			s.Width += presets[f.name]
		}
	}
	s.Values += len(presets)
	if len(presets) == 0 || s.Measured == 0 {
		return nil
	}
	table := m1.Prefix + t.Document
	first := sql.NullInt64{}
	query := fmt.Sprintf(
		"SELECT MIN(entity_id) FROM (SELECT entity_id FROM %s ORDER BY entity_id DESC LIMIT %d) newest",
		database.Quote(table),
		sampleRows,
	)
	if err := m1.Session.Row(ctx, query, nil, &first); err != nil {
		return fmt.Errorf("finding the newest rows of %s: %w", table, err)
	}
	for _, kind := range attributeTypes() {
		more, err := measureValues(ctx, m1, table+"_"+kind, first.Int64, presets)
		if err != nil {
			return err
		}
		s.Width += more / float64(s.Measured)
	}
	return nil
}

// presetLength is the length of the column's default in a statement.
func (f field) presetLength() float64 {
	if f.preset == "" || f.preset == "NULL" {
		return 4
	}
	return float64(len(strings.Trim(f.preset, "'")) + 2)
}

// measureValues returns by how much the values of attributes are longer than the presets that they replace.
func measureValues(
	ctx context.Context, m1 Side, table string, first int64, presets map[string]float64,
) (more float64, err error) {
	args := []any{first}
	for _, name := range slices.Sorted(maps.Keys(presets)) {
		args = append(args, name)
	}
	query := fmt.Sprintf("SELECT a.attribute_code, COUNT(*), SUM(%s) FROM %s v"+
		" JOIN %s a ON a.attribute_id = v.attribute_id WHERE v.entity_id >= ? AND a.attribute_code IN (%s)"+
		" GROUP BY a.attribute_code", field{name: "value", kind: "text"}.length("v."), database.Quote(table),
		database.Quote(m1.Prefix+"eav_attribute"), database.Parameters(len(presets)))
	err = m1.Session.Rows(ctx, query, args, func(scan func(...any) error) error {
		var code string
		var n, width float64
		err := scan(&code, &n, &width)
		more += width - n*presets[code]
		return err
	})
	if err != nil && database.Number(err) != database.ErrNoSuchTable {
		return 0, fmt.Errorf("measuring values of %s: %w", table, err)
	}
	return more, nil
}
