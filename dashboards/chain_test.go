package dashboards_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"magento_migration_exporter/dashboards"
)

// regression is something that goes wrong in a shop, and what a person hears of it.
type regression struct {
	shop        string
	cause, mend func(context.Context, *stack) error
	// alert is the one on the value, with the labels and the words that it has to have.
	alert  string
	labels map[string]string
	words  string
	// blocks names the precondition that makes the migration not ready; empty when it only warns.
	blocks string
}

func regressions() []regression {
	sql1 := func(statement string) func(context.Context, *stack) error {
		return func(ctx context.Context, s *stack) error { return s.magento1.Exec(ctx, statement) }
	}
	sql2 := func(statement string) func(context.Context, *stack) error {
		return func(ctx context.Context, s *stack) error { return s.magento2.Exec(ctx, statement) }
	}
	return []regression{
		{
			shop: "privileges", alert: "MagentoMigrationPrivilegesMissing", labels: map[string]string{"precondition": "privileges", "system": "magento1"}, words: "lacks: TRIGGER,", blocks: "privileges",
			cause: sql1("REVOKE TRIGGER ON m1privileges.* FROM 'privileges'@'%'"), mend: sql1("GRANT TRIGGER ON m1privileges.* TO 'privileges'@'%'"),
		},
		{
			shop: "trust", alert: "MagentoMigrationBinlogTrustOff", labels: map[string]string{"precondition": "binlog_trust"}, words: "error 1419", blocks: "binlog_trust",
			cause: sql1("SET GLOBAL log_bin_trust_function_creators = 0"), mend: sql1("SET GLOBAL log_bin_trust_function_creators = 1"),
		},
		{
			shop: "cron", alert: "MagentoMigrationCronRunning", labels: map[string]string{"precondition": "cron_stopped", "system": "magento2"}, words: "Cron of magento2 of cron runs", blocks: "cron_stopped",
			cause: sql2("INSERT INTO m2cron.cron_schedule (job_code, status, created_at, scheduled_at, executed_at) VALUES ('indexer_update_all_views', 'success', UTC_TIMESTAMP(), UTC_TIMESTAMP(), UTC_TIMESTAMP())"),
			mend:  sql2("DELETE FROM m2cron.cron_schedule"),
		},
		{
			shop: "entities", alert: "MagentoMigrationNewEntities", labels: map[string]string{"precondition": "m2_entities"}, words: "has new: product (1),",
			cause: sql2("INSERT INTO m2entities.catalog_product_entity (attribute_set_id, type_id, sku) VALUES (4, 'simple', 'tester-1')"),
			mend:  sql2("DELETE FROM m2entities.catalog_product_entity"),
		},
		{
			shop: "backup", alert: "MagentoMigrationBackupTooOld", labels: map[string]string{"precondition": "backup"}, words: "backup is 8d",
			cause: func(_ context.Context, s *stack) error {
				return s.dateBackup(time.Now().Add(-8*24*time.Hour - time.Hour))
			},
			mend: func(_ context.Context, s *stack) error { return s.dateBackup(time.Now()) },
		},
	}
}

// dateBackup writes another time into the end mark of the backup and onto the file, as if the newest backup were that old.
func (s *stack) dateBackup(at time.Time) error {
	for _, shop := range s.shops {
		if shop.Name != "backup" {
			continue
		}
		text, err := os.ReadFile(shop.Backup)
		if err != nil {
			return err
		}
		end := regexp.MustCompile(`-- Dump completed on .*`)
		if !end.Match(text) {
			return fmt.Errorf("%s has no end mark", shop.Backup)
		}
		text = end.ReplaceAll(text, []byte("-- Dump completed on "+at.Local().Format("2006-01-02 15:04:05")))
		if err := os.WriteFile(shop.Backup, text, 0o600); err != nil {
			return err
		}
		return os.Chtimes(shop.Backup, at, at)
	}
	return fmt.Errorf("there is no shop called backup")
}

// TestChain follows what goes wrong in real databases to the notification that a person gets, and back.
func TestChain(t *testing.T) {
	t.Parallel()
	unseen := []string{"system_requirements", "topology", "extensions", "migration_tool"}
	shops := []*shop{{Name: "plain", Trusted: true}}
	for _, r := range regressions() {
		shops = append(shops, &shop{Name: r.shop, Trusted: r.shop != "trust", Waived: unseen})
	}
	s := startStack(t, shops)
	s.awaitReady(t)
	t.Run("names", s.testNames)
	t.Run("values", s.testRegressions)
	t.Run("database", s.testDatabaseDown)
}

// awaitReady waits until every shop but the plain one was seen ready by the rules.
func (s *stack) awaitReady(t *testing.T) {
	t.Helper()
	await(t, "the migrations to be ready", func() error {
		ready, err := s.query(t.Context(), "job_migration:magento_migration_ready:min_last10m == 1", 0)
		if err != nil || len(ready) == len(s.shops)-1 {
			return err
		}
		body, _ := get(t.Context(), "http://"+s.exporter+"/api/v1/readiness")
		return fmt.Errorf("%d of %d are: %s", len(ready), len(s.shops)-1, blocking(body))
	})
}

// blocking lists what keeps migrations from being ready.
func blocking(document []byte) string {
	var text strings.Builder
	for migration, preconditions := range statuses(document) {
		for id, p := range preconditions {
			if p.Status == "fail" || p.Status == "unknown" {
				fmt.Fprintf(&text, "\n%s: %s is %s: %s", migration, id, p.Status, p.Summary)
			}
		}
	}
	return text.String()
}

type precondition struct{ ID, Status, Summary string }

// statuses reads the exporter's readiness document, by migration and precondition.
func statuses(document []byte) map[string]map[string]precondition {
	var d struct {
		Migrations []struct {
			Name          string
			Preconditions []precondition
		}
	}
	_ = json.Unmarshal(document, &d) // an empty map says enough
	all := map[string]map[string]precondition{}
	for _, m := range d.Migrations {
		all[m.Name] = map[string]precondition{}
		for _, p := range m.Preconditions {
			all[m.Name][p.ID] = p
		}
	}
	return all
}

// expectation is one alert that a receiver has to get.
type expectation struct {
	since     time.Time
	receiver  string
	labels    map[string]string
	words     string
	whatFor   string
	forbidden bool
}

func (r *regression) expectations(since time.Time) []expectation {
	labels := map[string]string{"alertname": r.alert, "migration": r.shop, "job": dashboards.Job, "severity": "warning"}
	for name, value := range r.labels {
		labels[name] = value
	}
	all := []expectation{{since: since, receiver: "chat", labels: labels, words: r.words}}
	if r.blocks != "" {
		for _, receiver := range []string{"pager", "chat"} {
			all = append(all, expectation{since: since, receiver: receiver, words: " " + r.blocks + " (fail),",
				labels: map[string]string{"alertname": "MagentoMigrationReadinessLost", "migration": r.shop, "job": dashboards.Job, "severity": "critical"}})
		}
		all = append(all, expectation{since: since, receiver: "chat", words: r.blocks + " of " + r.shop + " was fulfilled",
			labels: map[string]string{"alertname": "MagentoMigrationPreconditionRegressed", "migration": r.shop, "precondition": r.blocks, "severity": "warning"}})
	}
	return all
}

// awaitNotified waits for an alert at a receiver and logs how long it took from its cause.
func (s *stack) awaitNotified(t *testing.T, status string, e expectation) {
	t.Helper()
	name := fmt.Sprintf("%s of %s %s at %s", e.labels["alertname"], e.labels["migration"], status, e.receiver)
	var a alert
	await(t, name, func() error {
		var ok bool
		if a, ok = s.inbox.find(e.since, e.receiver, status, e.labels); !ok {
			return fmt.Errorf("no notification with %v", e.labels)
		}
		return nil
	})
	if status == "firing" && !strings.Contains(a.Annotations["description"], e.words) {
		t.Errorf("%s: the text does not say %q: %q", name, e.words, a.Annotations["description"])
	}
	if runbook := "http://" + s.exporter + "/docs/alerts#" + a.Labels["alertname"]; a.Annotations["runbook_url"] != runbook || a.Annotations["summary"] == "" {
		t.Errorf("%s: runbook_url %q, want %q; summary %q", name, a.Annotations["runbook_url"], runbook, a.Annotations["summary"])
	}
	t.Logf("%-75s after %5.1f s", name, a.at.Sub(e.since).Seconds())
}

// testRegressions lets everything go wrong at once, each in its own shop, and mends it.
func (s *stack) testRegressions(t *testing.T) {
	caused := map[string]time.Time{}
	for _, r := range regressions() {
		caused[r.shop] = time.Now()
		if err := r.cause(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	for _, r := range regressions() {
		for _, e := range r.expectations(caused[r.shop]) {
			s.awaitNotified(t, "firing", e)
		}
	}
	s.checkRunbooks(t)
	t.Run("panels", s.testPanels)
	for _, r := range regressions() {
		caused[r.shop] = time.Now()
		if err := r.mend(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	for _, r := range regressions() {
		for _, e := range r.expectations(caused[r.shop]) {
			s.awaitNotified(t, "resolved", e)
		}
	}
	for _, shop := range []string{"entities", "backup"} {
		if a, ok := s.inbox.find(time.Time{}, "pager", "firing", map[string]string{"migration": shop}); ok {
			t.Errorf("%s paged although %s only warns", a.Labels["alertname"], shop)
		}
	}
}

// checkRunbooks follows the runbook link of each alert that was notified.
func (s *stack) checkRunbooks(t *testing.T) {
	t.Helper()
	page, err := get(t.Context(), "http://"+s.exporter+"/docs/alerts")
	if err != nil {
		t.Fatal(err)
	}
	s.inbox.mu.Lock()
	defer s.inbox.mu.Unlock()
	for _, a := range s.inbox.alerts {
		if id := `id="` + a.Labels["alertname"] + `"`; !strings.Contains(string(page), id) {
			t.Errorf("the exporter's /docs/alerts has no %s", id)
		}
	}
}

// testDatabaseDown stops a server and counts what a person hears: one page a migration, the cause, and none of what follows from it.
func (s *stack) testDatabaseDown(t *testing.T) {
	for _, system := range []string{"magento1", "magento2"} {
		server := s.magento1
		if system == "magento2" {
			server = s.magento2
		}
		stopped := time.Now()
		server.Kill()
		shop := map[string]string{"migration": "cron"}
		labels := func(alertname string, more map[string]string) map[string]string {
			all := map[string]string{"alertname": alertname, "migration": shop["migration"]}
			for name, value := range more {
				all[name] = value
			}
			return all
		}
		down := []expectation{
			{since: stopped, receiver: "chat", labels: labels("MagentoMigrationDatabaseDown", map[string]string{"system": system}), words: "database of " + system},
			{since: stopped, receiver: "pager", labels: labels("MagentoMigrationReadinessLost", nil), words: "network (fail),"},
			{since: stopped, receiver: "chat", labels: labels("MagentoMigrationPreconditionRegressed", map[string]string{"precondition": "network"}), words: "network of cron"},
		}
		for _, e := range down {
			s.awaitNotified(t, "firing", e)
		}
		s.awaitInhibited(t, system)
		s.checkSilence(t, stopped)
		restarted := time.Now()
		if err := server.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, e := range down {
			e.since = restarted
			s.awaitNotified(t, "resolved", e)
		}
	}
}

// awaitInhibited waits until Alertmanager holds back an alert for each precondition of the plain shop that became unknown with the database.
func (s *stack) awaitInhibited(t *testing.T, system string) {
	t.Helper()
	body, err := get(t.Context(), "http://"+s.exporter+"/api/v1/readiness?migration=plain")
	if err != nil {
		t.Fatal(err)
	}
	var unknown []string
	for id, p := range statuses(body)["plain"] {
		if p.Status == "unknown" && (strings.Contains(p.Summary, "database") || strings.Contains(p.Summary, "data was migrated")) {
			unknown = append(unknown, id)
		}
	}
	if len(unknown) < 4 {
		t.Errorf("with %s down only %v of plain are unknown", system, unknown)
	}
	await(t, "the alerts that follow from "+system+" being down", func() error {
		var alerts []struct {
			Labels map[string]string
			Status struct{ InhibitedBy []string }
		}
		if err := getJSON(t.Context(), s.alertmanager+"/api/v2/alerts", &alerts); err != nil {
			return err
		}
		var held []string
		for _, a := range alerts {
			if a.Labels["alertname"] == "MagentoMigrationPreconditionUnknown" && a.Labels["migration"] == "plain" && len(a.Status.InhibitedBy) > 0 {
				held = append(held, a.Labels["precondition"])
			}
		}
		for _, id := range unknown {
			if !slices.Contains(held, id) {
				return fmt.Errorf("%s is unknown and not held back; held back are %v", id, held)
			}
		}
		t.Logf("%s down: held back are %v", system, held)
		return nil
	})
}

// checkSilence requires that a stopped database paged once for each migration, and that what follows from it came to nobody.
func (s *stack) checkSilence(t *testing.T, stopped time.Time) {
	t.Helper()
	s.inbox.mu.Lock()
	defer s.inbox.mu.Unlock()
	pages := map[string]map[string]bool{}
	for _, a := range s.inbox.alerts {
		if a.at.Before(stopped) || a.Status != "firing" {
			continue
		}
		if a.Labels["alertname"] == "MagentoMigrationPreconditionUnknown" && a.Labels["migration"] != "plain" {
			t.Errorf("%s was notified: %v", a.receiver, a.Labels)
		}
		if a.receiver == "pager" {
			if pages[a.Labels["migration"]] == nil {
				pages[a.Labels["migration"]] = map[string]bool{}
			}
			pages[a.Labels["migration"]][a.Labels["alertname"]] = true
		}
	}
	for migration, names := range pages {
		if len(names) != 1 || !names["MagentoMigrationReadinessLost"] {
			t.Errorf("%s paged with %v, want its readiness alone", migration, names)
		}
	}
}
