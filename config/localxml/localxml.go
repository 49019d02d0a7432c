// Package localxml reads Magento 1's app/etc/local.xml: its databases, its encryption key and its services.
package localxml

import (
	_ "embed"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/config"

	"magento_migration_exporter/config/address"
	"magento_migration_exporter/config/sourcefile"
	"magento_migration_exporter/config/xmltree"
)

// MaxSize is the largest local.xml that is read, in bytes.
const MaxSize = 1 << 20

//go:embed base.xml
var base []byte

// CoreResources are the resources that Magento's own code uses. A database that none of them has is somebody else's.
var CoreResources = []string{"default_setup", "default_write", "default_read", "core_setup", "core_write", "core_read"}

// File is what Magento 1 takes from local.xml, merged with its own defaults.
type File struct {
	File string `json:"file"`
	// InstallDate is when Magento 1 was installed, zero when the file does not say.
	InstallDate time.Time     `json:"install_date"`
	CryptKey    config.Secret `json:"crypt_key"`
	TablePrefix string        `json:"table_prefix"`
	// DisableLocalModules is set when modules of the code pool local are not loaded.
	DisableLocalModules bool `json:"disable_local_modules"`
	// Connections are those of all resources, Magento's own first.
	Connections   []Connection `json:"connections"`
	Session       Store        `json:"session"`
	Cache         Store        `json:"cache"`
	FullPageCache Store        `json:"full_page_cache"`
	Problems      []Problem    `json:"problems"`
}

// Connection is the connection of a resource. Its place is zero when it is Magento's own default.
type Connection struct {
	Place sourcefile.Place `json:"place"`
	// Resource is the name of the resource, such as default_setup.
	Resource string `json:"resource"`
	// Use names the resource whose connection is used instead, and everything below is empty then.
	Use            string        `json:"use,omitempty"`
	Host           string        `json:"host"`
	Name           string        `json:"dbname"`
	User           string        `json:"username"`
	Password       config.Secret `json:"password"`
	Model          string        `json:"model"`
	Type           string        `json:"type"`
	InitStatements string        `json:"init_statements"`
	// Active is set when Magento uses the connection at all.
	Active bool `json:"active"`
	// Address is where PHP connects to.
	Address address.Address `json:"address"`
}

// Store is where sessions or a cache are kept.
type Store struct {
	Place sourcefile.Place `json:"place"`
	// Backend is files, db, memcached, a class name and so on; empty means files.
	Backend string `json:"backend"`
	// Servers are empty when the backend has none.
	Servers []address.Address `json:"servers"`
	// Sentinel is set when the servers are Redis sentinels: they all lead to one Redis.
	Sentinel bool `json:"sentinel"`
}

// Problem is something in the file that is not as it should be.
type Problem struct {
	Place sourcefile.Place `json:"place"`
	// Subject is the path of the element below <global>.
	Subject string `json:"subject"`
	Text    string `json:"text"`
}

// Format hides the secrets, whatever the verb.
func (f File) Format(s fmt.State, _ rune) { sourcefile.Print(s, f) }

// Format hides the secrets, whatever the verb.
func (c Connection) Format(s fmt.State, _ rune) { sourcefile.Print(s, c) }

// Read reads a file of at most MaxSize bytes.
func Read(path string) (*File, error) {
	data, err := sourcefile.Read(path, MaxSize)
	if err != nil {
		return nil, err
	}
	return Parse(path, data)
}

// Parse reads the text of a file. It fails when that is not well-formed XML.
func Parse(file string, data []byte) (*File, error) {
	if err := sourcefile.CheckSize(file, len(data), MaxSize); err != nil {
		return nil, err
	}
	defaults, err := xmltree.Parse("base.xml", base)
	if err != nil {
		return nil, err
	}
	root, err := xmltree.Parse(file, data)
	if err != nil {
		return nil, err
	}
	r := reader{file: &File{File: file}}
	r.global.extend(defaults.Child("global"))
	clearPlaces(&r.global)
	for _, n := range root.Children {
		if n.Name == "global" {
			r.global.extend(n)
		}
	}
	if root.Child("global") == nil {
		r.problem(root.Place, "", "there is no <global>")
	}
	r.read()
	return r.file, nil
}

func clearPlaces(s *section) {
	s.place = sourcefile.Place{}
	for _, child := range s.children {
		clearPlaces(child)
	}
}

// Connection returns the connection that Magento uses for a resource: its own, or that of the resource which it names
// in <use>. It is false when there is none.
func (f *File) Connection(resource string) (Connection, bool) {
	// As many steps as there are connections are enough, unless they go round in circles.
	for range f.Connections {
		i := slices.IndexFunc(f.Connections, func(c Connection) bool { return c.Resource == resource })
		if i < 0 {
			return Connection{}, false
		}
		if resource = f.Connections[i].Use; resource == "" {
			return f.Connections[i], true
		}
	}
	return Connection{}, false
}

type reader struct {
	file   *File
	global section
}

func (r *reader) problem(place sourcefile.Place, subject, format string, args ...any) {
	p := Problem{Place: place, Subject: subject, Text: fmt.Sprintf(format, args...)}
	r.file.Problems = append(r.file.Problems, p)
}

func (r *reader) read() {
	f, g := r.file, &r.global
	r.installDate(g.at("install", "date"))
	f.CryptKey = config.Secret(g.at("crypt", "key").text)
	prefix := g.at("resources", "db", "table_prefix")
	f.TablePrefix = prefix.text
	r.checkSpace(prefix, "resources/db/table_prefix")
	disable := g.at("disable_local_modules").text
	f.DisableLocalModules = disable == "true" || disable == "1"
	resources := g.at("resources")
	for _, name := range resources.names {
		if resources.children[name].has("connection") {
			f.Connections = append(f.Connections, r.connection(name, resources.at(name, "connection")))
		}
	}
	if !resources.at("default_setup", "connection").place.IsKnown() {
		r.problem(resources.place, "resources/default_setup",
			"there is no connection, so that Magento 1 has no database")
	}
	for _, name := range CoreResources {
		if _, ok := f.Connection(name); !ok {
			r.problem(resources.at(name).place, "resources/"+name, "<use> leads to no connection")
		}
	}
	f.Session = r.session()
	f.Cache = r.cache("cache")
	f.FullPageCache = r.cache("full_page_cache")
}

// installDate reads the date that the installer writes; it is RFC 2822. A date that is none means not installed to
// Magento.
func (r *reader) installDate(s *section) {
	text := strings.TrimSpace(s.text)
	for _, layout := range []string{time.RFC1123Z, time.RFC1123, time.RFC3339, time.DateTime} {
		if t, err := time.Parse(layout, text); err == nil {
			r.file.InstallDate = t.UTC()
			return
		}
	}
	r.problem(s.place, "install/date",
		"there is no date of installation, without which Magento 1 takes itself for not installed")
}

func (r *reader) connection(resource string, s *section) Connection {
	subject := "resources/" + resource + "/connection"
	c := Connection{Place: s.place, Resource: resource, Use: s.at("use").text}
	if c.Use != "" {
		if s.has("host") {
			r.problem(s.at("host").place, subject,
				"this connection is not used, because <use> names %q, be it in Magento's defaults: add an empty <use/>",
				c.Use)
		}
		return c
	}
	c.Host, c.Name, c.User = s.at("host").text, s.at("dbname").text, s.at("username").text
	c.Password = config.Secret(s.at("password").text)
	c.Model, c.Type, c.InitStatements = s.at("model").text, s.at("type").text, s.at("initStatements").text
	c.Active = s.at("active").text == "1"
	var problems []string
	c.Address, problems = address.Magento1(c.Host)
	for _, text := range problems {
		r.problem(s.at("host").place, subject+"/host", "%s", text)
	}
	r.checkSpace(s.at("dbname"), subject+"/dbname")
	r.checkSpace(s.at("username"), subject+"/username")
	r.checkSpace(s.at("password"), subject+"/password")
	if !c.Active && c.Place.IsKnown() {
		r.problem(s.place, subject,
			"the connection is not active, so that Magento 1 does not use it: <active>1</active>")
	}
	return c
}

func (r *reader) checkSpace(s *section, subject string) {
	if strings.TrimSpace(s.text) != s.text {
		r.problem(s.place, subject, "there is white space around the text, which Magento 1 takes for a part of it")
	}
}

// session reads where sessions are kept. Cm_RedisSession takes over the handler db, where redis_session is configured.
func (r *reader) session() Store {
	save, redis := r.global.at("session_save"), r.global.at("redis_session")
	store := Store{Place: save.place, Backend: strings.TrimSpace(save.text)}
	path := r.global.at("session_save_path")
	switch {
	case redis.has("host") && (store.Backend == "db" || store.Backend == "redis"):
		store.Backend = "redis"
		r.servers(&store, redis.at("host"), redis.at("port"), 6379, "redis_session/host")
	case strings.HasPrefix(store.Backend, "memcache"):
		r.servers(&store, path, &section{}, 11211, "session_save_path")
	case store.Backend == "redis":
		r.servers(&store, path, &section{}, 6379, "session_save_path")
	}
	return store
}

// cache reads the cache or the full page cache.
func (r *reader) cache(name string) Store {
	s := r.global.at(name)
	store := Store{Place: s.at("backend").place, Backend: strings.TrimSpace(s.at("backend").text)}
	switch backend := strings.ToLower(store.Backend); {
	case strings.Contains(backend, "redis"):
		options := s.at("backend_options")
		r.servers(&store, options.at("server"), options.at("port"), 6379, name+"/backend_options/server")
	case strings.Contains(backend, "memcached"):
		servers := s.at("memcached", "servers")
		for _, server := range servers.names {
			one := servers.children[server]
			r.servers(&store, one.at("host"), one.at("port"), 11211, name+"/memcached/servers/"+server+"/host")
		}
	}
	return store
}

// servers adds the addresses in an element; their port can stand in another one.
func (r *reader) servers(store *Store, list, port *section, defaultPort int, subject string) {
	if n, err := strconv.ParseUint(strings.TrimSpace(port.text), 10, 16); err == nil && n > 0 {
		defaultPort = int(n)
	}
	addresses, ok := address.Servers(list.text, defaultPort)
	if !ok {
		r.problem(list.place, subject, "this is not the address of a server")
		return
	}
	// Redis' clients take several addresses in one setting for sentinels alone; Memcached's are nodes.
	redis := strings.Contains(strings.ToLower(store.Backend), "redis")
	store.Sentinel = store.Sentinel || redis && len(addresses) > 1
	store.Servers = append(store.Servers, addresses...)
}
