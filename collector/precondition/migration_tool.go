package precondition

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"magento_migration_exporter/collector/database"
	"magento_migration_exporter/collector/evidence"
	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/collector/integrity"
	"magento_migration_exporter/collector/requirements"
	"magento_migration_exporter/config"
	"magento_migration_exporter/config/composer"
	"magento_migration_exporter/config/envphp"
	"magento_migration_exporter/config/localxml"
	"magento_migration_exporter/config/magento1"
	"magento_migration_exporter/config/progress"
	"magento_migration_exporter/config/sourcefile"
	"magento_migration_exporter/config/toolconfig"
	"magento_migration_exporter/config/toolmap"
	"magento_migration_exporter/config/xmltree"
)

// toolModule is the migration tool's name among Magento 2's modules.
const toolModule = "Magento_DataMigrationTool"

// The metric families of migration_tool.
const (
	integrityFindings = "integrity_findings"
	toolInfo          = "tool_info"
)

// migrationTool checks that the tool is installed, fits Magento 2's release, and is configured for these two systems.
func migrationTool() Precondition {
	return Precondition{
		ID: "migration_tool", Title: "Data Migration Tool", Phases: untilDone(),
		Needs: []Need{Magento1Database, Magento2Database, LocalFiles},
		Families: []finding.Family{
			{
				Name: integrityFindings, Labels: []string{"kind"},
				Help: "What the migration tool's integrity check would refuse, by kind.",
			},
			{
				Name: toolInfo, Labels: []string{"version", "magento2_version"},
				Help: "Releases of the migration tool and of Magento 2; always 1.",
			},
		},
		Settings: func() config.Settings { return &toolSettings{} },
		Evaluate: evaluateMigrationTool,
	}
}

// toolSettings are the keys of preconditions.migration_tool.
type toolSettings struct {
	config.Judgment `yaml:",inline"`
	// Auto says that migrate:settings and migrate:data will be run with --auto.
	Auto bool `yaml:"auto"`
}

func evaluateMigrationTool(ctx context.Context, e *evidence.Evidence) finding.Verdict {
	v := finding.Verdict{Summary: "the migration tool is installed and configured for these systems"}
	judgeToolInstallation(ctx, &v, e)
	judgeToolConfiguration(ctx, &v, e)
	judgeToolState(ctx, &v, e)
	if judgeSource(ctx, &v, e) {
		judgeIntegrity(ctx, &v, e)
	}
	return v
}

// judgeToolInstallation reads composer.lock and config.php.
func judgeToolInstallation(ctx context.Context, v *finding.Verdict, e *evidence.Evidence) {
	lock, err := e.Files.Lock()
	if err != nil {
		e.Magento2.Unreadable(v, "composer.lock", "it is unknown whether the migration tool is installed", err)
		return
	}
	// When the database cannot be read, the files are enough; network reports the database.
	release, _ := e.Release(ctx)
	tool, installed := lock.Package(composer.DataMigrationTool)
	if !installed {
		v.Sample(toolInfo, 1, "", release.Exact)
		v.Fail("installation", "the migration tool is not installed",
			lock.File+" does not have "+composer.DataMigrationTool,
			"Install the same release as Magento 2's:\ncomposer require "+composer.DataMigrationTool+":"+
				withoutSecurityPatch(release))
		return
	}
	v.Sample(toolInfo, 1, tool.Version, release.Exact)
	judgeToolRelease(v, e, tool.Version, release)
	judgeToolModule(v, e)
}

func judgeToolModule(v *finding.Verdict, e *evidence.Evidence) {
	modules, err := e.Files.ConfigPHP()
	if err != nil {
		e.Magento2.Unreadable(v, "module", "it is unknown whether the migration tool's module is enabled", err)
		return
	}
	switch enabled, known := modules.Enabled(toolModule); {
	case !known:
		v.Unknown("module", "it is unknown whether the migration tool's module is enabled", modules.Unknown,
			"Make app/etc/config.php a plain array:\nbin/magento app:config:dump modules")
	case !enabled:
		v.Fail("module", "the migration tool's module is not enabled", modules.File,
			"bin/magento module:enable "+toolModule+" && bin/magento setup:upgrade")
	}
}

// withoutSecurityPatch is Magento 2's release as Composer's constraint for the tool, which has no security patches.
func withoutSecurityPatch(release evidence.Release) string {
	if n, ok := numbersOf(release); ok {
		return fmt.Sprintf("%d.%d.%d", n[0], n[1], n[2])
	}
	return "<Magento 2's release>"
}

// numbersOf returns the first three numbers of Magento 2's release. It is false when a range leaves several possible.
func numbersOf(release evidence.Release) (numbers [3]int, ok bool) {
	since, before := release.Limits()
	next := requirements.Release{Major: since.Major, Minor: since.Minor, Patch: since.Patch + 1}
	if since == (requirements.Release{}) || release.Exact == "" && before != next {
		return numbers, false
	}
	return [3]int{since.Major, since.Minor, since.Patch}, true
}

// judgeToolRelease compares only the first three numbers: the tool has no security patches, and some of its releases
// have a fourth number.
func judgeToolRelease(v *finding.Verdict, e *evidence.Evidence, tool string, magento evidence.Release) {
	seen := fmt.Sprintf("the tool is %s, Magento 2 is %s", tool, cmp.Or(magento.String(), "of an unknown release"))
	t, ok1 := threeNumbers(tool)
	m, ok2 := numbersOf(magento)
	remedy := "Install the tool's release for this Magento 2, if there is one; see the tool's releases:\n" +
		"composer show --all " + composer.DataMigrationTool
	switch {
	case !ok1 || !ok2:
		v.Unknown("release", "it is unknown whether the tool's release fits Magento 2's", seen,
			"Install tagged releases of both, or set "+
				e.Migration.Key("preconditions.system_requirements.magento2_version")+".")
	case t == m:
		v.Note("release", "the tool's release fits Magento 2's", seen, "")
	case t[0] == m[0] && t[1] == m[1]:
		v.Warn("release", "the tool's release is not Magento 2's", seen, remedy)
	default:
		v.Fail("release", "the tool's release is not for this Magento 2", seen, remedy)
	}
}

// threeNumbers reads the first three numbers of a release. It is false for development branches.
func threeNumbers(release string) (d [3]int, ok bool) {
	text, _, _ := strings.Cut(strings.TrimPrefix(release, "v"), "-")
	parts := strings.Split(text, ".")
	if len(parts) > 3 {
		parts = parts[:3]
	}
	r, ok := requirements.ParseRelease(strings.Join(parts, "."))
	return [3]int{r.Major, r.Minor, r.Patch}, ok
}

// judgeToolConfiguration reads config.xml and the files that it names.
func judgeToolConfiguration(ctx context.Context, v *finding.Verdict, e *evidence.Evidence) {
	const subject, unread = "config.xml", "the migration tool's config.xml cannot be read"
	switch {
	case e.Tool.Path == "":
		v.Unknown(subject, "migration_tool.config is not set", "",
			"Set "+e.Migration.Key("migration_tool.config")+" to the tool's config.xml.")
		return
	case errors.Is(e.Tool.Err, evidence.ErrHangs):
		v.Unknown(subject, unread, e.Tool.Err.Error(), evidence.HangRemedy)
		return
	case e.Tool.Err != nil:
		v.Fail(subject, unread, e.Tool.Err.Error(), "Put a well-formed config.xml there that the exporter can read.")
		return
	}
	for _, p := range e.Tool.Config.Problems {
		f := finding.Finding{
			Status:   finding.Fail,
			Subject:  p.Subject,
			Summary:  "config.xml: " + p.Text,
			Evidence: fmt.Sprintf("%s:%d:%d", e.Tool.Path, p.Place.Line, p.Place.Column),
			Remedy:   "Correct it there; the tool itself reports it only in developer mode.",
		}
		if p.Severity == toolconfig.Misleading {
			f.Status = finding.Warn
		}
		v.Add(f)
	}
	judgeMapFiles(v, e)
	judgeMapping(ctx, v, e)
	judgeAgreement(ctx, v, e)
	judgeMagento2Agreement(v, e)
}

// judgeMapFiles looks for each file that config.xml names, in the same places as the tool.
func judgeMapFiles(v *finding.Verdict, e *evidence.Evidence) {
	root := e.Migration.Magento2.Root
	moduleDir := e.Tool.ModuleDir(root)
	if moduleDir == "" {
		v.Unknown("map files", "the tool's own folder was not found: its map files cannot be read", "",
			"Set "+e.Magento2.Key("root")+" to the Magento 2 in which the tool is installed.")
		return
	}
	var handlers []mapHandler
	for _, option := range e.Tool.Config.PathOptions() {
		handlers = append(handlers, judgeMapFile(v, e.Tool.Config, option, root, moduleDir)...)
	}
	judgeClasses(v, e, moduleDir, handlers)
}

// mapHandler is a handler, and where it is named.
type mapHandler struct {
	option, path string
	toolmap.Handler
}

// judgeClasses finds classes in config.xml and in map files that Magento 2 does not have: the tool dies when it needs
// one, for a step at its very start.
func judgeClasses(v *finding.Verdict, e *evidence.Evidence, moduleDir string, handlers []mapHandler) {
	root := e.Migration.Magento2.Root
	lock, err := e.Files.Lock()
	if err != nil || root == "" {
		return // judgeToolInstallation reports it
	}
	classes := toolmap.Classes{Root: root, ModuleDir: moduleDir, Lock: lock}
	seen := map[string]bool{}
	judge := func(subject, what, seenAt, class string) {
		class = strings.TrimPrefix(class, `\`)
		if seen[class] || !classes.Lack(class) {
			return
		}
		seen[class] = true
		v.Warn(subject, what+" has a class that Magento 2 does not have: the tool would die with "+
			"\"Class ... does not exist\"", seenAt+": "+class,
			"Correct the class, or install the module that has it.")
	}
	if _, err := os.Stat(filepath.Join(moduleDir, "src/Migration/Step")); err == nil {
		for _, mode := range e.Tool.Config.Modes {
			for _, step := range mode.Steps {
				for _, stage := range step.Stages {
					judge("steps", "a step of migrate:"+mode.Name,
						fmt.Sprintf("%s:%s, %s", e.Tool.Path, stage.Place, step.Title), stage.Class)
				}
			}
		}
	}
	for _, h := range handlers {
		judge(h.option, "a map file", fmt.Sprintf("%s:%s", h.path, h.Place), h.Class)
	}
}

// maxMapFile is the largest map file that is read, in bytes; the tool's largest has 200 kB.
const maxMapFile = 4 << 20

// judgeMapFile judges whether the tool can read the file of an option, and returns the handlers in it.
func judgeMapFile(v *finding.Verdict, c *toolconfig.Config, option, root, moduleDir string) []mapHandler {
	var looked []string
	for _, candidate := range c.Candidates(option, root, moduleDir) {
		handlers, err := toolmap.ReadHandlers(candidate.Path)
		if evidence.Missing(err) {
			looked = append(looked, candidate.Path)
			continue
		}
		switch {
		case err != nil:
			v.Fail(option, "the tool cannot read the file of "+option, err.Error(),
				"Correct the file, or set "+option+" in config.xml to another one.")
		case candidate.FromRootOnly:
			v.Warn(option, "the tool finds the file of "+option+" only when it is started in Magento 2's root",
				candidate.Path, "Write its absolute path into config.xml, or always start the tool there.")
		}
		named := make([]mapHandler, len(handlers))
		for i, h := range handlers {
			named[i] = mapHandler{option, candidate.Path, h}
		}
		return named
	}
	v.Fail(option, "the tool would stop with: Invalid map filename",
		fmt.Sprintf("%s is %q; looked at %s", option, c.Value(option), strings.Join(looked, ", ")),
		"Correct the path in config.xml; edited copies are named without .dist.")
	return nil
}

// judgeMapping compares the mapping folder with Magento 1's release and edition, and with Magento 2's edition.
func judgeMapping(ctx context.Context, v *finding.Verdict, e *evidence.Evidence) {
	mapFile := e.Tool.Config.Value("map_file")
	edition, version, ok := toolconfig.MappingOf(mapFile)
	m1 := e.Magento1Release(ctx)
	if m1.OpenMage || m1.First != "" && m1.Last == "" {
		v.Warn("mapping", "Magento 1 is OpenMage, which the tool does not support as a source",
			cmp.Or(strings.TrimSpace("OpenMage "+m1.OpenMageNumber), m1.String())+"; "+m1.Evidence,
			"Use the mapping of 1.9.4.5, and map by hand what the integrity check refuses.")
		return
	}
	if !ok {
		v.Note("mapping", "the mapping is not one of the tool's own folders", mapFile, "")
		return
	}
	judgeTarget(v, e, edition)
	if m1.First == "" {
		v.Unknown("mapping", "it is unknown whether the mapping fits Magento 1's release", m1.Evidence,
			"Set "+e.Magento1.Key("root")+" to Magento 1's folder, or compare by hand and waive this subject.")
		return
	}
	seen := fmt.Sprintf("the mapping is %s %s, Magento 1 is %s (%s)", edition, version, m1, m1.Evidence)
	enterprise := m1.Edition == magento1.Enterprise
	remedy := mappingRemedy(e, m1, enterprise, toCommerce(e, edition))
	below, above := magento1.CompareNumbers(version, m1.First) < 0, magento1.CompareNumbers(version, m1.Last) > 0
	first := evidence.FirstTwo(version)
	switch {
	case magento1.CompareNumbers(m1.Last, toolconfig.OldestMagento1(enterprise)) < 0:
		v.Fail("mapping", "the tool supports no release of Magento 1 as old as this one", seen, remedy)
	case m1.Edition != "" && toolconfig.FromCommerce(edition) != enterprise:
		v.Fail("mapping", "the mapping is for another edition of Magento 1", seen, remedy)
	case !below && !above:
	case first == evidence.FirstTwo(m1.First) || first == evidence.FirstTwo(m1.Last):
		v.Warn("mapping", "the mapping is for another release of Magento 1", seen, remedy)
	default:
		v.Fail("mapping", "the mapping is for another release of Magento 1", seen, remedy)
	}
}

// judgeTarget compares the edition that a mapping is for with Magento 2's.
func judgeTarget(v *finding.Verdict, e *evidence.Evidence, mapping string) {
	lock, err := e.Files.Lock()
	if err != nil {
		return // judgeToolInstallation reports it
	}
	m2 := composer.Release(lock)
	if m2.Edition == "" || toolconfig.ToCommerce(mapping) == (m2.Edition == composer.EditionCommerce) {
		return
	}
	seen := fmt.Sprintf("the mapping is %s, Magento 2 is %s (%s)", mapping, m2.Edition, m2.Evidence())
	v.Fail("mapping target", "the mapping is for another edition of Magento 2", seen,
		"Take config.xml from the folder under the tool's etc/ whose name ends with this edition.")
}

// toCommerce reports whether the mapping has to be one for Adobe Commerce: Magento 2's edition says so, or the mapping
// itself where that is unknown.
func toCommerce(e *evidence.Evidence, mapping string) bool {
	if lock, err := e.Files.Lock(); err == nil {
		if m2 := composer.Release(lock); m2.Edition != "" {
			return m2.Edition == composer.EditionCommerce
		}
	}
	return toolconfig.ToCommerce(mapping)
}

// mappingRemedy says which folder is for these editions and this release of Magento 1, or what to do when the tool has
// none.
func mappingRemedy(e *evidence.Evidence, m1 evidence.Magento1Release, enterprise, toCommerce bool) string {
	oldest := toolconfig.OldestMagento1(enterprise)
	if magento1.CompareNumbers(m1.Last, oldest) < 0 {
		return "First upgrade Magento 1 to " + oldest + " or newer, best to the newest 1.9 (Enterprise: 1.14)."
	}
	near := ""
	for _, m := range toolconfig.Mappings(e.Tool.ModuleDir(e.Migration.Magento2.Root)) {
		if toolconfig.FromCommerce(m.Edition) != enterprise || toolconfig.ToCommerce(m.Edition) != toCommerce {
			continue
		}
		if m.Magento1 == m1.Last {
			return "Take config.xml.dist from " + m.Dir + "."
		}
		if evidence.FirstTwo(m.Magento1) == evidence.FirstTwo(m1.Last) {
			near = m.Dir
		}
	}
	if near != "" {
		return "The tool has no folder for this release. Take config.xml.dist from " + near +
			", and map by hand what the integrity check refuses."
	}
	return "Take config.xml.dist from the folder of this edition and release under the tool's etc/."
}

// judgeAgreement compares config.xml with Magento 1's own local.xml.
func judgeAgreement(ctx context.Context, v *finding.Verdict, e *evidence.Evidence) {
	c := e.Tool.Config
	local, err := e.Files.Local()
	if err != nil {
		e.Magento1.Unreadable(v, "local.xml",
			"it is unknown whether the tool's crypt key, prefix and database are Magento 1's", err)
		return
	}
	disagree := func(subject, what, ours, theirs string) {
		v.Fail(subject, "config.xml and local.xml disagree on "+what,
			"config.xml: "+finding.Quoted(ours)+", local.xml: "+finding.Quoted(theirs),
			"Correct "+subject+" in "+e.Tool.Path+".")
	}
	if prefix := c.Value("source_prefix"); prefix != local.TablePrefix {
		disagree("source_prefix", "Magento 1's table prefix", prefix, local.TablePrefix)
	}
	if connection, ok := local.Connection("default_setup"); ok && c.Source != nil && connection.Name != c.Source.Name {
		disagree("source", "Magento 1's database", c.Source.Name, connection.Name)
	}
	judgeCryptKey(ctx, v, e, local)
	judgeSplitDatabase(v, e)
}

// judgeCryptKey compares the keys, and never shows them. Without a key the tool stops at the first encrypted value.
func judgeCryptKey(ctx context.Context, v *finding.Verdict, e *evidence.Evidence, local *localxml.File) {
	const remedy = "Copy the key from app/etc/local.xml of Magento 1 into <crypt_key>."
	ours := strings.TrimSpace(string(e.Tool.Config.CryptKey))
	switch {
	case ours == strings.TrimSpace(string(local.CryptKey)):
	case ours != "":
		v.Fail("crypt_key", "the crypt_key of config.xml is not Magento 1's", "compared with "+local.File, remedy)
	case encryptedValues(ctx, e) > 0:
		v.Fail("crypt_key", "the crypt_key of config.xml is empty, but Magento 1 has encrypted settings",
			"migrate:settings would stop with: \"crypt_key\" option is not defined the configuration", remedy)
	default:
		v.Warn("crypt_key", "the crypt_key of config.xml is empty",
			"encrypted settings and stored cards cannot be migrated without it", remedy)
	}
}

// encryptedValues counts the settings of Magento 1 that the tool's settings map decrypts; 0 also when that is unknown.
func encryptedValues(ctx context.Context, e *evidence.Evidence) int {
	path := e.Tool.File("settings_map_file", e.Migration.Magento2.Root)
	if path == "" || e.Magento1.Err != nil {
		return 0
	}
	data, err := sourcefile.Read(path, maxMapFile)
	if err != nil {
		return 0
	}
	tree, err := xmltree.Parse(path, data)
	if err != nil {
		return 0
	}
	var paths []any
	for n := range tree.All() {
		if setting := encryptedSetting(n); setting != "" {
			paths = append(paths, setting)
		}
	}
	if len(paths) == 0 {
		return 0
	}
	condition := "value <> '' AND path IN (" + database.Parameters(len(paths)) + ")"
	n, err := e.Magento1.Count(ctx, "core_config_data", condition, paths...)
	if err != nil {
		return 0
	}
	return n
}

// encryptedSetting returns the path of the setting when a node of the settings map is a <transform> that decrypts it.
func encryptedSetting(n *xmltree.Node) string {
	handler := n.Child("handler").Attribute("class")
	if n.Name != "transform" || handler == nil || !strings.HasSuffix(handler.Value, `\Handler\Encrypt`) {
		return ""
	}
	return strings.TrimSpace(n.Child("path").Text())
}

// judgeMagento2Agreement compares config.xml with Magento 2's own env.php.
func judgeMagento2Agreement(v *finding.Verdict, e *evidence.Evidence) {
	env, err := e.Files.Env()
	if err != nil {
		e.Magento2.Unreadable(v, "env.php", "it is unknown whether the tool's prefix and database are Magento 2's", err)
		return
	}
	c := e.Tool.Config
	compare := func(subject, what, ours string, theirs envphp.Setting[string]) {
		switch {
		case theirs.State == envphp.Unknown:
			v.Unknown(subject, "it is unknown whether config.xml and env.php agree on "+what, theirs.Reason,
				"Write a plain value into app/etc/env.php, or compare by hand and waive.")
		case theirs.Value != ours:
			v.Fail(subject, "config.xml and env.php disagree on "+what,
				fmt.Sprintf("config.xml: %q, env.php: %q", ours, theirs.Value),
				"Correct "+subject+" in "+e.Tool.Path+".")
		}
	}
	compare("dest_prefix", "Magento 2's table prefix", c.Value("dest_prefix"), env.TablePrefix)
	if c.Destination != nil {
		compare("destination", "Magento 2's database", c.Destination.Name, env.Connection("default").DBName)
	}
	for _, r := range env.Resources {
		connection, own := r.Connection, r.Name == "checkout" || r.Name == "sales"
		if own && connection.State == envphp.Known && connection.Value != "default" {
			v.Fail("split database",
				"Magento 2's "+r.Name+" tables are in a separate database, which the tool does not support",
				env.File, "Migrate into one database, and split it afterwards.")
		}
	}
	judgeMode(v, e, env)
}

// judgeMode checks MAGE_MODE: the tool validates its files only in developer mode, and in production mode the compiled
// code must contain the tool.
func judgeMode(v *finding.Verdict, e *evidence.Evidence, env *envphp.File) {
	switch env.Mode.Or("default") {
	case "developer":
		v.Warn("MAGE_MODE", "Magento 2 is in developer mode: the tool can stop with validation errors",
			env.File, "bin/magento deploy:mode:set default")
	case "production":
		compiled, err1 := os.Stat(filepath.Join(e.Migration.Magento2.Root, "generated/metadata/global.php"))
		tool, err2 := os.Stat(filepath.Join(e.Tool.ModuleDir(e.Migration.Magento2.Root), "registration.php"))
		if err1 == nil && err2 == nil && compiled.ModTime().Before(tool.ModTime()) {
			v.Warn("MAGE_MODE",
				"Magento 2 is in production mode, but its compiled code is older than the migration tool",
				"generated/metadata/global.php is from "+finding.Time(compiled.ModTime()),
				"bin/magento setup:di:compile")
		}
	}
}

// judgeSplitDatabase checks the connections of Magento's own resources: the tool reads only one database.
func judgeSplitDatabase(v *finding.Verdict, e *evidence.Evidence) {
	local, err := e.Files.Local()
	if err != nil {
		return
	}
	databases := map[string]bool{}
	for _, resource := range localxml.CoreResources {
		if c, ok := local.Connection(resource); ok && c.Active && c.Name != "" {
			databases[c.Address.String()+"/"+c.Name] = true
		}
	}
	if len(databases) > 1 {
		v.Fail("split database", "Magento 1's own tables are in several databases, which the tool does not support",
			local.File, "Move them into one database before the migration.")
	}
}

// judgeToolState reads what earlier runs of the tool have left.
func judgeToolState(ctx context.Context, v *finding.Verdict, e *evidence.Evidence) {
	judgeLock(ctx, v, e)
	if e.Magento2.Err == nil {
		judgeDiedInEAV(ctx, v, e.Magento2)
	}
	if e.Magento1.Err == nil {
		judgeDeltaLog(ctx, v, e)
	}
}

// judgeLock finds a progress file that says that all is done although the databases have no migrated data: the tool
// would print "Migration completed" and do nothing.
func judgeLock(ctx context.Context, v *finding.Verdict, e *evidence.Evidence) {
	lock, err := e.Files.Progress()
	switch {
	case errors.Is(err, evidence.ErrNoRoot), evidence.Missing(err):
		return
	case err != nil:
		v.Warn("lock", "the tool's progress file cannot be read", err.Error(),
			"The tool treats it as an empty file and starts from the beginning. Remove it if that is what you want.")
		return
	case !dataMigrated(lock):
		return
	}
	remedy := "Make the tool start from the beginning: add --reset to migrate:settings and migrate:data, or remove " +
		lock.File
	if e.Phase.Phase == config.PhasePrepare {
		v.Fail("lock", "the tool's progress file says that all data was migrated, but Magento 2 contains none of it",
			lock.File+": migrate:data would print \"Migration completed\" and do nothing", remedy)
		return
	}
	if e.Magento1.Err == nil {
		tables, err := deltaTables(ctx, e.Magento1)
		switch {
		case err != nil:
			e.Magento1.Broken(v, "lock", err)
		case len(tables) == 0:
			v.Fail("lock", "the tool's progress file says that Magento 1 has its triggers, but this Magento 1 has none",
				lock.File+": no m2_cl_ table in "+e.Magento1.Endpoint.Name, remedy)
		}
	}
}

// dataMigrated reports whether the progress file says that the data was copied.
func dataMigrated(lock *progress.Lock) bool {
	const stage = "data migration"
	return lock.Done(`Migration\Step\PostProcessing\Data`, stage) || lock.Done(`Migration\Step\Map\Data`, stage)
}

// tablesLike finds tables by a LIKE pattern.
const tablesLike = "SELECT TABLE_NAME FROM information_schema.TABLES " +
	"WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME LIKE ? ORDER BY 1"

// deltaTables returns the tool's change logs in Magento 1, with the prefix.
func deltaTables(ctx context.Context, m1 *evidence.System) ([]string, error) {
	return m1.Column(ctx, tablesLike, database.EscapeLike(m1.Prefix+"m2_cl_")+"%")
}

// judgeDiedInEAV looks for the copies that the EAV step drops when it succeeds.
func judgeDiedInEAV(ctx context.Context, v *finding.Verdict, m2 *evidence.System) {
	left, err := m2.Column(ctx, tablesLike, "%"+database.EscapeLike("migration_backup_")+"%")
	if err != nil {
		m2.Broken(v, "migration_backup", err)
		return
	}
	if len(left) > 0 {
		v.Fail("migration_backup", "migrate:data died in its EAV step", strings.Join(left, ", "),
			"Run migrate:data again without --reset to continue; or restore Magento 2 from its backup and run "+
				"migrate:data with --reset.")
	}
}

// judgeDeltaLog checks the tool's change logs in Magento 1.
func judgeDeltaLog(ctx context.Context, v *finding.Verdict, e *evidence.Evidence) {
	m1 := e.Magento1
	tables, err := deltaTables(ctx, m1)
	if err != nil {
		m1.Broken(v, "m2_cl", err)
		return
	}
	if len(tables) == 1 && strings.HasSuffix(tables[0], "m2_cl_catalog_compare_item") {
		v.Warn("setup triggers", "migrate:data died when it created its first trigger", "only "+tables[0]+" exists",
			"Fix what the preconditions privileges and binlog_trust report, and run migrate:data again.")
	}
}

// judgeSource reports whether Magento 1's database contains a Magento 1. Otherwise the tool would die in its first
// step, and everything that needs Magento 1's tables is unknown.
func judgeSource(ctx context.Context, v *finding.Verdict, e *evidence.Evidence) bool {
	m1 := e.Magento1
	if m1.Err != nil {
		return true // network and judgeIntegrity report it
	}
	const lost = "; the result of the tool's integrity check is unknown"
	swapped := "The two databases may be swapped: correct " + m1.Key("database") +
		", or <source> in the tool's config.xml."
	identity, err := m1.Identify(ctx)
	switch {
	case err != nil:
		m1.Broken(v, "source", err)
		return false
	case identity.Magento1:
		return true
	case identity.Magento2:
		v.Fail("source", "Magento 1's database is a Magento 2", "it has setup_module and store"+lost, swapped)
	case len(identity.OtherPrefixes) > 0:
		v.Fail("source_prefix", "there is no Magento 1 "+evidence.WithPrefix(m1.Prefix),
			"there is one with "+identity.Others()+lost,
			fmt.Sprintf("Write %s into the tool's config.xml%s; if the configuration has %s, correct it there too.",
				identity.Choice("<source_prefix>%s</source_prefix>"), identity.Chosen(),
				m1.Key("database.table_prefix")))
	case len(identity.WrongPrefixes) > 0:
		v.Fail("source", "Magento 1's database is a Magento 2", "there is no Magento 1 "+
			evidence.WithPrefix(m1.Prefix)+", and a Magento 2 with "+identity.Wrong()+lost, swapped)
	default:
		v.Fail("source", "there is no Magento 1 in "+m1.Endpoint.Name,
			"the account sees none of Magento 1's tables there"+lost,
			"Correct "+m1.Key("database.name")+", or <source> in the tool's config.xml. If it is the right database, "+
				"let the account see it: the precondition privileges has the exact GRANT.")
	}
	return false
}

// judgeIntegrity predicts the result of the tool's integrity check, the first step of migrate:data. The tool stops
// after what it logs as an error, unless it runs with --auto. Once it has passed the check, the same is only a note.
func judgeIntegrity(ctx context.Context, v *finding.Verdict, e *evidence.Evidence) {
	ahead := e.Phase.Phase == config.PhasePrepare || e.Phase.Phase == config.PhaseMigrate
	if e.Phase.Err != nil && e.Tool.Config != nil {
		v.Unknown("integrity", "the result of the tool's integrity check is unknown", e.Phase.Reason(),
			"See the preconditions network and m2_installed, which report why the databases cannot be read.")
	}
	if !ahead || e.Tool.Config == nil || e.Tool.ModuleDir(e.Migration.Magento2.Root) == "" {
		return
	}
	forecast, err := e.Forecast(ctx)
	if err != nil {
		_, remedy := e.Magento1.StatementFault(err) // the remedy is the same for both databases
		v.Unknown("integrity", "the result of the tool's integrity check is unknown", err.Error(), remedy)
		return
	}
	auto := config.SettingsOf[toolSettings](&e.Migration.Preconditions, "migration_tool").Auto
	passed := passedIntegrity(ctx, e)
	counts := map[integrity.Kind]int{}
	for _, p := range forecast.Predictions {
		counts[p.Kind]++
		v.Add(predicted(p, auto, passed[p.Mode]))
	}
	for _, kind := range integrity.Kinds() {
		searched := forecast.Searched || kind != integrity.ForeignKeys && kind != integrity.URLRewrites
		if searched || counts[kind] > 0 {
			v.Sample(integrityFindings, float64(counts[kind]), string(kind))
		}
	}
	if !passed["data"] {
		judgeSearch(v, forecast)
	}
	for _, step := range forecast.Plan.Unpredicted {
		v.Note("integrity", "config.xml has a step that is not the tool's own; its check cannot be predicted",
			step.Mode+", "+step.Title+": "+step.Class, "")
	}
}

// passedIntegrity returns the modes whose integrity check the tool has passed: it will not make the check again, or
// makes it again only for the steps that --auto has taken it past. The progress file decides, because --reset empties
// it; where there is none, the tool's log does.
func passedIntegrity(ctx context.Context, e *evidence.Evidence) map[string]bool {
	passed := map[string]bool{}
	lock, err := e.Files.Progress()
	switch {
	case evidence.Missing(err), errors.Is(err, evidence.ErrNoRoot):
		if e.Phase.Phase == config.PhaseMigrate {
			var unread finding.Verdict // delta_log reports what could not be read
			d, ok := e.Delta(ctx, &unread)
			passed["data"] = ok && !d.DataStart.IsZero()
		}
	case err == nil:
		for _, mode := range []string{"settings", "data"} {
			passed[mode] = leftIntegrity(lock, e.Tool.Config, mode)
		}
		passed["data"] = passed["data"] || lock.Noted(`Migration\App\SetupDeltaLog`, "setup triggers")
	}
	passed["settings"] = passed["settings"] || passed["data"]
	return passed
}

// leftIntegrity reports whether a mode is past its integrity checks by the progress file: all are done, or a later
// stage has begun. With --auto the check of a step that has errors is never noted as done.
func leftIntegrity(lock *progress.Lock, c *toolconfig.Config, mode string) bool {
	checks := c.Stages(mode, "integrity")
	all := len(checks) > 0
	for _, class := range checks {
		all = all && lock.Done(class, "integrity check")
	}
	for _, class := range c.Stages(mode, "data") {
		all = all || lock.Noted(class, "data migration") || lock.Noted(class, "run")
	}
	return all
}

// judgeSearch reports the progress of the search through Magento 1's rows. A search that has not ended is never a pass.
func judgeSearch(v *finding.Verdict, f *evidence.Forecast) {
	o := f.Orphans
	if !f.Searched {
		v.Incomplete = f.Interrupted == nil || errors.Is(f.Interrupted, context.DeadlineExceeded)
		seen := fmt.Sprintf("%d of %d foreign keys checked", o.Checked, o.Total)
		if o.Rounds > 0 && o.Checked == o.Total {
			seen += ", not yet all URL rewrites"
		}
		if f.Interrupted != nil {
			seen += "; interrupted: " + f.Interrupted.Error()
		}
		v.Unknown("foreign_keys", "the search for orphans in Magento 1 has not ended", seen,
			"Wait: each evaluation continues where the last one ended.")
	} else if f.Interrupted != nil {
		v.Note("foreign_keys", "the search for orphans in Magento 1 was interrupted", f.Interrupted.Error(),
			"It continues at the next evaluation.")
	}
	const remedy = "Look for orphans of the column in the evidence by hand, and waive this subject."
	for _, u := range o.Unknown {
		v.Unknown("foreign_keys", "the search for orphans of a foreign key of Magento 1 takes too long",
			fmt.Sprintf("%s.%s: %v", u.Table, u.Column, u.Err), remedy)
	}
	if f.Searched && f.Rewrites != nil {
		v.Unknown("url_rewrites", "the search for duplicate URL rewrites in Magento 1 takes too long",
			f.Rewrites.Error(), "Look for them by hand and waive this subject, "+
				"or set auto_resolve_urlrewrite_duplicates to 1 in config.xml.")
	}
}

// predicted makes a finding of a prediction.
func predicted(p integrity.Prediction, auto, passed bool) finding.Finding {
	f := finding.Finding{Status: finding.Fail, Subject: p.Subject(), Summary: p.Message}
	switch {
	case p.Level == integrity.Warning, passed:
		f.Status = finding.Pass
	case auto && !p.Fatal:
		f.Status = finding.Warn
		f.Summary += "; with --auto " + leftBehind(p)
	}
	var seen []string
	for _, text := range []string{strings.TrimSuffix("migrate:"+p.Mode+", "+p.Step, ", "), p.Detail} {
		if text != "" {
			seen = append(seen, text)
		}
	}
	if p.Rows >= 0 {
		seen = append(seen, "it has "+finding.Counted(p.Rows, "row", "rows"))
	}
	if p.Extension != "" {
		seen = append(seen, "it probably belongs to "+p.Extension)
	}
	f.Evidence = strings.Join(seen, "; ")
	f.Remedy = p.RemedyText()
	return f
}

// leftBehind says what becomes of something when the tool goes on in spite of its integrity check.
func leftBehind(p integrity.Prediction) string {
	source := p.Side == toolmap.Source
	switch p.Kind {
	case integrity.Documents:
		switch {
		case !source:
			return "the table stays as Magento 2 has it"
		case p.Rows == 1:
			return "its row stays behind in Magento 1"
		case p.Rows > 1:
			return "its " + finding.Count(p.Rows) + " rows stay behind in Magento 1"
		case p.Rows == 0:
			return "nothing stays behind: the table is empty"
		}
		return "its rows stay behind in Magento 1"
	case integrity.Fields:
		if source {
			return "the column's values stay behind in Magento 1"
		}
		return "the column gets its default value"
	case integrity.Classes:
		return "the attribute loses its class"
	case integrity.ForeignKeys:
		return "the orphans are copied as they are"
	}
	return "the tool continues, and this step may go wrong"
}
