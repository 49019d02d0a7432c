package fit

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"magento_migration_exporter/collector/database"
)

// storeGroupHandler is the class that makes the code of a group of stores.
const storeGroupHandler = `Migration\Handler\StoreGroupCode`

// storeGroups is what migrate:settings makes of Magento 1's groups of stores: Magento 2 wants a code for each, and the
// tool makes it of the name. Source: Migration\Handler\StoreGroupCode.
type storeGroups struct {
	*copied
	key string
}

// addStoreGroups makes what there is to do for the codes of groups of stores.
func (p *planner) addStoreGroups() {
	i := slices.IndexFunc(p.copies, func(c *copied) bool { return c.document == "core_store_group" })
	if i < 0 {
		return
	}
	c := p.copies[i]
	for _, x := range c.columns {
		if x.handler != storeGroupHandler {
			continue
		}
		for _, key := range c.to.indexes {
			if key.unique && len(key.parts) == 1 && strings.EqualFold(key.parts[0].column, x.to.name) {
				task := &task{name: "store groups", document: c.document, of: c.from, work: &storeGroups{c, key.name}}
				p.tasks = append(p.tasks, task)
			}
		}
	}
}

// step makes the codes; it is always the last one.
func (s *storeGroups) step(ctx context.Context, p *Plan) (bool, []Problem, error) {
	var rows []named
	seen := map[string]bool{}
	query := "SELECT group_id, name FROM " + database.Quote(s.from.name) + " ORDER BY group_id"
	err := p.sides[magento1].Session.Texts(ctx, query, nil, 2, func(row []string) {
		// To a second group of the same name the tool gives a code of chance.
		if !seen[row[1]] {
			rows = append(rows, named{StoreGroup, "", storeGroupCode(row[1]), row[0], quoted(row[1]), true, ""})
		}
		seen[row[1]] = true
	})
	if err != nil {
		return false, nil, fmt.Errorf("reading the groups of stores: %w", err)
	}
	byCode := map[string][]named{}
	for _, r := range rows {
		byCode[r.text] = append(byCode[r.text], r)
	}
	problem := Problem{Kind: StoreGroup, Document: s.document, Target: s.target, Key: s.key}
	for _, r := range rows {
		if same := byCode[r.text]; len(same) > 1 && same[0] == r {
			problem.add(same)
		}
	}
	if problem.Rows == 0 {
		return true, nil, nil
	}
	return true, []Problem{problem}, nil
}

var (
	space       = regexp.MustCompile(`[\t\n\v\f\r ]+`)
	noStoreCode = regexp.MustCompile(`[^a-z0-9\-_]`)
	noFirst     = regexp.MustCompile(`^[^a-z]+`)
)

// storeGroupCode is the code that the tool makes of a name. It has letters of ASCII only, so that a collation makes no
// difference.
func storeGroupCode(name string) string {
	code := noStoreCode.ReplaceAllString(lowerASCII(space.ReplaceAllString(name, "_")), "")
	if code = noFirst.ReplaceAllString(code, ""); code == "" {
		return "store_group"
	}
	return code
}
