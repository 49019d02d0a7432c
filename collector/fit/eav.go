package fit

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/text/unicode/norm"

	"magento_migration_exporter/collector/database"
	"magento_migration_exporter/config/toolmap"
)

// attribute is a row of eav_attribute.
type attribute struct {
	id                            int64
	entityType, code, backendType string
	userDefined                   bool
}

// set is an attribute set.
type set struct{ id, entityType, name string }

// group is a group of attributes within a set.
type group struct{ id, set, name, code string }

// shopAttributes is what one side has of attributes, sets and groups.
type shopAttributes struct {
	attributes []attribute
	sets       []set
	groups     []group
}

// GroupRules are the rules by which a release of the tool adds Magento 1's groups to Magento 2's.
type GroupRules int

const (
	// AllGroups are those of 2.4.2 and newer: all sets, and for products what Magento 2's set Default lacks.
	AllGroups GroupRules = iota
	// ProductGroups are those of 2.3.5 to 2.4.1: the sets of products alone.
	ProductGroups
	// UnknownGroups are those of older releases, which are not foretold.
	UnknownGroups
)

// productType is the code of products' entity type, defaultSet is the name by which the tool knows their first set.
const productType, defaultSet = "catalog_product", "Default"

// readAttributes reads eav_attribute, nothing when it is not there.
func readAttributes(ctx context.Context, side Side, s *schema) ([]attribute, error) {
	of, types := s.table("eav_attribute"), s.table("eav_entity_type")
	if of == nil || types == nil {
		return nil, nil
	}
	var attributes []attribute
	query := fmt.Sprintf("SELECT a.attribute_id, t.entity_type_code, a.attribute_code, a.backend_type, "+
		"a.is_user_defined FROM %s a JOIN %s t ON t.entity_type_id = a.entity_type_id ORDER BY a.attribute_id",
		database.Quote(of.name), database.Quote(types.name))
	err := side.Session.Texts(ctx, query, nil, 5, func(row []string) {
		a := attribute{entityType: row[1], code: row[2], backendType: row[3], userDefined: row[4] == "1"}
		_, _ = fmt.Sscan(row[0], &a.id)
		attributes = append(attributes, a)
	})
	if err != nil {
		return nil, fmt.Errorf("reading the attributes: %w", err)
	}
	return attributes, nil
}

// readShopAttributes reads all of one side.
func readShopAttributes(ctx context.Context, side Side, s *schema) (shopAttributes, error) {
	var found shopAttributes
	var err error
	if found.attributes, err = readAttributes(ctx, side, s); err != nil {
		return found, err
	}
	quoted := func(document string) string { return database.Quote(s.table(document).name) }
	query := fmt.Sprintf("SELECT s.attribute_set_id, t.entity_type_code, s.attribute_set_name FROM %s s JOIN %s t "+
		"ON t.entity_type_id = s.entity_type_id ORDER BY s.attribute_set_id", quoted("eav_attribute_set"),
		quoted("eav_entity_type"))
	err = side.Session.Texts(ctx, query, nil, 3, func(row []string) {
		found.sets = append(found.sets, set{row[0], row[1], row[2]})
	})
	if err != nil {
		return found, fmt.Errorf("reading the attribute sets: %w", err)
	}
	code := "''"
	if s.table("eav_attribute_group").column("attribute_group_code") != nil {
		code = "attribute_group_code"
	}
	query = "SELECT attribute_group_id, attribute_set_id, attribute_group_name, " + code + " FROM " +
		quoted("eav_attribute_group") + " ORDER BY attribute_group_id"
	err = side.Session.Texts(ctx, query, nil, 4, func(row []string) {
		found.groups = append(found.groups, group{row[0], row[1], row[2], row[3]})
	})
	if err != nil {
		return found, fmt.Errorf("reading the groups of attributes: %w", err)
	}
	return found, nil
}

// eavStep is what the tool's EAV step makes of the attributes, sets and groups of both sides: Magento 1's rows come
// first, and what Magento 2 has besides them is added. It compares names as PHP does, the keys compare by collation.
type eavStep struct {
	ignored map[string]bool // "entity type code" of attributes
	rules   GroupRules
	sides   [2]shopAttributes
}

// eavDocuments are the tables that the EAV step's prediction reads.
func eavDocuments() []string {
	return []string{"eav_attribute", "eav_attribute_set", "eav_attribute_group", "eav_entity_type"}
}

// addGroups makes what there is to do for the EAV step.
func (p *planner) addGroups() {
	if !p.files.runs(`Migration\Step\Eav\Data`) {
		return
	}
	for _, s := range p.schemas {
		for _, document := range eavDocuments() {
			if s.table(document) == nil {
				p.skip(document, "a database has no such table")
				return
			}
		}
	}
	step := &eavStep{ignored: map[string]bool{}, rules: p.files.GroupRules}
	for _, item := range p.files.Groups["eav_attribute_groups_file"].Group("ignore") {
		for _, of := range item.Types {
			step.ignored[of+" "+item.Name] = true
		}
	}
	if m := p.files.Maps["eav_map_file"]; m == nil || len(m.Transforms("eav_attribute_group", "attribute_group_code",
		toolmap.Destination)) == 0 {
		step.rules = UnknownGroups
	}
	if step.rules == UnknownGroups {
		p.skip("eav_attribute_group", "the rules of this release of the tool are not known")
	}
	p.tasks = append(p.tasks, &task{name: "eav", document: "eav_attribute", work: step})
}

// step reads both sides and compares them; it is always the last one.
func (s *eavStep) step(ctx context.Context, p *Plan) (bool, []Problem, error) {
	for i, side := range p.sides {
		var err error
		if s.sides[i], err = readShopAttributes(ctx, side, p.schemas[i]); err != nil {
			return false, nil, &database.SideError{Side: i, Err: err}
		}
	}
	to := p.schemas[magento2]
	problems := s.attributeTypes()
	for _, find := range []struct {
		document, column string
		rows             func() []named
	}{
		{"eav_attribute", "attribute_code", s.attributeRows},
		{"eav_attribute_set", "attribute_set_name", s.setRows},
		{"eav_attribute_group", "attribute_group_name", s.groupNames},
		{"eav_attribute_group", "attribute_group_code", s.groupCodes},
	} {
		key := to.table(find.document).uniqueWith(find.column)
		if key == nil {
			continue
		}
		found, err := s.collisions(ctx, p.sides[magento2].Session, to.table(find.document).column(find.column),
			find.rows())
		if err != nil {
			return false, nil, &database.SideError{Side: magento2, Err: err}
		}
		for _, x := range found {
			x.Document, x.Target, x.Key = find.document, find.document, key.name
			problems = append(problems, x)
		}
	}
	return true, problems, nil
}

// uniqueWith returns the unique key of two columns that ends with a column, nil when there is none.
func (t *table) uniqueWith(column string) *index {
	for _, i := range t.indexes {
		if i.unique && len(i.parts) == 2 && strings.EqualFold(i.parts[1].column, column) {
			return i
		}
	}
	return nil
}

// named is a row that the EAV step inserts: what has to be unique, within what, and who it is for people.
type named struct {
	kind         Kind
	within, text string
	id, label    string
	// ours is true for rows of Magento 1.
	ours bool
	// place is the attribute set of a group.
	place string
}

// collisions groups rows as Magento 2's key does.
func (s *eavStep) collisions(ctx context.Context, session *database.Session, c *column, rows []named,
) ([]Problem, error) {
	var texts []string
	for _, r := range rows {
		texts = append(texts, r.text)
	}
	weights, err := weigh(ctx, session, c, texts)
	if err != nil {
		return nil, fmt.Errorf("comparing the names of %s: %w", c.name, err)
	}
	groups := map[string][]named{}
	var order []string
	for _, r := range rows {
		key := r.within + "\x00" + weights[r.text]
		if groups[key] == nil {
			order = append(order, key)
		}
		groups[key] = append(groups[key], r)
	}
	var all *Problem
	for _, key := range order {
		same := groups[key]
		if len(same) < 2 {
			continue
		}
		if all == nil {
			all = &Problem{Kind: same[0].kind}
		}
		all.add(same)
	}
	if all == nil {
		return nil, nil
	}
	return []Problem{*all}, nil
}

// add adds rows that are one to a key.
func (p *Problem) add(same []named) {
	if p.Rows++; p.Rows > MaxShown {
		return
	}
	var labels []string
	for _, r := range same {
		labels = append(labels, r.label)
		if r.ours && r.id != "" {
			p.IDs = append(p.IDs, r.id)
		}
	}
	p.Values = append(p.Values, same[0].place+strings.Join(labels, " and "))
}

// weigh asks a server what it compares of texts under a column's collation.
func weigh(ctx context.Context, session *database.Session, c *column, texts []string) (map[string]string, error) {
	slices.Sort(texts)
	texts = slices.Compact(texts)
	weights := map[string]string{}
	for batch := range slices.Chunk(texts, 100) {
		var parts []string
		for i, text := range batch {
			value := "CONVERT(X'" + hex.EncodeToString([]byte(text)) + "' USING utf8mb4)"
			value = fmt.Sprintf("LEFT(CONVERT(CONVERT(%s USING utf8) USING %s), %d)", value, c.charset, c.chars)
			if !strings.Contains(c.collation, "0900") && !strings.Contains(c.collation, "nopad") {
				value = "RTRIM(" + value + ")"
			}
			parts = append(parts, fmt.Sprintf("SELECT %d, COALESCE(HEX(WEIGHT_STRING(%s COLLATE %s)), '')", i, value,
				c.collation))
		}
		err := session.Rows(ctx, strings.Join(parts, " UNION ALL "), nil, func(scan func(...any) error) error {
			var i int
			var weight string
			err := scan(&i, &weight)
			if err == nil && i >= 0 && i < len(batch) {
				weights[batch[i]] = weight
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return weights, nil
}

// attributeRows are what eav_attribute holds after the step: Magento 1's attributes but those that it ignores, and
// those of Magento 2 that have no namesake among them.
func (s *eavStep) attributeRows() []named {
	var rows []named
	have := map[string]bool{}
	for _, a := range s.sides[magento1].attributes {
		if s.ignored[a.entityType+" "+a.code] {
			continue
		}
		have[a.entityType+" "+a.code] = true
		rows = append(rows, named{Attribute, a.entityType, a.code, fmt.Sprint(a.id), "Magento 1's " + a.code, true, ""})
	}
	for _, a := range s.sides[magento2].attributes {
		if !have[a.entityType+" "+a.code] {
			rows = append(rows, named{Attribute, a.entityType, a.code, "", "Magento 2's " + a.code, false, ""})
		}
	}
	return rows
}

// attributeTypes are attributes of both systems whose values are in tables of different types. The tool keeps Magento
// 2's attribute and copies the values into the table of Magento 1's type, where Magento 2 does not look for them. What
// the systems themselves store differently the tool takes care of.
func (s *eavStep) attributeTypes() []Problem {
	types := map[string]string{}
	for _, a := range s.sides[magento2].attributes {
		types[a.entityType+" "+a.code] = a.backendType
	}
	var problems []Problem
	for _, a := range s.sides[magento1].attributes {
		other, both := types[a.entityType+" "+a.code]
		differs := both && other != a.backendType && a.backendType != "static"
		if !differs || other == "static" && !a.userDefined || s.ignored[a.entityType+" "+a.code] {
			continue
		}
		problems = append(problems, Problem{Kind: AttributeType, Document: "eav_attribute", Target: "eav_attribute",
			Attribute: a.code, Column: a.backendType, Limit: other, Rows: 1, IDs: []string{fmt.Sprint(a.id)},
			Values: []string{a.entityType + " " + a.code}})
	}
	return problems
}

// setRows are what eav_attribute_set holds after the step.
func (s *eavStep) setRows() []named {
	var rows []named
	for _, x := range s.sides[magento1].sets {
		rows = append(rows, named{Set, x.entityType, x.name, x.id, "Magento 1's " + quoted(x.name), true, ""})
	}
	for _, x := range s.sides[magento2].sets {
		if s.namesake(x) == nil {
			rows = append(rows, named{Set, x.entityType, x.name, "", "Magento 2's " + quoted(x.name), false, ""})
		}
	}
	return rows
}

// namesake is the set of Magento 1 that takes the place of one of Magento 2.
func (s *eavStep) namesake(x set) *set {
	for i, y := range s.sides[magento1].sets {
		if y.entityType == x.entityType && y.name == x.name {
			return &s.sides[magento1].sets[i]
		}
	}
	return nil
}

func quoted(text string) string { return fmt.Sprintf("%q", text) }

// inserted is a group that the step has in a set.
type inserted struct {
	set  set
	name string
	code string
	id   string
	ours bool
	// uncertain is set where the code that the tool makes of the name is not known.
	uncertain bool
}

// allGroups are what eav_attribute_group holds after the step, in the sets of Magento 1.
func (s *eavStep) allGroups() []inserted {
	var all []inserted
	prototypes := s.prototypes()
	for _, x := range s.sides[magento2].sets {
		if y := s.namesake(x); y != nil {
			for _, g := range s.sides[magento2].groups {
				if g.set == x.id {
					all = append(all, inserted{set: *y, name: g.name, code: g.code})
				}
			}
		}
	}
	for _, x := range s.sides[magento1].sets {
		if x.entityType == productType && x.name != defaultSet {
			for _, g := range prototypes {
				all = append(all, inserted{set: x, name: g.name, code: g.code})
			}
		}
		all = append(all, s.custom(x, prototypes)...)
	}
	return all
}

// prototypes are the groups of Magento 2's set Default of products.
func (s *eavStep) prototypes() []group {
	for _, x := range s.sides[magento2].sets {
		if x.entityType == productType && x.name == defaultSet {
			var groups []group
			for _, g := range s.sides[magento2].groups {
				if g.set == x.id {
					groups = append(groups, g)
				}
			}
			return groups
		}
	}
	return nil
}

// custom are the groups of one of Magento 1's sets that the step adds: those whose names Magento 2's groups do not
// have. For other entities than products it looks for Magento 2's groups in the set with the same id, whatever that is.
func (s *eavStep) custom(x set, prototypes []group) []inserted {
	excluded := []string{"General", "Prices", "Recurring Profile"}
	known := map[string]bool{}
	switch {
	case x.entityType == productType:
		for _, g := range prototypes {
			known[g.name] = true
		}
		for _, name := range excluded {
			known[name] = true
		}
	case s.rules == ProductGroups:
		return nil
	default:
		for _, g := range s.sides[magento2].groups {
			if g.set == x.id {
				known[g.name] = true
			}
		}
	}
	var added []inserted
	for _, g := range s.sides[magento1].groups {
		if g.set == x.id && !known[g.name] {
			code, certain := groupCode(g.name)
			added = append(added, inserted{x, g.name, code, g.id, true, !certain})
		}
	}
	return added
}

func (s *eavStep) groupNames() []named {
	return s.groupRows(func(g inserted) (string, bool) { return g.name, true })
}

func (s *eavStep) groupCodes() []named {
	return s.groupRows(func(g inserted) (string, bool) { return g.code, !g.uncertain })
}

func (s *eavStep) groupRows(text func(inserted) (string, bool)) []named {
	if s.rules == UnknownGroups {
		return nil
	}
	var rows []named
	for _, g := range s.allGroups() {
		value, certain := text(g)
		if !certain {
			continue
		}
		label := "Magento 2's " + quoted(g.name)
		if g.ours {
			label = "Magento 1's " + quoted(g.name)
		}
		place := "in the attribute set " + quoted(g.set.name) + " "
		rows = append(rows, named{Group, g.set.id, value, g.id, label, g.ours, place})
	}
	return rows
}

// noCode is what stands between the words of a code.
var noCode = regexp.MustCompile(`[^a-z0-9]+`)

// groupCode is the code that the tool makes of a group's name. It is not certain for names with letters of which
// Magento's table of transliterations is not known here.
func groupCode(name string) (code string, certain bool) {
	certain = true
	var text strings.Builder
	for _, r := range lowerASCII(strings.ReplaceAll(lowerASCII(name), "&amp;", "and")) {
		letters, known := transliterated(r)
		certain = certain && known
		text.WriteString(letters)
	}
	code = strings.Trim(noCode.ReplaceAllString(text.String(), "-"), "-")
	if code == "" || code == "0" { // both are empty to PHP
		sum := md5.Sum([]byte(code))
		return hex.EncodeToString(sum[:]), certain
	}
	return code, certain
}

// lowerASCII is PHP's strtolower.
func lowerASCII(text string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, text)
}

// transliterated is what Magento makes of a letter, as far as it is a rule: accents go, and scripts that it does not
// know stay. Source: Magento\Framework\Filter\Translit.
func transliterated(r rune) (letters string, known bool) {
	switch r {
	case '@':
		return "at", true
	case '©', '®':
		return map[rune]string{'©': "c", '®': "r"}[r], true
	case '™':
		return "tm", true
	case 'ß':
		return "ss", true
	case 'æ', 'Æ':
		return "ae", true
	case 'ø', 'Ø':
		return "o", true
	}
	switch {
	case r < 0x80:
		return string(r), true
	case strings.ContainsRune("ãÊðÐÞÃ", r), r >= 0x180 && r < 0x600, r >= 0x980 && r < 0xa00:
		return "", false // letters that the table lacks, and scripts that it has
	case r >= 0xc0 && r < 0x180:
		base := norm.NFD.String(string(r))[0]
		return lowerASCII(string(rune(base))), base < 0x80
	}
	return "-", true
}
