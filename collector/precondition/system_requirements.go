package precondition

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"magento_migration_exporter/collector/database"
	"magento_migration_exporter/collector/evidence"
	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/collector/requirements"
	"magento_migration_exporter/collector/service"
	"magento_migration_exporter/config"
	"magento_migration_exporter/config/composer"
	"magento_migration_exporter/config/envphp"
	"magento_migration_exporter/config/shell"
	"magento_migration_exporter/config/sourcefile"
	"magento_migration_exporter/config/xmltree"
)

// requirementJudge compares the installed versions with those that Magento 2's release was tested with and accepts.
type requirementJudge struct {
	v        *finding.Verdict
	e        *evidence.Evidence
	settings *requirementSettings
	table    requirements.Table
	// releases has one element when the release is known, else all releases of the known range.
	releases []requirements.Release
	// otherRow is the release whose row is taken, where the table has none for the release itself.
	otherRow string
}

// requirementMet is the metric family of system_requirements.
const requirementMet = "requirement_met"

// systemRequirements checks that Magento 2's release was tested with the installed versions of what it uses.
func systemRequirements() Precondition {
	return Precondition{
		ID: systemRequirementsID, Title: "System requirements", Needs: []Need{Magento2Database, LocalFiles},
		Families: []finding.Family{{
			Name: requirementMet, Labels: []string{"component"},
			Help: "Whether the component meets Magento 2's system requirements (1 yes, 0 no).",
		}},
		Settings: func() config.Settings { return &requirementSettings{} },
		Evaluate: evaluateSystemRequirements,
	}
}

const systemRequirementsID = "system_requirements"

// requirementSettings have what Magento's own files do not have.
type requirementSettings struct {
	config.Judgment `yaml:",inline"`
	// PHP is a php binary to ask.
	PHP string `yaml:"php"`
	// Release is Magento 2's, for when composer.lock cannot be read.
	Release string `yaml:"magento2_version"`
	// RequirementsFile replaces the built-in table.
	RequirementsFile string `yaml:"requirements_file"`
	// Endpoints are addresses by component: search, cache, session, queue, varnish.
	Endpoints map[string]string `yaml:"endpoints"`
}

// Magento2Release implements evidence.DeclaredRelease.
func (s *requirementSettings) Magento2Release() string { return s.Release }

// PHPBinary implements evidence.DeclaredPHP.
func (s *requirementSettings) PHPBinary() string { return s.PHP }

// Paths implements config.PathSettings.
func (s *requirementSettings) Paths(resolve func(path *string, keys ...any)) {
	resolve(&s.RequirementsFile, "requirements_file")
}

func evaluateSystemRequirements(ctx context.Context, e *evidence.Evidence) finding.Verdict {
	v := finding.Verdict{}
	settings := config.SettingsOf[requirementSettings](&e.Migration.Preconditions, systemRequirementsID)
	j := requirementJudge{v: &v, e: e, settings: settings}
	var err error
	if j.table, err = j.readTable(); err != nil {
		v.Unknown("table", "the table of requirements cannot be read", err.Error(),
			"Correct "+j.key("requirements_file")+", or remove it to use the built-in table.")
		return v
	}
	if !j.findReleases(ctx) {
		return v
	}
	v.Summary = "Magento " + j.releaseText() + " was tested with the installed versions"
	v.Note("release", j.comparedText(), "table of "+j.table.Dated, "")
	j.database(ctx)
	j.search(ctx)
	j.services(ctx)
	j.php(ctx)
	return v
}

// comparedText says with which rows of the table the versions are compared.
func (j *requirementJudge) comparedText() string {
	if j.otherRow == "" {
		return "compared with the requirements of " + j.releaseText()
	}
	return "compared with the requirements of " + j.otherRow + ": the table has no row for " + j.releaseText()
}

// key is the path of one of the settings from the configuration's root.
func (j *requirementJudge) key(path string) string {
	return j.e.Migration.Key("preconditions." + systemRequirementsID + "." + path)
}

// releaseRemedy says which settings make the release known.
func (j *requirementJudge) releaseRemedy() string {
	return "Set " + j.key("magento2_version") + ", or " + j.e.Magento2.Key("root") + " to Magento 2's folder."
}

// readTable returns the configured table, which is read again each time, else the built-in one.
func (j *requirementJudge) readTable() (requirements.Table, error) {
	if file := j.settings.RequirementsFile; file != "" {
		return requirements.Load(file)
	}
	return evidence.Once(j.e.Lifetime, "requirements",
		func() (requirements.Table, error) { return requirements.Load("") })
}

func (j *requirementJudge) releaseText() string {
	first, last := j.releases[0], j.releases[len(j.releases)-1]
	if first == last {
		return first.String()
	}
	return first.String() + " to " + last.String()
}

// findReleases finds the rows of the table: one for an exact release, else those of all releases that are possible.
func (j *requirementJudge) findReleases(ctx context.Context) bool {
	release, err := j.e.Release(ctx)
	switch {
	case err != nil:
		j.e.Magento2.Broken(j.v, "release", err)
		return false
	case release.String() == "":
		j.v.Unknown("release", "Magento 2's release is unknown", j.whyUnknown(release), j.releaseRemedy())
		return false
	case release.Exact == "":
		return j.releasesOfRange(release)
	}
	r, ok := requirements.ParseRelease(release.Exact)
	_, row, listed := j.table.Row(r)
	if !ok || !listed {
		j.v.Unknown("release", "the table of requirements does not have Magento 2's release",
			fmt.Sprintf("%q, table of %s", release.Exact, j.table.Dated),
			"Set "+j.key("requirements_file")+" to a table that has it, or compare by hand and waive.")
		return false
	}
	j.releases = []requirements.Release{r}
	if row != r {
		j.otherRow = row.String()
	}
	return true
}

// whyUnknown says where the release was searched.
func (j *requirementJudge) whyUnknown(release evidence.Release) string {
	reasons := []string{"files: " + release.Files.Problem}
	if err := j.e.Magento2.Err; err != nil {
		reasons = append(reasons, "database: "+err.Error())
	}
	return strings.Join(reasons, "; ")
}

// releasesOfRange finds the rows of the releases that are possible for the database.
func (j *requirementJudge) releasesOfRange(release evidence.Release) bool {
	j.releases = j.table.Between(release.Limits())
	if len(j.releases) == 0 {
		j.v.Unknown("release", "the table of requirements does not have Magento 2's release",
			"it is "+release.String()+", table of "+j.table.Dated, j.releaseRemedy())
		return false
	}
	return true
}

// judge compares one component with the table. refused is why the installed release itself does not accept it, or nil.
func (j *requirementJudge) judge(component, product, version string, refused error) {
	installed := productName(product) + " " + version
	supported := 0
	for _, r := range j.releases {
		row, _, _ := j.table.Row(r)
		if ok, _ := row.Supports(product, version); ok {
			supported++
		}
	}
	tested := j.tested(product)
	evidence := fmt.Sprintf("%s; tested: %s", installed, cmp.Or(tested, "none"))
	remedy := "Use a version that " + j.releaseText() + " was tested with: " + tested + "."
	if tested == "" {
		remedy = "Adobe lists no version of " + productName(product) + " for " + j.releaseText() +
			": check by hand and waive the subject " + component + "."
	}
	switch {
	case refused != nil:
		j.v.Sample(requirementMet, 0, component)
		j.v.Fail(component, "Magento 2 does not accept "+installed, evidence+"; "+refused.Error(), remedy)
	case supported == len(j.releases):
		j.v.Sample(requirementMet, 1, component)
		j.v.Note(component, installed+" is a tested version", evidence, "")
	case supported == 0:
		j.v.Sample(requirementMet, 0, component)
		j.v.Warn(component, j.releaseText()+" was not tested with "+installed, evidence, remedy)
	default:
		j.v.Unknown(component,
			installed+": supported only by some "+j.rangeText()+"; exact release unknown", evidence, j.releaseRemedy())
	}
}

// rangeText names the releases when only a range is known.
func (j *requirementJudge) rangeText() string {
	first, last := j.releases[0], j.releases[len(j.releases)-1]
	if last.Security = first.Security; first == last {
		return fmt.Sprintf("%d.%d.%d patch releases", first.Major, first.Minor, first.Patch)
	}
	return "releases of " + j.releaseText()
}

// productName is the name of a product of the table for people.
func productName(product string) string {
	names := map[string]string{
		"elasticsearch": "Elasticsearch",
		"mariadb":       "MariaDB",
		"mysql":         "MySQL",
		"opensearch":    "OpenSearch",
		"php":           "PHP",
		"rabbitmq":      "RabbitMQ",
		"redis":         "Redis",
		"valkey":        "Valkey",
		"varnish":       "Varnish",
	}
	return cmp.Or(names[product], product)
}

// tested lists the versions in the table; it is empty when there are none.
func (j *requirementJudge) tested(product string) string {
	seen := map[string]bool{}
	for _, r := range j.releases {
		row, _, _ := j.table.Row(r)
		for _, v := range row[product] {
			seen[v] = true
		}
	}
	return strings.Join(slices.Sorted(maps.Keys(seen)), ", ")
}

// unknown adds that a component's version is unknown.
func (j *requirementJudge) unknown(component, why string, err error, remedy string) {
	j.v.Unknown(component, component+" version unknown: "+why, errText(err), remedy)
}

// silent adds why a server does not report its version, and how to fix that.
func (j *requirementJudge) silent(component string, err error) {
	cause, key := service.CauseOf(err), j.key("endpoints."+component)
	remedy := "Let the exporter's host connect to it, or set " + key + "."
	switch cause {
	case service.Refused:
		remedy = "Start it, or correct its address: " + key + "."
	case service.NameUnknown:
		remedy = "Correct the host name or its DNS record, or set " + key + "."
	case service.TLSFailed:
		remedy = "Let this host trust its certificate, or write http:// in " + key + " if it does not use TLS."
	case service.Closed:
		remedy = "If it accepts only TLS, write https:// in " + key + "."
	case service.LoginWanted:
		remedy = "Allow requests from the exporter's host without a login, or check its version by hand and waive " +
			"this subject."
	case service.Failing:
		remedy = "Look at the error log of that server."
	case service.OtherServer, service.InvalidAddress, service.NotFound:
		remedy = "Correct its address: " + key + "."
	case service.NoVersion:
		remedy = "Check its version by hand and waive this subject."
	}
	j.unknown(component, "it "+cmp.Or(string(cause), "does not answer"), err, remedy)
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// leastPacket is the default of max_allowed_packet in Adobe's guide, in bytes; the tool's inserts can be larger.
const leastPacket = 16 << 20

// database judges the server of Magento 2 and its settings.
func (j *requirementJudge) database(ctx context.Context) {
	m2 := j.e.Magento2
	if m2.Err != nil {
		j.unknown("database", "the server does not answer", m2.Err, "See the precondition network.")
		return
	}
	j.databaseVersion(m2.Session.Version, m2.Session.VersionText)
	var packet int64
	var format string
	var logging bool
	const query = "SELECT @@global.max_allowed_packet, @@global.binlog_format, @@global.log_bin"
	if err := m2.Session.Row(ctx, query, nil, &packet, &format, &logging); err != nil {
		m2.Broken(j.v, "database settings", err)
		return
	}
	if packet < leastPacket {
		j.v.Warn("max_allowed_packet", "Magento 2's database accepts only small packets",
			fmt.Sprintf("max_allowed_packet is %d bytes; the tool inserts up to 50000 rows in one statement", packet),
			"SET GLOBAL max_allowed_packet = 67108864, and the same in my.cnf under [mysqld].")
	}
	if logging && strings.EqualFold(format, "STATEMENT") {
		j.v.Warn("binlog_format", "Magento 2 does not support statement-based replication",
			"binlog_format is STATEMENT", "SET GLOBAL binlog_format = ROW, and the same in my.cnf under [mysqld].")
	}
}

// databaseVersion judges the version. What a proxy or a fork calls its version may be none.
func (j *requirementJudge) databaseVersion(version database.Version, text string) {
	refused := j.refusedDatabase(text)
	if version.Number() == "" && refused == nil {
		j.v.Unknown("database", "database version unknown: the server gives no version of "+
			productName(string(version.Flavor)), fmt.Sprintf("SELECT VERSION() is %q", text),
			"If a proxy answers for the server, configure the server itself. Or check the version by hand and waive "+
				"the subject database.")
		return
	}
	j.judge("database", string(version.Flavor), version.Number(), refused)
}

// maxDI is the largest di.xml that is read, in bytes; Magento's has 150 kB.
const maxDI = 4 << 20

// refusedDatabase returns an error when the installed release itself refuses the database's version: its setup stops.
func (j *requirementJudge) refusedDatabase(versionText string) error {
	path := filepath.Join(j.e.Migration.Magento2.Root, "app/etc/di.xml")
	if j.e.Migration.Magento2.Root == "" {
		return nil
	}
	data, err := sourcefile.Read(path, maxDI)
	if err != nil {
		return nil
	}
	tree, err := xmltree.Parse(path, data)
	if err != nil {
		return nil
	}
	patterns := versionPatterns(tree)
	for _, p := range patterns {
		if re, err := regexp.Compile(p); err != nil || re.MatchString(versionText) {
			return nil // also when Go cannot compile PHP's pattern: then nothing is claimed
		}
	}
	if len(patterns) == 0 {
		return nil
	}
	return fmt.Errorf("app/etc/di.xml accepts %s", strings.Join(patterns, ", "))
}

// versionPatterns finds supportedVersionPatterns of Magento\Framework\DB\Adapter\SqlVersionProvider.
func versionPatterns(tree *xmltree.Node) []string {
	var patterns []string
	for n := range tree.All() {
		name := n.Attribute("name")
		if n.Name != "argument" || name == nil || name.Value != "supportedVersionPatterns" {
			continue
		}
		for _, item := range n.Children {
			patterns = append(patterns, strings.TrimSpace(item.Text()))
		}
	}
	return patterns
}

// search judges the search engine that Magento 2 is configured for.
func (j *requirementJudge) search(ctx context.Context) {
	endpoint := j.settings.Endpoints["search"]
	if endpoint == "" {
		server, err := j.e.SearchServer(ctx)
		endpoint = server.Endpoint
		if err == nil && endpoint == "" && j.releases[0].Compare(requirements.Release{Major: 2, Minor: 4}) >= 0 {
			err = errors.New("the engine mysql is configured, which Magento 2.4 no longer supports")
		}
		if err != nil {
			j.unknown("search", "the server's address is unknown", err,
				"Set "+j.key("endpoints.search")+", like http://opensearch:9200.")
			return
		}
	}
	if endpoint == "" {
		j.v.Note("search", "Magento 2 searches in its database", "no search engine is configured", "")
		return
	}
	engine, err := service.Search(ctx, endpoint)
	if err != nil {
		j.silent("search", err)
		return
	}
	j.judge("search", engine.Product, engine.Version, nil)
}

// services judges caches, sessions, queues and Varnish that env.php or the configuration has.
func (j *requirementJudge) services(ctx context.Context) {
	endpoints := j.settings.Endpoints
	named := map[string]string{
		"cache":   endpoints["cache"],
		"session": endpoints["session"],
		"queue":   endpoints["queue"],
		"varnish": endpoints["varnish"],
	}
	passwords := map[string]string{}
	env, err := j.e.Files.Env()
	if err != nil {
		if named["cache"] == "" || named["session"] == "" || named["queue"] == "" {
			j.e.Magento2.Unreadable(j.v, "env.php", "Magento 2's cache, session and queue servers are unknown", err)
		}
	} else {
		j.fromEnvironment(env, named, passwords)
	}
	for _, component := range []string{"cache", "session"} {
		if address := named[component]; address != "" {
			server, err := service.Redis(ctx, address, passwords[component])
			j.service(component, server, err)
		}
	}
	if address := named["queue"]; address != "" {
		server, err := service.RabbitMQ(ctx, address)
		j.service("queue", server, err)
	}
	if address := named["varnish"]; address != "" {
		server, err := service.Varnish(ctx, address)
		j.service("varnish", server, err)
	}
}

func (j *requirementJudge) service(component string, s service.Service, err error) {
	if err != nil {
		j.silent(component, err)
		return
	}
	j.judge(component, s.Product, s.Version, nil)
}

// fromEnvironment adds the servers of env.php that the configuration does not have.
func (j *requirementJudge) fromEnvironment(env *envphp.File, named, passwords map[string]string) {
	for _, kind := range []struct {
		component string
		stores    []envphp.Store
	}{{"session", []envphp.Store{env.Session}}, {"cache", env.Caches}, {"queue", env.Queues}} {
		component := kind.component
		for _, store := range kind.stores {
			backend := strings.ToLower(store.Backend.Or(""))
			isRedis := strings.Contains(backend, "redis") || strings.Contains(backend, "valkey")
			if component != "queue" && !isRedis || len(store.Servers) == 0 || named[component] != "" {
				continue
			}
			server := store.Servers[0]
			if server.State != envphp.Known {
				j.unknown(component, "env.php does not have the server's address", errors.New(server.Reason),
					"Set "+j.key("endpoints."+component)+".")
				continue
			}
			named[component] = server.Value.String()
		}
	}
	// Magento purges the HTTP caches, which are Varnish, over HTTP.
	servers := env.HTTPCaches.Servers
	if named["varnish"] == "" && len(servers) > 0 && servers[0].State == envphp.Known {
		named["varnish"] = "http://" + servers[0].Value.String()
	}
	passwords["session"] = env.Text("session/redis/password").Or("")
	passwords["cache"] = env.Text("cache/frontend/default/backend_options/password").Or("")
}

// php asks the configured php binary: the one that runs the tool.
func (j *requirementJudge) php(ctx context.Context) {
	binary := j.settings.PHP
	if binary == "" {
		j.unknown("php", "no php binary is configured", nil,
			"Set "+j.key("php")+" to the binary that runs bin/magento, like /usr/bin/php8.2. "+
				"If it is on another host, check by hand and waive the subject php.")
		return
	}
	p, err := j.e.PHP(ctx)
	if err != nil {
		j.unknown("php", "the binary does not answer", err, "Correct "+j.key("php")+".")
		return
	}
	version, _, _ := strings.Cut(p.Version, "-")
	lock, err := j.e.Files.Lock()
	if err != nil {
		lock = nil
	}
	j.judge("php", "php", version, refusedPHP(lock, version))
	if lock != nil {
		j.extensions(lock, p)
	}
	if limit, ok := memoryBytes(p.MemoryLimit); ok && limit < leastMemory {
		j.v.Warn("php memory_limit", "PHP's memory_limit is below Adobe's recommendation",
			"memory_limit is "+p.MemoryLimit+", recommended is 2G",
			"Set memory_limit = 2G in the php.ini of the command line ("+shell.Word(binary)+" --ini shows which).")
	}
}

// refusedPHP returns an error when the installed release itself refuses the version.
func refusedPHP(lock *composer.Lock, version string) error {
	if lock == nil {
		return nil
	}
	for _, name := range []string{composer.Base, composer.OpenSource, composer.Commerce} {
		p, ok := lock.Package(name)
		if constraint := p.Require["php"]; ok && constraint != "" {
			if met, err := requirements.Satisfies(version, constraint); err == nil && !met {
				return fmt.Errorf("composer.lock: %s requires php %s", name, constraint)
			}
		}
	}
	return nil
}

// extensions looks for the PHP extensions that the installed packages require.
func (j *requirementJudge) extensions(lock *composer.Lock, p service.PHP) {
	missing := map[string]bool{}
	for _, pkg := range lock.Packages {
		for name := range pkg.Require {
			extension, ok := strings.CutPrefix(strings.ToLower(name), "ext-")
			loadedAs := strings.ReplaceAll(extension, "zend-opcache", "zend opcache")
			if ok && !pkg.Dev && !slices.Contains(p.Extensions, loadedAs) {
				missing[extension] = true
			}
		}
	}
	if len(missing) > 0 {
		names := slices.Sorted(maps.Keys(missing))
		j.v.Fail("php extensions", "PHP lacks extensions that Magento 2 requires", strings.Join(names, ", "),
			"Install them, on Debian:\napt-get install php-"+strings.Join(names, " php-"))
	}
}

const leastMemory = 2 << 30

// memoryBytes reads a size in php.ini's notation. It is false for "no limit" and for anything that is not a size.
func memoryBytes(text string) (int64, bool) {
	text = strings.ToUpper(strings.TrimSpace(text))
	unit := int64(1)
	for suffix, factor := range map[string]int64{"K": 1 << 10, "M": 1 << 20, "G": 1 << 30} {
		if digits, ok := strings.CutSuffix(text, suffix); ok {
			text, unit = digits, factor
		}
	}
	n, err := strconv.ParseInt(text, 10, 64)
	return n * unit, err == nil && n >= 0 && n < 1<<32
}
