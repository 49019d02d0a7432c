package cron

import (
	"cmp"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v4"
)

// kubernetes reads a manifest: a CronJob, or a workload whose containers run cron or its daemon.
func (d *definition) kubernetes(n *yaml.Node, depth int) {
	kind, name := d.text(n, "kind"), cmp.Or(d.text(n, "metadata", "name"), "(without a name)")
	p := part{runs: "Kubernetes", note: kind + " " + name}
	if kinds, isList := strings.CutSuffix(kind, "List"); isList {
		for _, item := range d.items(d.get(n, "items")) {
			if depth > 0 {
				d.kubernetesItem(item, kinds, depth-1)
			}
		}
		return
	}
	d.workload(kind, name, n, p)
}

// kubernetesItem reads an item of a list, which need not say its kind in a list of one kind.
func (d *definition) kubernetesItem(n *yaml.Node, kind string, depth int) {
	if d.text(n, "kind") != "" {
		d.kubernetes(n, depth)
		return
	}
	d.workload(kind, cmp.Or(d.text(n, "metadata", "name"), "(without a name)"), n, part{runs: "Kubernetes", note: kind})
}

// workload reads a manifest of one thing.
func (d *definition) workload(kind, name string, n *yaml.Node, p part) {
	spec := d.get(n, "spec")
	switch kind {
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
