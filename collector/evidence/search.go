package evidence

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"magento_migration_exporter/collector/requirements"
	"magento_migration_exporter/collector/service"
	"magento_migration_exporter/config/envphp"
)

// SearchServer is the search engine of Magento 2.
type SearchServer struct {
	// Endpoint is its URL. It is empty for Magento's own search in MySQL, the default when no engine is configured.
	Endpoint string
	// IndexPrefix is what the names of Magento 2's indexes begin with.
	IndexPrefix string
}

// SearchServer reads which search engine Magento 2 is configured for: in env.php and config.php, whose values Magento
// takes instead of those in its database, and in the database.
func (e *Evidence) SearchServer(ctx context.Context) (s SearchServer, err error) {
	settings, err := e.searchSettings(ctx)
	if err != nil {
		return s, err
	}
	if err := e.deployed(settings, "engine"); err != nil {
		return s, err
	}
	if settings["engine"] == "" {
		for _, engine := range service.OwnSearchEngines() {
			_ = e.deployed(settings, engine+"_server_hostname") // that of the engine in use is read again below
		}
		if settings["engine"], err = e.defaultEngine(ctx, onlyHost(settings)); err != nil {
			return s, err
		}
	}
	for _, setting := range []string{"_server_hostname", "_server_port", "_index_prefix"} {
		if err := e.deployed(settings, settings["engine"]+setting); err != nil {
			return s, err
		}
	}
	s.IndexPrefix = cmp.Or(settings[settings["engine"]+"_index_prefix"], "magento2")
	s.Endpoint, err = service.SearchEndpoint(settings)
	return s, err
}

// searchSettings reads the rows of core_config_data below catalog/search, without that prefix.
func (e *Evidence) searchSettings(ctx context.Context) (map[string]string, error) {
	m2 := e.Magento2
	if m2.Err != nil {
		return nil, m2.Err
	}
	all, err := m2.Settings(ctx)
	settings := map[string]string{}
	for _, s := range all {
		if path, ok := strings.CutPrefix(s.Path, searchPaths); ok && s.Scope == "default" {
			settings[path] = s.Value
		}
	}
	return settings, err
}

// deployed replaces a setting of the database by that of env.php, else of config.php, as Magento does. Files that are
// not there or cannot be read change nothing: the preconditions that need them report it. It is an error when only PHP
// can compute the value.
func (e *Evidence) deployed(settings map[string]string, name string) error {
	path := "system/default/" + searchPaths + name
	if env, err := e.Files.Env(); err == nil {
		switch s := env.Text(path); s.State {
		case envphp.Known:
			settings[name] = s.Value
			return nil
		case envphp.Unknown:
			return fmt.Errorf("%s: the value of %s is unknown: %s", env.File, path, s.Reason)
		}
	}
	if modules, err := e.Files.ConfigPHP(); err == nil {
		if text, ok := modules.Setting(path); ok {
			settings[name] = text
		}
	}
	return nil
}

// defaultEngine is the engine when core_config_data has none: that in the config.xml of Magento's own modules. Up to
// 2.3 it is mysql, from 2.4.0 to 2.4.5 elasticsearch7, and from 2.4.6 on opensearch when Magento_OpenSearch is enabled,
// whose config.xml is read after that of Magento_Elasticsearch7. Where release or modules leave it open, it is the only
// engine that has a host in core_config_data; "" where there is none.
func (e *Evidence) defaultEngine(ctx context.Context, onlyHost string) (string, error) {
	release, err := e.Release(ctx)
	if err != nil {
		return "", err
	}
	since, before := release.Limits()
	open := before == requirements.Release{}
	first24, first246 := requirements.Release{Major: 2, Minor: 4}, requirements.Release{Major: 2, Minor: 4, Patch: 6}
	modules, noModules := e.Files.ConfigPHP()
	enabled, known := false, false
	if noModules == nil {
		enabled, known = modules.Enabled("Magento_OpenSearch")
	}
	switch {
	case !open && before.Compare(first24) <= 0:
		return "mysql", nil
	case since.Compare(first24) >= 0 && !open && before.Compare(first246) <= 0:
		return "elasticsearch7", nil
	case enabled && known:
		return "opensearch", nil // the module came with 2.4.6
	case since.Compare(first246) < 0 && onlyHost != "":
		return onlyHost, nil
	case since.Compare(first246) < 0:
		return "", fmt.Errorf("core_config_data has no search engine, and the default depends on Magento 2's exact "+
			"release; known is only: %s", release)
	}
	switch {
	case noModules != nil:
		return cmp.Or(onlyHost, "opensearch"), nil // as installed
	case known:
		return "elasticsearch7", nil
	}
	return "opensearch", nil
}

// onlyHost is the only engine that has a host in core_config_data; "" where there is none, or more than one.
func onlyHost(settings map[string]string) string {
	only := ""
	for path, value := range settings {
		engine, ok := strings.CutSuffix(path, "_server_hostname")
		switch {
		case !ok || value == "":
		case only != "":
			return ""
		default:
			only = engine
		}
	}
	return only
}
