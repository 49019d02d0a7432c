package service

import "testing"

func TestRedacted(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"http://os:9200":      "http://os:9200",
		"http://os:9200/":     "http://os:9200/",
		"os:9200":             "os:9200",
		"/run/redis.sock":     "/run/redis.sock",
		"[::1]:6379":          "[::1]:6379",
		"http://u:p@os:9200":  "http://…@os:9200",
		"https://os/p?t=p#p":  "https://os/…",
		"u:p@os":              "…@os",
		"http://u:p/p@os":     "http://…@os",
		"http://u:p?p@os":     "http://…@os",
		"http://u:%zz@os":     "http://…@os",
		"redis://:p@r:6379/0": "redis://…@r:6379/…",
		"//u:p@os":            "…@os",
		"/run/u:p@r.sock":     "…@r.sock",
		"u:p@x://os":          "…@x:/…",
		"u:p://x@os":          "…@os",
		"os:1?p":              "os:1/…",
		"":                    "",
	} {
		if got := Redacted(address); got != want {
			t.Errorf("%q: %q, want %q", address, got, want)
		}
	}
}
