package main

import (
	"crypto/rand"
	"embed"
	"encoding/hex"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"magento_migration_exporter/collector/mysqltest"
)

// siteFiles are templates of the files of one migration, filled with a site: Magento 1's root, Magento 2's root, the
// Data Migration Tool below it, and a stand-in for php.
//
//go:embed files/magento1 files/magento2 files/tool files/php
var siteFiles embed.FS

// site is one migration: two databases and the files that belong to them.
type site struct {
	Name             string
	Server1, Server2 *mysqltest.Server
	DB1, DB2         string
	// User is the tool's account on both servers. The password is in the tool's config.xml.
	User, Password string
	CryptKey       string
	// Root1, Root2 and Crontabs are folders.
	Root1, Root2, Crontabs string
	// Backup is the dump of Magento 2 as it was after its installation.
	Backup string
	PHP    string
	// Decided is true when the configuration has the decision on each extension of Magento 1.
	Decided bool
	// Web is the address of Magento 2's web node.
	Web string
}

// newSite returns a site whose files are in a folder of its own below dir.
func newSite(dir, name, user string) *site {
	folder := filepath.Join(dir, name)
	key := make([]byte, 16)
	_, _ = rand.Read(key) // it never fails
	return &site{
		Name: name, Password: rand.Text(), CryptKey: hex.EncodeToString(key), User: user,
		Root1: filepath.Join(folder, "magento1"), Root2: filepath.Join(folder, "magento2"),
		Crontabs: filepath.Join(folder, "cron.d"), Backup: filepath.Join(folder, "magento2.sql.gz"),
		PHP: filepath.Join(folder, "php"),
	}
}

// Config is the tool's configuration.
func (s *site) Config() string { return filepath.Join(s.Root2, "app/etc/migration/config.xml") }

// Tool is the folder of the tool.
func (s *site) Tool() string { return filepath.Join(s.Root2, "vendor/magento/data-migration-tool") }

// Crontab is the file that starts Magento 2's cron.
func (s *site) Crontab() string { return filepath.Join(s.Crontabs, "magento2") }

// Running is the file whose existence lets the demo's delta run.
func (s *site) Running() string { return filepath.Join(s.Root2, "var/delta-runs") }

// Log is the tool's own log.
func (s *site) Log() string { return filepath.Join(s.Root2, "var/migration.log") }

// Logged are the documents of the delta log, each with its key.
func (s *site) Logged() map[string]string { return mysqltest.DeltaLogged() }

// Client1 and Client2 are the shell commands that open a database as its server's administrator.
func (s *site) Client1() string { return client(s.Server1, s.DB1) }

// Client2 is the one for Magento 2.
func (s *site) Client2() string { return client(s.Server2, s.DB2) }

// Copy is the database beside Magento 2's in which migrate:data reads Magento 1's rows.
func (s *site) Copy() string { return s.Name + "_copy" }

// ClientCopy is the shell command that opens it.
func (s *site) ClientCopy() string { return client(s.Server2, s.Copy()) }

// Dump1 is the shell command that dumps Magento 1's tables.
func (s *site) Dump1() string {
	return "mariadb-dump " + strings.Join(clientArgs(s.Server1, s.DB1), " ") + " --skip-triggers"
}

// MigrateDataSQL and SetUpDeltaLogSQL are the scripts that do what migrate:data does.
func (s *site) MigrateDataSQL() string {
	return mysqltest.MigrateData(s.Copy(), s.DB2, "", "") + s.sameTimes(s.Copy()) + gridSQL
}

// SetUpDeltaLogSQL is a script for the command line client, for which the triggers need a delimiter of their own.
func (s *site) SetUpDeltaLogSQL() string {
	script := strings.TrimSpace(mysqltest.DeltaLog("", s.Account())) + "\n\n"
	return "DELIMITER //\n" + strings.ReplaceAll(script, ";\n\n", "//\n\n") + "DELIMITER ;\n"
}

// sameTimes is a statement for what the server changes by itself while customers are copied.
func (s *site) sameTimes(magento1 string) string {
	return "UPDATE `" + s.DB2 + "`.customer_entity c JOIN `" + magento1 + "`.customer_entity o USING (entity_id) " +
		"SET c.updated_at = o.updated_at;\n"
}

// Account is the tool's account as SQL names it.
func (s *site) Account() string { return "'" + s.User + "'@'localhost'" }

func client(server *mysqltest.Server, database string) string {
	return "mariadb " + strings.Join(clientArgs(server, database), " ")
}

func clientArgs(server *mysqltest.Server, database string) []string {
	return []string{"--no-defaults", "--socket=" + server.Socket(), "--user=root", database}
}

// write writes all files of the site.
func (s *site) write() error {
	for _, folder := range []string{s.Crontabs, filepath.Dir(s.Log())} {
		if err := os.MkdirAll(folder, 0o700); err != nil {
			return err
		}
	}
	for from, to := range map[string]string{
		"magento1": s.Root1, "magento2": s.Root2, "tool": s.Tool(), "php": s.PHP,
	} {
		if err := s.copyTree("files/"+from, to); err != nil {
			return err
		}
	}
	for _, program := range []string{s.PHP, filepath.Join(s.Root2, "bin/magento")} {
		if err := os.Chmod(program, 0o700); err != nil {
			return err
		}
	}
	return nil
}

func (s *site) copyTree(from, to string) error {
	return fs.WalkDir(siteFiles, from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := siteFiles.ReadFile(path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, strings.TrimPrefix(path, from))
		if err := os.MkdirAll(filepath.Dir(target), 0o700); err != nil {
			return err
		}
		return writeTemplate(target, string(text), s)
	})
}

// writeTemplate fills a template into a file.
func writeTemplate(path, text string, data any) error {
	filled, err := fill(filepath.Base(path), text, data)
	if err != nil {
		return err
	}
	return os.WriteFile(path, []byte(filled), 0o600)
}
