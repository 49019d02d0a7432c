package main

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"magento_migration_exporter/collector/mysqltest"
	"magento_migration_exporter/collector/report"
)

// canaries are secrets that stand nowhere else, so that each tells where it came from.
type canaries struct {
	mu      sync.Mutex
	planted map[string]string
	// shown are those that were reported: once is enough.
	shown map[string]bool
	// others are secrets that cannot be chosen.
	others map[string]string
}

// plant makes a secret for one place.
func (c *canaries) plant(where string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.planted == nil {
		c.planted, c.shown = map[string]string{}, map[string]bool{}
	}
	secret := fmt.Sprintf("%s%03dz", anyCanary, len(c.planted))
	c.planted[secret] = where
	return secret
}

// anyCanary is what all canaries have in common, and canary finds them, also where a part was cut off.
const anyCanary = "k4n4r1"

var canary = regexp.MustCompile(anyCanary + `\d*z?`)

// look reports the canaries in a text, also as base64 has them.
func (c *canaries) look(t *testing.T, place, text string) {
	t.Helper()
	var found [][]int
	if strings.Contains(text, anyCanary) { // which is much faster
		found = canary.FindAllStringIndex(text, -1)
	}
	for _, m := range found {
		secret := text[m[0]:m[1]]
		if !c.shown[secret] {
			t.Errorf(
				"%s shows the secret of %s: …%s…",
				place,
				c.planted[secret],
				text[max(0, m[0]-120):min(len(text), m[1]+40)],
			)
		}
		c.shown[secret] = true
	}
	if strings.Contains(text, base64.StdEncoding.EncodeToString([]byte(anyCanary))) {
		t.Errorf("%s shows a secret in base64", place)
	}
	for secret, where := range c.others {
		if strings.Contains(text, secret) {
			t.Errorf("%s shows the secret of %s", place, where)
		}
	}
}

// TestRefusedConfigurationsShowNoSecret has YAML that goes wrong right beside a secret, or because of it.
func TestRefusedConfigurationsShowNoSecret(t *testing.T) {
	t.Parallel()
	const database = "migrations:\n- name: a\n  magento1:\n    database:\n      host: db\n      "
	const preconditions = "migrations:\n- name: a\n  preconditions:\n    "
	reloading := writeConfig(t, once+entry("acme", "pa55", waived))
	d := startDaemon(t, reloading, "--web.enable-lifecycle", "--log.level=debug")
	var c canaries
	for name, text := range map[string]string{
		"an alias":                     database + "password: *SECRET\n",
		"an anchor and text":           database + "password: &SECRET [x]\n",
		"a tag":                        database + "password: !SECRET [x]\n",
		"a standard tag":               database + "password: !!SECRET [x]\n",
		"a tag of a number":            database + "password: !!int SECRET\n",
		"a directive's sign":           database + "password: %SECRET\n",
		"a reserved sign":              database + "password: @SECRET\n",
		"a backquote":                  database + "password: `SECRET`\n",
		"a block":                      database + "password: |SECRET\n",
		"a fold":                       database + "password: >SECRET\n",
		"an open quote":                database + "password: \"SECRET\n      user: x\n",
		"an open single quote":         database + "password: 'SECRET\n      user: x\n",
		"behind a quote":               database + "password: \"x\" SECRET\n",
		"an escape":                    database + "password: \"x\\qSECRET\"\n",
		"a colon":                      database + "password: x: SECRET\n",
		"a colon before":               database + "password: SECRET: x\n",
		"a list":                       database + "password: [SECRET]\n",
		"a mapping":                    database + "password: {SECRET: 1}\n",
		"a mapping of it":              database + "password: {x: SECRET}\n",
		"a control character":          database + "password: SECRET\x01\n",
		"no UTF-8":                     database + "password: SECRET\xff\n",
		"a tab":                        database + "password: x\n\tSECRET: y\n",
		"no space":                     database + "password:SECRET\n",
		"a key misspelt":               database + "pasword: SECRET\n",
		"a key in capitals":            database + "Password: SECRET\n",
		"twice":                        database + "password: SECRET\n      password: SECRET\n",
		"a comma":                      "migrations:\n- name: a\n  magento1: {database: {host: db, password: x,SECRET}}\n",
		"a comma, as a key":            "migrations:\n- name: a\n  magento1: {database: {host: db, password: x,SECRET: y}}\n",
		"a comma, no list":             "migrations:\n- name: a\n  magento1: {database: {host: db, password: x, , SECRET}}\n",
		"a brace":                      "migrations:\n- name: a\n  magento1: {database: {host: db, password: x}SECRET}}\n",
		"a brace, closed":              "migrations:\n- name: a\n  magento1: {database: {host: db, password: {SECRET}}}\n",
		"a bracket":                    "migrations:\n- name: a\n  magento1: {database: {host: db, password: ]SECRET}}\n",
		"half written":                 "migrations:\n- name: a\n  magento1: {database: {host: db, password: SECRET",
		"a comma, in a template":       "templates: {x: {magento1: {database: {password: x,SECRET}}}}\nmigrations: [{name: a, template: x}]\n",
		"a comma, in defaults":         "defaults: {magento1: {database: {password: x,SECRET}}}\nmigrations: [{name: a}]\n",
		"an alias, in a template":      "templates: {x: {magento1: {database: {password: *SECRET}}}}\nmigrations: [{name: a, template: x}]\n",
		"a comma, twice":               "migrations:\n- name: a\n  magento1: {database: {host: db, password: x,SECRET,SECRET}}\n",
		"a merge key":                  database + "<<: SECRET\n",
		"a merge key of a list":        database + "<<: [SECRET]\n",
		"a DSN as the database":        "migrations:\n- name: a\n  magento1: {database: 'mysql://root:SECRET@db:3306/shop'}\n",
		"a DSN as the system":          "migrations:\n- name: a\n  magento1: 'root:SECRET@tcp(db:3306)/shop'\n",
		"a DSN as the host":            database + "\n      port: 0\n      name: x\n      socket: /x\n      user: u\n      password: p\n      tls: {}\n      table_prefix: ''\n    root: x\n  magento2: {database: {host: 'mysql://root:SECRET@db:3306/shop'}}\n",
		"a login before the host":      "migrations:\n- name: a\n  magento2: {database: {name: x, host: 'root:SECRET@db'}}\n",
		"a login before the socket":    "migrations:\n- name: a\n  magento2: {database: {name: x, host: localhost, socket: '/x/root:SECRET@db'}}\n",
		"a DSN as the port":            "migrations:\n- name: a\n  magento2: {database: {host: db, port: '3306:SECRET'}}\n",
		"a DSN as TLS":                 "migrations:\n- name: a\n  magento2: {database: {host: db, tls: 'SECRET'}}\n",
		"a key as TLS":                 "migrations:\n- name: a\n  magento2: {database: {host: db, tls: {key: SECRET}}}\n",
		"a variable":                   "migrations:\n- name: a\n  magento2: {database: {host: db, name: x, password_env: 'M2:SECRET'}}\n",
		"a variable with a dollar":     "migrations:\n- name: a\n  magento2: {database: {host: db, name: x, password_env: '${SECRET}'}}\n",
		"a password as the tool":       "migrations:\n- name: a\n  migration_tool: 'http://u:SECRET@x/config.xml'\n",
		"a URL as the migrations":      "migrations: 'http://u:SECRET@x/'\n",
		"a URL as backups":             preconditions + "backup: {paths: 's3://u:SECRET@x/'}\n",
		"a URL as an age":              preconditions + "backup: {max_age: 's3://u:SECRET@x/'}\n",
		"a URL as crontabs":            preconditions + "cron_stopped: {crontabs: 'ssh://u:SECRET@x/'}\n",
		"a URL as processes":           preconditions + "cron_stopped: {processes: 'ssh://u:SECRET@x/'}\n",
		"a URL as nodes":               preconditions + "topology: {magento2: {web: 'http://u:SECRET@x/'}}\n",
		"a URL as a role":              preconditions + "topology: {magento2: {'http://u:SECRET@x/': 1}}\n",
		"a list in the nodes":          preconditions + "topology: {magento2: {web: [['http://u:SECRET@x/']]}}\n",
		"a URL as endpoints":           preconditions + "system_requirements: {endpoints: 'http://u:SECRET@x/'}\n",
		"a list as an endpoint":        preconditions + "system_requirements: {endpoints: {search: ['http://u:SECRET@x/']}}\n",
		"a comma in an endpoint":       preconditions + "system_requirements: {endpoints: {search: x}, u,SECRET}\n",
		"a URL as a precondition":      preconditions + "'http://u:SECRET@x/': {severity: fail}\n",
		"a URL as a severity":          preconditions + "network: {severity: 'http://u:SECRET@x/'}\n",
		"a URL as a phase":             "migrations:\n- name: a\n  phase: 'http://u:SECRET@x/'\n",
		"a URL as a name":              "migrations:\n- name: 'http://u:SECRET@x/'\n",
		"a URL as a template":          "migrations:\n- {name: a, template: 'http://u:SECRET@x/'}\n",
		"a URL as a template's name":   "templates: {'http://u:SECRET@x/': {}, 'http://u:SECRET@x/': {}}\nmigrations: [{name: a}]\n",
		"a URL as a cutover":           "migrations:\n- name: a\n  cutover: 'http://u:SECRET@x/'\n",
		"a URL as an interval":         "global: {evaluation_interval: 'http://u:SECRET@x/'}\nmigrations: [{name: a}]\n",
		"a URL as a waiver":            "migrations:\n- name: a\n  waivers: ['http://u:SECRET@x/']\n",
		"a URL as a waiver's subject":  "migrations:\n- name: a\n  waivers: [{precondition: 'http://u:SECRET@x/', reason: x, expires: 2999-01-01}]\n",
		"a URL as the end of a waiver": "migrations:\n- name: a\n  waivers: [{precondition: backup, reason: x, expires: 'http://u:SECRET@x/'}]\n",
		"a URL as the file":            "http://u:SECRET@x/\n",
		"a key at the top":             "password_SECRET\n",
		"an INI file":                  "[client]\npassword=SECRET\n",
		"a PHP file":                   "<?php return ['password' => 'SECRET'];\n",
	} {
		t.Run(name, func(t *testing.T) {
			text := strings.ReplaceAll(text, "SECRET", c.plant(name))
			path := writeConfig(t, text)
			for _, args := range [][]string{{"--config.check"}, {"check", "--log.level=debug"}} {
				var out bytes.Buffer
				if code := run(t.Context(), append(args, "--config.file="+path), &out, &out); code != exitError ||
					!strings.Contains(out.String(), path) {
					t.Errorf("%v: exit code %d, want %d, and the place: %s", args, code, exitError, out.String())
				}
				c.look(t, strings.Join(args, " "), out.String())
			}
			rewrite(t, reloading, text)
			c.look(t, "POST /-/reload", d.want("POST", "/-/reload", http.StatusInternalServerError, reloading))
		})
	}
	c.look(t, "the log", d.logs.String())
}

// TestRefusedWebConfigurationsShowNoSecret has the toolkit's file for TLS and logins, which is refused at start or
// while the daemon runs.
func TestRefusedWebConfigurationsShowNoSecret(t *testing.T) {
	t.Parallel()
	configFile := writeConfig(t, once+entry("acme", "pa55", waived))
	web := writeConfig(t, "http_server_config: {http2: false}\n")
	d := startDaemon(t, configFile, "--web.config.file="+web)
	var c canaries
	for name, text := range map[string]string{
		"users as text":   "basic_auth_users: SECRET\n",
		"users as a list": "basic_auth_users: [SECRET]\n",
		"a user's list":   "basic_auth_users: {prom: [SECRET]}\n",
		"an alias":        "basic_auth_users: {prom: *SECRET}\n",
		"an anchor":       "basic_auth_users: {prom: &SECRET {x: y}}\n",
		"a tag":           "basic_auth_users: {prom: !!int SECRET}\n",
		"an open quote":   "basic_auth_users: {prom: \"SECRET}\n",
		"no hash":         "basic_auth_users: {prom: SECRET}\n",
		"a broken hash":   "basic_auth_users: {prom: $2y$xxSECRETxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx}\n",
		"the wrong place": "SECRET\n",
		"as a key":        "basic_auth_users: {prom: x},SECRET\n",
		"a key's comma":   "tls_server_config: {cert: x, key: x,SECRET}\n",
		"TLS as text":     "tls_server_config: SECRET\n",
		"a key":           "tls_server_config: {cert: x, key: SECRET}\n",
		"a key as a list": "tls_server_config: {cert: x, key: [SECRET]}\n",
		"a header":        "http_server_config: {headers: {X-Frame-Options: SECRET}}\n",
		"headers as text": "http_server_config: {headers: SECRET}\n",
	} {
		t.Run(name, func(t *testing.T) {
			text := strings.ReplaceAll(text, "SECRET", c.plant(name))
			var out lockedBuffer
			args := []string{
				"--config.file=" + configFile,
				"--web.listen-address=127.0.0.1:0",
				"--web.config.file=" + writeConfig(t, text),
				"--log.level=debug",
			}
			if code := run(t.Context(), args, &out, &out); code != exitError ||
				!strings.Contains(out.String(), "listening: ") {
				t.Errorf("exit code %d: %s", code, out.String())
			}
			c.look(t, "at the start", out.String())
			rewrite(t, web, text)
			_, body := d.do("GET", "/metrics")
			c.look(t, "GET /metrics", body)
		})
	}
	c.look(t, "the log", d.logs.String())
}

// scene is a configuration of many migrations whose every source has secrets of its own.
type scene struct {
	*canaries
	t       *testing.T
	dir     string
	entries strings.Builder
	env     []string
	// login is a working account for migrations that are about something else.
	login string
	// named are files that the results have to name: else nobody has looked at them, and nothing is shown by this.
	named []string
}

// text fills in a new secret for each SECRET.
func (s *scene) text(where, text string) string {
	for n := 1; strings.Contains(text, "SECRET"); n++ {
		text = strings.Replace(text, "SECRET", s.plant(fmt.Sprintf("%s (%d)", where, n)), 1)
	}
	return text
}

// file writes a file with secrets and returns its path.
func (s *scene) file(path, text string) string {
	s.t.Helper()
	full := filepath.Join(s.dir, path)
	if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
		s.t.Fatal(err)
	}
	rewrite(s.t, full, s.text(path, text))
	return full
}

// reported is file, and the results have to name it.
func (s *scene) reported(path, text string) string {
	full := s.file(path, text)
	s.named = append(s.named, full)
	return full
}

// add writes a migration; cron is on another host unless the entry says otherwise.
func (s *scene) add(name, entry string) {
	entry = s.text(name, entry)
	if !strings.Contains(entry, "cron_stopped") {
		if !strings.Contains(entry, "preconditions: {") {
			entry += "\n    preconditions: {}"
		}
		entry = strings.Replace(
			entry,
			"preconditions: {",
			"preconditions: {cron_stopped: {crontabs: [], processes: false}, ",
			1,
		)
	}
	fmt.Fprintf(&s.entries, "\n  - name: %s\n    %s\n", name, entry)
}

func (s *scene) exec(statements ...string) {
	s.t.Helper()
	if err := server.Exec(s.t.Context(), statements...); err != nil {
		s.t.Fatal(err)
	}
}

const migrationConfig = `<?xml version="1.0" encoding="UTF-8"?>
<config>
<steps mode="settings"><step title="Settings Step"><integrity>Migration\Step\Settings\Integrity</integrity></step></steps>
<steps mode="data"><step title="Map Step"><data>Migration\Step\Map\Data</data></step></steps>
<steps mode="delta"><step title="Map Step"><delta>Migration\Step\Map\Delta</delta></step></steps>
<source><database host="127.0.0.1:PORT" name="magento1" user="USER" password="PASSWORD"/></source>
<destination><database host="127.0.0.1:PORT" name="magento2" user="USER" password="PASSWORD"/></destination>
<options><map_file>etc/map.xml</map_file><crypt_key>SECRET</crypt_key><crypt_kye>SECRET</crypt_kye></options>
</config>
`

const localXML = `<?xml version="1.0"?>
<config><global>
<install><date><![CDATA[Wed, 03 Feb 2016 09:15:00 +0000]]></date></install>
<crypt><key><![CDATA[SECRET]]></key></crypt>
<resources><db><table_prefix><![CDATA[]]></table_prefix></db>
<default_setup><connection><host><![CDATA[db.example]]></host><username><![CDATA[shop]]></username><password><![CDATA[SECRET]]></password><initStatements><![CDATA[SET @x='SECRET']]></initStatements><dbname><![CDATA[magento1]]></dbname><active>1</active></connection></default_setup>
<default_read><connection><use/><host>u:SECRET@replica.example</host><username>shop</username><password> SECRET </password><dbname>magento1</dbname><active>1</active></connection></default_read>
</resources>
<session_save><![CDATA[redis]]></session_save><session_save_path><![CDATA[tcp://u:SECRET@redis.example:6379?auth=SECRET]]></session_save_path>
<cache><backend>Cm_Cache_Backend_Redis</backend><backend_options><server>redis.example</server><password>SECRET</password></backend_options></cache>
<admin><routers><adminhtml><args><frontName>SECRET</frontName></args></adminhtml></routers></admin>
</global></config>
`

const envPHP = `<?php
return [
    'backend' => ['frontName' => 'SECRET'],
    'crypt' => ['key' => 'SECRET'],
    'db' => ['table_prefix' => '', 'connection' => [
        'default' => ['host' => '127.0.0.1:1', 'dbname' => 'magento2', 'username' => 'shop', 'password' => 'SECRET', 'initStatements' => 'SET @x="SECRET"', 'active' => '1'],
        'indexer' => ['host' => 'mysql://u:SECRET@127.0.0.1:1/x', 'dbname' => 'magento2', 'username' => 'shop', 'password' => 'SECRET'],
    ], 'slave_connection' => ['default' => ['host' => 'mysql://u:SECRET@127.0.0.1:1/x', 'dbname' => 'magento2', 'username' => 'shop', 'password' => 'SECRET']]],
    'session' => ['save' => 'redis', 'redis' => ['host' => '127.0.0.1', 'port' => 'REDIS', 'password' => 'SECRET']],
    'cache' => ['frontend' => [
        'default' => ['backend' => 'Cm_Cache_Backend_Redis', 'backend_options' => ['server' => 'tls://u:SECRET@127.0.0.1', 'port' => '1', 'password' => 'SECRET']],
        'page_cache' => ['backend' => 'Cm_Cache_Backend_Redis', 'backend_options' => ['server' => 'redis://u:pa/SECRET@127.0.0.1', 'password' => 'SECRET']],
    ]],
    'queue' => ['amqp' => ['host' => 'amqp://u:SECRET@127.0.0.1:1', 'port' => '1', 'user' => 'shop', 'password' => 'SECRET']],
    'http_cache_hosts' => [['host' => 'http://u:SECRET@127.0.0.1', 'port' => '1']],
    'system' => ['default' => ['catalog' => ['search' => ['elasticsearch7_password' => 'SECRET']], 'payment' => ['key' => 'SECRET']]],
    'MAGE_MODE' => 'production',
];
`

// malformed are ways to break a file right beside a secret: each puts another text in a text's place.
var (
	brokenConfigs = map[string][2]string{
		"quote-missing": {`password="PASSWORD"`, `password="SECRET`},
		"no-quotes":     {`password="PASSWORD"`, `password=SECRET`},
		"quote-within":  {`password="PASSWORD"`, `password="x"SECRET"`},
		"ampersand":     {`password="PASSWORD"`, `password="x&SECRET"`},
		"entity":        {`password="PASSWORD"`, `password="x&SECRET;"`},
		"less-than":     {`password="PASSWORD"`, `password="x<SECRET"`},
		"greater-than":  {`password="PASSWORD"`, `password="x" > SECRET`},
		"control":       {`password="PASSWORD"`, "password=\"SECRET\x01\""},
		"no-UTF-8":      {`password="PASSWORD"`, "password=\"SECRET\xff\""},
		"twice":         {`password="PASSWORD"`, `password="SECRET" password="SECRET"`},
		"attribute":     {`password="PASSWORD"`, `password="x" SECRET`},
		"element":       {`password="PASSWORD"/>`, `><password>SECRET</password></database>`},
		"element-open":  {`password="PASSWORD"/>`, `><password>SECRET</database>`},
		"text":          {`password="PASSWORD"/>`, `>SECRET</database>`},
		"tag":           {`password="PASSWORD"/>`, `/><SECRET>`},
		"end-tag":       {`password="PASSWORD"/>`, `/></SECRET>`},
		"key-open":      {`<crypt_key>SECRET</crypt_key>`, `<crypt_key>SECRET`},
		"key-less":      {`<crypt_key>SECRET</crypt_key>`, `<crypt_key>x<SECRET</crypt_key>`},
		"key-entity":    {`<crypt_key>SECRET</crypt_key>`, `<crypt_key>x&SECRET</crypt_key>`},
		"key-CDATA":     {`<crypt_key>SECRET</crypt_key>`, `<crypt_key><![CDATA[SECRET</crypt_key>`},
		"half-written":  {`password="PASSWORD"`, "password=\"SECRET\x00"},
		"declaration":   {`<?xml version="1.0" encoding="UTF-8"?>`, `<?xml version="1.0" encoding="SECRET"?>`},
		"comment":       {`password="PASSWORD"/>`, `/><!-- SECRET -- SECRET -->`},
		"instruction":   {`password="PASSWORD"/>`, `/><?SECRET`},
		"doctype":       {`<config>`, `<!DOCTYPE config [<!ENTITY p "SECRET">]><config>`},
		"host-DSN":      {`host="127.0.0.1:PORT"`, `host="mysql://root:SECRET@db:3306/shop"`},
		"host-login":    {`host="127.0.0.1:PORT"`, `host="root:SECRET@db"`},
		"host-password": {`host="127.0.0.1:PORT"`, `host="SECRET@db"`},
		"port-login":    {`host="127.0.0.1:PORT"`, `host="db" port="3306:SECRET"`},
	}
	brokenLocals = map[string][2]string{
		"CDATA-open":   {`<password><![CDATA[SECRET]]></password>`, `<password><![CDATA[SECRET</password>`},
		"no-CDATA":     {`<password><![CDATA[SECRET]]></password>`, `<password>x&SECRET</password>`},
		"less-than":    {`<password><![CDATA[SECRET]]></password>`, `<password>x<SECRET</password>`},
		"not-closed":   {`<password><![CDATA[SECRET]]></password>`, `<password>SECRET`},
		"end-tag":      {`<password><![CDATA[SECRET]]></password>`, `<password>SECRET</SECRET>`},
		"key":          {`<crypt><key><![CDATA[SECRET]]></key></crypt>`, `<crypt><key>x&SECRET;</key></crypt>`},
		"key-open":     {`<crypt><key><![CDATA[SECRET]]></key></crypt>`, `<crypt><key>SECRET</crypt>`},
		"half-written": {`<password><![CDATA[SECRET]]></password>`, "<password><![CDATA[SECRET\x00"},
		"no-UTF-8":     {`<password><![CDATA[SECRET]]></password>`, "<password>SECRET\xff</password>"},
	}
	brokenEnvironments = map[string][2]string{
		"comma-missing":    {`'password' => 'SECRET', 'initStatements'`, `'password' => 'SECRET' 'initStatements'`},
		"quote-missing":    {`'password' => 'SECRET', 'initStatements'`, `'password' => 'SECRET, 'initStatements'`},
		"no-quotes":        {`'password' => 'SECRET', 'initStatements'`, `'password' => x,SECRET{, 'initStatements'`},
		"no-quotes-at-all": {`'crypt' => ['key' => 'SECRET'],`, `'crypt' => ['key' => SECRET SECRET],`},
		"arrow-missing":    {`'password' => 'SECRET', 'initStatements'`, `'password' 'SECRET', 'initStatements'`},
		"quote-within":     {`'password' => 'SECRET', 'initStatements'`, `'password' => 'x'SECRET', 'initStatements'`},
		"bracket":          {`'crypt' => ['key' => 'SECRET'],`, `'crypt' => ['key' => 'SECRET',`},
		"brace":            {`'crypt' => ['key' => 'SECRET'],`, `'crypt' => ['key' => 'SECRET'}],`},
		"heredoc":          {`'crypt' => ['key' => 'SECRET'],`, "'crypt' => ['key' => <<<SECRET\nSECRET\n],"},
		"escape":           {`'crypt' => ['key' => 'SECRET'],`, `'crypt' => ['key' => "\u{SECRET}"],`},
		"control":          {`'crypt' => ['key' => 'SECRET'],`, "'crypt' => ['key' => SECRET\x01],"},
		"half-written":     {`'crypt' => ['key' => 'SECRET'],`, "'crypt' => ['key' => 'SECRET\x00"},
		"key":              {`'crypt' => ['key' => 'SECRET'],`, `'crypt' => [['SECRET'] => 'key'],`},
		"semicolon":        {`];` + "\n", `] SECRET` + "\n"},
		"computed":         {`'127.0.0.1:1'`, `getenv('SECRET') . SECRET("SECRET")`},
		"constant":         {`'127.0.0.1:1'`, `SECRET`},
		"variable":         {`'127.0.0.1:1'`, `"$SECRET"`},
		"host-DSN":         {`'127.0.0.1:1'`, `'mysql://root:SECRET@127.0.0.1:1/shop'`},
		"host-login":       {`'127.0.0.1:1'`, `'root:SECRET@127.0.0.1'`},
		"host-password":    {`'127.0.0.1:1'`, `'SECRET@127.0.0.1'`},
		"no-tag":           {"<?php\n", "SECRET <?php\n"},
	}
)

// databases adds migrations that take their password from each place there is, some of them a wrong one.
func (s *scene) databases() {
	port := fmt.Sprint(server.Port())
	for _, way := range []string{"inline", "file", "env", "xml"} {
		for _, works := range []bool{true, false} {
			name := fmt.Sprintf("%s-%v", way, works)
			password, user := s.plant("the password, "+name), "secret_"+way
			if works {
				s.exec("GRANT ALL ON *.* TO '" + user + "'@'%' IDENTIFIED BY '" + password + "'")
			}
			system := func(n, key string) string {
				return fmt.Sprintf(
					"\n    magento%[1]s: {root: %[2]s, database: {host: 127.0.0.1, port: %[3]s, name: magento%[1]s, user: %[4]s, %[5]s}}",
					n,
					s.root(n),
					port,
					user,
					key,
				)
			}
			var key string
			switch way {
			case "inline":
				key = "password: " + password
			case "file":
				key = "password_file: " + s.file(name+".secret", password+"\n")
			case "env":
				key = "password_env: SCENE_" + strings.ToUpper(fmt.Sprint(works))
				s.env = append(s.env, "SCENE_"+strings.ToUpper(fmt.Sprint(works))+"="+password)
			case "xml":
				text := strings.NewReplacer("PORT", port, "USER", user, "PASSWORD", password).Replace(migrationConfig)
				s.add(
					name,
					"migration_tool: {config: "+s.reported(
						name+"/config.xml",
						text,
					)+"}\n    magento1: {root: "+s.root(
						"1",
					)+"}\n    magento2: {root: "+s.root(
						"2",
					)+"}",
				)
				continue
			}
			s.add(name, system("1", key)[5:]+system("2", key))
			if works {
				s.login = "host: 127.0.0.1, port: " + port + ", user: " + user + ", " + key
			}
		}
	}
}

// root is a whole system's folder.
func (s *scene) root(n string) string { return filepath.Join(s.dir, "magento"+n) }

func (s *scene) roots(redis string) {
	s.file("magento1/app/etc/local.xml", localXML)
	s.file("magento2/app/etc/env.php", strings.ReplaceAll(envPHP, "REDIS", redis))
	s.file(
		"magento2/composer.lock",
		`{"packages": [{"name": "magento/product-community-edition", "version": "2.4.7-p3", "dist": {"url": "https://u:SECRET@repo.magento.com/x.zip?token=SECRET"}}], "packages-dev": []}`,
	)
	s.file("magento2/auth.json", `{"http-basic": {"repo.magento.com": {"username": "SECRET", "password": "SECRET"}}}`)
	s.file(
		"magento2/var/migration-tool-progress.lock",
		`{"Migration\\Step\\Map\\Data": {"data migration": {"process": ["SECRET"], "result": true}}}`,
	)
}

// malformed adds a migration for each way to break each file.
func (s *scene) malformed() {
	plain := strings.NewReplacer("PORT", fmt.Sprint(server.Port()), "USER", "secret_inline", "PASSWORD", "x")
	working := strings.NewReplacer(
		"PORT",
		fmt.Sprint(server.Port()),
		"USER",
		"tool",
		"PASSWORD",
		"pa55",
	).Replace(
		migrationConfig,
	)
	for name, replace := range brokenConfigs {
		text := plain.Replace(strings.Replace(migrationConfig, replace[0], replace[1], 1))
		text, _, _ = strings.Cut(text, "\x00")
		s.add("config-"+name, "migration_tool: {config: "+s.reported("config-"+name+"/config.xml", text)+"}")
	}
	config := s.file("config.xml", working)
	for name, replace := range brokenLocals {
		text, _, _ := strings.Cut(strings.Replace(localXML, replace[0], replace[1], 1), "\x00")
		root := filepath.Dir(filepath.Dir(filepath.Dir(s.reported("local-"+name+"/app/etc/local.xml", text))))
		s.add("local-"+name, "migration_tool: {config: "+config+"}\n    magento1: {root: "+root+"}")
	}
	for name, replace := range brokenEnvironments {
		text, _, _ := strings.Cut(
			strings.Replace(strings.ReplaceAll(envPHP, "REDIS", "1"), replace[0], replace[1], 1),
			"\x00",
		)
		root := filepath.Dir(filepath.Dir(filepath.Dir(s.file("env-"+name+"/app/etc/env.php", text))))
		s.add("env-"+name, "migration_tool: {config: "+config+"}\n    magento2: {root: "+root+"}")
	}
	for name, text := range map[string]string{
		"json": `{"SECRET": SECRET}`, "class": `{"SECRET": "SECRET"}`, "php": `a:1:{s:10:"SECRET";SECRET}`, "text": "SECRET", "deep": `{"x": {"data migration": "SECRET"`,
	} {
		lock := s.reported("lock-"+name+"/var/migration-tool-progress.lock", text)
		s.add(
			"lock-"+name,
			"migration_tool: {config: "+config+"}\n    magento2: {root: "+filepath.Dir(filepath.Dir(lock))+"}",
		)
	}
	for name, text := range map[string]string{
		"json": `{"packages": [SECRET`, "type": `{"packages": "SECRET"}`, "field": `{"packages": [{"name": "x", "version": {"SECRET": 1}}]}`, "key": `{"packages": {"SECRET": 1}}`,
	} {
		lock := s.reported("composer-"+name+"/composer.lock", text)
		s.add("composer-"+name, "migration_tool: {config: "+config+"}\n    magento2: {root: "+filepath.Dir(lock)+"}")
	}
}

// addresses adds every place where a URL can stand, with every way to write one with a login.
func (s *scene) addresses(echo string) {
	for i, address := range []string{
		"http://u:SECRET@127.0.0.1:1/?token=SECRET#SECRET", "http://SECRET@127.0.0.1:1", "http://u:SECRET@" + echo + "/?token=SECRET", "http://u:a%zzSECRET@127.0.0.1:1", "http://u:SECRET@127.0.0.1:1:2",
		"http://u:1/SECRET@127.0.0.1:1", "http://u:a/SECRET@127.0.0.1:1", "http:u:SECRET@127.0.0.1", "u:SECRET@127.0.0.1:1", "SECRET@127.0.0.1:1", "//u:SECRET@127.0.0.1:1", "redis://:SECRET@127.0.0.1:1/0", "amqp://u:SECRET@127.0.0.1:1/x",
		"https://u:SECRET@" + echo, "/run/u:SECRET@redis.sock", "unix:///run/x.sock?auth=SECRET", "http://127.0.0.1:1/SECRET/", "tcp://127.0.0.1:1?auth=SECRET", echo + "?auth=SECRET",
	} {
		endpoints, nodes := "", ""
		for _, component := range []string{"search", "cache", "session", "queue", "varnish"} {
			endpoints += component + ": '" + address + "', "
		}
		for _, role := range []string{"web", "search", "session", "queue", "own"} {
			nodes += role + ": ['" + address + "'], "
		}
		s.add(
			fmt.Sprintf("address-%d", i),
			"magento1: {database: {name: magento1, "+s.login+"}}\n    magento2: {root: "+s.root(
				"2",
			)+", database: {name: magento2, "+s.login+"}}\n    preconditions: {system_requirements: {endpoints: {"+endpoints+
				"}}, topology: {magento1: {web: 1, search: 1, session: 1, queue: 1, own: 1}, magento2: {"+nodes+"}}}",
		)
	}
}

// serverErrors adds databases whose own messages are about secrets: statements of init_connect, and a table of a remote
// server.
func (s *scene) serverErrors() {
	private := mysqltest.New(s.t, mysqltest.Options{Args: []string{"--plugin-load-add=ha_federatedx.so"}})
	for _, script := range []string{"magento1", "magento2"} {
		text := map[string]string{"magento1": mysqltest.Magento1(""), "magento2": mysqltest.Magento2("")}[script]
		if err := private.Load(s.t.Context(), script, text); err != nil {
			s.t.Fatal(err)
		}
	}
	remote := s.plant("the password of a federated table")
	for _, statement := range []string{
		"CREATE USER remote@'%' IDENTIFIED BY '" + remote + "'",
		"GRANT ALL ON *.* TO remote@'%'",
		"RENAME TABLE magento2.core_config_data TO magento2.there, magento2.cms_block TO magento2.block",
		"CREATE TABLE magento2.core_config_data ENGINE=FEDERATED CONNECTION='mysql://remote:" + remote + "@127.0.0.1:" + fmt.Sprint(private.Port()) + "/magento2/there'",
		"ALTER USER remote@'%' IDENTIFIED BY 'another'",
		"FLUSH TABLES",
		"CREATE VIEW magento2.cms_block AS SELECT b.*, AES_ENCRYPT('x', '" + s.plant("a view's key") + "') AS more FROM magento2.block b",
		"ALTER TABLE magento2.block DROP COLUMN title",
		"CREATE USER plain@'%' IDENTIFIED BY 'x', trusted@'%' IDENTIFIED BY 'x'",
		"GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, TRIGGER ON *.* TO plain@'%'",
		"GRANT ALL ON *.* TO trusted@'%'",
		"SET GLOBAL init_connect = 'SET @key = ''" + s.plant("init_connect") + "'' '' syntax error'",
	} {
		if err := private.Exec(s.t.Context(), statement); err != nil {
			s.t.Fatal(err)
		}
	}
	for _, user := range []string{"plain", "trusted"} {
		login := fmt.Sprintf("host: 127.0.0.1, port: %d, user: %s, password: x", private.Port(), user)
		s.add(
			"server-"+user,
			"magento1: {database: {name: magento1, "+login+"}}\n    magento2: {database: {name: magento2, "+login+"}}",
		)
	}
}

// cron adds crontabs, units and a process that start Magento 2's cron beside secrets.
func (s *scene) cron() {
	root := s.root("2")
	lines := strings.ReplaceAll(`MAILTO=SECRET@example.com
MYSQL_PWD=SECRET
* * * * * MYSQL_PWD=SECRET /usr/bin/php ROOT/bin/magento cron:run --password=SECRET -pSECRET >> /var/log/SECRET.log 2>&1 # SECRET
* * * * * mysql --password=SECRET -e "SELECT 'SECRET'" && php ROOT/bin/magento cron:run
* * * * * curl -u u:SECRET 'https://u:SECRET@shop.example/cron.php?key=SECRET'
* * * * * curl https://u:a/SECRET@shop.example/pub/cron.php
* * * * * curl https://u:SECRET/a@shop.example/pub/cron.php
* * * * * curl https://shop.example/SECRET/cron.php
* * * * * wget "https://u:SECRET@shop.example/cron.php
* * * * * sh -c "MYSQL_PWD=SECRET php ROOT/bin/magento cron:run" SECRET
* * * * * cd ROOT && sudo -u www env KEY=SECRET php bin/magento queue:consumers:start --token=SECRET async.operations.all
* * * * * bash ROOT/wrapped.sh SECRET
* * * * * ssh u:SECRET@host php ROOT/bin/magento cron:run
* * * * * docker run -e MYSQL_PWD=SECRET magento php ROOT/bin/magento cron:run
SECRET php ROOT/bin/magento cron:run
* * * * * php ROOT/bin/magento cron:run %SECRET
`, "ROOT", root)
	crontab := s.reported("spool/crontab-of-www", lines)
	s.file(
		"magento2/wrapped.sh",
		"#!/bin/sh\nexport MYSQL_PWD=SECRET\nmysqldump -pSECRET x > /dev/null\nphp "+root+"/bin/magento cron:run --password=SECRET\n",
	)
	// Without the user, whose place the next word takes.
	system := s.reported(
		"cron.d/shop",
		"* * * * * MYSQL_PWD=SECRET php "+root+"/bin/magento cron:run\n* * * * * u:SECRET@x php "+root+"/bin/magento cron:run\n",
	)
	s.file("systemd/system/shop.timer", "[Timer]\nOnCalendar=minutely\n[Install]\nWantedBy=timers.target\n")
	s.file("systemd/system/timers.target.wants/shop.timer", "")
	service := s.reported(
		"systemd/system/shop.service",
		"[Service]\nUser=www\nEnvironment=MYSQL_PWD=SECRET\nExecStart=/usr/bin/env KEY=SECRET php "+root+"/bin/magento cron:run --password=SECRET\n",
	)
	supervisor := s.reported(
		"supervisor.conf",
		"[program:consumer]\nenvironment=MYSQL_PWD=\"SECRET\"\ncommand=php "+root+"/bin/magento queue:consumers:start async.operations.all --password=SECRET\n",
	)
	s.file("magento2/bin/magento", "read line\n")
	command := exec.CommandContext(
		s.t.Context(),
		"/bin/sh",
		root+"/bin/magento",
		"cron:run",
		"-p"+s.plant("a process (-p)"),
		"--password="+s.plant("a process (--password)"),
	)
	command.Env = append(os.Environ(), "MYSQL_PWD="+s.plant("a process's environment"))
	stdin, err := command.StdinPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = stdin.Close(); _ = command.Wait() })
	s.becomes(command)
	s.named = append(s.named, fmt.Sprintf("pid %d", command.Process.Pid))
	s.add(
		"cron",
		fmt.Sprintf(
			"magento2: {root: %s, database: {name: magento2, %s}}\n    preconditions: {cron_stopped: {crontabs: [%s, %s, %s, %s]}}",
			root,
			s.login,
			crontab,
			system,
			filepath.Dir(service),
			supervisor,
		),
	)
}

// becomes waits until the kernel shows a process's command line, which it has a moment after it was started.
func (s *scene) becomes(command *exec.Cmd) {
	s.t.Helper()
	path, want := fmt.Sprintf("/proc/%d/cmdline", command.Process.Pid), strings.Join(command.Args, "\x00")+"\x00"
	for deadline := time.Now().Add(5 * time.Minute); ; time.Sleep(10 * time.Millisecond) {
		line, err := os.ReadFile(path)
		if err == nil && string(line) == want {
			return
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("%s is %q, %v", path, line, err)
		}
	}
}

// dumpOf is a whole dump of a Magento 2, with a line or row more.
func dumpOf(more string) string {
	return "-- MariaDB dump 10.19  Distrib 10.11.6-MariaDB, for debian-linux-gnu (x86_64)\n--\n-- Host: localhost    Database: magento2\n-- ------------------------------------------------------\n-- Server version\t10.11.6-MariaDB\n" +
		"CREATE TABLE `admin_user` (\n  `user_id` int,\n  `created` timestamp,\n  `password` varchar(255)\n);\n" + more + "\n-- Dump completed on 2026-01-02  3:04:05\n"
}

// backups adds dumps that are whole or broken, with secrets where they are broken.
func (s *scene) backups() {
	for name, text := range map[string]string{
		"whole":        dumpOf("-- SECRET\n/* SECRET */\nINSERT INTO `admin_user` VALUES (1,'2026-01-01 00:00:00','SECRET:salt:1');"),
		"no-quotes":    dumpOf("INSERT INTO `admin_user` VALUES (1,'2026-01-01 00:00:00',SECRET);"),
		"no-quotes-2":  dumpOf("INSERT INTO `admin_user` VALUES (1,'2026-01-01 00:00:00',SECRET:salt:1);"),
		"quote-within": dumpOf("INSERT INTO `admin_user` VALUES (1,'2026-01-01 00:00:00','x'SECRET');"),
		"half":         "INSERT INTO `admin_user` VALUES (1,'2026-01-01 00:00:00','SECRET",
		"line":         dumpOf("SECRET\nINSERT INTO `admin_user` VALUES (1,'2026-01-01 00:00:00','x');"),
		"password":     dumpOf("password=SECRET"),
		"command":      dumpOf("mysqldump -u root -pSECRET magento2"),
		"message":      dumpOf("mysqldump: [Warning] SECRET"),
		"column":       dumpOf("INSERT INTO `admin_user` (`user_id`, 'SECRET') VALUES (1);"),
		"more-values":  dumpOf("INSERT INTO `admin_user` VALUES (1,'2026-01-01 00:00:00','x','SECRET');"),
		"no-values":    dumpOf("INSERT INTO `admin_user` SECRET;"),
		"shifted":      dumpOf("INSERT INTO `admin_user` VALUES (1,'SECRET','2026-01-01 00:00:00');\nCREATE TABLE `catalog_category_entity` (`entity_id` int, `created_at` timestamp);\nINSERT INTO `catalog_category_entity` VALUES (1,'SECRET');\nCREATE TABLE setup_module (module varchar(50), x int, y int);\nCREATE TABLE store (a int);\nCREATE TABLE sales_order (a int);\nCREATE TABLE eav_attribute (a int);\nINSERT INTO setup_module VALUES ('Magento_Store',1,1);\n"),
		"delimiter":    dumpOf("DELIMITER SECRETSECRETSECRET"),
		"set":          dumpOf("SET PASSWORD FOR 'u' = 'SECRET"),
		"trailer":      dumpOf("-- Dump completed on SECRET"),
		"grant":        dumpOf("GRANT ALL ON *.* TO 'u'@'%' IDENTIFIED BY PASSWORD '*SECRET"),
		"behind":       dumpOf("") + "SECRET\n",
	} {
		s.reported("dumps/"+name+".sql", text)
	}
	s.named = append(
		s.named,
		s.dir+"/mydumper/time",
		s.dir+"/mydumper/rows",
		s.dir+"/shell/syntax",
		s.dir+"/shell/type",
	)
	s.file(
		"mydumper/time/metadata",
		"# Started dump at: SECRET\n[magento2.admin_user]\nrows = 1\n# Finished dump at: SECRET\n",
	)
	s.file(
		"mydumper/rows/metadata",
		"# Started dump at: 2026-01-01 00:00:00\n[`magento2`.`admin_user`]\nrows = SECRET\n# Finished dump at: 2026-01-01 00:00:00\n",
	)
	info := "tool_command = --password=SECRET --user=root\nserver_version = 10.11.6\nstart_time = %s\nend_time = 2026-01-01 00:00:00\nbinlog_pos = SECRET\n"
	for name, texts := range map[string][2]string{"type": {"backup_type = SECRET\n", "2026-01-01 00:00:00"}, "time": {"backup_type = full-prepared\n", "SECRET"}, "lsn": {"backup_type = full-backuped\nto_lsn = SECRET\n", "2026-01-01 00:00:00"}} {
		s.named = append(s.named, filepath.Dir(s.file("physical/"+name+"/xtrabackup_checkpoints", texts[0])))
		s.file("physical/"+name+"/xtrabackup_info", fmt.Sprintf(info, texts[1]))
		s.file("physical/"+name+"/backup-my.cnf", "[mysqld]\npassword=SECRET\n")
	}
	s.file("shell/syntax/@.json", `{"user": "root", "password": "SECRET" SECRET}`)
	s.file("shell/syntax/@.done.json", "{}")
	s.file("shell/type/@.json", `{"version": {"SECRET": 1}, "dumper": "SECRET", "schemas": "SECRET"}`)
	s.file("shell/type/@.done.json", "{}")
	hourAgo := time.Now().Add(-time.Hour) // else they count as still being written
	for _, folder := range []string{"dumps", "mydumper", "physical", "shell"} {
		if err := filepath.WalkDir(filepath.Join(s.dir, folder), func(path string, _ fs.DirEntry, err error) error {
			return errors.Join(err, os.Chtimes(path, hourAgo, hourAgo))
		}); err != nil {
			s.t.Fatal(err)
		}
	}
	paths := filepath.Join(
		s.dir,
		"dumps",
	) + ", " + filepath.Join(
		s.dir,
		"mydumper",
	) + ", " + filepath.Join(
		s.dir,
		"physical",
	) + ", " + filepath.Join(
		s.dir,
		"shell",
	)
	for i, magento1 := range []string{"name: magento1, " + s.login, ""} { // without Magento 1's database the times in the dump are shown
		s.add(
			fmt.Sprintf("backup-%d", i),
			"magento1: {database: {"+magento1+"}}\n    magento2: {database: {name: magento2, "+s.login+"}}\n    preconditions: {backup: {paths: ["+paths+"]}}",
		)
	}
}

// echoServer answers with what it is sent, as a wrong address may.
func echoServer(t *testing.T) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var connections sync.WaitGroup
	connections.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			connections.Go(func() {
				defer conn.Close()
				_ = conn.SetDeadline(time.Now().Add(3 * time.Second)) // the program waits for a word
				_, _ = io.Copy(conn, conn)
			})
		}
	})
	t.Cleanup(func() { _ = listener.Close(); connections.Wait() })
	return listener.Addr().String()
}

func newScene(t *testing.T) *scene {
	t.Helper()
	s := &scene{canaries: &canaries{}, t: t, dir: t.TempDir()}
	echo := echoServer(t)
	_, echoPort, _ := net.SplitHostPort(echo)
	s.roots(echoPort)
	s.exec("CREATE DATABASE IF NOT EXISTS secretive")
	s.databases()
	s.malformed()
	s.addresses(echo)
	s.serverErrors()
	s.cron()
	s.backups()
	s.settings()
	return s
}

// settings adds a Magento 2 whose own settings in the database have secrets, and a php that notes how it is called.
func (s *scene) settings() {
	if err := server.Load(s.t.Context(), "secretive", mysqltest.Magento2("")); err != nil {
		s.t.Fatal(err)
	}
	rows := s.text(
		"core_config_data",
		`('default', 0, 'catalog/search/engine', 'elasticsearch7'), ('default', 0, 'catalog/search/elasticsearch7_server_hostname', 'https://u:SECRET@127.0.0.1'),
		('default', 0, 'catalog/search/elasticsearch7_server_port', '1'), ('default', 0, 'catalog/search/elasticsearch7_password', 'SECRET'), ('default', 0, 'payment/x/key', 'SECRET')`,
	)
	s.exec(
		"DELETE FROM secretive.core_config_data WHERE path LIKE 'catalog/search/%'",
		"INSERT INTO secretive.core_config_data (scope, scope_id, path, value) VALUES "+rows,
	)
	php := s.file("php", "#!/bin/sh\necho \"$0 $*\" >> "+filepath.Join(s.dir, "php.arguments")+"\necho 'SECRET'\n")
	if err := os.Chmod(php, 0o700); err != nil {
		s.t.Fatal(err)
	}
	s.add(
		"settings",
		"magento2: {root: "+s.root(
			"2",
		)+", database: {name: secretive, "+s.login+"}}\n    preconditions: {system_requirements: {magento2_version: 2.4.7-p3, php: "+php+"}}",
	)
}

// TestSecretsStaySecret plants secrets everywhere they can come from, has the program look at all of it, and looks for
// them in all it says.
func TestSecretsStaySecret(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.env = append(s.env, asProgram+"=1")
	configFile := s.file(
		"exporter.yml",
		"global: {evaluation_interval: 10m, evaluation_timeout: 5m}\nmigrations:"+s.entries.String(),
	)
	// The daemon looks at all, and these at one migration of each kind: what they say is written by code of their own.
	few := []string{
		"--migration=env-true",
		"--migration=xml-false",
		"--migration=config-no-quotes",
		"--migration=local-no-CDATA",
		"--migration=env-no-quotes",
		"--migration=lock-json",
		"--migration=composer-json",
		"--migration=address-2",
		"--migration=server-trusted",
		"--migration=cron",
		"--migration=backup-1",
		"--migration=settings",
	}
	for _, args := range [][]string{
		{"--config.check", "--log.level=debug"},
		slices.Concat([]string{"check", "--timeout=20m"}, few, []string{"--format=json", "--log.level=debug"}),
		slices.Concat([]string{"check", "--timeout=20m"}, few, []string{"--format=table", "--log.level=debug", "--log.format=json"}), slices.Concat([]string{"check", "--timeout=20m"}, few, []string{"--format=markdown"}), slices.Concat([]string{"check", "--timeout=20m"}, few, []string{"--format=html"}),
	} {
		command := exec.CommandContext(t.Context(), binary(t), append(args, "--config.file="+configFile)...)
		command.Env = append(os.Environ(), s.env...)
		output, _ := command.CombinedOutput()
		s.look(t, strings.Join(args, " "), string(output))
		if code := command.ProcessState.ExitCode(); code != map[bool]int{true: exitReady, false: exitFails}[args[0] == "--config.check"] {
			t.Errorf("%v: exit code %d: %.300s", args, code, output)
		}
	}
	s.serve(configFile)
	if arguments, err := os.ReadFile(filepath.Join(s.dir, "php.arguments")); err != nil {
		t.Error(err)
	} else {
		s.look(t, "php's arguments", string(arguments))
	}
}

// serve runs the daemon, asks for everything that it serves, and ends it so that it writes its goroutines down.
func (s *scene) serve(configFile string) {
	t := s.t
	cert, key := certificateOf(t)
	web := "tls_server_config:\n  cert: |\n" + indented(
		cert,
	) + "  key: |\n" + indented(
		key,
	) + "basic_auth_users:\n  prom: $2a$04$.wj.4NwZ/AIYBgBhi17LBeU5rMhvqgaKNRNB8r5VJybS1pPD62.di\n"
	s.others = map[string]string{
		strings.Split(key, "\n")[1]: "the key of the web configuration",
		"wj.4NwZ/AIYBgBhi17LBeU5":   "a hash of the web configuration",
	}
	storage := t.TempDir()
	d := &daemon{
		t:       t,
		logs:    &lockedBuffer{},
		client:  clientOf(t, cert, true),
		request: func(r *http.Request) { r.SetBasicAuth("prom", "test") },
	}
	t.Cleanup(d.client.CloseIdleConnections)
	command := exec.CommandContext(
		t.Context(),
		binary(t),
		"--config.file="+configFile,
		"--web.listen-address=127.0.0.1:0",
		"--web.config.file="+s.file("web.yml", web),
		"--web.enable-pprof",
		"--web.enable-lifecycle",
		"--log.level=debug",
		"--storage.path="+storage,
	)
	command.Env, command.Stdout, command.Stderr = append(os.Environ(), s.env...), d.logs, d.logs
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	ended := sync.OnceFunc(func() { _ = command.Process.Signal(syscall.SIGQUIT); _ = command.Wait() })
	t.Cleanup(ended)
	d.eventually("it listens", func() bool {
		m := listening.FindStringSubmatch(d.logs.String())
		if m != nil {
			d.base = "https://" + m[1] + m[2]
		}
		return m != nil
	})
	d.ready()
	arguments, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", command.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	s.look(t, "the program's arguments", string(arguments))
	document := d.want("GET", "/api/v1/readiness", 200)
	for _, name := range s.named {
		if !strings.Contains(document, name) {
			t.Errorf("the results do not name %s: has nobody looked at it?", name)
		}
	}
	if t.Failed() {
		t.Logf("cron_stopped of the migration cron: %s", findingsOf(t, document, "cron", "cron_stopped"))
	}
	pages := s.crawl(d)
	if pages < 50 {
		t.Errorf("only %d pages were found", pages)
	}
	for _, accept := range []string{"application/openmetrics-text", "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited"} {
		d.request = func(r *http.Request) { r.SetBasicAuth("prom", "test"); r.Header.Set("Accept", accept) }
		s.look(t, "/metrics as "+accept, d.want("GET", "/metrics", 200, "magento_migration_ready"))
	}
	var kept []byte
	d.eventually("the history is written", func() bool {
		kept, _ = os.ReadFile(filepath.Join(storage, "history.jsonl"))
		return bytes.Count(kept, []byte(`"migration":`)) >= strings.Count(s.entries.String(), "- name: ")
	})
	s.look(t, "the history", string(kept))
	s.look(t, "POST /-/reload", d.want("POST", "/-/reload", 200))
	ended()
	if log := d.logs.String(); !strings.Contains(log, "SIGQUIT: quit") || !strings.Contains(log, "goroutine 1 ") {
		t.Errorf("the program wrote no goroutines: %.500s", log)
	}
	s.look(t, "the log and the goroutines at the end", d.logs.String())
}

// findingsOf returns what a readiness document says of one precondition of a migration.
func findingsOf(t *testing.T, document, migration, precondition string) string {
	t.Helper()
	var read report.Readiness
	if err := json.Unmarshal([]byte(document), &read); err != nil {
		t.Fatal(err)
	}
	for _, m := range read.Migrations {
		for _, p := range m.Preconditions {
			if m.Name == migration && p.ID == precondition {
				text, err := json.MarshalIndent(p.Findings, "", "  ")
				if err != nil {
					t.Fatal(err)
				}
				return fmt.Sprintf("%s, evaluated at %v\n%s", p.Status, p.EvaluatedAt, text)
			}
		}
	}
	return "nothing"
}

// crawl follows every link from the first page, asks for what no page links to, and returns how much that was.
func (s *scene) crawl(d *daemon) int {
	s.t.Helper()
	queue := []string{
		"/", "/metrics", "/metrics?scope=exporter", "/sd", "/api/v1/readiness", "/report.html", "/report.json", "/docs/", "/-/healthy", "/-/ready", "/nowhere", "/probe?target=none",
		"/debug/pprof/", "/debug/pprof/cmdline", "/debug/pprof/heap", "/debug/pprof/symbol",
	}
	for _, profile := range []string{"goroutine", "heap", "allocs", "block", "mutex", "threadcreate"} {
		queue = append(queue, "/debug/pprof/"+profile+"?debug=1", "/debug/pprof/"+profile+"?debug=2")
	}
	for name := range strings.Lines(s.entries.String()) {
		if name, is := strings.CutPrefix(strings.TrimSpace(name), "- name: "); is {
			queue = append(queue, "/probe?target="+name)
		}
	}
	seen := map[string]bool{}
	for len(queue) > 0 {
		path, _, _ := strings.Cut(queue[0], "#")
		queue = queue[1:]
		if seen[path] {
			continue
		}
		seen[path] = true
		_, body := d.do("GET", path)
		if unpacked, err := gzip.NewReader(strings.NewReader(body)); err == nil {
			plain, err := io.ReadAll(unpacked)
			if err != nil {
				s.t.Fatal(err)
			}
			body = string(plain)
		}
		s.look(s.t, "GET "+path, body)
		_, links, _ := strings.Cut(body, `="/`)
		for link := range strings.SplitSeq(links, `="/`) {
			target, _, _ := strings.Cut(link, `"`)
			queue = append(queue, "/"+html.UnescapeString(target))
		}
	}
	return len(seen)
}

func indented(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString("    " + line)
	}
	return b.String()
}
