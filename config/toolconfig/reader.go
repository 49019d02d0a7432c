package toolconfig

import (
	_ "embed"
	"fmt"
	"maps"
	"net/netip"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/prometheus/common/config"

	"magento_migration_exporter/config/address"
	"magento_migration_exporter/config/sourcefile"
	"magento_migration_exporter/config/xmltree"
)

//go:embed options.tsv
var optionsTable string

//go:embed attributes.tsv
var attributesTable string

type knownOption struct{ needed, kind, schema string }

// knownOptions returns the options of options.tsv by name.
var knownOptions = sync.OnceValue(func() map[string]knownOption {
	known := map[string]knownOption{}
	for _, row := range rows(optionsTable) {
		known[row[0]] = knownOption{needed: row[1], kind: row[2], schema: row[3]}
	}
	return known
})

func rows(table string) [][]string {
	var rows [][]string
	for line := range strings.Lines(table) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			rows = append(rows, strings.Split(line, "\t"))
		}
	}
	return rows
}

var (
	// The patterns of etc/config.xsd.
	xmlFile    = regexp.MustCompile(`^[-/A-Za-z0-9._]+\.(xml|dist)$`)
	stageClass = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9_\\]+$`)
)

var databaseAttributes = []string{"name", "host", "port", "user", "password", "ssl_ca", "ssl_cert", "ssl_key"}

// optionsOf returns the options of options.tsv, and those that the tool's own config.xml.dist has beyond them, by name.
func optionsOf(shipped *Config) map[string]knownOption {
	if shipped == nil {
		return knownOptions()
	}
	known := maps.Clone(knownOptions())
	for _, o := range shipped.Options {
		if _, ok := known[o.Name]; !ok {
			known[o.Name] = knownOption{needed: "no", kind: "text", schema: "-"}
		}
	}
	return known
}

type reader struct {
	root    *xmltree.Node
	shipped *Config // nil where it is not known
	config  *Config
}

func (r *reader) problem(place sourcefile.Place, severity Severity, subject, format string, args ...any) {
	p := Problem{Place: place, Severity: severity, Subject: subject, Text: fmt.Sprintf(format, args...)}
	r.config.Problems = append(r.config.Problems, p)
}

// checkLayout checks which elements stand where, as config.xsd does: groups of steps, source, destination and options.
func (r *reader) checkLayout() {
	if r.root.Name != "config" {
		r.problem(r.root.Place, Refused, "config", "the root element is <%s>, not <config>", r.root.Name)
	}
	r.checkContainer(r.root, "config")
	order := []string{"steps", "source", "destination", "options"}
	last := len(order) - 1
	for _, n := range r.root.Children {
		i := slices.Index(order, n.Name)
		switch {
		case i < 0:
			r.problem(n.Place, Refused, n.Name, "<config> has no element <%s>", n.Name)
			continue
		case i == 0 && (last == 0 || last == len(order)-1), i == last+1:
		default:
			r.problem(n.Place, Refused, n.Name,
				"<%s> stands out of order: it is steps, source, destination, options, each but steps once", n.Name)
		}
		last = i
	}
	if last < len(order)-1 {
		r.problem(r.root.Place, Refused, "config", "<config> does not end with <options>")
	}
}

// checkContainer checks an element that holds elements: no text, and no attributes but these and those of XML Schema
// itself.
func (r *reader) checkContainer(n *xmltree.Node, subject string, attributes ...string) {
	if strings.TrimSpace(n.Text()) != "" {
		r.problem(n.Place, Refused, subject, "there is text directly in <%s>", n.Name)
	}
	r.checkAttributes(n, subject, attributes...)
}

// checkText checks an element that holds text: no elements and no attributes.
func (r *reader) checkText(n *xmltree.Node, subject string) {
	if len(n.Children) > 0 {
		r.problem(n.Children[0].Place, Refused, subject, "there is an element in <%s>", n.Name)
	}
	r.checkAttributes(n, subject)
}

func (r *reader) checkAttributes(n *xmltree.Node, subject string, allowed ...string) {
	for _, a := range n.Attributes {
		if a.Namespace == "" && !slices.Contains(allowed, a.Name) {
			r.problem(a.Place, Refused, subject, "<%s> has no attribute %s", n.Name, a.Name)
		}
	}
}

// named returns all elements of a name, wherever they are: the tool finds them with an XPath like //source.
func (r *reader) named(name string) []*xmltree.Node {
	var nodes []*xmltree.Node
	for n := range r.root.All() {
		if n.Name == name {
			nodes = append(nodes, n)
		}
	}
	return nodes
}

// database reads the first element in the last <source> or <destination>, which is what the tool uses.
func (r *reader) database(system string) *Database {
	var found *xmltree.Node
	for _, parent := range r.named(system) {
		r.checkContainer(parent, system)
		if len(parent.Children) == 0 {
			r.problem(parent.Place, Refused, system, "<%s> is empty", system)
		}
		for i, n := range parent.Children {
			switch {
			case i > 0:
				r.problem(n.Place, Refused, system, "<%s> has a second element, which the tool does not read", system)
			case n.Name != "database":
				r.problem(n.Place, Refused, system, "the element in <%s> is <%s>, not <database>", system, n.Name)
			case found != nil:
				r.problem(found.Place, Misleading, system, "the <database> of line %d is used instead of this one",
					n.Line)
			}
			if i == 0 {
				found = n
			}
		}
	}
	if found == nil {
		r.problem(r.root.Place, Broken, system, "there is no <%s><database …/></%s>", system, system)
		return nil
	}
	return r.databaseOf(found, system)
}

func (r *reader) databaseOf(n *xmltree.Node, system string) *Database {
	if n.Text() != "" || len(n.Children) > 0 {
		r.problem(n.Place, Refused, system, "<%s> is not empty: everything is said in its attributes", n.Name)
	}
	r.databaseAttributes(n, system)
	value := func(name string) string {
		if a := n.Attribute(name); a != nil {
			return a.Value
		}
		return ""
	}
	d := &Database{
		Place: n.Place, Host: value("host"), Port: value("port"), Name: value("name"), User: value("user"),
		Password: config.Secret(value("password")),
		SSLCA:    value("ssl_ca"), SSLCert: value("ssl_cert"), SSLKey: value("ssl_key"),
	}
	if d.Password == "0" {
		d.Password = ""
		r.problem(n.Attribute("password").Place, Misleading, system,
			"PHP takes the password 0 for none, so the tool sends an empty one: set another password")
	}
	r.address(n, d, system)
	r.tls(n, d, system)
	return d
}

// address finds out where PHP connects to. The tool puts host and port together, and Magento's adapter takes them apart
// again.
func (r *reader) address(n *xmltree.Node, d *Database, system string) {
	host, at := d.Host, n.Attribute("host")
	switch d.Port {
	case "":
	case "0":
		r.problem(n.Attribute("port").Place, Misleading, system, "PHP takes the port 0 for none")
	default:
		host, at = host+":"+d.Port, n.Attribute("port")
	}
	var problems []string
	d.Address, problems = address.Magento2(host)
	if text := wrongHost(d.Host); text != "" {
		at, problems = n.Attribute("host"), []string{text}
	} else if isIPv6(d.Host) && (d.Port != "" || strings.HasPrefix(d.Host, "[")) {
		at, problems = n.Attribute("host"), []string{
			"an IPv6 address is split at its colons, so that another host is meant: use a name or an IPv4 address",
		}
	}
	for _, text := range problems {
		if n.Attribute("host") != nil { // else it is missing, which is a problem of its own
			r.problem(at.Place, Misleading, system, "%s", text)
		}
	}
}

// wrongHost says what the tool does with forms that other programs accept as a host. It takes every host with a slash
// in it for the path of a Unix socket.
func wrongHost(host string) string {
	const asSocket = ", and the tool takes all of it for the path of a Unix socket, to which it cannot connect: write "
	scheme, rest, hasScheme := strings.Cut(host, "://")
	name, path, hasPath := strings.Cut(host, ":")
	switch {
	case hasScheme && !strings.Contains(scheme, "/") && rest != "":
		return "the host is a URL" + asSocket + "the name of the host alone, and the port into the attribute port"
	case hasPath && strings.HasPrefix(path, "/") && name != "":
		return "the path of a socket stands behind a host" + asSocket + "the path alone, as in /run/mysqld/mysqld.sock"
	case strings.Contains(host, "/") && !strings.HasPrefix(host, "/"):
		return "something stands behind the host" + asSocket + "the name of the host alone"
	}
	return ""
}

// isIPv6 reports whether a host is an IPv6 address, in whatever of its forms: in brackets, and with a port behind them.
func isIPv6(host string) bool {
	if inner, ok := strings.CutPrefix(host, "["); ok {
		host, _, _ = strings.Cut(inner, "]")
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Is6()
}

func (r *reader) tls(n *xmltree.Node, d *Database, system string) {
	count := 0
	for _, name := range []string{"ssl_ca", "ssl_cert", "ssl_key"} {
		if n.Attribute(name) != nil {
			count++
		}
	}
	d.TLS = count == 3
	if count == 1 || count == 2 {
		r.problem(n.Place, Misleading, system,
			"the connection is not encrypted: the tool uses TLS only when ssl_ca, ssl_cert and ssl_key are all set")
	}
}

func (r *reader) databaseAttributes(n *xmltree.Node, system string) {
	for _, a := range n.Attributes {
		if a.Namespace != "" || slices.Contains(databaseAttributes, a.Name) {
			continue
		}
		hint := ""
		for _, row := range rows(attributesTable) {
			if strings.EqualFold(row[0], a.Name) {
				hint = ": it is " + row[1]
			}
		}
		if i := slices.Index(databaseAttributes, strings.ToLower(a.Name)); i >= 0 {
			hint = ": it is " + databaseAttributes[i]
		}
		r.problem(a.Place, Refused, system, "the tool does not read the attribute %s%s", a.Name, hint)
	}
	for _, name := range []string{"host", "name", "user"} {
		switch a := n.Attribute(name); {
		case a == nil:
			r.problem(n.Place, Refused, system, "the attribute %s is missing", name)
		case a.Value == "" && name != "host": // an empty host is a matter of the address
			r.problem(a.Place, Broken, system, "the attribute %s is empty", name)
		}
	}
}

// modes reads the steps of the three modes.
func (r *reader) modes() {
	for _, n := range r.named("steps") {
		r.checkContainer(n, "steps", "mode")
		mode := n.Attribute("mode")
		switch {
		case mode == nil:
			r.problem(n.Place, Refused, "steps", "the attribute mode is missing: settings, data or delta")
			continue
		case !slices.Contains([]string{"settings", "data", "delta"}, mode.Value):
			r.problem(mode.Place, Misleading, "steps", "the tool has no such mode: settings, data or delta")
		}
		i := slices.IndexFunc(r.config.Modes, func(m Mode) bool { return m.Name == mode.Value })
		if i < 0 {
			i = len(r.config.Modes)
			r.config.Modes = append(r.config.Modes, Mode{Name: mode.Value})
		}
		for _, step := range n.Children {
			r.step(&r.config.Modes[i], step)
		}
	}
	for _, name := range []string{"settings", "data", "delta"} {
		if !r.config.hasSteps(name) {
			r.problem(r.root.Place, Broken, "steps", "there are no steps for the mode %s", name)
		}
	}
	r.checkMissingSteps()
}

func (c *Config) hasSteps(mode string) bool {
	return slices.ContainsFunc(c.Modes, func(m Mode) bool { return m.Name == mode && len(m.Steps) > 0 })
}

// checkMissingSteps names the steps that the tool's own config.xml.dist has and the file lacks.
func (r *reader) checkMissingSteps() {
	if r.shipped == nil {
		return
	}
	var missing []string
	for _, mode := range r.shipped.Modes {
		if !r.config.hasSteps(mode.Name) {
			continue // which is a problem of its own
		}
		if lacking := r.config.lacking(mode); len(lacking) > 0 {
			missing = append(missing, mode.Name+": "+strings.Join(lacking, ", "))
		}
	}
	if len(missing) > 0 {
		r.problem(r.root.Place, Misleading, "missing steps", "steps that the shipped %s has are missing: %s",
			filepath.Base(r.shipped.File), strings.Join(missing, "; "))
	}
}

func (r *reader) step(mode *Mode, n *xmltree.Node) {
	if n.Name != "step" {
		r.problem(n.Place, Refused, "steps", "<steps> has no element <%s>", n.Name)
		return
	}
	r.checkContainer(n, "steps", "title")
	title := n.Attribute("title")
	if title == nil {
		r.problem(n.Place, Refused, "steps", "the attribute title is missing: the tool leaves this step out")
		return
	}
	i := slices.IndexFunc(mode.Steps, func(s Step) bool { return s.Title == title.Value })
	if i < 0 {
		i = len(mode.Steps)
		mode.Steps = append(mode.Steps, Step{Place: n.Place, Title: title.Value})
	} else {
		r.problem(n.Place, Misleading, "steps",
			"this step and the one of line %d have one title: the tool makes one step of them",
			mode.Steps[i].Place.Line)
	}
	for _, stage := range n.Children {
		r.stage(&mode.Steps[i], stage)
	}
}

func (r *reader) stage(step *Step, n *xmltree.Node) {
	if !slices.Contains([]string{"integrity", "data", "delta", "volume"}, n.Name) {
		r.problem(n.Place, Refused, "steps", "<step> has no element <%s>", n.Name)
	}
	r.checkText(n, "steps")
	s := Stage{Place: n.Place, Name: n.Name, Class: n.TextContent()}
	if !stageClass.MatchString(s.Class) {
		r.problem(n.Place, Refused, "steps", "<%s> holds something other than the name of a class, or white space",
			n.Name)
	}
	if i := slices.IndexFunc(step.Stages, func(other Stage) bool { return other.Name == s.Name }); i >= 0 {
		r.problem(step.Stages[i].Place, Misleading, "steps", "the <%s> of line %d is used instead of this one", s.Name,
			s.Place.Line)
		step.Stages[i] = s
		return
	}
	step.Stages = append(step.Stages, s)
}

// options reads the elements of all <options> blocks. The tool puts them into one array, so the last of a name wins.
func (r *reader) options() {
	last := map[string]int{}
	for block, parent := range r.named("options") {
		r.checkContainer(parent, "options")
		if len(parent.Children) == 0 {
			r.problem(parent.Place, Refused, "options", "<options> is empty")
		}
		for _, n := range parent.Children {
			o := Option{Place: n.Place, Name: n.Name, Block: block + 1}
			option, known := r.config.kinds[n.Name]
			if known && option.schema != "-" {
				r.checkText(n, n.Name)
			}
			switch {
			case n.Name == "crypt_key":
				r.config.CryptKey = config.Secret(n.TextContent())
			case known:
				o.Value = n.TextContent()
			}
			if i, ok := last[o.Name]; ok {
				r.config.Options[i].Replaced = true
				r.problem(r.config.Options[i].Place, Misleading, o.Name,
					"the <%s> of line %d is used instead of this one", o.Name, o.Place.Line)
			}
			last[o.Name] = len(r.config.Options)
			r.config.Options = append(r.config.Options, o)
		}
	}
	for _, o := range r.config.Options {
		if !o.Replaced {
			r.checkOption(o)
		}
	}
	r.checkMissing()
	r.checkMapping()
}

func (r *reader) checkOption(o Option) {
	known, ok := r.config.kinds[o.Name]
	switch {
	case !ok:
		r.problem(o.Place, Misleading, o.Name,
			"the tool has no option %s: is it misspelt, or that of a step of your own?", o.Name)
	case known.schema == "xmlFile" && !xmlFile.MatchString(o.Value):
		r.problem(o.Place, Refused, o.Name,
			"the path must end in .xml or .dist and consist of letters, digits and - / . _ only, without white "+
				"space around it")
	case known.schema == "int":
		if _, err := strconv.ParseInt(strings.TrimSpace(o.Value), 10, 32); err != nil {
			r.problem(o.Place, Refused, o.Name, "%s is not a whole number", o.Name)
		}
	case known.kind != "text" && o.Value == "":
		r.problem(o.Place, Broken, o.Name, "no file is named")
	case strings.TrimSpace(o.Value) != o.Value && !strings.HasPrefix(o.Name, "init_statements_") &&
		o.Name != "progress_bar_format":
		r.problem(o.Place, Broken, o.Name,
			"there is white space around the text, which the tool takes for a part of it")
	}
	if key := string(r.config.CryptKey); o.Name == "crypt_key" && strings.TrimSpace(key) != key {
		r.problem(o.Place, Misleading, o.Name,
			"there is white space around the key, which the tool takes for a part of it")
	}
}

// required returns the names of the options that the tool's own config.xml.dist has, and without one those that stand
// in all of them.
func (r *reader) required() []string {
	var names []string
	if r.shipped != nil {
		for _, o := range r.shipped.Options {
			names = append(names, o.Name)
		}
		return names
	}
	commerce := strings.TrimSpace(r.config.Value("edition_migrate")) == "commerce-to-commerce"
	for _, row := range rows(optionsTable) {
		if row[1] == "all" || row[1] == "commerce" && commerce {
			names = append(names, row[0])
		}
	}
	return names
}

func (r *reader) checkMissing() {
	var missing []string
	for _, name := range r.required() {
		if _, ok := r.config.Option(name); !ok {
			missing = append(missing, name)
		}
	}
	place := r.root.Place
	if blocks := r.named("options"); len(blocks) > 0 {
		place = blocks[len(blocks)-1].Place
	} else {
		r.problem(place, Broken, "options", "there is no <options>")
	}
	for _, name := range missing {
		consequence := ""
		switch {
		case name == "delta_document_groups_file":
			consequence = ": without it the tool silently creates no triggers, so no change reaches Magento 2 later"
		case strings.HasPrefix(name, "init_statements_"):
			consequence = ": without it the tool dies on PHP 8.1 and later"
		}
		r.problem(place, Broken, name, "the option %s is missing%s", name, consequence)
	}
}

// checkMapping compares the edition and version of map_file's directory with the options that say the same.
func (r *reader) checkMapping() {
	o, _ := r.config.Option("map_file")
	edition, version, ok := MappingOf(o.Value)
	if !ok {
		return
	}
	for _, check := range []struct{ option, want string }{{"edition_migrate", edition}, {"edition_number", version}} {
		if other, ok := r.config.Option(check.option); ok && other.Value != check.want {
			r.problem(other.Place, Misleading, check.option,
				"%s is not that of map_file, which is in the directory for %s %s", check.option, edition, version)
		}
	}
}
