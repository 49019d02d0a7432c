package cron

import (
	"path/filepath"

	"go.yaml.in/yaml/v4"
)

// isCloudFile reports whether a file says what Adobe Commerce's cloud, or Platform.sh and Upsun, which it is built on,
// run.
func isCloudFile(path string) bool {
	switch name, dir := filepath.Base(path), filepath.Base(filepath.Dir(path)); name {
	case ".magento.app.yaml", ".platform.app.yaml":
		return true
	case "applications.yaml":
		return dir == ".platform" || dir == ".magento"
	case "config.yaml":
		return dir == ".upsun"
	}
	return false
}

// cloud reads an application's crons and workers, or those of several applications.
func (d *definition) cloud(n *yaml.Node) {
	applications := d.items(n)
	if list := d.get(n, "applications"); list != nil {
		for _, f := range d.fields(list) {
			applications = append(applications, f.value)
		}
		applications = append(applications, d.items(list)...)
	}
	for _, application := range append(applications, d.resolve(n)) {
		d.application(application)
	}
}

func (d *definition) application(n *yaml.Node) {
	for _, f := range d.fields(d.get(n, "crons")) {
		p := part{
			line: f.line, schedule: d.text(f.value, "spec"), runs: "the cloud", note: "cron " + f.key,
			remedy: "on the environment run vendor/bin/ece-tools cron:disable, or take the cron out and deploy",
		}
		for _, command := range []string{d.text(f.value, "cmd"), d.text(f.value, "commands", "start")} {
			d.report(p, func(r *reader, sh shell) { r.text(command, &sh, dialectsOf("")) })
		}
	}
	for _, f := range d.fields(d.get(n, "workers")) {
		p := part{line: f.line, runs: "the cloud", note: "worker " + f.key, remedy: "take the worker out and deploy"}
		command := d.text(f.value, "commands", "start")
		d.report(p, func(r *reader, sh shell) { r.text(command, &sh, dialectsOf("")) })
	}
}
