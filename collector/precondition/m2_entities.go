package precondition

import (
	"context"
	"database/sql"
	"fmt"

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

// m2Entities says whether somebody made entities in Magento 2 that the tool would overwrite.
func m2Entities() Precondition {
	return Precondition{
		ID: "m2_entities", Title: "Magento 2 has no new entities", Needs: []Need{Magento1Database, Magento2Database},
		Families: []finding.Family{
			{
				Name: entityCount, Labels: []string{"entity"},
				Help: "Rows of the entity in Magento 2; stops at 10001, which reads more than 10000.",
			},
			{
				Name: newEntities, Labels: []string{"entity"},
				Help: "Rows of the entity in Magento 2 that its installation did not make; " +
					"stops at 10001, which reads more than 10000.",
			},
		},
		Evaluate: evaluateM2Entities,
	}
}

func evaluateM2Entities(ctx context.Context, e *evidence.Evidence) finding.Verdict {
	v := finding.Verdict{Summary: "Magento 2 holds only what its installation made"}
	m2 := e.Magento2
	if m2.Unseen(&v) {
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

// judgeEntities is the part that depends on the phase: what is new before the migration is data in its middle.
func judgeEntities(ctx context.Context, v *finding.Verdict, e *evidence.Evidence, fresh map[string]int) {
	switch e.Phase.Phase {
	case config.PhasePrepare:
		for _, kind := range baseline.Entities() {
			if n := fresh[kind.Name]; n > 0 {
				name := kind.Many
				if n == 1 {
					name = kind.One
				}
				v.Warn(
					kind.Name,
					fmt.Sprintf("Magento 2 has %s new %s", finding.Count(n), name),
					"rows in "+e.Magento2.Prefix+kind.Table+" that installation does not make",
					"Delete them in Magento 2's admin, or restore the backup made after installation: the tool empties the tables and fills them from Magento 1.",
				)
			}
		}
	case "":
		v.Unknown("phase", "it is not known whether data was migrated already", fmt.Sprint(e.Phase.Err),
			"Fix what the precondition network says, or set "+e.Migration.Key("phase")+".")
	case config.PhaseDelta:
		v.NotApplicable, v.Summary = true, "data was migrated: what Magento 2 holds is Magento 1's"
		judgeOvertaking(ctx, v, e)
	default:
		v.NotApplicable, v.Summary = true, "data was migrated: what Magento 2 holds is Magento 1's"
	}
}

// judgeOvertaking looks for rows that somebody made in Magento 2 after migrate:data: the next row of Magento 1 takes
// the same id, and migrate:delta writes it over them.
func judgeOvertaking(ctx context.Context, v *finding.Verdict, e *evidence.Evidence) {
	for _, t := range []struct{ subject, many, magento1, magento2 string }{
		{"order", "orders", "sales_flat_order", "sales_order"},
		{"customer", "customers", "customer_entity", "customer_entity"},
		{"product", "products", "catalog_product_entity", "catalog_product_entity"},
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
		if last2 > last1 {
			v.Warn(
				t.subject,
				fmt.Sprintf("Magento 2 has %s that Magento 1 does not have", t.many),
				fmt.Sprintf("the highest id is %d in Magento 2, %d in Magento 1", last2, last1),
				"Make no "+t.many+" in Magento 2 before cutover: Magento 1's next ones take the same ids, and migrate:delta overwrites these.",
			)
		}
	}
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

// maxStores bounds how many store codes are compared.
const maxStores = 1000

// countNewStores leaves out the store views that Magento 1 has too: migrate:settings brings those.
func countNewStores(ctx context.Context, e *evidence.Evidence, kind baseline.Entity) (int, error) {
	m2 := e.Magento2
	var codes []string
	err := m2.Session.Rows(
		ctx,
		fmt.Sprintf("SELECT code FROM %s WHERE %s LIMIT %d", m2.Table(kind.Table), kind.Condition(m2.Table), maxStores),
		nil,
		func(scan func(...any) error) error {
			var code sql.NullString
			err := scan(&code)
			codes = append(codes, code.String)
			return err
		},
	)
	if err != nil || len(codes) == 0 || e.Magento1.Err != nil {
		return len(codes), err
	}
	known := map[string]bool{}
	err = e.Magento1.Session.Rows(
		ctx,
		fmt.Sprintf("SELECT code FROM %s LIMIT %d", e.Magento1.Table("core_store"), maxStores),
		nil,
		func(scan func(...any) error) error {
			var code sql.NullString
			err := scan(&code)
			known[code.String] = true
			return err
		},
	)
	if err != nil {
		return 0, err
	}
	made := 0
	for _, code := range codes {
		if !known[code] {
			made++
		}
	}
	return made, nil
}
