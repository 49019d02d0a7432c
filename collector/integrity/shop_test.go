package integrity

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"magento_migration_exporter/collector/database"
	"magento_migration_exporter/collector/mysqltest"
	"magento_migration_exporter/config/toolconfig"
)

// shop is a pair of databases that the tool's files in testdata map completely, and a copy of those files.
type shop struct {
	server           *mysqltest.Server
	magento1         string
	magento2         string
	prefix1, prefix2 string
	dir              string // the tool's own directory
}

func newShop(t *testing.T, server *mysqltest.Server, prefix1, prefix2 string) *shop {
	t.Helper()
	name := strings.NewReplacer("/", "_", "-", "_", ".", "_", " ", "_").Replace(t.Name())
	if len(name) > 50 {
		name = name[len(name)-50:]
	}
	s := &shop{server, "m1" + name, "m2" + name, prefix1, prefix2, t.TempDir()}
	if err := os.CopyFS(s.dir, os.DirFS("testdata")); err != nil {
		t.Fatal(err)
	}
	for db, file := range map[string]string{s.magento1: "magento1.sql", s.magento2: "magento2.sql"} {
		script, err := os.ReadFile(filepath.Join("testdata", file))
		if err != nil {
			t.Fatal(err)
		}
		if err := server.Exec(t.Context(), "CREATE DATABASE `"+db+"` CHARACTER SET utf8"); err != nil {
			t.Fatal(err)
		}
		s.load(t, db, string(script))
	}
	return s
}

// load runs a script in one of the two databases, with its prefix for {{prefix}}.
func (s *shop) load(t *testing.T, db, script string) {
	t.Helper()
	prefix := s.prefix1
	if db == s.magento2 {
		prefix = s.prefix2
	}
	if err := s.server.Load(t.Context(), db, strings.ReplaceAll(script, "{{prefix}}", prefix)); err != nil {
		t.Fatal(err)
	}
}

func (s *shop) session(t *testing.T, db string) *database.Session {
	t.Helper()
	session, err := database.Open(
		t.Context(),
		database.Endpoint{Host: s.server.Host(), Port: s.server.Port(), Name: db, User: "root"},
		database.Options{StatementTimeout: 10 * time.Minute, Logger: slog.New(slog.DiscardHandler)},
	)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := session.Close(); err != nil {
			t.Error(err)
		}
	})
	return session
}

func (s *shop) config(t *testing.T) *toolconfig.Config {
	t.Helper()
	for _, name := range []string{"config.xml", "config.xml.dist"} {
		path := filepath.Join(s.dir, "etc/shop", name)
		if _, err := os.Stat(path); err != nil {
			continue
		}
		c, err := toolconfig.Read(path, "")
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	t.Fatal("there is no config.xml")
	return nil
}

// edit replaces a text in a file of the shop's tool.
func (s *shop) edit(t *testing.T, file, old, text string) {
	t.Helper()
	path := filepath.Join(s.dir, "etc/shop", file)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(data), old) {
		t.Fatalf("%s has no %s", file, old)
	}
	if err := os.WriteFile(path, []byte(strings.Replace(string(data), old, text, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (s *shop) input(t *testing.T) Input {
	t.Helper()
	return Input{
		Config:            s.config(t),
		Source:            s.session(t, s.magento1),
		Destination:       s.session(t, s.magento2),
		SourcePrefix:      s.prefix1,
		DestinationPrefix: s.prefix2,
		Options:           Options{MagentoRoot: filepath.Join(s.dir, "no-magento"), Tool: "2.3.4"},
		Modules: map[string]bool{
			"Magento_Inventory":    true,
			"Magento_DataExporter": true,
		},
		Extensions: []string{"aw_blog_setup", "aw_lib_setup", "acme_setup"},
	}
}

func (s *shop) forecast(t *testing.T) *Forecast {
	t.Helper()
	var f Forecaster
	forecast, err := f.Forecast(t.Context(), s.input(t))
	if err != nil {
		t.Fatal(err)
	}
	return forecast
}

// write shows predictions as the tool logs them.
func write(predictions []Prediction) string {
	var lines []string
	for _, l := range Lines(predictions) {
		lines = append(lines, fmt.Sprintf("%s %s %s: %s", l.Mode, l.Step, l.Level, l.Text))
	}
	return strings.Join(lines, "\n")
}

func expect(t *testing.T, predictions []Prediction, want ...string) {
	t.Helper()
	if got := write(predictions); got != strings.Join(want, "\n") {
		t.Errorf(" got\n%s\nwant\n%s", got, strings.Join(want, "\n"))
	}
}

// paste does what the remedies say: it copies each .dist file, puts the lines into the copy, and names the copy in a
// copy of config.xml.
func (s *shop) paste(t *testing.T, predictions []Prediction) {
	t.Helper()
	config := filepath.Join(s.dir, "etc/shop/config.xml")
	copyOnce(t, config+".dist", config)
	for _, snippet := range Snippets(predictions) {
		path := strings.TrimSuffix(snippet.File, ".dist")
		copyOnce(t, path+".dist", path)
		lines := strings.Join(snippet.XML, "\n")
		old := read(t, path)
		if err := os.WriteFile(path, []byte(inside(t, old, snippet.Inside, lines)), 0o600); err != nil {
			t.Fatal(err)
		}
		text := read(t, config)
		before, rest, ok := strings.Cut(text, "<"+snippet.Option+">")
		_, after, _ := strings.Cut(rest, "</"+snippet.Option+">")
		if !ok {
			t.Fatalf("config.xml has no %s", snippet.Option)
		}
		text = before + "<" + snippet.Option + ">etc/shop/" + filepath.Base(path) + "</" + snippet.Option + ">" + after
		if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// inside puts lines into the element at a path of element names, which is made where it is missing.
func inside(t *testing.T, document, path, lines string) string {
	t.Helper()
	outer, inner, nested := strings.Cut(path, "/")
	if !nested {
		return strings.Replace(document, "</"+outer+">", lines+"\n</"+outer+">", 1)
	}
	begin := strings.Index(document, "<"+outer+">")
	if begin < 0 {
		t.Fatalf("there is no <%s>", outer)
	}
	begin += len("<" + outer + ">")
	end := begin + strings.Index(document[begin:], "</"+outer+">")
	body, tag := document[begin:end], "<"+inner+">"
	switch at := strings.Index(body, tag); {
	case at >= 0:
		body = body[:at+len(tag)] + "\n" + lines + body[at+len(tag):]
	case inner == "document_rules": // which stand first
		body = "\n" + tag + lines + "</" + inner + ">" + body
	default:
		body += tag + lines + "</" + inner + ">\n"
	}
	return document[:begin] + body + document[end:]
}

func copyOnce(t *testing.T, from, to string) {
	t.Helper()
	if _, err := os.Stat(to); err == nil {
		return
	}
	if err := os.WriteFile(to, []byte(read(t, from)), 0o600); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// of returns the predictions of some kinds.
func of(predictions []Prediction, kinds ...Kind) []Prediction {
	return slices.DeleteFunc(
		slices.Clone(predictions),
		func(f Prediction) bool { return !slices.Contains(kinds, f.Kind) },
	)
}
