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

// holdsSecret reports whether a configuration file contains a database's password or an address with a login, also in a
// template that no migration uses. key is the key of node.
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

// secretFiles are the exporter's own files with secrets: configuration files that contain one, and the secret files
// that they refer to.
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

// WebConfigWarnings returns warnings about the exporter toolkit's file for TLS and logins. The toolkit itself reports
// faults in the file.
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

// webSecrets reports whether a web configuration contains a key or password hashes, and returns its key file.
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

// WebCertificate returns the exporter's certificate in PEM, from its web configuration; nil when there is none or it
// cannot be read.
func WebCertificate(path string) []byte {
	if path == "" {
		return nil
	}
	data, err := sourcefile.Read(path, MaxFileSize)
	if err != nil {
		return nil
	}
	var web struct {
		TLS struct {
			Cert     string `yaml:"cert"`
			CertFile string `yaml:"cert_file"`
		} `yaml:"tls_server_config"`
	}
	if err := yaml.Load(data, &web); err != nil {
		return nil
	}
	if web.TLS.Cert != "" {
		return []byte(web.TLS.Cert)
	}
	file := web.TLS.CertFile
	if file == "" {
		return nil
	}
	if !filepath.IsAbs(file) {
		file = filepath.Join(filepath.Dir(path), file)
	}
	data, err = sourcefile.Read(file, MaxFileSize)
	if err != nil {
		return nil
	}
	return data
}

// readableByAll warns about each of these files, which all contain secrets, that everybody on the host can read.
func readableByAll(files []string) []string {
	var warnings []string
	files = slices.Clone(files)
	slices.Sort(files)
	for _, file := range slices.Compact(files) {
		if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o004 != 0 {
			quoted := "'" + strings.ReplaceAll(file, "'", `'\''`) + "'"
			warnings = append(warnings, fmt.Sprintf("%s contains a secret, and everybody on this host can read it "+
				"(mode %04o): chmod o-r %s", file, info.Mode().Perm(), quoted))
		}
	}
	return warnings
}
