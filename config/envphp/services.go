package envphp

import (
	"strconv"
	"strings"

	"magento_migration_exporter/config/address"
	"magento_migration_exporter/config/phparray"
)

// The ports that Magento's clients use when none is named.
const (
	redisPort     = 6379
	sentinelPort  = 26379
	memcachedPort = 11211
	amqpPort      = 5672
	stompPort     = 61613
	httpPort      = 80
)

func (f *File) services() {
	f.Session = f.session()
	for name := range f.children("cache/frontend") {
		f.Caches = append(f.Caches, f.cache(name))
	}
	for _, broker := range []struct {
		name string
		port int
	}{{"amqp", amqpPort}, {"stomp", stompPort}} {
		f.queue(broker.name, "queue/"+broker.name, broker.port)
	}
	for name := range f.children("queue/connections") {
		f.queue(name, "queue/connections/"+name, amqpPort)
	}
	f.HTTPCaches = Store{Name: "http_cache", Backend: Setting[string]{State: Absent}}
	f.hosts(&f.HTTPCaches, "http_cache_hosts", httpPort)
}

// session reads where sessions are kept. Valkey's settings stand under its own name or under that of Redis.
func (f *File) session() Store {
	s := Store{Name: "session", Backend: f.Text("session/save")}
	switch backend := s.Backend.Or(""); backend {
	case "redis", "valkey":
		section := "session/" + backend
		if f.root.Get("session", backend) == nil {
			section = "session/redis"
		}
		if s.Sentinel = f.isSet(section + "/sentinel_servers"); s.Sentinel {
			f.servers(&s, section+"/sentinel_servers", "", sentinelPort)
		} else {
			f.servers(&s, section+"/host", section+"/port", redisPort)
		}
	case "memcache", "memcached":
		f.servers(&s, "session/save_path", "", memcachedPort)
	}
	return s
}

// isSet reports whether a text is there and not empty, as far as that is known. Magento's installer writes empty texts
// for what is not used.
func (f *File) isSet(path string) bool {
	if whole := f.setting(path); whole.State == Known && whole.Value.Kind() == phparray.Array {
		for range f.children(path) {
			return true
		}
		return false
	}
	s := f.Text(path)
	return s.State == Unknown || strings.Trim(s.Or(""), ", \t") != ""
}

// cache reads a frontend. The server stands in its options, in those of the remote half of a two-level cache,
// or is one of a list for Memcached.
func (f *File) cache(name string) Store {
	path := "cache/frontend/" + name
	s := Store{Name: name, Backend: f.Text(path + "/backend")}
	options := path + "/backend_options"
	s.Sentinel = f.isSet(options+"/sentinel_master") || f.isSet(options+"/remote_backend_options/sentinel_master")
	f.servers(&s, options+"/server", options+"/port", redisPort)
	f.servers(&s, options+"/remote_backend_options/server", options+"/remote_backend_options/port", redisPort)
	f.hosts(&s, options+"/servers", memcachedPort)
	return s
}

// queue reads a message broker. Magento's installer writes an empty host when there is none.
func (f *File) queue(name, path string, port int) {
	host := f.Text(path + "/host")
	if host.State == Absent || host.State == Known && host.Value == "" {
		return
	}
	s := Store{Name: name, Backend: Setting[string]{Place: host.Place, State: Known, Value: name}}
	f.servers(&s, path+"/host", path+"/port", port)
	f.Queues = append(f.Queues, s)
}

// servers adds the addresses in a text setting, whose port can stand in another one.
func (f *File) servers(s *Store, listPath, portPath string, defaultPort int) {
	list := f.Text(listPath)
	if list.State == Absent {
		return
	}
	port := Setting[string]{State: Absent}
	if portPath != "" {
		port = f.Text(portPath)
	}
	if port.State == Unknown {
		s.Servers = append(s.Servers,
			convert(port, func(string) (address.Address, string) { return address.Address{}, "" }))
		return
	}
	if n, err := strconv.ParseUint(strings.TrimSpace(port.Value), 10, 16); err == nil && n > 0 {
		defaultPort = int(n)
	}
	addresses := convert(list, func(text string) ([]address.Address, string) {
		addresses, ok := address.Servers(text, defaultPort)
		if !ok {
			return nil, "it is not the address of a server"
		}
		return addresses, ""
	})
	if addresses.State == Unknown {
		s.Servers = append(s.Servers,
			convert(addresses, func([]address.Address) (address.Address, string) { return address.Address{}, "" }))
	}
	for _, a := range addresses.Value {
		s.Servers = append(s.Servers,
			Setting[address.Address]{Place: list.Place, State: Known, Value: a, Variable: list.Variable})
	}
}

// hosts adds the addresses of a list whose elements have a host and a port each, or are a text.
func (f *File) hosts(s *Store, path string, defaultPort int) {
	list := f.setting(path)
	if list.State == Unknown {
		s.Servers = append(s.Servers,
			convert(list, func(*phparray.Value) (address.Address, string) { return address.Address{}, "" }))
		return
	}
	for name := range f.children(path) {
		element := path + "/" + name
		if f.setting(element+"/host").State != Absent {
			f.servers(s, element+"/host", element+"/port", defaultPort)
		} else {
			f.servers(s, element, "", defaultPort)
		}
	}
}
