package main

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"magento_migration_exporter/collector/shoptest"
)

// manyFindings is a configuration of which nearly every precondition has several findings.
func manyFindings(t *testing.T) string {
	t.Helper()
	s := (&shoptest.Servers{Magento1: server, Magento2: server}).New(t, func(s *shoptest.Shop) {
		s.DB1, s.DB2, s.User = "many1", "many2", "many"
	})
	root1, root2 := s.WithRoots()
	dir := t.TempDir()
	for i, name := range strings.Fields("ants bees cats dogs eels") {
		s.On1(fmt.Sprintf("INSERT INTO core_resource (code, version) VALUES ('acme_%s_setup', '1.%d.0')", name, i),
			"CREATE TABLE acme_"+name+" (id int)")
		shoptest.WriteUnder(t, root1, "app/etc/modules/Acme_"+name+".xml", shoptest.Module("Acme_"+name, "local", true))
		shoptest.WriteUnder(t, dir, name+".sql", "-- nothing of "+name+"\n")
		shoptest.WriteUnder(t, dir, "cron/"+name, "* * * * * php "+root2+"/bin/magento cron:run --group="+name+"\n")
	}
	s.On2(
		"SET SESSION sql_mode=''",
		"INSERT INTO catalog_product_entity () VALUES ()",
		"INSERT INTO cms_block () VALUES ()",
		"INSERT INTO customer_entity () VALUES ()",
		"INSERT INTO sales_order () VALUES ()",
		"INSERT INTO url_rewrite () VALUES ()",
	)
	s.Dump(dir+"/whole.sql", s.DB2, false)
	lock := shoptest.ComposerLock(map[string]string{
		"magento/product-community-edition": "2.4.7-p3", "magento/data-migration-tool": "2.4.7",
	})
	shoptest.WriteUnder(t, root2, "composer.lock", strings.ReplaceAll(lock, `"php": `,
		`"ext-ants": "*", "ext-bees": "*", "ext-cats": "*", "ext-dogs": "*", "ext-eels": "*", "php": `))
	shoptest.WriteUnder(t, root2, shoptest.ToolDir+"/etc/opensource-to-opensource/1.9.4.5/map.xml.dist",
		"<map><source/><destination/></map>")
	shoptest.WriteUnder(t, root2, "app/etc/env.php", s.EnvPHP(`
    'cache' => ['frontend' => [
        'default' => ['backend' => 'Cm_Cache_Backend_Redis', 'backend_options' => ['server' => '127.0.0.1', 'port' => '1']],
        'page_cache' => ['backend' => 'Cm_Cache_Backend_Redis', 'backend_options' => ['server' => '127.0.0.1', 'port' => '2']],
    ]],
    'session' => ['save' => 'redis', 'redis' => ['host' => '127.0.0.1', 'port' => '3']],
    'queue' => ['amqp' => ['host' => '127.0.0.1', 'port' => '4', 'user' => 'x', 'password' => 'x']],
    'http_cache_hosts' => [['host' => '127.0.0.1', 'port' => '5'], ['host' => '127.0.0.1', 'port' => '6']],`))
	s.Exec(server, "REVOKE SELECT, INSERT, DROP, TRIGGER ON "+shoptest.GrantName(s.DB1)+".* FROM 'many'@'%'",
		"GRANT SELECT ON "+shoptest.GrantName(s.DB1)+".* TO 'many'@'%'",
		"REVOKE UPDATE, DELETE, CREATE ON "+shoptest.GrantName(s.DB2)+".* FROM 'many'@'%'")
	return fmt.Sprintf(`
  - name: many
    migration_tool: {config: %[1]s/config.xml}
    magento1: {root: %[2]s}
    magento2: {root: %[1]s}
    preconditions:
      topology:
        magento1: {web: 4, ants: 1, bees: 2, cats: 3, dogs: 4}
        magento2: {web: ["127.0.0.1:1", "127.0.0.1:2"], ants: ["127.0.0.1:3"], bees: ["127.0.0.1:4"], eels: 2}
      backup: {paths: ["%[3]s/*.sql"]}
      cron_stopped: {crontabs: ["%[3]s/cron/*"], processes: false}
      system_requirements:
        php: php
        endpoints: {search: "http://127.0.0.1:1", cache: "127.0.0.1:2", queue: "127.0.0.1:3", varnish: "http://127.0.0.1:4"}
`, root2, root1, dir)
}

// halfInstalled is a migration whose Magento 2 lacks several tables.
func halfInstalled(t *testing.T) string {
	t.Helper()
	s := (&shoptest.Servers{Magento1: server, Magento2: server}).New(t, func(s *shoptest.Shop) {
		s.DB1, s.DB2, s.User = "half1", "half2", "half"
	})
	s.On2("SET FOREIGN_KEY_CHECKS=0", "DROP TABLE sales_order, cms_block, url_rewrite, patch_list")
	return strings.NewReplacer("name: magento1", "name: half1", "name: magento2", "name: half2").
		Replace(entry("half", "pa55", ""))
}

// times are those that each evaluation measures again, in the document's keys and in its texts.
var times = regexp.MustCompile(`\d{4}-\d\d-\d\dT[0-9:.]+Z|"duration_seconds": [0-9.e-]+|\b[0-9.]+(ns|µs|ms|s)\b`)

// sameCalls is how often the same is asked.
const sameCalls = 20

// TestCheckAlwaysSaysTheSame compares what several calls say of the same two migrations.
func TestCheckAlwaysSaysTheSame(t *testing.T) {
	t.Parallel()
	path := writeConfig(t, "global: {evaluation_timeout: 2m}\nmigrations:"+manyFindings(t)+halfInstalled(t))
	var first string
	for i := range sameCalls {
		var out, errs bytes.Buffer
		args := []string{"check", "--format=json", "--timeout=10m", "--config.file=" + path}
		if code := run(t.Context(), args, &out, &errs); code != exitFails {
			t.Fatalf("exit code %d: %s", code, errs.String())
		}
		document := times.ReplaceAllString(out.String(), "…")
		if i == 0 {
			first = document
		}
		if document != first {
			t.Fatalf("call 1 and call %d differ: %s", i+1, firstDifference(first, document))
		}
	}
	if n := strings.Count(first, `"remedy": `); n < 100 {
		t.Errorf("only %d findings: the test shows little", n)
	}
}

// firstDifference returns the first line that is not the same, and in the second text what comes with it.
func firstDifference(a, b string) string {
	lines := strings.Split(b, "\n")
	for i, line := range strings.Split(a, "\n") {
		if i == len(lines) || line != lines[i] {
			return fmt.Sprintf("line %d: %q, then %q", i+1, line, strings.Join(lines[i:min(i+8, len(lines))], "\n"))
		}
	}
	return "one is longer"
}
