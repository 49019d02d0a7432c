// Package dashboards holds what is looked at and what alarms: the Grafana dashboards, the Prometheus rules and an
// Alertmanager configuration. Its tests run all of them with the real programs against a real exporter.
package dashboards

import (
	"embed"
	"io/fs"
	"strings"
)

//go:embed portfolio.json readiness.json alertmanager.yml rules/recording.yml rules/alerts.yml
var files embed.FS

// Files returns portfolio.json, readiness.json, alertmanager.yml, rules/recording.yml and rules/alerts.yml.
func Files() fs.FS { return files }

// What the files say where the user has something else.
const (
	// Job is the job under which Prometheus scrapes the exporter.
	Job = "magento_migration"
	// ExporterURL is where people reach the exporter.
	ExporterURL = "http://localhost:10102"
	// GrafanaURL is where people reach the dashboards.
	GrafanaURL = "http://localhost:3000"
	// DocsURL has the documentation for when the exporter, which serves it too, is down.
	DocsURL = "https://docs.example.com/magento_migration_exporter"
)

// Configure puts a job and the exporter's URL into one of the files, as the mixin does.
func Configure(text, job, exporterURL string) string {
	return strings.NewReplacer(
		`job="`+Job+`"`,
		`job="`+job+`"`,
		ExporterURL,
		strings.TrimRight(exporterURL, "/"),
	).Replace(
		text,
	)
}
