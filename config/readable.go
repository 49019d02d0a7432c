package config

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"magento_migration_exporter/config/sourcefile"
)

// holdsSecret reports whether a database's password, or an address with a login, stands in a file of the configuration
// itself, be it in a template that no migration uses. key is what node is the value of.
func holdsSecret(node *yaml.Node, key string) bool {
	switch node.Kind {
	case yaml.ScalarNode:
		if key == "password" {
			return node.Value != "" && node.ShortTag() != "!!null"
		}
		u, err := url.Parse(node.Value)
		return err == nil && u.User != nil
	case yaml.MappingNode:
		for i := 0; i+1 < len(node.Content); i += 2 {
			if holdsSecret(node.Content[i+1], node.Content[i].Value) {
				return true
			}
		}
		return false
	}
	return slices.ContainsFunc(node.Content, func(child *yaml.Node) bool { return holdsSecret(child, "") })
}

// secretFiles are the files with secrets that are the exporter's own: those of the configuration that hold one, and
// what it names.
func (c *Config) secretFiles() []string {
	files := slices.Clone(c.filesWithSecrets)
	for i := range c.Migrations {
		for _, d := range []*Database{&c.Migrations[i].Magento1.Database, &c.Migrations[i].Magento2.Database} {
			files = append(files, d.PasswordFile)
			if d.TLS != nil {
				files = append(files, d.TLS.KeyFile)
			}
		}
	}
	return files
}

// WebConfigWarnings are the Warnings about the exporter toolkit's file for TLS and logins. What is wrong with the file
// itself is said where it is used.
func WebConfigWarnings(path string) []string {
	if path == "" {
		return nil
	}
	data, err := sourcefile.Read(path, MaxFileSize)
	if err != nil {
		return nil
	}
	inside, keyFile := webSecrets(data)
	var files []string
	if inside {
		files = append(files, path)
	}
	if keyFile != "" && !filepath.IsAbs(keyFile) {
		keyFile = filepath.Join(filepath.Dir(path), keyFile)
	}
	return readableByAll(append(files, keyFile))
}

// webSecrets tells whether a key or password hashes stand in a web configuration, and which file it names for the key.
func webSecrets(data []byte) (inside bool, keyFile string) {
	var web struct {
		TLS struct {
			Key     string `yaml:"key"`
			KeyFile string `yaml:"key_file"`
		} `yaml:"tls_server_config"`
		Users map[string]string `yaml:"basic_auth_users"`
	}
	if err := yaml.Load(data, &web); err != nil {
		return false, ""
	}
	return web.TLS.Key != "" || len(web.Users) > 0, web.TLS.KeyFile
}

// readableByAll warns about each of these files, all of which hold secrets, that the file's mode lets everybody read.
func readableByAll(files []string) []string {
	var warnings []string
	files = slices.Clone(files)
	slices.Sort(files)
	for _, file := range slices.Compact(files) {
		if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o004 != 0 {
			word := "'" + strings.ReplaceAll(file, "'", `'\''`) + "'"
			warnings = append(
				warnings,
				fmt.Sprintf(
					"%s holds a secret, and its mode %04o lets everybody on this host read it: chmod o-r %s",
					file,
					info.Mode().Perm(),
					word,
				),
			)
		}
	}
	return warnings
}
