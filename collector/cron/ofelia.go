package cron

import (
	"regexp"
	"strings"
)

// jobLabel is a label of Ofelia and of Chadburn, which goes on from it, like ofelia.job-exec.NAME.command.
var jobLabel = regexp.MustCompile(`^(ofelia|chadburn)\.(job-[a-z-]+)\.(.+)\.(command|schedule)$`)

// jobLabels reads the jobs that the labels of a service define.
func (d *definition) jobLabels(service string, labels []pair, p part) {
	schedules := map[string]string{}
	enabled := ""
	for _, l := range labels {
		if m := jobLabel.FindStringSubmatch(l.name); m != nil && m[4] == "schedule" {
			schedules[m[2]+m[3]] = l.value
		}
		if l.name == "ofelia.enabled" || l.name == "chadburn.enabled" {
			enabled = l.value
		}
	}
	for _, l := range labels {
		m := jobLabel.FindStringSubmatch(l.name)
		if m == nil || m[4] != "command" {
			continue
		}
		p.line, p.schedule, p.runs, p.note = l.line, schedules[m[2]+m[3]], m[1], m[1]+"'s job "+m[3]
		p.remedy = "take the label out of service " + service + " and run docker compose up -d " + service
		if strings.EqualFold(enabled, "false") {
			p.dormant = m[1] + " is off for this service"
		}
		d.report(p, func(r *reader, sh shell) { r.run(composeWords(l.value), sh, stream{}) })
	}
}

var jobSection = regexp.MustCompile(`^(job-[a-z-]+)\s+"([^"]+)"$`)

// ofeliaFile reads the jobs of a configuration file of Ofelia's, and reports whether it has any.
func (l *look) ofeliaFile(path string, data []byte) bool {
	options := parseOptions(path, supervisorLines(data))
	d := definition{look: l, path: path}
	found := false
	for _, section := range options.sections("job-") {
		m := jobSection.FindStringSubmatch(section)
		if m == nil {
			continue
		}
		found = true
		for _, command := range options.list(section, "command") {
			p := part{
				line: command.line, runs: "ofelia",
				schedule: options.last(section, "schedule"), user: options.last(section, "user"),
				note: "ofelia's job " + m[2], remedy: "take the section out of " + path + " and restart ofelia",
			}
			d.report(p, func(r *reader, sh shell) { r.run(splitWords(command.value), sh, stream{}) })
		}
	}
	return found
}
