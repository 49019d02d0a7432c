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

// requirementJudge compares what runs with what Magento 2's release was tested with and accepts.
type requirementJudge struct {
	v        *finding.Verdict
	e        *evidence.Evidence
	settings *requirementSettings
	table    requirements.Table
	// releases is one where the release is known, and all of a range where only that is.
	releases []requirements.Release
}

// requirementMet is the metric family of system_requirements.
const requirementMet = "requirement_met"

// systemRequirements says whether Magento 2's surroundings are those that its release was tested with.
func systemRequirements() Precondition {
	return Precondition{
		ID: systemRequirementsID, Title: "Magento 2 meets the system requirements", Needs: []Need{Magento2Database, LocalFiles},
		Families: []finding.Family{{
			Name: requirementMet, Labels: []string{"component"},
			Help: "Whether the component meets Magento 2's system requirements (1 yes, 0 no).",
		}},
		Settings: func() config.Settings { return &requirementSettings{} },
		Evaluate: evaluateSystemRequirements,
	}
}

const systemRequirementsID = "system_requirements"

// requirementSettings say what cannot be found out from Magento's own files.
type requirementSettings struct {
	config.Judgment `yaml:",inline"`
	// PHP is a php binary to ask.
	PHP string `yaml:"php"`
	// Release is Magento 2's, where no composer.lock can be read.
	Release string `yaml:"magento2_version"`
	// RequirementsFile replaces the built-in table.
	RequirementsFile string `yaml:"requirements_file"`
	// Endpoints are addresses by component: search, cache, session, queue, varnish.
	Endpoints map[string]string `yaml:"endpoints"`
}

// Magento2Release implements evidence.DeclaredRelease.
func (s *requirementSettings) Magento2Release() string { return s.Release }

// Paths implements config.PathSettings.
func (s *requirementSettings) Paths(resolve func(path *string, keys ...any)) {
	resolve(&s.RequirementsFile, "requirements_file")
}

func evaluateSystemRequirements(ctx context.Context, e *evidence.Evidence) finding.Verdict {
	v := finding.Verdict{}
	j := requirementJudge{
		v: &v, e: e, settings: config.SettingsOf[requirementSettings](&e.Migration.Preconditions, systemRequirementsID),
	}
	var err error
	if j.table, err = j.readTable(); err != nil {
		v.Unknown("table", "the table of requirements cannot be read", err.Error(),
			"Correct "+j.key("requirements_file")+", or leave it out for the built-in table.")
		return v
	}
	if !j.findReleases(ctx) {
		return v
	}
	v.Summary = "Magento 2's surroundings are those that " + j.releaseText() + " was tested with"
	v.Note("release", "compared with the requirements of "+j.releaseText(), "table of "+j.table.Dated, "")
	j.database(ctx)
	j.search(ctx)
	j.services(ctx)
	j.php(ctx)
	return v
}

// key names one of the settings from the configuration's root.
func (j *requirementJudge) key(path string) string {
	return j.e.Migration.Key("preconditions." + systemRequirementsID + "." + path)
}

// releaseKeys names the settings that make the release known.
func (j *requirementJudge) releaseKeys() string {
	return "Set " + j.key("magento2_version") + ", or " + j.e.Magento2.Key("root") + " to Magento 2's folder."
}

// readTable returns the built-in table, or the one that the configuration names, which is read again each time.
func (j *requirementJudge) readTable() (requirements.Table, error) {
	if file := j.settings.RequirementsFile; file != "" {
		return requirements.Load(file)
	}
	return evidence.Once(
		j.e.Lifetime,
		"requirements",
		func() (requirements.Table, error) { return requirements.Load("") },
	)
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
		j.v.Unknown("release", "Magento 2's release is unknown", j.whyUnknown(release), j.releaseKeys())
		return false
	case release.Exact == "":
		return j.releasesOfRange(release)
	}
	r, ok := requirements.ParseRelease(release.Exact)
	_, row, listed := j.table.Row(r)
	if !ok || !listed {
		j.v.Unknown("release", "the table of requirements does not have Magento 2's release",
			fmt.Sprintf("%q, table of %s", release.Exact, j.table.Dated),
			"Name a table that has it in "+j.key("requirements_file")+", or compare by hand and waive.")
		return false
	}
	j.releases = []requirements.Release{r}
	if row != r {
		j.v.Note("release", "compared with the requirements of "+row.String()+": the table has no row for "+r.String(),
			"table of "+j.table.Dated, "")
	}
	return true
}

// whyUnknown says where the release was looked for.
func (j *requirementJudge) whyUnknown(release evidence.Release) string {
	reasons := []string{"files: " + release.Files.Problem}
	if err := j.e.Magento2.Err; err != nil {
		reasons = append(reasons, "database: "+err.Error())
	}
	return strings.Join(reasons, "; ")
}

// releasesOfRange finds the rows of the releases that the database leaves possible.
func (j *requirementJudge) releasesOfRange(release evidence.Release) bool {
	j.releases = j.table.Between(release.Limits())
	if len(j.releases) == 0 {
		j.v.Unknown("release", "the table of requirements does not have Magento 2's release",
			"it is "+release.String()+", table of "+j.table.Dated, j.releaseKeys())
		return false
	}
	return true
}

// judge compares one component with the table, and says what the installed release itself refuses.
func (j *requirementJudge) judge(component, product, version string, refused error) {
	evidence := fmt.Sprintf("%s %s; tested: %s", product, version, j.tested(product))
	supported := 0
	for _, r := range j.releases {
		row, _, _ := j.table.Row(r)
		if ok, _ := row.Supports(product, version); ok {
			supported++
		}
	}
	remedy := "Use a version that " + j.releaseText() + " was tested with: " + j.tested(product) + "."
	switch {
	case refused != nil:
		j.v.Sample(requirementMet, 0, component)
		j.v.Fail(
			component,
			fmt.Sprintf("Magento 2 does not accept %s %s", product, version),
			evidence+"; "+refused.Error(),
			remedy,
		)
	case supported == len(j.releases):
		j.v.Sample(requirementMet, 1, component)
		j.v.Note(component, fmt.Sprintf("%s %s is a tested version", product, version), evidence, "")
	case supported == 0:
		j.v.Sample(requirementMet, 0, component)
		j.v.Warn(
			component,
			fmt.Sprintf("%s was not tested with %s %s", j.releaseText(), product, version),
			evidence,
			remedy,
		)
	default:
		j.v.Unknown(
			component,
			fmt.Sprintf("whether Magento 2 was tested with %s %s depends on its exact release", product, version),
			evidence,
			j.releaseKeys(),
		)
	}
}

// tested lists the versions of the table.
func (j *requirementJudge) tested(product string) string {
	seen := map[string]bool{}
	for _, r := range j.releases {
		row, _, _ := j.table.Row(r)
		for _, v := range row[product] {
			seen[v] = true
		}
	}
	if len(seen) == 0 {
		return "none"
	}
	return strings.Join(slices.Sorted(maps.Keys(seen)), ", ")
}

func (j *requirementJudge) unseen(component, why string, err error, remedy string) {
	j.v.Unknown(component, "the "+component+" cannot be seen: "+why, errText(err), remedy)
}

// silent says why a server does not give its version, and who fixes it how.
func (j *requirementJudge) silent(component string, err error) {
	cause, key := service.CauseOf(err), j.key("endpoints."+component)
	remedy := "Let the exporter's host reach it, or set " + key + "."
	switch cause {
	case service.Refused:
		remedy = "Start it, or correct its address: " + key + "."
	case service.NameUnknown:
		remedy = "Correct the host name or its DNS record, or set " + key + "."
	case service.TLSFailed:
		remedy = "Let this host trust its certificate, or write http:// in " + key + " if it does not speak TLS."
	case service.Closed:
		remedy = "If it speaks TLS only, write https:// in " + key + "."
	case service.LoginWanted:
		remedy = "Let the exporter's host ask it without a login, or check its version by hand and waive this subject."
	case service.Failing:
		remedy = "Look at the error log of that server."
	case service.OtherServer, service.InvalidAddress, service.NotFound:
		remedy = "Correct its address: " + key + "."
	case service.NoVersion:
		remedy = "Check its version by hand and waive this subject."
	}
	j.unseen(component, "it "+cmp.Or(string(cause), "does not answer"), err, remedy)
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// leastPacket is the default of max_allowed_packet that Adobe's guide names, in bytes; the tool's inserts get larger.
const leastPacket = 16 << 20

// database judges the server of Magento 2 and its settings.
func (j *requirementJudge) database(ctx context.Context) {
	m2 := j.e.Magento2
	if m2.Err != nil {
		j.unseen("database", "it does not answer", m2.Err, "See the precondition network.")
		return
	}
	j.judge(
		"database",
		string(m2.Session.Version.Flavor),
		m2.Session.Version.Number(),
		j.refusedDatabase(m2.Session.VersionText),
	)
	var packet int64
	var format string
	var logging bool
	err := m2.Session.Row(
		ctx,
		"SELECT @@global.max_allowed_packet, @@global.binlog_format, @@global.log_bin",
		nil,
		&packet,
		&format,
		&logging,
	)
	if err != nil {
		m2.Broken(j.v, "database settings", err)
		return
	}
	if packet < leastPacket {
		j.v.Warn(
			"max_allowed_packet",
			"Magento 2's database takes only small packets",
			fmt.Sprintf("max_allowed_packet is %d bytes; the tool inserts up to 50000 rows in one statement", packet),
			"SET GLOBAL max_allowed_packet = 67108864, and the same in my.cnf under [mysqld].",
		)
	}
	if logging && strings.EqualFold(format, "STATEMENT") {
		j.v.Warn(
			"binlog_format",
			"Magento 2 does not support statement-based replication",
			"binlog_format is STATEMENT",
			"SET GLOBAL binlog_format = ROW, and the same in my.cnf under [mysqld].",
		)
	}
}

// maxDI is the largest di.xml that is read, in bytes; Magento's has 150 kB.
const maxDI = 4 << 20

// refusedDatabase says when the installed release itself refuses the database's version: setup stops there.
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
			return nil // also where PHP's pattern is none of Go's: nothing is claimed then
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
		if name := n.Attribute("name"); n.Name != "argument" || name == nil ||
			name.Value != "supportedVersionPatterns" {
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
		var err error
		endpoint, err = j.e.SearchEndpoint(ctx)
		if err == nil && endpoint == "" && j.releases[0].Compare(requirements.Release{Major: 2, Minor: 4}) >= 0 {
			err = errors.New("core_config_data names the engine mysql, which Magento 2.4 has no more")
		}
		if err != nil {
			j.unseen(
				"search",
				"its address is not known",
				err,
				"Set "+j.key("endpoints.search")+", like http://opensearch:9200.",
			)
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

// services judges caches, sessions, queues and Varnish, where env.php or the configuration names them.
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

// fromEnvironment adds the servers of env.php that the configuration does not name.
func (j *requirementJudge) fromEnvironment(env *envphp.File, named, passwords map[string]string) {
	for _, kind := range []struct {
		component string
		stores    []envphp.Store
	}{{"session", []envphp.Store{env.Session}}, {"cache", env.Caches}, {"queue", env.Queues}} {
		component := kind.component
		for _, store := range kind.stores {
			backend := strings.ToLower(store.Backend.Or(""))
			isServer := component == "queue" || strings.Contains(backend, "redis") ||
				strings.Contains(backend, "valkey")
			if !isServer || len(store.Servers) == 0 || named[component] != "" {
				continue
			}
			server := store.Servers[0]
			if server.State != envphp.Known {
				j.unseen(
					component,
					"env.php does not tell its address",
					errors.New(server.Reason),
					"Set "+j.key("endpoints."+component)+".",
				)
				continue
			}
			named[component] = server.Value.String()
		}
	}
	// The caches that Magento purges are Varnish's, and speak HTTP.
	if servers := env.HTTPCaches.Servers; named["varnish"] == "" && len(servers) > 0 &&
		servers[0].State == envphp.Known {
		named["varnish"] = "http://" + servers[0].Value.String()
	}
	passwords["session"] = env.Text("session/redis/password").Or("")
	passwords["cache"] = env.Text("cache/frontend/default/backend_options/password").Or("")
}

// php asks the php binary that the configuration names: the one that runs the tool.
func (j *requirementJudge) php(ctx context.Context) {
	binary := j.settings.PHP
	if binary == "" {
		j.unseen(
			"php",
			"no php binary is named",
			nil,
			"Set "+j.key(
				"php",
			)+" to the binary that runs bin/magento, like /usr/bin/php8.2; where that is on another host, check by hand and waive the subject php.",
		)
		return
	}
	p, err := service.AskPHP(ctx, binary)
	if err != nil {
		j.unseen("php", "the binary does not answer", err, "Correct "+j.key("php")+".")
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
		j.v.Warn(
			"php memory_limit",
			"PHP's memory_limit is below what Adobe advises",
			"memory_limit is "+p.MemoryLimit+", advised are 2G",
			"Set memory_limit = 2G in the php.ini of the command line ("+shell.Word(binary)+" --ini shows which).",
		)
	}
}

// refusedPHP says when the installed release itself refuses the version.
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
			if ok && !pkg.Dev &&
				!slices.Contains(p.Extensions, strings.ReplaceAll(extension, "zend-opcache", "zend opcache")) {
				missing[extension] = true
			}
		}
	}
	if len(missing) > 0 {
		names := slices.Sorted(maps.Keys(missing))
		j.v.Fail(
			"php extensions",
			"PHP lacks extensions that Magento 2 requires",
			strings.Join(names, ", "),
			"Install them, on Debian:\napt-get install php-"+strings.Join(names, " php-"),
		)
	}
}

const leastMemory = 2 << 30

// memoryBytes reads php.ini's shorthand. It is false for no limit and for what is none.
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
