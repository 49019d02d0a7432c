package reconcile

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"magento_migration_exporter/collector/database"
	"magento_migration_exporter/config/toolmap"
)

// Listed are things that are compared by their names: settings, and attributes with their sets. They are read whole.
type Listed struct {
	// Known is false until they were compared once. Err is why the last look failed.
	Known bool
	Err   error
	// Missing are those of Magento 1 that Magento 2 lacks, Different those that are other ones there. Both were seen
	// twice. Magento 2's own ones are never a difference.
	Missing, Different []string
	// Later are those that differ and were changed in Magento 2 after migrate:settings; the first ones.
	Later []string
	// Uncompared is how many have a value that the tool writes in another form.
	Uncompared int

	// seen are those of the last look, with a number that says what was seen.
	seen map[string]uint32
}

// maxListed is how many differences of one kind are kept.
const maxListed = 200

// open reports whether something was seen once.
func (l *Listed) open() bool { return l.Err == nil && len(l.seen) > len(l.Missing)+len(l.Different) }

// take ends a look: what is missing and what is different counts when the look before saw it too.
func (l *Listed) take(missing, different map[string]uint32) {
	before := l.seen
	again := func(all map[string]uint32) []string {
		var names []string
		for name, print := range all {
			if old, known := before[name]; known && old == print {
				names = append(names, name)
			}
		}
		slices.Sort(names)
		return names
	}
	l.Missing, l.Different = again(missing), again(different)
	l.seen = nil
	for _, all := range []map[string]uint32{missing, different} {
		for name, print := range all {
			if l.seen == nil {
				l.seen = map[string]uint32{}
			}
			if len(l.seen) < maxListed {
				l.seen[name] = print
			}
		}
	}
	l.Known, l.Err = true, nil
}

// setting is a row of core_config_data.
type setting struct {
	scope, path string
	scopeID     int64
	print       uint32
	// empty is true of what PHP takes for nothing, serialized of what looks like PHP's serialized values.
	null, empty, serialized bool
	// value is read only of paths of the catalog, which have rules that need it.
	value string
	// updated is when it was changed, zero where that is unknown.
	updated time.Time
}

func (s setting) name(path string) string {
	if s.scope == "default" {
		return path
	}
	return fmt.Sprintf("%s (%s %d)", path, s.scope, s.scopeID)
}

// The rules of the tool's map of settings.
const (
	rootHandler    = `Migration\Handler\Settings\CategoryRootId`
	suffixHandler  = `Migration\Handler\Settings\UrlSuffix`
	encryptHandler = `Migration\Handler\Encrypt`
	jsonHandler    = `Migration\Handler\SerializeToJson`
	// shortValue is the longest value that is read for a rule.
	shortValue = 255
	// maxSettings bounds how many settings are read.
	maxSettings = 20000
	// settlingTime is how long migrate:settings writes.
	settlingTime = time.Minute
)

const settingsTable = "core_config_data"

// compareSettings compares core_config_data as the map of settings says.
func (p *Plan) compareSettings(ctx context.Context, r *rounds) {
	l := &p.Traces.Settings
	if !p.has[magento1][settingsTable] || !p.has[magento2][settingsTable] || r.SettingsRules == nil {
		return
	}
	rules, err := r.SettingsRules()
	if rules == nil || err != nil {
		l.Err = err
		return
	}
	var all [2][]setting
	for side := range all {
		if all[side], err = r.settings(ctx, side); err != nil {
			l.Err = fmt.Errorf("comparing the settings: %w", err)
			return
		}
	}
	l.judgeSettings(rules, all[magento1], all[magento2])
}

// settings reads the settings of a side. Values are secret: only checksums are read, and values that a rule needs.
func (r *rounds) settings(ctx context.Context, side int) ([]setting, error) {
	var all []setting
	read := func(updated string) error {
		all = nil
		query := fmt.Sprintf("SELECT scope, scope_id, path, value IS NULL, "+
			"COALESCE(value, '') IN ('', '0'), COALESCE(value LIKE '_:%%', 0), "+
			"COALESCE(CRC32(CONVERT(value USING utf8mb4)), 0), IF(path LIKE 'catalog/seo/%%' OR path LIKE "+
			"'catalog/category/%%', LEFT(value, %d), ''), %s FROM %s ORDER BY config_id LIMIT %d",
			shortValue, updated, r.table(side, settingsTable), maxSettings)
		return r.query(ctx, side, query, func(scan func(...any) error) error {
			var s setting
			var value, at sql.NullString
			err := scan(&s.scope, &s.scopeID, &s.path, &s.null, &s.empty, &s.serialized, &s.print, &value, &at)
			s.value, s.updated = value.String, database.Time(at.String)
			all = append(all, s)
			return err
		})
	}
	if side == magento1 {
		err := read("NULL")
		return all, err
	}
	err := read("CAST(updated_at AS CHAR)")
	if database.Number(err) == database.ErrUnknownColumn {
		err = read("NULL") // releases before 2.2 have no such column
	}
	return all, err
}

// judgeSettings compares what Magento 1 has with what Magento 2 has of it. When two paths become one, the tool keeps
// the last one.
func (l *Listed) judgeSettings(rules *toolmap.Settings, theirs, ours []setting) {
	own := map[string]setting{}
	first := time.Time{} // migrate:settings writes all rows again
	for _, s := range ours {
		own[s.name(s.path)] = s
		if !s.updated.IsZero() && (first.IsZero() || s.updated.Before(first)) {
			first = s.updated
		}
	}
	expected := map[string]setting{}
	for _, s := range theirs {
		if target, mapped := rules.Target(s.path); mapped {
			expected[s.name(target)] = s
		}
	}
	missing, different := map[string]uint32{}, map[string]uint32{}
	l.Later, l.Uncompared = nil, 0
	for name, s := range expected {
		rule, ruled := rules.Handler(s.path)
		mine, found := own[name]
		switch equal, comparable := s.becomes(rule.Class, ruled, mine); {
		case !found:
			missing[name] = s.print
		case !comparable:
			l.Uncompared++
		case equal:
		case !first.IsZero() && mine.updated.Sub(first) > settlingTime:
			l.Later = append(l.Later, name)
		default:
			different[name] = s.print ^ mine.print
		}
	}
	slices.Sort(l.Later)
	l.Later = l.Later[:min(len(l.Later), MaxShown)]
	l.take(missing, different)
}

// becomes reports whether a setting of Magento 1 has become another one by a rule, and whether that can be compared.
func (s setting) becomes(class string, ruled bool, other setting) (equal, comparable bool) {
	same := s.null == other.null && s.print == other.print
	switch {
	case !ruled, same:
		return same, true
	case class == rootHandler:
		return s.value == "2" && other.null, true
	case class == suffixHandler:
		return !s.empty && !strings.HasPrefix(s.value, ".") && other.value == "."+s.value, true
	case class == encryptHandler:
		return false, s.empty
	case class == jsonHandler:
		return false, !s.serialized
	}
	return false, false // the rule may give it any form
}

// catalogTypes are the entity types whose attributes are compared.
const catalogTypes = "'catalog_product', 'catalog_category', 'customer', 'customer_address'"

// listedAttribute is an attribute or an attribute set.
type listedAttribute struct {
	name  string
	own   bool
	print uint32
}

// compareAttributes compares attributes that the shop has made itself, and attribute sets. Neither is ever delivered.
func (p *Plan) compareAttributes(ctx context.Context, r *rounds) {
	for side := range r.sides {
		if !p.has[side]["eav_attribute_set"] {
			return
		}
	}
	l := &p.Traces.Attributes
	var all [2]map[string]listedAttribute
	for side := range all {
		var err error
		if all[side], err = r.attributes(ctx, side); err != nil {
			l.Err = fmt.Errorf("comparing attributes and their sets: %w", err)
			return
		}
	}
	missing, different := map[string]uint32{}, map[string]uint32{}
	for name, a := range all[magento1] {
		b, found := all[magento2][name]
		switch {
		case !a.own:
		case !found:
			missing[name] = a.print
		case a.print != b.print:
			different[name] = a.print ^ b.print
		}
	}
	l.take(missing, different)
}

func (r *rounds) attributes(ctx context.Context, side int) (map[string]listedAttribute, error) {
	query := fmt.Sprintf("(SELECT CONCAT(a.attribute_code, ' (', t.entity_type_code, ')'), "+
		"COALESCE(a.is_user_defined, 0), CRC32(CONVERT(CONCAT(COALESCE(a.frontend_label, ''), '|', "+
		"COALESCE(a.frontend_input, '')) USING utf8mb4)) FROM %s a JOIN %s t ON t.entity_type_id = a.entity_type_id "+
		"WHERE t.entity_type_code IN (%s) LIMIT %d) UNION ALL "+
		"(SELECT CONCAT('set ', s.attribute_set_id, ' (', t.entity_type_code, ')'), 1, "+
		"CRC32(CONVERT(s.attribute_set_name USING utf8mb4)) FROM %s s JOIN %[2]s t ON t.entity_type_id = "+
		"s.entity_type_id WHERE t.entity_type_code = 'catalog_product' LIMIT %[4]d)",
		r.table(side, "eav_attribute"), r.table(side, "eav_entity_type"), catalogTypes, maxSettings,
		r.table(side, "eav_attribute_set"))
	all := map[string]listedAttribute{}
	err := r.query(ctx, side, query, func(scan func(...any) error) error {
		var a listedAttribute
		err := scan(&a.name, &a.own, &a.print)
		all[a.name] = a
		return err
	})
	return all, err
}

// rewritten removes from the rows that differ the texts which the tool has changed: what its class map makes of Magento
// 1's text is Magento 2's. A row that was found so before is not read again.
func (r *rounds) rewritten(ctx context.Context, c *comparison, found, before map[rowID]Row) error {
	for i, col := range c.compared() {
		if !col.markers {
			continue
		}
		var keys []int64
		for id, row := range found {
			if !slices.Contains(row.Columns, c.columns[i].names[magento1]) {
				continue
			}
			if old, known := before[id]; known && old.Stamped && old.prints == row.prints {
				found[id] = old
				continue
			}
			keys = append(keys, id.key)
		}
		if len(keys) == 0 {
			continue
		}
		slices.SortFunc(keys, cmp.Compare[int64])
		if err := r.rewriteTexts(ctx, c, col, keys[:min(len(keys), maxTexts)], found); err != nil {
			return err
		}
	}
	return nil
}

const (
	// maxTexts is how many texts one look reads, maxText the longest one in bytes.
	maxTexts = 200
	maxText  = 256 << 10
)

func (r *rounds) rewriteTexts(ctx context.Context, c *comparison, col column, keys []int64, found map[rowID]Row) error {
	var classes *toolmap.ClassMap
	if r.Classes != nil {
		var err error
		if classes, err = r.Classes(); err != nil {
			return fmt.Errorf("reading the tool's class map: %w", err)
		}
	}
	var list []string
	for _, key := range keys {
		list = append(list, fmt.Sprint(key))
	}
	var texts [2]map[int64]string
	for side := range texts {
		texts[side] = map[int64]string{}
		query := fmt.Sprintf("SELECT %s, CONVERT(%s USING utf8mb4) %s AND LENGTH(%[2]s) <= %[4]d", c.key(side),
			col.ref(side), c.source(side, c.key(side)+" IN ("+strings.Join(list, ", ")+")"), maxText)
		err := r.query(ctx, c.on[side], query, func(scan func(...any) error) error {
			var key int64
			var text string
			err := scan(&key, &text)
			texts[side][key] = text
			return err
		})
		if err != nil {
			return fmt.Errorf("reading the texts of %s that the tool may have changed: %w", c.Document, err)
		}
	}
	for _, key := range keys {
		theirs, has1 := texts[magento1][key]
		ours, has2 := texts[magento2][key]
		id := rowID{key: key}
		if row := found[id]; has1 && has2 && isRewritten(classes, theirs, ours) {
			row.Columns = slices.DeleteFunc(row.Columns, func(name string) bool { return name == col.names[magento1] })
			row.Stamped = len(row.Columns) == 0
			found[id] = row
		}
	}
	return nil
}

// isRewritten reports whether the tool has made one text of the other. Without its class map any text with a block or a
// widget can be.
func isRewritten(classes *toolmap.ClassMap, theirs, ours string) bool {
	if classes == nil {
		return strings.Contains(theirs, "{{widget") || strings.Contains(theirs, "{{block")
	}
	return classes.Rewrite(theirs) == ours
}
