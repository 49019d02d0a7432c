package envphp

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/config"

	"magento_migration_exporter/config/address"
	"magento_migration_exporter/config/sourcefile"
)

// asInstalled is laid out as Magento 2.4's installer does.
const asInstalled = `<?php
return [
    'backend' => [
        'frontName' => 'admin_x1'
    ],
    'cache' => [
        'graphql' => [
            'id_salt' => 'hunter2salt'
        ],
        'frontend' => [
            'default' => [
                'id_prefix' => '69d_',
                'backend' => 'Magento\\Framework\\Cache\\Backend\\Redis',
                'backend_options' => [
                    'server' => 'redis1',
                    'database' => '0',
                    'port' => '6380',
                    'password' => 'hunter2',
                ]
            ],
            'page_cache' => [
                'id_prefix' => '69d_'
            ]
        ],
        'allow_parallel_generation' => false
    ],
    'remote_storage' => [
        'driver' => 'file'
    ],
    'queue' => [
        'amqp' => [
            'host' => 'mq',
            'port' => '5673',
            'user' => 'magento',
            'password' => 'hunter2',
            'virtualhost' => '/'
        ],
        'consumers_wait_for_messages' => 1
    ],
    'crypt' => [
        'key' => '0123456789abcdef0123456789abcdef
fedcba9876543210fedcba9876543210'
    ],
    'db' => [
        'table_prefix' => 'm2_',
        'connection' => [
            'default' => [
                'host' => 'db2:3307',
                'dbname' => 'magento2',
                'username' => 'magento',
                'password' => 'hunter2',
                'model' => 'mysql4',
                'engine' => 'innodb',
                'initStatements' => 'SET NAMES utf8;',
                'active' => '1',
                'driver_options' => [
                    1014 => false
                ]
            ]
        ]
    ],
    'resource' => [
        'default_setup' => [
            'connection' => 'default'
        ]
    ],
    'x-frame-options' => 'SAMEORIGIN',
    'MAGE_MODE' => 'production',
    'session' => [
        'save' => 'redis',
        'redis' => [
            'host' => '/run/redis.sock',
            'port' => '6379',
            'password' => 'hunter2'
        ]
    ],
    'lock' => [
        'provider' => 'db'
    ],
    'cron' => [
        'enabled' => 0
    ],
    'cron_consumers_runner' => [
        'cron_run' => false
    ],
    'http_cache_hosts' => [
        [
            'host' => 'varnish1',
            'port' => '6081'
        ],
        [
            'host' => 'varnish2'
        ]
    ],
    'install' => [
        'date' => 'Sat, 09 Aug 2025 17:10:27 +0000'
    ]
];
`

func parse(t *testing.T, source string, environ ...string) *File {
	t.Helper()
	f, err := Parse("env.php", []byte(source), environ)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// write shows a setting with its state.
func write[T any](s Setting[T]) string {
	text := string(s.State)
	switch s.State {
	case Known:
		text = strings.TrimSpace(fmt.Sprint(any(s.Value)))
	case Unknown:
		text += " (" + s.Reason + ")"
	}
	if s.Variable != "" {
		text += " <" + s.Variable + ">"
	}
	return text
}

func writeStore(s Store) string {
	parts := []string{s.Name, write(s.Backend)}
	for _, server := range s.Servers {
		parts = append(parts, write(server))
	}
	return strings.Join(parts, " ")
}

func TestParse(t *testing.T) {
	t.Parallel()
	for name, source := range map[string]string{
		"as installed": asInstalled,
		"long arrays":  strings.NewReplacer("[\n", "array (\n", "]", ")").Replace(asInstalled),
		"CRLF":         strings.ReplaceAll(asInstalled, "\n", "\r\n"),
	} {
		f := parse(t, source)
		c := f.Connection("default")
		for _, test := range []struct{ what, got, want string }{
			{"prefix", write(f.TablePrefix), "m2_"},
			{"address", write(c.Address), "db2:3307"},
			{
				"account", c.User.Value + " " + string(c.Password.Value) + " " + c.DBName.Value,
				"magento hunter2 magento2",
			},
			{"active", write(c.Active), "true"},
			{"tls", write(c.VerifyServerCert) + " " + write(c.SSLCA), "false absent"},
			{"mode", write(f.Mode), "production"},
			{"installed", write(f.InstallDate), "2025-08-09 17:10:27 +0000 UTC"},
			{"cron", write(f.CronEnabled) + " " + write(f.ConsumersRunByCron), "false false"},
			{"lock", write(f.LockProvider), "db"},
			{"keys", strings.Fields(string(f.CryptKey.Value))[1], "fedcba9876543210fedcba9876543210"},
			{"session", writeStore(f.Session), "session redis /run/redis.sock"},
			{"cache", writeStore(f.Caches[0]), `default Magento\Framework\Cache\Backend\Redis redis1:6380`},
			{"page cache", writeStore(f.Caches[1]), "page_cache absent"},
			{"queue", writeStore(f.Queues[0]), "amqp amqp mq:5673"},
			{"varnish", writeStore(f.HTTPCaches), "http_cache absent varnish1:6081 varnish2:80"},
			{"resource", f.Resources[0].Name + " " + write(f.Resources[0].Connection), "default_setup default"},
			{
				"other",
				write(f.Text("backend/frontName")) + " " + write(f.Text("system/default/catalog/search/engine")),
				"admin_x1 absent",
			},
			{
				"lists",
				fmt.Sprint(len(f.Connections), len(f.SlaveConnections), len(f.Caches), len(f.Queues), len(f.Problems),
					len(f.Unread), len(f.Overrides)),
				"1 0 2 1 0 0 0",
			},
		} {
			if test.got != test.want {
				t.Errorf("%s: %s is %s, want %s", name, test.what, test.got, test.want)
			}
		}
	}
}

func TestPlaces(t *testing.T) {
	t.Parallel()
	f := parse(t, asInstalled)
	got := fmt.Sprint(f.Connection("default").Host.Place, f.TablePrefix.Place, f.CronEnabled.Place)
	if got != "48:27 45:27 81:22" {
		t.Error(got)
	}
}

func TestServices(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ source, want string }{
		"two-level cache": {`'cache' => ['frontend' => ['default' => ['backend' => ` +
			`'\\Magento\\Framework\\Cache\\Backend\\RemoteSynchronizedCache', 'backend_options' => ` +
			`['remote_backend' => '\\Magento\\Framework\\Cache\\Backend\\Redis', 'remote_backend_options' => ` +
			`['server' => 'redis1', 'port' => 6379], 'local_backend' => 'Cm_Cache_Backend_File']]]]`,
			`default \Magento\Framework\Cache\Backend\RemoteSynchronizedCache redis1:6379`},
		"sentinel cache": {
			`'cache' => ['frontend' => ['default' => ['backend' => 'Cm_Cache_Backend_Redis', 'backend_options' => ` +
				`['server' => 'tcp://s1:26379,tcp://s2:26379', 'sentinel_master' => 'm']]]]`,
			`default Cm_Cache_Backend_Redis s1:26379 s2:26379`,
		},
		"memcached cache": {
			`'cache' => ['frontend' => ['page_cache' => ['backend' => 'Libmemcached', 'backend_options' => ` +
				`['servers' => [['host' => 'm1'], ['host' => 'm2', 'port' => 11212], 'm3:11213']]]]]`,
			`page_cache Libmemcached m1:11211 m2:11212 m3:11213`,
		},
		"computed server": {
			`'cache' => ['frontend' => ['default' => ['backend' => 'Cm_Cache_Backend_Redis', 'backend_options' => ` +
				`['server' => getenv('REDIS'), 'port' => 6379]]]]`,
			`default Cm_Cache_Backend_Redis unknown (only PHP can compute it: it calls getenv())`,
		},
		"computed port": {
			`'cache' => ['frontend' => ['default' => ['backend' => 'Cm_Cache_Backend_Redis', 'backend_options' => ` +
				`['server' => 'redis', 'port' => getenv('P')]]]]`,
			`default Cm_Cache_Backend_Redis unknown (only PHP can compute it: it calls getenv())`,
		},
		"no address": {
			`'cache' => ['frontend' => ['default' => ['backend' => 'Cm_Cache_Backend_Redis', 'backend_options' => ` +
				`['server' => 'a b']]]]`,
			`default Cm_Cache_Backend_Redis unknown (it is not the address of a server)`,
		},
		"session sentinels": {
			`'session' => ['save' => 'redis', 'redis' => ['host' => 'x', 'sentinel_servers' => 's1,s2:26380', ` +
				`'sentinel_master' => 'm']]`,
			`session redis s1:26379 s2:26380`,
		},
		"session valkey": {
			`'session' => ['save' => 'valkey', 'valkey' => ['host' => 'valkey1']]`, `session valkey valkey1:6379`,
		},
		"valkey as redis": {
			`'session' => ['save' => 'valkey', 'redis' => ['host' => 'valkey2']]`, `session valkey valkey2:6379`,
		},
		"session memcached": {
			`'session' => ['save' => 'memcached', 'save_path' => '10.0.0.1:11211,10.0.0.2']`,
			`session memcached 10.0.0.1:11211 10.0.0.2:11211`,
		},
		"session files": {`'session' => ['save' => 'files']`, `session files`},
		"no queue":      {`'queue' => ['amqp' => ['host' => '', 'port' => '']]`, ``},
		"stomp": {
			`'queue' => ['stomp' => ['host' => 'artemis', 'port' => '']]`, `stomp stomp artemis:61613`,
		},
		"named queues": {
			`'queue' => ['connections' => ['second' => ['host' => 'mq2']]]`, `second second mq2:5672`,
		},
		"computed varnish": {
			`'http_cache_hosts' => X`, `http_cache absent unknown (only PHP can compute it: it is a constant)`,
		},
	} {
		f := parse(t, "<?php return ["+test.source+"];")
		var got []string
		for _, s := range append(append([]Store{f.Session, f.HTTPCaches}, f.Caches...), f.Queues...) {
			if s.Backend.State != Absent || len(s.Servers) > 0 {
				got = append(got, writeStore(s))
			}
		}
		if all := strings.Join(got, "; "); all != test.want {
			t.Errorf("%s\n got %s\nwant %s", name, all, test.want)
		}
	}
}

// An empty list of sentinels, as setup:config:set writes it, is none.
func TestSentinels(t *testing.T) {
	t.Parallel()
	const cacheOf = `'cache' => ['frontend' => ['default' => ['backend' => 'Cm_Cache_Backend_Redis', ` +
		`'backend_options' => `
	for _, test := range []struct{ source, want string }{
		{
			`'session' => ['save' => 'redis', 'redis' => ['host' => 'r', 'sentinel_servers' => '', ` +
				`'sentinel_master' => '']]`,
			"r:6379 false",
		},
		{`'session' => ['save' => 'redis', 'redis' => ['host' => 'r', 'sentinel_servers' => null]]`, "r:6379 false"},
		{`'session' => ['save' => 'redis', 'redis' => ['host' => 'r', 'sentinel_servers' => ' ']]`, "r:6379 false"},
		{`'session' => ['save' => 'redis', 'redis' => ['host' => 'r', 'sentinel_servers' => ' , ']]`, "r:6379 false"},
		{`'session' => ['save' => 'redis', 'redis' => ['host' => 'r', 'sentinel_servers' => []]]`, "r:6379 false"},
		{`'session' => ['save' => 'redis', 'redis' => ['host' => 'r', 'sentinel_servers' => false]]`, "r:6379 false"},
		{`'session' => ['save' => 'redis', 'redis' => ['host' => 'r']]`, "r:6379 false"},
		{
			`'session' => ['save' => 'redis', 'redis' => ['host' => 'r', 'sentinel_servers' => 's1,s2:26380']]`,
			"s1:26379 s2:26380 true",
		},
		{
			`'session' => ['save' => 'redis', 'redis' => ['host' => 'r', 'sentinel_servers' => getenv('S')]]`,
			"unknown (only PHP can compute it: it calls getenv()) true",
		},
		{
			cacheOf + `['server' => 'tcp://s1:26379,tcp://s2:26379', 'sentinel_master' => 'm']]]]`,
			"s1:26379 s2:26379 true",
		},
		{cacheOf + `['server' => 'redis', 'port' => '6380', 'sentinel_master' => '']]]]`, "redis:6380 false"},
		{
			cacheOf + `['remote_backend_options' => ['server' => 'tcp://s1:26379', 'sentinel_master' => 'm']]]]]`,
			"s1:26379 true",
		},
	} {
		source, want := test.source, test.want
		f := parse(t, "<?php return ["+source+"];")
		store := f.Session
		if len(f.Caches) > 0 {
			store = f.Caches[0]
		}
		var got []string
		for _, server := range store.Servers {
			got = append(got, write(server))
		}
		if text := strings.Join(append(got, fmt.Sprint(store.Sentinel)), " "); text != want {
			t.Errorf("%s\n got %s\nwant %s", source, text, want)
		}
	}
}

func TestUnknownSettings(t *testing.T) {
	t.Parallel()
	const sample = `<?php
$env = getenv();
return [
    'db' => ['table_prefix' => '', 'connection' => [
        'default' => ['host' => getenv('DB_HOST') ?: 'db', 'dbname' => $env['DB'], 'username' => "m_$user",
            'password' => '#env(DB_PASSWORD)', 'active' => IS_ON],
        'checkout' => ['host' => '#env(CHECKOUT_HOST, "db:3307")'],
    ]],
    'crypt' => ['key' => trim(file_get_contents('/run/secrets/key'))],
    'cron' => $cron,
    'install' => ['date' => 'yesterday'],
    ...$more,
    'MAGE_MODE' => 'default',
];`
	f := parse(t, sample)
	c := f.Connection("default")
	for _, test := range []struct{ what, got, want string }{
		{
			"prefix", write(f.TablePrefix),
			"unknown (only PHP can compute it: it may be replaced by an element further down, whose key PHP computes)",
		},
		{"mode", write(f.Mode), "default"},
		{"session", write(f.Session.Backend), "unknown (only PHP can compute it: it spreads another array)"},
		{"connections", fmt.Sprint(len(f.Connections)), "0"},
		{
			"host", write(c.Address),
			"unknown (only PHP can compute it: it may be replaced by an element further down, whose key PHP computes)",
		},
	} {
		if test.got != test.want {
			t.Errorf("%s is %s, want %s", test.what, test.got, test.want)
		}
	}
	f = parse(t, strings.Replace(sample, "    ...$more,\n", "", 1))
	c = f.Connection("default")
	for _, test := range []struct{ what, got, want string }{
		{"prefix", write(f.TablePrefix), ""},
		{"host", write(c.Host), "unknown (only PHP can compute it: it calls getenv())"},
		{"address", write(c.Address), "unknown (only PHP can compute it: it calls getenv())"},
		{"dbname", write(c.DBName), "unknown (only PHP can compute it: it is a variable)"},
		{"user", write(c.User), "unknown (only PHP can compute it: it holds a variable)"},
		{
			"password", write(c.Password),
			"unknown (the value is that of the environment variable DB_PASSWORD of PHP, which is not seen here) " +
				"<DB_PASSWORD>",
		},
		{"active", write(c.Active), "unknown (only PHP can compute it: it is a constant)"},
		{
			"checkout", write(f.Connection("checkout").Address),
			"unknown (the value is that of the environment variable CHECKOUT_HOST of PHP, which is not seen here) " +
				"<CHECKOUT_HOST>",
		},
		{"none", write(f.Connection("sales").Host), "absent"},
		{"key", write(f.CryptKey), "unknown (only PHP can compute it: it calls trim())"},
		{"cron", write(f.CronEnabled), "unknown (only PHP can compute it: it is a variable)"},
		{"date", write(f.InstallDate), "unknown (it is not a date like Sat, 09 Aug 2025 17:10:27 +0000)"},
		{"array", write(f.Text("db")), "unknown (it is of type array)"},
	} {
		if test.got != test.want {
			t.Errorf("%s is %s, want %s", test.what, test.got, test.want)
		}
	}
	var unseen []string
	for _, u := range f.Unread {
		unseen = append(unseen, u.Path+"@"+u.Place.String())
	}
	const wantUnseen = "db/connection/default/host@5:33 db/connection/default/dbname@5:72 " +
		"db/connection/default/username@5:98 db/connection/default/password@6:27 db/connection/default/active@6:60 " +
		"db/connection/checkout/host@7:34 crypt/key@9:26 cron@10:15"
	if got := strings.Join(unseen, " "); got != wantUnseen {
		t.Error(got)
	}
	f = parse(t, "<?php return array_merge([], []);")
	if write(f.TablePrefix) != "unknown (only PHP can compute it: it calls array_merge())" || len(f.Unread) != 1 {
		t.Errorf("%v", f)
	}
	if f := parse(t, "<?php return ["+strings.Repeat("X,", 500)+"];"); len(f.Unread) != maxUnread {
		t.Errorf("%d are unseen", len(f.Unread))
	}
}

// What wins was read in Magento\Framework\App\DeploymentConfig.
func TestEnvironment(t *testing.T) {
	t.Parallel()
	const sample = `<?php return [
'db' => ['table_prefix' => 'a_', 'connection' => ['default' => ['host' => 'db']]],
'cron' => ['enabled' => 0], 'session' => ['save' => 'files'], 'MAGE_MODE' => 'production',
'crypt' => ['key' => getenv('K')],
'cache' => ['frontend' => ['default' => ['backend' => 'b']]]];`
	for name, test := range map[string]struct {
		environ []string
		want    string
	}{
		"nothing": {
			nil, "a_; db:3306; false; files; production; unknown (only PHP can compute it: it calls getenv()); b",
		},
		"others": {
			[]string{"PATH=/bin", "MAGENTO_X=1", "EMPTY"},
			"a_; db:3306; false; files; production; unknown (only PHP can compute it: it calls getenv()); b",
		},
		"scalars win": {[]string{
			"MAGENTO_DC_CRON__ENABLED=1", "MAGENTO_DC_DB__TABLE_PREFIX=b_", "MAGENTO_DC_SESSION__SAVE=db",
			"MAGENTO_DC_CRYPT__KEY=hunter2",
		},
			"b_ <MAGENTO_DC_DB__TABLE_PREFIX>; db:3306; true <MAGENTO_DC_CRON__ENABLED>; db " +
				"<MAGENTO_DC_SESSION__SAVE>; production; hunter2 <MAGENTO_DC_CRYPT__KEY>; b"},
		"the same": {
			[]string{
				"MAGENTO_DC_CRON__ENABLED=0", "MAGENTO_DC_DB__CONNECTION__DEFAULT__HOST=db", "MAGE_MODE=production",
			},
			"a_; db:3306; false; files; production; unknown (only PHP can compute it: it calls getenv()); b",
		},
		"sections that are read whole": {[]string{
			"MAGENTO_DC_DB__CONNECTION__DEFAULT__HOST=other", "MAGENTO_DC_CACHE__FRONTEND__DEFAULT__BACKEND=c",
		},
			"a_; unknown (the environment variable MAGENTO_DC_DB__CONNECTION__DEFAULT__HOST says something else; " +
				"Magento reads the section as a whole, in which it may not count) " +
				"<MAGENTO_DC_DB__CONNECTION__DEFAULT__HOST>; false; files; production; unknown (only PHP can " +
				"compute it: it calls getenv()); unknown (the environment variable " +
				"MAGENTO_DC_CACHE__FRONTEND__DEFAULT__BACKEND says something else; Magento reads the section as a " +
				"whole, in which it may not count) <MAGENTO_DC_CACHE__FRONTEND__DEFAULT__BACKEND>"},
		"a text for a switch": {
			[]string{"MAGENTO_DC_CRON__ENABLED=false"},
			"a_; db:3306; unknown (what the text false means in an environment variable depends on Magento's " +
				"release) <MAGENTO_DC_CRON__ENABLED>; files; production; unknown (only PHP can compute it: it calls " +
				"getenv()); b",
		},
		"names of mixed case have no effect": {
			[]string{"MAGENTO_DC_MAGE_MODE=developer"},
			"a_; db:3306; false; files; production; unknown (only PHP can compute it: it calls getenv()); b",
		},
		"MAGE_MODE": {
			[]string{"MAGE_MODE=developer"},
			"a_; db:3306; false; files; unknown (the environment variable MAGE_MODE says something else) " +
				"<MAGE_MODE>; unknown (only PHP can compute it: it calls getenv()); b",
		},
		"sections are replaced": {[]string{
			`MAGENTO_DC__OVERRIDE={"db":{"connection":{"default":{"host":"new:3307"}}},"cron":{"enabled":true}}`,
		},
			"absent <MAGENTO_DC__OVERRIDE>; new:3307 <MAGENTO_DC__OVERRIDE>; true <MAGENTO_DC__OVERRIDE>; files; " +
				"production; unknown (only PHP can compute it: it calls getenv()); b"},
		"both agree": {
			[]string{`MAGENTO_DC__OVERRIDE={"cron":{"enabled":1}}`, "MAGENTO_DC_CRON__ENABLED=1"},
			"a_; db:3306; true <MAGENTO_DC__OVERRIDE>; files; production; unknown (only PHP can compute it: it " +
				"calls getenv()); b",
		},
		"both contradict": {
			[]string{`MAGENTO_DC__OVERRIDE={"cron":{"enabled":0}}`, "MAGENTO_DC_CRON__ENABLED=1"},
			"a_; db:3306; unknown (the environment variables MAGENTO_DC_CRON__ENABLED and MAGENTO_DC__OVERRIDE " +
				"contradict each other) <MAGENTO_DC_CRON__ENABLED>; files; production; unknown (only PHP can " +
				"compute it: it calls getenv()); b",
		},
		"no JSON": {
			[]string{"MAGENTO_DC__OVERRIDE={hunter2"},
			"a_; db:3306; false; files; production; unknown (only PHP can compute it: it calls getenv()); b",
		},
		"empty": {
			[]string{"MAGENTO_DC__OVERRIDE="},
			"a_; db:3306; false; files; production; unknown (only PHP can compute it: it calls getenv()); b",
		},
	} {
		f := parse(t, sample, test.environ...)
		got := strings.Join([]string{
			write(f.TablePrefix), write(f.Connection("default").Address), write(f.CronEnabled),
			write(f.Session.Backend), write(f.Mode), write(f.CryptKey), write(f.Caches[0].Backend),
		}, "; ")
		if got != test.want {
			t.Errorf("%s\n got %s\nwant %s", name, got, test.want)
		}
	}
	f := parse(t, sample, "MAGENTO_DC_CRON__ENABLED=hunter2", `MAGENTO_DC__OVERRIDE={"db":{},"x":1}`)
	const wantOverrides = "[{MAGENTO_DC_CRON__ENABLED cron/enabled } {MAGENTO_DC__OVERRIDE db } " +
		"{MAGENTO_DC__OVERRIDE x }]"
	if got := fmt.Sprint(f.Overrides); got != wantOverrides {
		t.Error(got)
	}
	for variable, want := range map[string]string{
		"MAGENTO_DC__OVERRIDE={":   "[{MAGENTO_DC__OVERRIDE  it is not JSON}]",
		`MAGENTO_DC__OVERRIDE="x"`: "[{MAGENTO_DC__OVERRIDE  it is not a JSON object}]",
	} {
		if got := fmt.Sprint(parse(t, sample, variable).Overrides); got != want {
			t.Errorf("%s: %s", variable, got)
		}
	}
	f = parse(t, "<?php return $x;", `MAGENTO_DC__OVERRIDE={"db":{"table_prefix":"z_"}}`)
	if f.TablePrefix.Value != "z_" || f.Mode.State != Unknown {
		t.Errorf("%v", f)
	}
}

func TestProblems(t *testing.T) {
	t.Parallel()
	f := parse(t, `<?php return ['db' => ['connection' => [
'default' => ['host' => 'localhost:3307', 'port' => 3307],
'indexer' => ['host' => '::1'],
]]];`)
	var got []string
	for _, p := range f.Problems {
		got = append(got, fmt.Sprintf("%s %s: %s", p.Place, p.Path, p.Text))
	}
	want := strings.Join([]string{
		"2:25 db/connection/default/host: PHP takes localhost for its default Unix socket and ignores the port: " +
			"write 127.0.0.1 to use the port",
		"2:53 db/connection/default/port: Magento 2 refuses a port here: put it behind the host, as in db.example:3307",
		"3:25 db/connection/indexer/host: an IPv6 address is split at its colons, so that another host is meant: " +
			"use a name or an IPv4 address",
		"3:25 db/connection/indexer/host: the port is not a number from 1 to 65535",
		"3:25 db/connection/indexer/host: an empty host means PHP's default Unix socket",
	}, "\n")
	if strings.Join(got, "\n") != want {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), want)
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	truncated, _, _ := strings.Cut(asInstalled, "'crypt'")
	for _, test := range []struct{ source, want string }{
		{"", "env.php:1:1: the file is empty"},
		{"<?php return 1;", "env.php:1:14: the file does not return an array"},
		{truncated, "env.php:2:8: the [ that stands here is never closed"},
		{
			"<?php return ['a' => hunter2 hunter2 'x' => 'hunter2'];",
			"env.php:1:42: a comma or the end of the array is missing here",
		},
		{"DB_PASSWORD=hunter2\n", "env.php:1:1: the file does not begin with <?php"},
		{strings.Repeat(" ", 10<<20), "env.php: is larger than 2097152 bytes, which no file of this kind is"},
	} {
		source, want := test.source, test.want
		if _, err := Parse("env.php", []byte(source), nil); err == nil || err.Error() != want {
			t.Errorf("%.60q: %v, want %s", source, err, want)
		}
	}
	file := filepath.Join(t.TempDir(), "env.php")
	if _, err := Read(file, nil); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if err := os.WriteFile(file, []byte(asInstalled), 0o600); err != nil {
		t.Fatal(err)
	}
	if f, err := Read(file, nil); err != nil || f.File != file {
		t.Error(f, err)
	}
}

func TestOr(t *testing.T) {
	t.Parallel()
	if got := (Setting[bool]{State: Absent}).Or(true); !got {
		t.Error("the default of an absent setting is lost")
	}
	if got := (Setting[time.Time]{State: Unknown, Value: time.Unix(1, 0)}).Or(time.Time{}); !got.IsZero() {
		t.Error("an unknown setting has a value")
	}
	known := Setting[address.Address]{State: Known, Value: address.Address{Host: "h"}}
	if known.Or(address.Address{}).Host != "h" {
		t.Error("the value of a known setting is lost")
	}
}

func TestSecretsAreHidden(t *testing.T) {
	t.Parallel()
	source := strings.NewReplacer("0123456789abcdef0123456789abcdef", "hunter2", "fedcba9876543210fedcba9876543210",
		"hunter2", "redis1", "tcp://u:hunter2@redis1").Replace(asInstalled)
	f := parse(t, source, "MAGENTO_DC_CRYPT__KEY=hunter2", `MAGENTO_DC__OVERRIDE={"x":{"password":"hunter2"}}`)
	if string(f.CryptKey.Value) != "hunter2" || string(f.Connection("default").Password.Value) != "hunter2" {
		t.Errorf("%q %q", string(f.CryptKey.Value), string(f.Connection("default").Password.Value))
	}
	out, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		for _, v := range []any{
			f, *f, f.Connections, f.CryptKey, f.Connection("default"), f.Connection("default").Password, f.Session,
			f.Caches, f.Overrides,
		} {
			out = append(out, fmt.Sprintf(verb, v)...)
		}
	}
	if strings.Contains(string(out), "hunter2") || strings.Contains(string(out), "68756e746572") {
		t.Errorf("leaks: %s", out)
	}
	if got := fmt.Sprint(Setting[config.Secret]{State: Known, Value: "hunter2"}); !strings.Contains(got, "secret") {
		t.Error(got)
	}
}

// Whether cron is enabled is known where the file says so in one way or another, and unknown with the reason where PHP
// has to run for it.
func TestCronEnabledInOtherWords(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ source, want string }{
		{"<?php\n$config = ['cron' => ['enabled' => 0]];\nreturn $config;", "false"},
		{"<?php\n$config = array('cron' => array('enabled' => '1'));\nreturn $config;", "true"},
		{"<?php\n$base = ['cron' => ['enabled' => false]];\n$c = $base;\nreturn $c;", "false"},
		{"<?php\n$config = ['db' => []];\nreturn $config;", "absent"},
		{"<?php\nreturn ['cron' => ['enabled' => null]];", "absent"}, // for which Magento takes its default, 1
		{"<?php\nreturn ['cron' => ['enabled' => '']];", "false"},
		{
			"<?php\nreturn ['cron' => ['enabled' => getenv('CRON_ENABLED')]];",
			"unknown (only PHP can compute it: it calls getenv())",
		},
		{
			"<?php\nreturn ['cron' => ['enabled' => (int) getenv('CRON_ENABLED')]];",
			"unknown (only PHP can compute it: it calls getenv())",
		},
		{
			"<?php\n$c = include 'env.base.php';\n$c['cron']['enabled']=0;\nreturn $c;",
			"unknown (only PHP can compute it: it is a variable that several statements set or use)",
		},
		{
			"<?php\n$c = ['cron' => ['enabled' => 0]];\nrequire 'local.php';\nreturn $c;",
			"unknown (only PHP can compute it: it is a variable that several statements set or use)",
		},
		{"<?php\nreturn include 'env.base.php';", "unknown (only PHP can compute it: it calls include())"},
		{"<?php\nreturn require_once 'env.base.php';", "unknown (only PHP can compute it: it calls require_once())"},
		{
			"<?php\nreturn ['cron' => ['enabled' => CRON_ENABLED]];",
			"unknown (only PHP can compute it: it is a constant)",
		},
		{
			"<?php\nif (X) { return ['cron' => ['enabled' => 0]]; }\nreturn [];",
			"unknown (only PHP can compute it: it depends on a condition)",
		},
	} {
		source, want := test.source, test.want
		f, err := Parse("env.php", []byte(source), nil)
		if err != nil {
			t.Errorf("%q: %v", source, err)
			continue
		}
		if got := write(f.CronEnabled); got != want {
			t.Errorf("%q\n got %s\nwant %s", source, got, want)
		}
	}
	// A file that ends too early is an error with a place.
	_, err := Parse("env.php", []byte("<?php\nreturn ['cron'=>['enabled'=>0],'db'=>["), nil)
	if err == nil || err.Error() != "env.php:2:38: the [ that stands here is never closed" {
		t.Error(err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(asInstalled), "MAGENTO_DC_CRON__ENABLED=1")
	f.Add([]byte("<?php return ['db' => ['connection' => ['default' => ['host' => '#env(A, \"b\")', 'port' => 1], "+
		"...$x]], 'queue' => ['connections' => [1]], 'http_cache_hosts' => ['a:b', []]];"),
		`MAGENTO_DC__OVERRIDE={"db":[1]}`)
	f.Add([]byte("<?php return $x;"), "MAGE_MODE=x")
	f.Fuzz(func(t *testing.T, data []byte, variable string) {
		file, err := Parse("env.php", data, []string{variable})
		if err != nil {
			if _, ok := errors.AsType[*sourcefile.Error](err); !ok {
				t.Fatalf("an error without a place: %v", err)
			}
			return
		}
		for _, s := range []Setting[string]{
			file.TablePrefix, file.Mode, file.LockProvider, file.Connection("default").Host,
		} {
			if (s.State == Unknown) != (s.Reason != "") || s.State != Known && s.Value != "" {
				t.Fatalf("%v", s)
			}
		}
	})
}
