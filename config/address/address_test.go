package address

import (
	"strings"
	"testing"
)

func TestMagento2(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]string{
		"db":                      "db:3306",
		"db:3307":                 "db:3307",
		"10.0.0.1":                "10.0.0.1:3306",
		"localhost":               "PHP's default Unix socket",
		"LocalHost":               "PHP's default Unix socket",
		"localhost:3307":          "PHP's default Unix socket; PHP takes localhost for its default Unix socket and ignores the port: write 127.0.0.1 to use the port",
		"/run/mysqld/mysqld.sock": "/run/mysqld/mysqld.sock",
		"/run/mysqld.sock:3306":   "/run/mysqld.sock:3306; a port behind the path of a Unix socket becomes part of the path",
		"tcp://db":                "tcp://db; a host with a slash is taken for the path of a Unix socket",
		"mysql://u:x@db/shop":     "…@db/shop; a host with a slash is taken for the path of a Unix socket",
		"x@db":                    "…@db:3306",
		"":                        "PHP's default Unix socket; an empty host means PHP's default Unix socket",
		":3306":                   "PHP's default Unix socket; an empty host means PHP's default Unix socket",
		"::1":                     "PHP's default Unix socket; an IPv6 address is split at its colons, so that another host is meant: use a name or an IPv4 address; the port is not a number from 1 to 65535; an empty host means PHP's default Unix socket",
		"2001:db8::1":             "2001:3306; an IPv6 address is split at its colons, so that another host is meant: use a name or an IPv4 address; the port is not a number from 1 to 65535",
		"[::1]:3306":              "[:3306; what follows the second colon (7 characters) is dropped; the port is not a number from 1 to 65535",
		"db:3306:3307":            "db:3306; what follows the second colon (4 characters) is dropped",
		"db:":                     "db:3306; the port is not a number from 1 to 65535",
		"db:x":                    "db:3306; the port is not a number from 1 to 65535",
		"db:70000":                "db:3306; the port is not a number from 1 to 65535",
		"d b":                     "d b:3306; there is white space in the host",
	} {
		a, problems := Magento2(host)
		if got := strings.Join(append([]string{a.String()}, problems...), "; "); got != want {
			t.Errorf("%q\n got %s\nwant %s", host, got, want)
		}
	}
}

func TestMagento1(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]string{
		"db":             "db:3306",
		"db:3307":        "db:3307",
		"localhost":      "PHP's default Unix socket",
		"/run/x.sock":    "/run/x.sock",
		"::1":            "[::1]:3306",
		"2001:db8::1":    "[2001:db8::1]:3306",
		"[2001:db8::1]":  "[2001:db8::1]:3306",
		"[::1]:3307":     "[::1]:3307",
		"[::1]:":         "[::1]:3306; the port is not a number from 1 to 65535",
		"[db]:3307":      "[db]:3307",
		"fe80::1%eth0":   "[fe80::1%eth0]:3306",
		"localhost:3307": "PHP's default Unix socket; PHP takes localhost for its default Unix socket and ignores the port: write 127.0.0.1 to use the port",
	} {
		a, problems := Magento1(host)
		if got := strings.Join(append([]string{a.String()}, problems...), "; "); got != want {
			t.Errorf("%q\n got %s\nwant %s", host, got, want)
		}
	}
}

func TestServers(t *testing.T) {
	t.Parallel()
	for list, want := range map[string]string{
		"redis":                     "redis:6379",
		"redis:6380":                "redis:6380",
		" 10.0.0.1 , 10.0.0.2:7000": "10.0.0.1:6379 10.0.0.2:7000",
		"/run/redis.sock":           "/run/redis.sock",
		"unix:///run/redis.sock":    "/run/redis.sock",
		"unix:/run/redis.sock":      "/run/redis.sock",
		"tcp://redis:6380":          "redis:6380",
		"tls://redis":               "redis:6379 tls",
		"tls://redis:6380/1?x=y":    "redis:6380 tls",
		"redis://user:hunter2@r:1":  "r:1",
		"user:hunter2@r":            "r:6379",
		"tcp://10.0.0.1:11211?persistent=1&weight=2": "10.0.0.1:11211",
		"[::1]:6380":      "[::1]:6380",
		"[::1]":           "[::1]:6379",
		"::1":             "[::1]:6379",
		"":                "none",
		"redis:x":         "none",
		"redis:0":         "none",
		"unix:redis.sock": "none",
		"a b":             "none",
		"a,,b":            "none",
		"tcp://":          "none",
	} {
		got := "none"
		if addresses, ok := Servers(list, 6379); ok {
			var texts []string
			for _, a := range addresses {
				texts = append(texts, a.String())
				if a.TLS {
					texts = append(texts, "tls")
				}
			}
			got = strings.Join(texts, " ")
		}
		if got != want {
			t.Errorf("%q: %s, want %s", list, got, want)
		}
	}
}

func FuzzServer(f *testing.F) {
	f.Add("tls://user:hunter2@redis:6380/1?x=y")
	f.Add("[::1]:6379")
	f.Add("/run/x.sock:1")
	f.Fuzz(func(t *testing.T, text string) {
		if a, ok := Server(text, 6379); ok && (a.Host == "") == (a.Socket == "") {
			t.Fatalf("%q is %+v", text, a)
		}
		for _, read := range []func(string) (Address, []string){Magento1, Magento2} {
			a, _ := read(text)
			if a.DefaultSocket && (a.Host != "" || a.Socket != "") ||
				!a.DefaultSocket && (a.Host == "") == (a.Socket == "") {
				t.Fatalf("%q is %+v", text, a)
			}
			if a.Host != "" && (a.Port < 1 || a.Port > 65535) {
				t.Fatalf("%q has port %d", text, a.Port)
			}
		}
	})
}
