package shoptest

import (
	"context"
	"database/sql"
	"maps"
	"slices"
	"strings"

	"magento_migration_exporter/collector/database"
)

// remembered reads all that is in a database.
func remembered(ctx context.Context, db *sql.DB, name string) (image, error) {
	m, err := look(ctx, db, name)
	if err == nil {
		err = m.read(ctx, db)
	}
	if err == nil {
		err = m.readRows(ctx, db)
	}
	return m, err
}

// look reads the definition of a database, and what the server says of its tables without looking into them.
func look(ctx context.Context, db *sql.DB, name string) (image, error) {
	m := image{tables: map[string]*table{}}
	views, err := m.list(ctx, db)
	if err != nil {
		return m, err
	}
	beside := []string{"SHOW CREATE DATABASE " + database.Quote(name)}
	for _, view := range views {
		beside = append(beside, "SHOW CREATE VIEW "+database.Quote(view))
	}
	beside = append(beside,
		"SELECT ROUTINE_NAME FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = DATABASE()",
		"SELECT EVENT_NAME FROM information_schema.EVENTS WHERE EVENT_SCHEMA = DATABASE()",
	)
	err = each(ctx, db, strings.Join(beside, ";"), func(_ int, row []sql.NullString) {
		for _, value := range row {
			m.database = append(m.database, value.String)
		}
	})
	return m, err
}

// list notes the tables, and what the server says of their files, and returns the views.
func (m *image) list(ctx context.Context, db *sql.DB) (views []string, err error) {
	const query = "SELECT TABLE_NAME, TABLE_TYPE, CREATE_TIME, CONCAT_WS('+', DATA_LENGTH, INDEX_LENGTH), " +
		"UPDATE_TIME FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() ORDER BY TABLE_NAME"
	err = each(ctx, db, query, func(_ int, row []sql.NullString) {
		if row[1].String == "VIEW" {
			views = append(views, row[0].String)
			return
		}
		m.tables[row[0].String] = &table{made: row[2].String, size: row[3].String, written: row[4].String}
	})
	return views, err
}

// read reads the tables' definitions, checksums and triggers.
func (m *image) read(ctx context.Context, db *sql.DB) error {
	if len(m.tables) == 0 {
		return nil
	}
	names := slices.Sorted(maps.Keys(m.tables))
	var definitions, quoted []string
	for _, name := range names {
		quoted = append(quoted, database.Quote(name))
		definitions = append(definitions, "SHOW CREATE TABLE "+database.Quote(name))
	}
	err := each(ctx, db, strings.Join(definitions, ";"), func(i int, row []sql.NullString) {
		m.tables[names[i]].definition = row[1].String
	})
	if err != nil {
		return err
	}
	i := 0
	err = each(ctx, db, "CHECKSUM TABLE "+strings.Join(quoted, ", "), func(_ int, row []sql.NullString) {
		m.tables[names[i]].checksum = row[1].String
		i++
	})
	if err != nil {
		return err
	}
	return m.readTriggers(ctx, db)
}

// readRows reads the tables' rows.
func (m *image) readRows(ctx context.Context, db *sql.DB) error {
	names := slices.Sorted(maps.Keys(m.tables))
	var contents []string
	for _, name := range names {
		contents = append(contents, "SELECT * FROM "+database.Quote(name))
	}
	return each(ctx, db, strings.Join(contents, ";"), func(i int, row []sql.NullString) {
		values := make([]string, len(row))
		for i, value := range row {
			if values[i] = "NULL"; value.Valid {
				values[i] = literal(value.String)
			}
		}
		t := m.tables[names[i]]
		if t.rows == "" {
			t.rows = "INSERT INTO " + database.Quote(names[i]) + " VALUES "
		} else {
			t.rows += ","
		}
		t.rows += "(" + strings.Join(values, ",") + ")"
	})
}

// readTriggers reads the tables' triggers.
func (m *image) readTriggers(ctx context.Context, db *sql.DB) error {
	const query = "SELECT EVENT_OBJECT_TABLE, TRIGGER_NAME, ACTION_TIMING, EVENT_MANIPULATION, ACTION_STATEMENT, " +
		"DEFINER, CREATED, SQL_MODE, CHARACTER_SET_CLIENT, COLLATION_CONNECTION FROM information_schema.TRIGGERS " +
		"WHERE EVENT_OBJECT_SCHEMA = DATABASE() ORDER BY TRIGGER_NAME"
	return each(ctx, db, query, func(_ int, row []sql.NullString) {
		t := m.tables[row[0].String]
		if t == nil {
			return
		}
		user, host := row[5].String, ""
		if i := strings.LastIndexByte(user, '@'); i >= 0 {
			user, host = user[:i], user[i+1:]
		}
		t.triggers = append(t.triggers, trigger{
			name: row[1].String,
			create: "CREATE DEFINER=" + database.Quote(user) + "@" + database.Quote(host) +
				" TRIGGER " + database.Quote(row[1].String) + " " + row[2].String + " " + row[3].String +
				" ON " + database.Quote(row[0].String) + " FOR EACH ROW " + row[4].String,
			created: row[6].String, mode: row[7].String, charset: row[8].String, collation: row[9].String,
		})
	})
}

// each runs statements at once and gives the rows of all of them, with the number of the statement.
func each(ctx context.Context, db *sql.DB, statements string, use func(int, []sql.NullString)) error {
	rows, err := db.QueryContext(ctx, statements)
	if err != nil {
		return err
	}
	defer rows.Close()
	for i := 0; ; i++ {
		columns, err := rows.Columns()
		if err != nil {
			return err
		}
		values := make([]sql.NullString, len(columns))
		into := make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		for rows.Next() {
			if err := rows.Scan(into...); err != nil {
				return err
			}
			use(i, values)
		}
		if !rows.NextResultSet() {
			return rows.Err()
		}
	}
}
