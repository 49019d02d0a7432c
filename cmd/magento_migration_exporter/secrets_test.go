package main

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// canaries are secrets that stand nowhere else, so that each tells where it came from.
type canaries struct {
	mu      sync.Mutex
	planted map[string]string
}

// plant makes a secret for one place.
func (c *canaries) plant(where string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.planted == nil {
		c.planted = map[string]string{}
	}
	secret := fmt.Sprintf("k4n4r1%03dz", len(c.planted))
	c.planted[secret] = where
	return secret
}

// anyCanary finds a canary by what all have in common, also where a part of it was cut off.
const anyCanary = "k4n4r1"

// look reports the canaries in a text, also as base64 has them.
func (c *canaries) look(t *testing.T, place, text string) {
	t.Helper()
	lower := strings.ToLower(text)
	for secret, where := range c.planted {
		if i := strings.Index(lower, secret); i >= 0 {
			t.Errorf("%s shows the secret of %s: …%s…", place, where, text[max(0, i-120):min(len(text), i+40)])
		} else if strings.Contains(text, base64.StdEncoding.EncodeToString([]byte(secret))) {
			t.Errorf("%s shows the secret of %s in base64", place, where)
		}
	}
	if i := strings.Index(lower, anyCanary); i >= 0 && !t.Failed() {
		t.Errorf("%s shows a part of a secret: …%s…", place, text[max(0, i-120):min(len(text), i+40)])
	}
}

// TestRefusedConfigurationsShowNoSecret has YAML that goes wrong right beside a secret, or because of it.
func TestRefusedConfigurationsShowNoSecret(t *testing.T) {
	t.Parallel()
	const database = "migrations:\n- name: a\n  magento1:\n    database:\n      host: db\n      "
	const preconditions = "migrations:\n- name: a\n  preconditions:\n    "
	reloading := writeConfig(t, fast+entry("acme", "pa55", waived))
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
				if code := run(t.Context(), append(args, "--config.file="+path), &out, &out); code != exitError || !strings.Contains(out.String(), path) {
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

// TestRefusedWebConfigurationsShowNoSecret has the toolkit's file for TLS and logins, which is refused at start or while the daemon runs.
func TestRefusedWebConfigurationsShowNoSecret(t *testing.T) {
	t.Parallel()
	configFile := writeConfig(t, fast+entry("acme", "pa55", waived))
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
			args := []string{"--config.file=" + configFile, "--web.listen-address=127.0.0.1:0", "--web.config.file=" + writeConfig(t, text), "--log.level=debug"}
			if code := run(t.Context(), args, &out, &out); code != exitError || !strings.Contains(out.String(), "listening: ") {
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
