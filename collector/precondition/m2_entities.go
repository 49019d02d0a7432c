package precondition

import (
	"context"
	"fmt"
	"slices"

	"magento_migration_exporter/collector/baseline"
	"magento_migration_exporter/collector/database"
	"magento_migration_exporter/collector/evidence"
	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/config"
)

// The metric families of m2_entities.
const (
	entityCount = "m2_entity_count"
	newEntities = "m2_new_entities"
)

// m2Entities checks that nobody created entities in Magento 2 that the tool would overwrite.
func m2Entities() Precondition {
	return Precondition{
		ID: "m2_entities", Title: "New entities in Magento 2", Needs: []Need{Magento1Database, Magento2Database},
		Families: []finding.Family{
			{
				Name: entityCount, Labels: []string{"entity"},
				Help: "Rows of the entity in Magento 2; stops at 10001, which means more than 10000.",
			},
			{
				Name: newEntities, Labels: []string{"entity"},
				Help: "Rows of the entity in Magento 2 that its installation did not create; " +
					"stops at 10001, which means more than 10000.",
			},
		},
		Evaluate: evaluateM2Entities,
	}
}

func evaluateM2Entities(ctx context.Context, e *evidence.Evidence) finding.Verdict {
	v := finding.Verdict{Summary: "Magento 2 contains no data beyond a fresh installation"}
	m2 := e.Magento2
	if m2.Unreachable(&v) {
		return v
	}
	fresh := map[string]int{}
	for _, kind := range baseline.Entities() {
		all, made, err := countEntity(ctx, e, kind)
		switch {
		case err == nil:
			v.Sample(entityCount, float64(all), kind.Name)
			v.Sample(newEntities, float64(made), kind.Name)
			fresh[kind.Name] = made
		case database.Number(err) == database.ErrNoSuchTable && !kind.Core:
			v.Note(kind.Name, "this Magento 2 has no "+kind.Many, err.Error(), "")
		default:
			m2.Broken(&v, kind.Name, err)
		}
	}
	judgeEntities(ctx, &v, e, fresh)
	return v
}

// judgeEntities judges by the phase: rows that are new before the migration are migrated data later.
func judgeEntities(ctx context.Context, v *finding.Verdict, e *evidence.Evidence, fresh map[string]int) {
	switch e.Phase.Phase {
	case config.PhasePrepare:
		for _, kind := range baseline.Entities() {
			if n := fresh[kind.Name]; n > 0 {
				name := kind.Many
				if n == 1 {
					name = kind.One
				}
				v.Warn(kind.Name, fmt.Sprintf("Magento 2 has %s new %s", finding.Count(n), name),
					"rows in "+e.Magento2.Prefix+kind.Table+" that the installation does not create",
					"Delete them in Magento 2's admin, or restore the backup made after installation: "+
						"the tool empties the tables and fills them from Magento 1.")
			}
		}
	case "":
		v.Unknown("phase", "it is unknown whether data was migrated already", fmt.Sprint(e.Phase.Err),
			e.PhaseRemedy())
	case config.PhaseDelta:
		v.NotApplicable, v.Summary = true, migratedSummary
		judgeConflictingIDs(ctx, v, e)
	default:
		v.NotApplicable, v.Summary = true, migratedSummary
	}
}

const migratedSummary = "data was migrated: the entities of Magento 2 are Magento 1's"

// judgeConflictingIDs looks for rows that somebody created in Magento 2 after migrate:data: the next row of Magento 1
// gets the same id, and migrate:delta overwrites the row in Magento 2.
func judgeConflictingIDs(ctx context.Context, v *finding.Verdict, e *evidence.Evidence) {
	if e.Magento1.Unreachable(v) {
		return
	}
	for _, t := range []conflict{
		{"order", "orders", "sales_flat_order", "sales_order", finding.Fail},
		{"customer", "customers", "customer_entity", "customer_entity", finding.Fail},
		{"product", "products", "catalog_product_entity", "catalog_product_entity", finding.Warn},
	} {
		last1, err := e.Magento1.LastID(ctx, t.magento1)
		if err != nil {
			e.Magento1.Broken(v, t.subject, err)
			continue
		}
		last2, err := e.Magento2.LastID(ctx, t.magento2)
		if err != nil {
			e.Magento2.Broken(v, t.subject, err)
			continue
		}
		if last2 <= last1 || t.beingDeleted(ctx, e, last1) {
			continue
		}
		v.Add(finding.Finding{
			Status: t.status, Subject: t.subject,
			Summary:  fmt.Sprintf("Magento 2 has %s that Magento 1 does not have", t.many),
			Evidence: fmt.Sprintf("the highest id is %d in Magento 2, %d in Magento 1", last2, last1),
			Remedy: "Create no " + t.many + " in Magento 2 before the cutover: Magento 1's next " + t.many +
				" get the same ids, and migrate:delta overwrites those in Magento 2.",
		})
	}
}

// conflict is an entity for which both systems create ids.
type conflict struct {
	subject, many, magento1, magento2 string
	// status is Fail when the next delta would overwrite orders or customers.
	status finding.Status
}

// maxConflicts caps how many rows above Magento 1's last one are looked up in its delta log.
const maxConflicts = 1000

// beingDeleted reports whether the delta log explains all rows above Magento 1's last one: they were deleted there, and
// the next cycle deletes them in Magento 2.
func (t conflict) beingDeleted(ctx context.Context, e *evidence.Evidence, last1 int64) bool {
	ids, err := e.Magento2.Column(ctx, fmt.Sprintf("SELECT entity_id FROM %s WHERE entity_id > ? LIMIT %d",
		e.Magento2.Table(t.magento2), maxConflicts+1), last1)
	if err != nil || len(ids) == 0 || len(ids) > maxConflicts {
		return false
	}
	args := make([]any, len(ids))
	for i, id := range ids {
		args[i] = id
	}
	deleted, err := e.Magento1.Count(ctx, "m2_cl_"+t.magento1,
		"operation = 'DELETE' AND entity_id IN ("+database.Parameters(len(ids))+")", args...)
	return err == nil && deleted == len(ids)
}

// countEntity returns all rows and the new ones, both capped.
func countEntity(ctx context.Context, e *evidence.Evidence, kind baseline.Entity) (all, made int, err error) {
	m2 := e.Magento2
	if all, err = m2.Count(ctx, kind.Table, ""); err != nil {
		return 0, 0, err
	}
	switch condition := kind.Condition(m2.Table); {
	case kind.Name == "store":
		made, err = countNewStores(ctx, e, kind)
	case condition == "":
		made = all
	default:
		made, err = m2.Count(ctx, kind.Table, condition)
	}
	return all, made, err
}

// maxStores caps how many store codes are compared.
const maxStores = 1000

// countNewStores leaves out the store views that Magento 1 has too: migrate:settings copies those.
func countNewStores(ctx context.Context, e *evidence.Evidence, kind baseline.Entity) (int, error) {
	m1, m2 := e.Magento1, e.Magento2
	codes, err := m2.Column(ctx, fmt.Sprintf("SELECT code FROM %s WHERE %s LIMIT %d",
		m2.Table(kind.Table), kind.Condition(m2.Table), maxStores))
	if err != nil || len(codes) == 0 || m1.Err != nil {
		return len(codes), err
	}
	known, err := m1.Column(ctx, fmt.Sprintf("SELECT code FROM %s LIMIT %d", m1.Table("core_store"), maxStores))
	if err != nil {
		return 0, err
	}
	made := 0
	for _, code := range codes {
		if !slices.Contains(known, code) {
			made++
		}
	}
	return made, nil
}
