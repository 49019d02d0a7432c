// Package envphp reads Magento 2's app/etc/env.php without running PHP: its databases, keys, services and switches.
//
// Settings that only PHP can compute are unknown, each by itself and with the reason. Environment variables of PHP's
// process that bring settings of their own are taken into account when they are given.
package envphp

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/config"

	"magento_migration_exporter/config/address"
	"magento_migration_exporter/config/phparray"
	"magento_migration_exporter/config/sourcefile"
)

// MaxSize is the largest env.php that is read, in bytes.
const MaxSize = phparray.MaxSize

// maxUnread is how many values that only PHP can compute are listed.
const maxUnread = 100

// File is what Magento 2 takes from env.php and from the environment.
type File struct {
	File        string          `json:"file"`
	TablePrefix Setting[string] `json:"table_prefix"`
	// Connections are those of db/connection, SlaveConnections those of db/slave_connection.
	// More of them can be among what is unseen.
	Connections      []Connection `json:"connections"`
	SlaveConnections []Connection `json:"slave_connections"`
	Resources        []Resource   `json:"resources"`
	// CryptKey has a key on each line, the newest last; there are several after a rotation.
	CryptKey    Setting[config.Secret] `json:"crypt_key"`
	Mode        Setting[string]        `json:"mode"`
	InstallDate Setting[time.Time]     `json:"install_date"`
	// CronEnabled is what bin/magento cron:run obeys. Absent means enabled.
	CronEnabled Setting[bool] `json:"cron_enabled"`
	// ConsumersRunByCron is set when cron starts queue consumers. Absent means that it does.
	ConsumersRunByCron Setting[bool]   `json:"consumers_run_by_cron"`
	LockProvider       Setting[string] `json:"lock_provider"`
	Session            Store           `json:"session"`
	// Caches are those of cache/frontend by name: default, page_cache.
	Caches []Store `json:"caches"`
	// Queues are the message brokers: amqp, stomp, and those of queue/connections.
	Queues []Store `json:"queues"`
	// HTTPCaches are the Varnish servers that are purged.
	HTTPCaches Store `json:"http_caches"`
	// Overrides are the environment variables that bring settings.
	Overrides []Override `json:"overrides"`
	// Unread are the values in the file that only PHP can compute, at most 100.
	Unread   []Unread  `json:"unseen"`
	Problems []Problem `json:"problems"`

	root        *phparray.Value
	environment *environment
}

// Connection is a connection to a database.
type Connection struct {
	Name     string                 `json:"name"`
	Host     Setting[string]        `json:"host"`
	DBName   Setting[string]        `json:"dbname"`
	User     Setting[string]        `json:"username"`
	Password Setting[config.Secret] `json:"password"`
	Active   Setting[bool]          `json:"active"`
	// Address is where PHP connects to.
	Address Setting[address.Address] `json:"address"`
	// The TLS settings among the driver options, which are numbers there: PDO::MYSQL_ATTR_SSL_KEY and so on.
	SSLKey           Setting[string] `json:"ssl_key"`
	SSLCert          Setting[string] `json:"ssl_cert"`
	SSLCA            Setting[string] `json:"ssl_ca"`
	VerifyServerCert Setting[bool]   `json:"verify_server_cert"`
}

// Resource is the connection that a resource uses.
type Resource struct {
	Name       string          `json:"name"`
	Connection Setting[string] `json:"connection"`
}

// Store is a cache, the sessions, or a message broker.
type Store struct {
	Name string `json:"name"`
	// Backend is a class or a word such as redis, db or files. Absent means Magento's default, which is files.
	Backend Setting[string] `json:"backend"`
	// Servers are empty when the backend needs none.
	Servers []Setting[address.Address] `json:"servers"`
	// Sentinel is set when the servers are Redis sentinels, which stand for a group of Redis servers of unknown number.
	Sentinel bool `json:"sentinel"`
}

// Unread is a value that only PHP can compute.
type Unread struct {
	Place sourcefile.Place `json:"place"`
	// Path is such as db/connection/default/host.
	Path   string `json:"path"`
	Reason string `json:"reason"`
}

// Problem is something in the file that is not as it should be.
type Problem struct {
	Place sourcefile.Place `json:"place"`
	Path  string           `json:"path"`
	Text  string           `json:"text"`
}

// Format hides the secrets, whatever the verb.
func (f File) Format(s fmt.State, _ rune) { sourcefile.Print(s, f) }

// Read reads a file of at most MaxSize bytes. The environment is that of PHP's process as in os.Environ; it is nil when
// it is not known.
func Read(path string, environ []string) (*File, error) {
	data, err := sourcefile.Read(path, MaxSize)
	if err != nil {
		return nil, err
	}
	return Parse(path, data, environ)
}

// Parse reads the text of a file. It fails when that is not PHP that returns an array.
func Parse(file string, data []byte, environ []string) (*File, error) {
	root, err := phparray.Parse(file, data)
	if err != nil {
		return nil, err
	}
	if root.Kind() != phparray.Array && root.Kind() != phparray.Unknown {
		return nil, &sourcefile.Error{File: file, Place: root.Place(), Problem: "the file does not return an array"}
	}
	f := &File{File: file, root: root, environment: newEnvironment(environ)}
	f.unread("", root)
	if f.environment.sections != nil {
		f.root = phparray.Replace(root, f.environment.sections)
	}
	f.Overrides = f.environment.overrides
	f.settings()
	f.databases()
	f.services()
	return f, nil
}

// Text returns the setting of a path such as system/default/catalog/search/engine.
func (f *File) Text(path string) Setting[string] {
	return convert(f.setting(path), func(v *phparray.Value) (string, string) {
		text, ok := v.Text()
		if !ok {
			return "", "it is of type " + v.Kind().String()
		}
		return text, ""
	})
}

// Flag returns the setting of a path as PHP takes it in a condition. For one that is null Magento takes its default, as
// for one that is not there.
func (f *File) Flag(path string) Setting[bool] {
	s := f.setting(path)
	if s.State == Known && s.Value.Kind() == phparray.Null {
		return Setting[bool]{Place: s.Place, State: Absent, Variable: s.Variable}
	}
	return convert(s, func(v *phparray.Value) (bool, string) {
		// Newer releases turn this text in a variable into false, for older ones it is true like any other.
		if text, _ := v.Text(); s.Variable != "" && slices.Contains([]string{"false", "null"}, strings.ToLower(text)) {
			return false, "what the text " + text + " means in an environment variable depends on Magento's release"
		}
		truth, known := v.Truth()
		if !known {
			return false, "only PHP can compute it"
		}
		return truth, ""
	})
}

func (f *File) secret(path string) Setting[config.Secret] {
	return convert(f.Text(path), func(text string) (config.Secret, string) { return config.Secret(text), "" })
}

func (f *File) settings() {
	f.TablePrefix = f.Text("db/table_prefix")
	f.CryptKey = f.secret("crypt/key")
	f.Mode = f.mode()
	f.InstallDate = convert(f.Text("install/date"), parseDate)
	f.CronEnabled = f.Flag("cron/enabled")
	f.ConsumersRunByCron = f.Flag("cron_consumers_runner/cron_run")
	f.LockProvider = f.Text("lock/provider")
	for name := range f.children("resource") {
		f.Resources = append(f.Resources, Resource{Name: name, Connection: f.Text("resource/" + name + "/connection")})
	}
}

// mode reads MAGE_MODE, which the environment may set under that name.
func (f *File) mode() Setting[string] {
	mode := f.Text("MAGE_MODE")
	if other := f.environment.mode; other != "" && other != mode.Or("") {
		return Setting[string]{
			Place: mode.Place, State: Unknown, Variable: "MAGE_MODE",
			Reason: "the environment variable MAGE_MODE says something else",
		}
	}
	return mode
}

// parseDate reads the date that the installer writes, RFC 2822.
func parseDate(text string) (time.Time, string) {
	for _, layout := range []string{time.RFC1123Z, time.RFC1123, time.RFC3339} {
		if t, err := time.Parse(layout, strings.TrimSpace(text)); err == nil {
			return t.UTC(), ""
		}
	}
	return time.Time{}, "it is not a date like Sat, 09 Aug 2025 17:10:27 +0000"
}

// children yields the names in an array that are known.
func (f *File) children(path string) func(func(string) bool) {
	return func(yield func(string) bool) {
		v := f.root.Get(strings.Split(path, "/")...)
		if v == nil || v.Kind() != phparray.Array {
			return
		}
		for name := range v.Entries() {
			if !yield(name) {
				return
			}
		}
	}
}

// unseen lists the values that only PHP can compute.
func (f *File) unread(path string, v *phparray.Value) {
	if len(f.Unread) == maxUnread {
		return
	}
	if s := fromValue(v); s.State == Unknown {
		f.Unread = append(f.Unread, Unread{Place: s.Place, Path: path, Reason: s.Reason})
		return
	}
	for key, element := range v.Entries() {
		f.unread(strings.TrimPrefix(path+"/"+key, "/"), element)
	}
	if open := v.Open(); open != nil && len(f.Unread) < maxUnread {
		f.Unread = append(f.Unread,
			Unread{
				Place: open.Place(), Path: strings.TrimPrefix(path+"/…", "/"),
				Reason: "only PHP can compute it: it " + open.Reason(),
			})
	}
}

// SSL attributes of PDO's MySQL driver (mysqlnd).
const (
	attrSSLKey           = 1007
	attrSSLCert          = 1008
	attrSSLCA            = 1009
	attrVerifyServerCert = 1014
)

func (f *File) databases() {
	for name := range f.children("db/connection") {
		f.Connections = append(f.Connections, f.connection("db/connection/", name))
	}
	for name := range f.children("db/slave_connection") {
		f.SlaveConnections = append(f.SlaveConnections, f.connection("db/slave_connection/", name))
	}
}

// Connection returns the connection of this name of db/connection. Its settings are absent, or unknown, when it is.
func (f *File) Connection(name string) Connection {
	for _, c := range f.Connections {
		if c.Name == name {
			return c
		}
	}
	return f.connection("db/connection/", name)
}

func (f *File) connection(section, name string) Connection {
	path := section + name
	option := func(attribute int) string { return path + "/driver_options/" + strconv.Itoa(attribute) }
	c := Connection{
		Name: name, Host: f.Text(path + "/host"), DBName: f.Text(path + "/dbname"), User: f.Text(path + "/username"),
		Password: f.secret(path + "/password"), Active: f.Flag(path + "/active"),
		SSLKey: f.Text(option(attrSSLKey)), SSLCert: f.Text(option(attrSSLCert)), SSLCA: f.Text(option(attrSSLCA)),
		VerifyServerCert: f.Flag(option(attrVerifyServerCert)),
	}
	c.Address = convert(c.Host, func(host string) (address.Address, string) {
		a, problems := address.Magento2(host)
		for _, text := range problems {
			f.Problems = append(f.Problems, Problem{Place: c.Host.Place, Path: path + "/host", Text: text})
		}
		return a, ""
	})
	if port := f.setting(path + "/port"); port.State == Known {
		f.Problems = append(f.Problems,
			Problem{
				Place: port.Place, Path: path + "/port",
				Text: "Magento 2 refuses a port here: put it behind the host, as in db.example:3307",
			})
	}
	return c
}
