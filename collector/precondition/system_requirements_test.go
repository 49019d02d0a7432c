package precondition_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/collector/mysqltest"
	"magento_migration_exporter/collector/shoptest"
)

// searchEngine answers as OpenSearch does.
func searchEngine(t *testing.T, version string) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"version": {"distribution": "opensearch", "number": %q}}`, version)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// ownTable is a table of requirements that fits what this machine has.
func ownTable(t *testing.T, mariadb string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "requirements.yml")
	text := fmt.Sprintf(
		"dated: 2026-11-01\nreleases:\n  2.4.7-p3: {mariadb: [%q], opensearch: ['2.12'], php: ['8']}\n  2.4.7: {mariadb: [%q], opensearch: ['2.12'], php: ['8']}\n",
		mariadb,
		mariadb,
	)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestSystemRequirements(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	_, root2 := s.WithRoots()
	settings, endpoints := map[string]any{}, map[string]string{}
	set := func() { settings["endpoints"] = endpoints; s.Set("system_requirements", settings) }
	settings["php"] = "php"
	set()
	settings["requirements_file"] = ownTable(t, "10")
	set()
	endpoints["search"] = searchEngine(t, "2.12.0")
	set()
	s.Want("system_requirements", finding.Pass)
	s.WantValue(1, "requirement_met", "database")
	s.WantValue(1, "requirement_met", "search")
	s.WantValue(1, "requirement_met", "php")
	s.WantAbsent("requirement_met", "queue")

	endpoints["search"] = searchEngine(t, "1.2.4")
	set()
	s.WantFinding("system_requirements", finding.Warn, "was not tested with OpenSearch 1.2.4")
	s.WantValue(0, "requirement_met", "search")
	endpoints["search"] = "http://127.0.0.1:1"
	set()
	s.WantFinding("system_requirements", finding.Unknown, "search version unknown", "endpoints.search")
	s.WantAbsent("requirement_met", "search")
	endpoints["search"] = searchEngine(t, "2.12.0")
	set()

	settings["requirements_file"] = ownTable(t, "11.4")
	set()
	s.WantFinding("system_requirements", finding.Warn, "was not tested with MariaDB 10.")
	shoptest.WriteUnder(
		t,
		root2,
		"app/etc/di.xml",
		`<config><type name="Magento\Framework\DB\Adapter\SqlVersionProvider"><arguments><argument name="supportedVersionPatterns"><item name="x">^8\.0\.</item></argument></arguments></type></config>`,
	)
	s.WantFinding("system_requirements", finding.Fail, "does not accept MariaDB", "di.xml accepts")
	shoptest.WriteUnder(
		t,
		root2,
		"app/etc/di.xml",
		`<config><type><arguments><argument name="supportedVersionPatterns"><item name="x">^8\.0\.</item><item name="y">^10\.[2-6]\.|^10\.11\.</item></argument></arguments></type></config>`,
	)
	s.Want("system_requirements", finding.Warn)
	settings["requirements_file"] = ownTable(t, "10")
	set()
	s.Want("system_requirements", finding.Pass)

	lock := func(php, extension string) string {
		return strings.Replace(shoptest.ComposerLock(map[string]string{"magento/magento2-base": "2.4.7-p3"}),
			`"php": "~8.2.0||~8.3.0"`, fmt.Sprintf(`"php": %q, %q: "*"`, php, extension), 1)
	}
	shoptest.WriteUnder(t, root2, "composer.lock", lock("~7.4.0", "ext-json"))
	s.WantFinding("system_requirements", finding.Fail, "does not accept PHP", "requires php ~7.4.0")
	shoptest.WriteUnder(t, root2, "composer.lock", lock("*", "ext-nonsense"))
	s.WantFinding("system_requirements", finding.Fail, "lacks extensions", "nonsense")
	shoptest.WriteUnder(t, root2, "composer.lock", lock("*", "ext-json"))
	s.Want("system_requirements", finding.Pass)

	settings["php"] = ""
	set()
	s.WantFinding("system_requirements", finding.Unknown, "php version unknown", "system_requirements.php")
	settings["php"] = "php"
	set()
	settings["magento2_version"] = "2.9.9"
	set()
	s.WantFinding("system_requirements", finding.Unknown, "does not have Magento 2's release", "2.9.9")
	settings["magento2_version"] = ""
	set()
	settings["requirements_file"] = "/nowhere"
	set()
	s.WantFinding("system_requirements", finding.Unknown, "/nowhere")
}

func TestSystemRequirementsServicesOfEnvPHP(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	_, root2 := s.WithRoots()
	settings, endpoints := map[string]any{}, map[string]string{}
	set := func() { settings["endpoints"] = endpoints; s.Set("system_requirements", settings) }
	settings["php"], settings["requirements_file"] = "php", ownTable(t, "10")
	endpoints["search"] = searchEngine(t, "2.12.0")
	set()
	shoptest.WriteUnder(t, root2, "app/etc/env.php", s.EnvPHP(
		"'session' => ['save' => 'redis', 'redis' => ['host' => '127.0.0.1', 'port' => '1', 'password' => 'canary']],"))
	f := s.WantFinding("system_requirements", finding.Unknown, "session version unknown")
	if strings.Contains(f.Evidence, "canary") {
		t.Error("a password is shown")
	}
	shoptest.WriteUnder(t, root2, "app/etc/env.php",
		s.EnvPHP("'queue' => ['amqp' => ['host' => getenv('MQ'), 'port' => '5672']],"))
	s.WantFinding("system_requirements", finding.Unknown, "queue version unknown", "endpoints.queue")
	varnish := httptest.NewServer(http.HandlerFunc(
		func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Via", "1.1 web (Varnish/6.0)") }))
	t.Cleanup(varnish.Close)
	host, port, _ := strings.Cut(strings.TrimPrefix(varnish.URL, "http://"), ":")
	shoptest.WriteUnder(t, root2, "app/etc/env.php",
		s.EnvPHP("'http_cache_hosts' => [['host' => '"+host+"', 'port' => '"+port+"']],"))
	s.WantFinding("system_requirements", finding.Warn, "was not tested with Varnish 6.0")
	s.WantValue(0, "requirement_met", "varnish")
	shoptest.WriteUnder(t, root2, "app/etc/env.php", s.EnvPHP("'session' => ['save' => 'files'],"))
	s.Want("system_requirements", finding.Pass)
}

func TestSystemRequirementsFromTheDatabaseAlone(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.Set("system_requirements", map[string]any{
		"requirements_file": ownTable(t, "10"),
		"endpoints":         map[string]string{"search": searchEngine(t, "2.12.0")},
	})
	s.WantFinding("system_requirements", finding.Unknown, "cache, session and queue", "magento2.root")
	s.WantFinding("system_requirements", finding.Unknown, "php version unknown")
	s.WantValue(1, "requirement_met", "database")
	s.Migration.Magento2.Database.Host = "no-such-host.invalid"
	s.WantFinding("system_requirements", finding.Unknown, "release is unknown", "files: ", "database: ",
		"no-such-host.invalid")
	s.WantAbsent("requirement_met", "database")
}

func TestSystemRequirementsDatabaseSettings(t *testing.T) {
	t.Parallel()
	server := mysqltest.New(t, mysqltest.Options{
		Args: []string{"--max-allowed-packet=1M", "--log-bin=binlog", "--server-id=1", "--binlog-format=STATEMENT"},
	})
	s := newShop(t, func(s *shoptest.Shop) { s.Server2 = server })
	s.WithRoots()
	s.Set("system_requirements", map[string]any{
		"php":               "php",
		"requirements_file": ownTable(t, "10"),
		"endpoints":         map[string]string{"search": searchEngine(t, "2.12.0")},
	})
	s.WantFinding("system_requirements", finding.Warn, "only small packets", "SET GLOBAL max_allowed_packet")
	s.WantFinding("system_requirements", finding.Warn, "statement-based", "SET GLOBAL binlog_format = ROW")
}

// TestSystemRequirementsOfPatchReleases are releases that the table has no row of their own for.
func TestSystemRequirementsOfPatchReleases(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	for release, row := range map[string]string{
		"2.3.5-p1": "2.3.5", "2.3.4-p2": "2.3.4", "2.3.7-p4": "2.3.7", "2.4.0-p1": "2.4.0", "2.4.2-p2": "2.4.2",
	} {
		s.Set("system_requirements", map[string]any{"magento2_version": release})
		s.WantFinding("system_requirements", finding.Unknown, "php")
		var texts []string
		for _, f := range s.State("system_requirements").Result.Findings {
			if f.Subject == "release" {
				texts = append(texts, f.Summary)
			}
		}
		want := "compared with the requirements of " + row + ": the table has no row for " + release
		if len(texts) != 1 || texts[0] != want {
			t.Errorf("%s: %q", release, texts)
		}
	}
}

// TestSystemRequirementsDefaultSearchEngine has no row in core_config_data: Magento's own files name the engine.
func TestSystemRequirementsDefaultSearchEngine(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	_, root2 := s.WithRoots()
	s.On2("DELETE FROM core_config_data WHERE path LIKE 'catalog/search/%'")
	wants := func(release, words string) {
		t.Helper()
		s.Set("system_requirements", map[string]any{"magento2_version": release})
		s.Evaluate()
		for _, f := range s.State("system_requirements").Result.Findings {
			if f.Subject == "search" && strings.Contains(f.Summary+" "+f.Evidence, words) {
				return
			}
		}
		t.Errorf("%s: nothing says %q: %+v", release, words, s.State("system_requirements").Result.Findings)
	}
	wants("2.3.7", "searches in its database")
	wants("2.4.5", "localhost:9200")
	wants("2.4.7-p3", "localhost:9200")
	shoptest.WriteUnder(t, root2, "composer.lock", "")
	s.Configure("system_requirements", "{}")
	s.On2("DELETE FROM patch_list WHERE patch_name LIKE '%CostaRica' OR patch_name LIKE '%Ukraine'")
	s.Evaluate()
	s.WantFinding("system_requirements", finding.Unknown, "depends on Magento 2's exact release",
		"2.4.4 or newer, before 2.4.7")
	modules := func(names ...string) {
		shoptest.WriteUnder(t, root2, "app/etc/config.php", shoptest.ConfigPHP(names...))
	}
	modules("Magento_Store", "Magento_OpenSearch") // which came with 2.4.6
	s.On2("INSERT INTO core_config_data (scope, scope_id, path, value) VALUES " +
		"('default', 0, 'catalog/search/opensearch_server_hostname', '127.0.0.6')")
	wants("", "127.0.0.6:9200")
	s.On2("DELETE FROM core_config_data WHERE path LIKE 'catalog/search/%'")
	modules("Magento_Store")
	const host = "INSERT INTO core_config_data (scope, scope_id, path, value) VALUES ('default', 0, " +
		"'catalog/search/%s_server_hostname', '%s')"
	s.On2(fmt.Sprintf(host, "elasticsearch7", "127.0.0.7"))
	wants("", "127.0.0.7:9200")
	s.On2(fmt.Sprintf(host, "opensearch", "127.0.0.8"))
	wants("", "depends on Magento 2's exact release")
	s.On2("DROP TABLE jwt_auth_revoked, admin_user_expiration, login_as_customer")
	wants("", "searches in its database")
}

// TestSystemRequirementsOnlyASearchHost has a host of an engine, and no row that names the engine.
func TestSystemRequirementsOnlyASearchHost(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	_, root2 := s.WithRoots()
	s.On2("DELETE FROM core_config_data WHERE path LIKE 'catalog/search/%'",
		"INSERT INTO core_config_data (scope, scope_id, path, value) VALUES "+
			"('default', 0, 'catalog/search/elasticsearch7_server_hostname', '127.0.0.7')")
	wants := func(words string) {
		t.Helper()
		s.Evaluate()
		for _, f := range s.State("system_requirements").Result.Findings {
			if f.Subject == "search" && strings.Contains(f.Evidence, words) {
				return
			}
		}
		t.Errorf("nothing says %q: %+v", words, s.State("system_requirements").Result.Findings)
	}
	wants("127.0.0.7:9200") // config.php has no Magento_OpenSearch
	shoptest.WriteUnder(t, root2, "app/etc/config.php", shoptest.ConfigPHP("Magento_Store", "Magento_OpenSearch"))
	wants("localhost:9200")
	s.Migration.Magento2.Root = "" // then the database alone decides
	wants("127.0.0.7:9200")
}

// TestSystemRequirementsSearchOfTheFiles has search settings in env.php and config.php, as deployments to clouds write
// them: Magento takes them instead of those in its database.
func TestSystemRequirementsSearchOfTheFiles(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	_, root2 := s.WithRoots()
	const row = "('default', 0, 'catalog/search/%s', '%s')"
	s.On2("DELETE FROM core_config_data WHERE path LIKE 'catalog/search/%'",
		"INSERT INTO core_config_data (scope, scope_id, path, value) VALUES "+
			fmt.Sprintf(row, "engine", "elasticsearch7")+", "+
			fmt.Sprintf(row, "elasticsearch7_server_hostname", "127.0.0.7")+
			", ('websites', 1, 'catalog/search/engine', 'elasticsearch5')")
	search := func(settings string) string {
		return "'system' => ['default' => ['catalog' => ['search' => [" + settings + "]]]],"
	}
	const modules = "<?php return ['modules' => ['Magento_Store' => 1, 'Magento_OpenSearch' => 1], %s];"
	for _, tc := range []struct{ env, config, want string }{
		{"", "", "127.0.0.7:9200"},
		{search("'elasticsearch7_server_hostname' => '127.0.0.9', 'elasticsearch7_server_port' => 9201"), "", "127.0.0.9:9201"},
		{search("'engine' => 'opensearch', 'opensearch_server_hostname' => '127.0.0.8'"), "", "127.0.0.8:9200"},
		{search("'engine' => 'opensearch'"), "", "localhost:9200"},
		{"", search("'engine' => 'opensearch', 'opensearch_server_hostname' => '127.0.0.6'"), "127.0.0.6:9200"},
		{
			search("'opensearch_server_hostname' => '127.0.0.5'"),
			search("'engine' => 'opensearch', 'opensearch_server_hostname' => '127.0.0.6'"), "127.0.0.5:9200",
		},
		{"'system' => ['default' => ['catalog' => []]],", "'system' => [],", "127.0.0.7:9200"},
		{"'system' => ['stores' => ['de' => ['catalog' => ['search' => ['engine' => 'opensearch']]]]],", "", "127.0.0.7:9200"},
		{search("'engine' => getenv('SEARCH')"), "", "app/etc/env.php: the value of system/default/catalog/search/engine is unknown"},
		{search("'elasticsearch7_server_hostname' => getenv('SEARCH')"), "", "elasticsearch7_server_hostname is unknown"},
		{search("'opensearch_server_hostname' => getenv('SEARCH')"), "", "127.0.0.7:9200"},
		{search("'engine' => 'mysql'"), "", "the engine mysql is configured, which Magento 2.4"},
	} {
		shoptest.WriteUnder(t, root2, "app/etc/env.php", s.EnvPHP(tc.env))
		shoptest.WriteUnder(t, root2, "app/etc/config.php", fmt.Sprintf(modules, tc.config))
		s.Evaluate()
		var seen []string
		for _, f := range s.State("system_requirements").Result.Findings {
			if f.Subject == "search" {
				seen = append(seen, f.Summary+": "+f.Evidence)
			}
		}
		if len(seen) != 1 || !strings.Contains(seen[0], tc.want) {
			t.Errorf("env.php %q, config.php %q: %q, want %q", tc.env, tc.config, seen, tc.want)
		}
	}
}
