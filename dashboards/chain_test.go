package dashboards_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"magento_migration_exporter/collector/mysqltest"
	"magento_migration_exporter/dashboards"
)

// regression is something that goes wrong in a shop, and what a person hears of it.
type regression struct {
	shop          string
	cause, repair func(context.Context, *stack) error
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
			shop: "privileges", alert: "MagentoMigrationPrivilegesMissing", labels: map[string]string{"precondition": "privileges", "system": "magento1"}, words: "lacks TRIGGER.", blocks: "privileges",
			cause: sql1(
				"REVOKE TRIGGER ON m1privileges.* FROM 'privileges'@'%'",
			), repair: sql1("GRANT TRIGGER ON m1privileges.* TO 'privileges'@'%'"),
		},
		{
			shop: "trust", alert: "MagentoMigrationBinlogTrustOff", labels: map[string]string{"precondition": "binlog_trust"}, words: "error 1419", blocks: "binlog_trust",
			cause: sql1(
				"SET GLOBAL log_bin_trust_function_creators = 0",
			), repair: sql1("SET GLOBAL log_bin_trust_function_creators = 1"),
		},
		{
			shop: "cron", alert: "MagentoMigrationCronRunning", labels: map[string]string{"precondition": "cron_stopped", "system": "magento2"}, words: "Cron of magento2 of cron runs", blocks: "cron_stopped",
			cause: sql2(
				"INSERT INTO m2cron.cron_schedule (job_code, status, created_at, scheduled_at, executed_at) VALUES ('indexer_update_all_views', 'success', UTC_TIMESTAMP(), UTC_TIMESTAMP(), UTC_TIMESTAMP())",
			),
			repair: sql2("DELETE FROM m2cron.cron_schedule"),
		},
		{
			shop: "entities", alert: "MagentoMigrationNewEntities", labels: map[string]string{"precondition": "m2_entities"}, words: "has new: product (1).",
			cause: sql2(
				"INSERT INTO m2entities.catalog_product_entity (attribute_set_id, type_id, sku) VALUES (4, 'simple', 'tester-1')",
			),
			repair: sql2("DELETE FROM m2entities.catalog_product_entity"),
		},
		{
			shop: "backup", alert: "MagentoMigrationBackupTooOld", labels: map[string]string{"precondition": "backup"}, words: "backup of backup is from 20",
			cause: func(_ context.Context, s *stack) error {
				return s.dateBackup(time.Now().Add(-8*24*time.Hour - time.Hour))
			},
			repair: func(_ context.Context, s *stack) error { return s.dateBackup(time.Now()) },
		},
	}
}

// dateBackup writes another time into the end mark of the backup and onto the file, as if the newest backup were that
// old.
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

// unread are the preconditions that need more than two databases and a backup.
func unread() []string {
	return []string{"system_requirements", "topology", "extensions", "migration_tool", "migration_run"}
}

// TestChain follows what goes wrong in real databases to the notification that a person gets, and back.
func TestChain(t *testing.T) {
	t.Parallel()
	shops := []*shop{
		{
			Name:    "acme",
			Trusted: true,
			Root:    t.TempDir(),
			Cutover: time.Now().Add(12 * time.Hour).UTC().Format(time.RFC3339),
		},
	}
	shops = append(
		shops,
		&shop{
			Name: "window", Migrated: true, Root: t.TempDir(),
			Waived: append(unread(), "increment_ids", "reconciliation"),
		},
	)
	for _, r := range regressions() {
		shops = append(shops, &shop{Name: r.shop, Trusted: r.shop != "trust", Waived: unread()})
	}
	s := startStack(t, shops)
	s.awaitReady(t)
	t.Run("names", s.testNames)
	t.Run("values", s.testRegressions)
	t.Run("cutover", s.testCutover)
	t.Run("database", s.testDatabaseDown)
}

// awaitReady waits until every shop but acme, which never was, was seen ready by the rules.
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

type status struct{ ID, Status, Summary string }

// statuses reads the exporter's readiness document, by migration and precondition.
func statuses(document []byte) map[string]map[string]status {
	var d struct {
		Migrations []struct {
			Name          string
			Preconditions []status
		}
	}
	_ = json.Unmarshal(document, &d) // an empty map says enough
	all := map[string]map[string]status{}
	for _, m := range d.Migrations {
		all[m.Name] = map[string]status{}
		for _, p := range m.Preconditions {
			all[m.Name][p.ID] = p
		}
	}
	return all
}

// expectation is one alert that a receiver has to get.
type expectation struct {
	since    time.Time
	receiver string
	labels   map[string]string
	words    string
}

func (r *regression) expectations(since time.Time) []expectation {
	labels := map[string]string{"alertname": r.alert, "migration": r.shop, "job": dashboards.Job, "severity": "warning"}
	maps.Copy(labels, r.labels)
	all := []expectation{{since: since, receiver: "chat", labels: labels, words: r.words}}
	if r.blocks != "" {
		all = append(
			all,
			expectation{since: since, receiver: "chat", words: "Failing: " + r.blocks + ".",
				labels: map[string]string{
					"alertname": "MagentoMigrationReadinessLost",
					"migration": r.shop,
					"job":       dashboards.Job,
					"severity":  "warning",
				}},
			expectation{since: since, receiver: "chat", words: r.shop + ": " + r.blocks + " passed before",
				labels: map[string]string{
					"alertname":    "MagentoMigrationPreconditionRegressed",
					"migration":    r.shop,
					"precondition": r.blocks,
					"severity":     "warning",
				}},
		)
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
	if runbook := "http://" + s.exporter + "/docs/alerts#" + a.Labels["alertname"]; s.exporter != "" &&
		a.Annotations["runbook_url"] != runbook ||
		a.Annotations["summary"] == "" {
		t.Errorf(
			"%s: runbook_url %q, want %q; summary %q",
			name,
			a.Annotations["runbook_url"],
			runbook,
			a.Annotations["summary"],
		)
	}
	if !e.since.IsZero() {
		t.Logf("%-75s after %5.1f s", name, a.at.Sub(e.since).Seconds())
	}
}

// testRegressions lets everything go wrong at once, each in its own shop, and repairs it.
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
	s.checkLinks(t)
	t.Run("panels", s.testPanels)
	for _, r := range regressions() {
		caused[r.shop] = time.Now()
		if err := r.repair(t.Context(), s); err != nil {
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

// checkLinks follows each link in the alerts that were notified, to the place on the exporter's page.
func (s *stack) checkLinks(t *testing.T) {
	t.Helper()
	links := map[string]bool{}
	s.inbox.mu.Lock()
	for _, a := range s.inbox.alerts {
		for name, text := range a.Annotations {
			if name == "dashboard_url" { // there is no Grafana here
				continue
			}
			for _, link := range regexp.MustCompile(`http://[^\s,]+`).FindAllString(text, -1) {
				links[link] = true
			}
		}
	}
	s.inbox.mu.Unlock()
	for link := range links {
		address, id, _ := strings.Cut(link, "#")
		page, err := get(t.Context(), address)
		if err != nil || !strings.HasPrefix(link, "http://"+s.exporter+"/") {
			t.Errorf("%s: %v", link, err)
		}
		if id != "" && !strings.Contains(string(page), `id="`+id+`"`) {
			t.Errorf("%s: the page has no %s", address, id)
		}
	}
}

// testCutover hears of acme, which is not ready on the day of its cutover: the page holds back the warning.
func (s *stack) testCutover(t *testing.T) {
	labels := map[string]string{
		"alertname": "MagentoMigrationNotReady",
		"migration": "acme",
		"severity":  "critical",
	}
	for _, receiver := range []string{"pager", "chat"} {
		s.awaitNotified(
			t,
			"firing",
			expectation{receiver: receiver, labels: labels, words: "acme is not ready. Its cutover is planned for 20"},
		)
	}
	labels["severity"] = "warning"
	s.awaitInhibited(t, labels)
}

// awaitInhibited waits until Alertmanager holds back an alert.
func (s *stack) awaitInhibited(t *testing.T, labels map[string]string) {
	t.Helper()
	await(t, fmt.Sprintf("%v to be held back", labels), func() error {
		held, err := s.inhibited(t, labels)
		if err == nil && len(held) == 0 {
			err = fmt.Errorf("it is not")
		}
		return err
	})
}

// testDatabaseDown stops a server and looks at what a person hears: the cause, as a page only on the day of the cutover,
// and none of what follows from it.
func (s *stack) testDatabaseDown(t *testing.T) {
	for _, system := range []string{"magento1", "magento2"} {
		t.Run(system, func(t *testing.T) { s.testStopped(t, system) })
	}
}

func (s *stack) testStopped(t *testing.T, system string) {
	server := map[string]*mysqltest.Server{"magento1": s.magento1, "magento2": s.magento2}[system]
	before := s.unknown(t, "acme")
	stopped := time.Now()
	server.Kill()
	labels := func(alertname string, more map[string]string) map[string]string {
		all := map[string]string{"alertname": alertname, "migration": "cron"}
		maps.Copy(all, more)
		return all
	}
	down := []expectation{
		{
			since:    stopped,
			receiver: "chat",
			labels: labels(
				"MagentoMigrationDatabaseDown",
				map[string]string{"system": system, "severity": "warning"},
			),
			words: "database of " + system,
		},
		{
			since:    stopped,
			receiver: "pager",
			labels: map[string]string{
				"alertname": "MagentoMigrationDatabaseDown",
				"migration": "acme",
				"system":    system,
				"severity":  "critical",
			},
			words: "database of " + system,
		},
	}
	for _, e := range down {
		s.awaitNotified(t, "firing", e)
	}
	for _, name := range []string{"ReadinessLost", "NotReady", "PreconditionRegressed"} {
		s.awaitInhibited(t, labels("MagentoMigration"+name, map[string]string{"severity": "warning"}))
	}
	lost := slices.DeleteFunc(s.unknown(t, "acme"), func(id string) bool { return slices.Contains(before, id) })
	if len(lost) < 4 {
		t.Errorf("with %s stopped only %v of acme became unknown", system, lost)
	}
	s.awaitHeldBack(t, lost)
	held := time.Now()
	s.checkPages(t, stopped)
	restarted := time.Now()
	if err := server.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, e := range down {
		e.since = restarted
		s.awaitNotified(t, "resolved", e)
	}
	// Before the alert that holds them back the others have only waited; how long that is here, the rules' own tests say.
	for _, id := range lost {
		labels := map[string]string{
			"alertname": "MagentoMigrationPreconditionUnknown", "migration": "acme", "precondition": id,
		}
		if a, ok := s.inbox.find(held, "chat", "firing", labels); ok && a.at.Before(restarted) {
			t.Errorf("chat was notified of what follows from the stopped database: %v", a.Labels)
		}
	}
}

// unknown lists the preconditions of a shop that are unknown.
func (s *stack) unknown(t *testing.T, shop string) []string {
	t.Helper()
	body, err := get(t.Context(), "http://"+s.exporter+"/api/v1/readiness")
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for id, p := range statuses(body)[shop] {
		if p.Status == "unknown" {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// inhibited returns the labels of the alerts that Alertmanager holds back, of those that have at least the labels.
func (s *stack) inhibited(t *testing.T, labels map[string]string) ([]map[string]string, error) {
	t.Helper()
	var alerts []struct {
		Labels map[string]string
		Status struct{ InhibitedBy []string }
	}
	if err := getJSON(t.Context(), s.alertmanager+"/api/v2/alerts", &alerts); err != nil {
		return nil, err
	}
	var held []map[string]string
	for _, a := range alerts {
		if (&alert{Labels: a.Labels}).has(labels) && len(a.Status.InhibitedBy) > 0 {
			held = append(held, a.Labels)
		}
	}
	return held, nil
}

// awaitHeldBack waits until Alertmanager holds back an alert for each of these preconditions of acme.
func (s *stack) awaitHeldBack(t *testing.T, preconditions []string) {
	t.Helper()
	await(t, "the alerts that follow from the stopped database", func() error {
		alerts, err := s.inhibited(
			t,
			map[string]string{"alertname": "MagentoMigrationPreconditionUnknown", "migration": "acme"},
		)
		var held []string
		for _, labels := range alerts {
			held = append(held, labels["precondition"])
		}
		for _, id := range preconditions {
			if err == nil && !slices.Contains(held, id) {
				err = fmt.Errorf("%s is unknown and not held back; held back are %v", id, held)
			}
		}
		return err
	})
	t.Logf("held back: %v", preconditions)
}

// checkPages requires that nobody was woken whose cutover is not near.
func (s *stack) checkPages(t *testing.T, stopped time.Time) {
	t.Helper()
	s.inbox.mu.Lock()
	defer s.inbox.mu.Unlock()
	for _, a := range s.inbox.alerts {
		// One is close to its cutover and one past migrate:data, where a database that is down pages by itself.
		expected := a.Labels["migration"] == "acme" || a.Labels["migration"] == "window"
		if a.at.After(stopped) && a.Status == "firing" && a.receiver == "pager" && !expected {
			t.Errorf("%s paged with %s", a.Labels["migration"], a.Labels["alertname"])
		}
	}
}
