package integrity

import (
	"bytes"
	"encoding/gob"
	"fmt"
	"maps"
	"slices"
	"unique"
)

// packedSchema is a reduced schema between two evaluations. Migrations whose schemas have the same tables keep the same
// bytes; they are forgotten with the last one.
type packedSchema struct {
	database, prefix string
	tables           unique.Handle[string]
}

// pack returns a schema that was reduced, as it is kept.
func (s *Schema) pack() (packedSchema, error) {
	tables := make([]*Table, 0, len(s.tables))
	for _, name := range slices.Sorted(maps.Keys(s.tables)) {
		tables = append(tables, s.tables[name])
	}
	var packed bytes.Buffer
	if err := gob.NewEncoder(&packed).Encode(tables); err != nil {
		return packedSchema{}, fmt.Errorf("packing the tables of %s: %w", s.Database, err)
	}
	return packedSchema{s.Database, s.Prefix, unique.Make(packed.String())}, nil
}

// open returns the schema that was packed.
func (p packedSchema) open() (*Schema, error) {
	s := &Schema{Database: p.database, Prefix: p.prefix, tables: map[string]*Table{}}
	var tables []*Table
	if err := gob.NewDecoder(bytes.NewReader([]byte(p.tables.Value()))).Decode(&tables); err != nil {
		return nil, fmt.Errorf("unpacking the tables of %s: %w", s.Database, err)
	}
	for _, t := range tables {
		t.columns = make(map[string]int, len(t.Columns))
		for i, c := range t.Columns {
			t.columns[c.Name] = i
		}
		s.tables[t.Name] = t
	}
	return s, nil
}
