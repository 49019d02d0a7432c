package cron

import (
	"cmp"
	"fmt"

	"go.yaml.in/yaml/v4"
)

// kubernetes reads a manifest: a CronJob, or a workload whose containers run cron or its daemon.
func (d *definition) kubernetes(n *yaml.Node, depth int) {
	kind, name := d.text(n, "kind"), cmp.Or(d.text(n, "metadata", "name"), "(without a name)")
	spec := d.get(n, "spec")
	p := part{runs: "Kubernetes", note: kind + " " + name}
	switch kind {
	case "List":
		for _, item := range d.items(d.get(n, "items")) {
			if depth > 0 {
				d.kubernetes(item, depth-1)
			}
		}
	case "ConfigMap":
		d.configMap(n, p)
	case "CronJob", "CronWorkflow":
		d.cronJob(kind, name, spec, p)
	case "Deployment", "StatefulSet", "ReplicaSet":
		if d.text(spec, "replicas") == "0" {
			p.dormant = "it has no replicas"
		}
		p.remedy = fmt.Sprintf("kubectl scale --replicas=0 %s/%s", kind, name)
		d.containers(d.at(spec, "template", "spec"), p)
	case "Job", "DaemonSet":
		p.remedy = fmt.Sprintf("kubectl delete %s/%s", kind, name)
		d.containers(d.at(spec, "template", "spec"), p)
	case "Pod":
		p.remedy = "kubectl delete pod/" + name
		d.containers(spec, p)
	}
}

// cronJob reads what Kubernetes or Argo starts at its time.
func (d *definition) cronJob(kind, name string, spec *yaml.Node, p part) {
	p.schedule = d.text(spec, "schedule")
	if d.text(spec, "suspend") == "true" {
		p.dormant = "it is suspended"
	}
	if kind == "CronJob" {
		p.remedy = fmt.Sprintf(`kubectl patch cronjob %s -p '{"spec":{"suspend":true}}'`, name)
		d.containers(d.at(spec, "jobTemplate", "spec", "template", "spec"), p)
		return
	}
	p.remedy = "argo cron suspend " + name
	for _, template := range d.items(d.at(spec, "workflowSpec", "templates")) {
		d.container(d.get(template, "container"), p)
	}
}

// configMap reads the texts of a ConfigMap, some of which are crontabs.
func (d *definition) configMap(n *yaml.Node, p part) {
	p.remedy = "take the job out of it"
	for _, f := range d.fields(d.get(n, "data")) {
		if f.value != nil && f.value.Kind == yaml.ScalarNode {
			p.line = f.line
			d.report(p, func(r *reader, sh shell) { r.anyText(f.value.Value, sh) })
		}
	}
}

// containers reads the containers of a pod.
func (d *definition) containers(spec *yaml.Node, p part) {
	for _, key := range []string{"containers", "initContainers"} {
		for _, container := range d.items(d.get(spec, key)) {
			d.container(container, p)
		}
	}
}

func (d *definition) container(n *yaml.Node, p part) {
	if n == nil {
		return
	}
	p.line, p.vars = n.Line, map[string]string{}
	for _, variable := range d.items(d.get(n, "env")) {
		if value := d.text(variable, "value"); value != "" && len(p.vars) < maxVars {
			p.vars[d.text(variable, "name")] = value
		}
	}
	command := append(d.words(d.get(n, "command")), d.words(d.get(n, "args"))...)
	if at := d.get(n, "command"); at != nil {
		p.line = at.Line
	}
	d.command(command, p)
	d.variables(p)
}

// command reads the command of a container.
func (d *definition) command(command []word, p part) {
	if len(command) > 0 {
		d.report(p, func(r *reader, sh shell) { r.run(command, sh, stream{}) })
	}
}

// variables reads the variables of a container, some of which hold crontabs.
func (d *definition) variables(p part) {
	for _, name := range sortedKeys(p.vars) {
		named := p
		named.note = joinNotes(p.note, "variable "+name)
		d.report(named, func(r *reader, sh shell) { r.anyText(p.vars[name], sh) })
	}
}
