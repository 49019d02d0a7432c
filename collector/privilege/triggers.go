package privilege

import (
	"context"
	_ "embed" // the SQL files
	"fmt"
	"regexp"
	"slices"
	"strings"

	"magento_migration_exporter/collector/database"
)

var (
	//go:embed sql/triggers.sql
	triggersQuery string
	//go:embed sql/delta_tables.sql
	deltaTablesQuery string
)

// maxDefiners is how many definers of the tool's triggers are looked at. One is usual.
const maxDefiners = 5

// existingTrigger is a trigger in Magento 1's database.
type existingTrigger struct {
	name, table, timing, event string
	definer                    Account
	body                       string // empty where the account may not see it
	// logTo is the change log table that a trigger of the tool writes; empty for other triggers.
	logTo string
}

// deltaLog is what is there of the tool's log of changes, and the triggers that are in its way.
type deltaLog struct {
	tables   []string // m2_cl_* tables
	triggers []existingTrigger
	definers []definer // of the tool's own triggers, without the session's account
	problem  string    // why the server did not show all of it
}

func readDeltaLog(ctx context.Context, s *database.Session, target Target, server Server, own Account) (deltaLog,
	error) {
	var log deltaLog
	err := log.read(ctx, s, target, server, own)
	if number, other := serverError(err); number != 0 {
		log.problem = fmt.Sprintf("error %d", number)
		return log, nil
	} else if other != nil {
		return log, fmt.Errorf("looking at the tool's change log and at triggers: %w", other)
	}
	return log, nil
}

func (l *deltaLog) read(ctx context.Context, s *database.Session, target Target, server Server, own Account) error {
	schema := server.fold(target.Database)
	pattern := database.EscapeLike(target.TablePrefix) + `m2\_cl\_%`
	err := s.Rows(ctx, deltaTablesQuery, []any{schema, pattern}, func(scan func(...any) error) error {
		var name string
		err := scan(&name)
		l.tables = append(l.tables, name)
		return err
	})
	if err != nil {
		return err
	}
	err = s.Rows(ctx, triggersQuery, []any{schema}, func(scan func(...any) error) error {
		var t existingTrigger
		var by string
		err := scan(&t.name, &t.table, &t.timing, &t.event, &by, &t.body)
		t.definer, t.logTo = ParseAccount(by), deltaTable(t.body)
		l.triggers = append(l.triggers, t)
		return err
	})
	if err != nil {
		return err
	}
	for _, account := range l.otherDefiners(own) {
		d, err := readDefiner(ctx, s, server, account)
		if err != nil {
			return err
		}
		l.definers = append(l.definers, d)
	}
	return nil
}

// deltaStatement finds the statement that the tool puts into each of its triggers.
var deltaStatement = regexp.MustCompile("(?i)\\bINSERT INTO `?([^` ]*m2_cl_[^` ]*)`?")

// deltaTable returns the change log table that a trigger of the tool with this body writes, or an empty text.
func deltaTable(body string) string {
	if m := deltaStatement.FindStringSubmatch(body); m != nil {
		return m[1]
	}
	return ""
}

func (l deltaLog) otherDefiners(own Account) []Account {
	var list []Account
	for _, t := range l.triggers {
		if t.logTo != "" && t.definer != own && !slices.Contains(list, t.definer) && len(list) < maxDefiners {
			list = append(list, t.definer)
		}
	}
	return list
}

// definedBy counts the tool's triggers that run as an account.
func (l deltaLog) definedBy(account Account) int {
	n := 0
	for _, t := range l.triggers {
		if t.logTo != "" && t.definer == account {
			n++
		}
	}
	return n
}

// complete reports whether each change log table is written by triggers for all three events, so that the tool has no
// more to create.
func (l deltaLog) complete() bool {
	events := map[string]map[string]bool{}
	for _, t := range l.triggers {
		table := t.logTo
		if events[table] == nil {
			events[table] = map[string]bool{}
		}
		events[table][t.event] = true
	}
	for _, table := range l.tables {
		if len(events[table]) < 3 {
			return false
		}
	}
	return len(l.tables) > 0
}

// brokenTrigger is a shop's trigger that the tool cannot merge its own statement into.
type brokenTrigger struct {
	existingTrigger
	why string
}

// broken finds the triggers that setting up the change log would break. The tool drops an AFTER trigger on a table
// whose changes it logs, cuts its body at the first END behind BEGIN, adds its own statement and creates it again; of
// several for one event it takes one only. Only the given tables are looked at, or all of them when there are none.
func (l deltaLog) broken(tables []string) []brokenTrigger {
	var list []brokenTrigger
	perEvent := map[string]int{}
	for _, t := range l.mergeable(tables) {
		perEvent[t.table+"\x00"+t.event]++
	}
	for _, t := range l.mergeable(tables) {
		_, behindBegin, hasBegin := strings.Cut(t.body, "BEGIN")
		switch {
		case hasBegin && strings.Count(behindBegin, "END") > 1:
			list = append(list, brokenTrigger{t, "its body holds END more than once, and the tool cuts it at the " +
				"first, also inside of END IF or of a name"})
		case perEvent[t.table+"\x00"+t.event] > 1:
			list = append(list, brokenTrigger{t, fmt.Sprintf("there are %d AFTER %s triggers on the table, and the "+
				"tool drops and rewrites one of them", perEvent[t.table+"\x00"+t.event], t.event)})
		}
	}
	return list
}

// mergeable returns the triggers that the tool would rewrite: those that log changes already it leaves alone.
func (l deltaLog) mergeable(tables []string) []existingTrigger {
	return slices.DeleteFunc(slices.Clone(l.triggers), func(t existingTrigger) bool {
		return t.timing != "AFTER" || t.logTo != "" || len(tables) > 0 && !slices.Contains(tables, t.table)
	})
}
