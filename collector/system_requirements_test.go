package collector

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"magento_migration_exporter/collector/mysqltest"
	"magento_migration_exporter/config"
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
	text := fmt.Sprintf("dated: 2026-11-01\nreleases:\n  2.4.7-p3: {mariadb: [%q], opensearch: ['2.12'], php: ['8']}\n  2.4.7: {mariadb: [%q], opensearch: ['2.12'], php: ['8']}\n", mariadb, mariadb)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestSystemRequirements(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	_, root2 := s.withRoots()
	settings := &s.migration.Preconditions.SystemRequirements
	settings.PHP = "php"
	settings.RequirementsFile = ownTable(t, "10")
	settings.Endpoints = map[string]string{"search": searchEngine(t, "2.12.0")}
	s.want("system_requirements", Pass)
	s.wantValue(1, requirementMet, "database")
	s.wantValue(1, requirementMet, "search")
	s.wantValue(1, requirementMet, "php")
	s.wantAbsent(requirementMet, "queue")

	settings.Endpoints["search"] = searchEngine(t, "1.2.4")
	s.wantFinding("system_requirements", Warn, "was not tested with opensearch 1.2.4")
	s.wantValue(0, requirementMet, "search")
	settings.Endpoints["search"] = "http://127.0.0.1:1"
	s.wantFinding("system_requirements", Unknown, "search cannot be seen", "endpoints.search")
	s.wantAbsent(requirementMet, "search")
	settings.Endpoints["search"] = searchEngine(t, "2.12.0")

	settings.RequirementsFile = ownTable(t, "11.4")
	s.wantFinding("system_requirements", Warn, "was not tested with mariadb 10.")
	writeUnder(t, root2, "app/etc/di.xml", `<config><type name="Magento\Framework\DB\Adapter\SqlVersionProvider"><arguments><argument name="supportedVersionPatterns"><item name="x">^8\.0\.</item></argument></arguments></type></config>`)
	s.wantFinding("system_requirements", Fail, "does not accept mariadb", "di.xml accepts")
	writeUnder(t, root2, "app/etc/di.xml", `<config><type><arguments><argument name="supportedVersionPatterns"><item name="x">^8\.0\.</item><item name="y">^10\.[2-6]\.|^10\.11\.</item></argument></arguments></type></config>`)
	s.want("system_requirements", Warn)
	settings.RequirementsFile = ownTable(t, "10")
	s.want("system_requirements", Pass)

	lock := func(php, extension string) string {
		return strings.Replace(composerLock(map[string]string{"magento/magento2-base": "2.4.7-p3"}), `"php": "~8.2.0||~8.3.0"`, fmt.Sprintf(`"php": %q, %q: "*"`, php, extension), 1)
	}
	writeUnder(t, root2, "composer.lock", lock("~7.4.0", "ext-json"))
	s.wantFinding("system_requirements", Fail, "does not accept php", "requires php ~7.4.0")
	writeUnder(t, root2, "composer.lock", lock("*", "ext-nonsense"))
	s.wantFinding("system_requirements", Fail, "lacks extensions", "nonsense")
	writeUnder(t, root2, "composer.lock", lock("*", "ext-json"))
	s.want("system_requirements", Pass)

	settings.PHP = ""
	s.wantFinding("system_requirements", Unknown, "php cannot be seen", "system_requirements.php")
	settings.PHP = "php"
	settings.Magento2Version = "2.9.9"
	s.wantFinding("system_requirements", Unknown, "does not have Magento 2's release", "2.9.9")
	settings.Magento2Version = ""
	settings.RequirementsFile = "/nowhere"
	s.wantFinding("system_requirements", Unknown, "/nowhere")
}

func TestSystemRequirementsServicesOfEnvPHP(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	_, root2 := s.withRoots()
	settings := &s.migration.Preconditions.SystemRequirements
	settings.PHP, settings.RequirementsFile = "php", ownTable(t, "10")
	settings.Endpoints = map[string]string{"search": searchEngine(t, "2.12.0")}
	writeUnder(t, root2, "app/etc/env.php", s.envPHP("'session' => ['save' => 'redis', 'redis' => ['host' => '127.0.0.1', 'port' => '1', 'password' => 'canary']],"))
	f := s.wantFinding("system_requirements", Unknown, "session cannot be seen")
	if strings.Contains(f.Evidence, "canary") {
		t.Error("a password is shown")
	}
	writeUnder(t, root2, "app/etc/env.php", s.envPHP("'queue' => ['amqp' => ['host' => getenv('MQ'), 'port' => '5672']],"))
	s.wantFinding("system_requirements", Unknown, "queue cannot be seen", "endpoints.queue")
	varnish := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Via", "1.1 web (Varnish/6.0)") }))
	t.Cleanup(varnish.Close)
	host, port, _ := strings.Cut(strings.TrimPrefix(varnish.URL, "http://"), ":")
	writeUnder(t, root2, "app/etc/env.php", s.envPHP("'http_cache_hosts' => [['host' => '"+host+"', 'port' => '"+port+"']],"))
	s.wantFinding("system_requirements", Warn, "was not tested with varnish 6.0")
	s.wantValue(0, requirementMet, "varnish")
	writeUnder(t, root2, "app/etc/env.php", s.envPHP("'session' => ['save' => 'files'],"))
	s.want("system_requirements", Pass)
}

func TestSystemRequirementsFromTheDatabaseAlone(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.migration.Preconditions.SystemRequirements = config.SystemRequirements{RequirementsFile: ownTable(t, "10"), Endpoints: map[string]string{"search": searchEngine(t, "2.12.0")}}
	s.wantFinding("system_requirements", Unknown, "cache, session and queue", "magento2.root")
	s.wantFinding("system_requirements", Unknown, "php cannot be seen")
	s.wantValue(1, requirementMet, "database")
	s.migration.Magento2.Database.Host = "no-such-host.invalid"
	s.wantFinding("system_requirements", Unknown, "release is not known")
	s.wantAbsent(requirementMet, "database")
}

func TestSystemRequirementsDatabaseSettings(t *testing.T) {
	t.Parallel()
	server := mysqltest.New(t, mysqltest.Options{Args: []string{"--max-allowed-packet=1M", "--log-bin=binlog", "--server-id=1", "--binlog-format=STATEMENT"}})
	s := newShop(t, func(s *shop) { s.server2 = server })
	s.withRoots()
	s.migration.Preconditions.SystemRequirements = config.SystemRequirements{PHP: "php", RequirementsFile: ownTable(t, "10"), Endpoints: map[string]string{"search": searchEngine(t, "2.12.0")}}
	s.wantFinding("system_requirements", Warn, "only small packets", "SET GLOBAL max_allowed_packet")
	s.wantFinding("system_requirements", Warn, "statement-based", "SET GLOBAL binlog_format = ROW")
}
