package dashboards_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"magento_migration_exporter/dashboards"
)

// posted is an alert as Prometheus sends it to Alertmanager.
type posted struct {
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
}

// outage returns what the rules say of a database that is down: its own alert, and what follows from it.
func outage(severity string) []posted {
	var all []posted
	add := func(name, severity string, labels ...string) {
		l := map[string]string{
			"alertname": "MagentoMigration" + name, "severity": severity, "job": dashboards.Job, "migration": "acme",
		}
		for i := 0; i < len(labels); i += 2 {
			l[labels[i]] = labels[i+1]
		}
		all = append(all, posted{l, map[string]string{"summary": name}})
	}
	for _, id := range []string{"backup", "binlog_trust", "cron_stopped", "m2_entities", "extensions", "privileges"} {
		add("PreconditionUnknown", "warning", "precondition", id)
	}
	add("ReadinessLost", "warning")
	add("PreconditionRegressed", "warning", "precondition", "network")
	for _, s := range slices.Compact([]string{"warning", severity}) {
		add("NotReady", s)
		add("DatabaseDown", s, "system", "magento1", "precondition", "network")
	}
	return all
}

// post sends alerts to Alertmanager, all at once.
func (s *stack) post(ctx context.Context, alerts []posted) error {
	body, err := json.Marshal(alerts)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(
		ctx,
		http.MethodPost,
		s.alertmanager+"/api/v2/alerts",
		bytes.NewReader(body),
	)
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return errors.New(response.Status)
	}
	return nil
}

// TestOutageIsOneNotification gives the alerts of a database that is down to an Alertmanager with the shipped
// configuration and counts what each receiver gets: the database, and nothing else.
func TestOutageIsOneNotification(t *testing.T) {
	t.Parallel()
	for severity, receivers := range map[string][]string{"warning": {"chat"}, "critical": {"chat", "pager"}} {
		t.Run(severity, func(t *testing.T) {
			t.Parallel()
			s := &stack{dir: t.TempDir(), inbox: startInbox(t)}
			// What is held back is decided when a group is notified: its cause has to be known by then.
			s.startAlertmanager(t, 5*time.Second)
			await(t, "Alertmanager", func() error { return s.post(t.Context(), outage(severity)) })
			down := map[string]string{"alertname": "MagentoMigrationDatabaseDown", "severity": severity}
			for _, receiver := range receivers {
				s.awaitNotified(t, "firing", expectation{receiver: receiver, labels: down})
			}
			// An alert of somebody else is notified after all that was there before.
			fence := posted{map[string]string{"alertname": "Fence"}, map[string]string{"summary": "fence"}}
			if err := s.post(t.Context(), []posted{fence}); err != nil {
				t.Fatal(err)
			}
			await(t, "the fence", func() error {
				if _, ok := s.inbox.find(time.Time{}, "chat", "firing", fence.Labels); !ok {
					return errors.New("it has not come")
				}
				return nil
			})
			s.checkOnly(t, down)
		})
	}
}

// checkOnly requires that each notification about a migration has one alert, with these labels.
func (s *stack) checkOnly(t *testing.T, labels map[string]string) {
	t.Helper()
	s.inbox.mu.Lock()
	defer s.inbox.mu.Unlock()
	seen := map[string]bool{}
	for _, a := range s.inbox.alerts {
		if a.Labels["migration"] == "" {
			continue
		}
		if id := fmt.Sprint(a.receiver, a.Status, a.Labels); !a.has(labels) || seen[id] {
			t.Errorf("%s was notified of %v", a.receiver, a.Labels)
		} else {
			seen[id] = true
		}
	}
}
