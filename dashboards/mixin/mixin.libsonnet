// The rules and the dashboards as a monitoring mixin. The files that it reads are the source, and are what it renders, to the byte,
// with the settings of config.libsonnet:
//
//   (import 'mixin/mixin.libsonnet') + { _config+:: { selector: 'job="shops"', exporterURL: 'https://exporter.example.com' } }
local selector = import 'selector.libsonnet';

local defaults = (import 'config.libsonnet')._config;

local url(name, value) =
  if std.startsWith(value, 'http://') || std.startsWith(value, 'https://') then std.rstripChars(value, '/')
  else error '%s has to begin with http:// or https://, and is %s' % [name, std.escapeStringJson(value)];

// Applies change to every string in a value.
local strings(value, change) =
  if std.isObject(value) then std.mapWithKey(function(_, v) strings(v, change), value)
  else if std.isArray(value) then [strings(v, change) for v in value]
  else if std.isString(value) then change(value)
  else value;

// A URL that means itself in the text of a YAML and of a JSON file.
local plain(text) = std.all([!std.member(' \t\n"\'\\', c) for c in std.stringChars(text)]);

// A file of rules or a dashboard: value is what it holds with the settings, text is the file as it is written, which keeps the
// comments of the source where the settings can simply stand in it.
local file(source, change, simple, parse, manifest) = {
  local changed = change(source),
  value: strings(parse(source), change),
  text: if simple && parse(changed) == self.value then changed else manifest(self.value),
};

(import 'config.libsonnet') + {
  local c = $._config,
  local configure(text) = std.foldl(
    function(t, name) std.strReplace(t, defaults[name], url(name, c[name])),
    ['exporterURL', 'runbookURL', 'grafanaURL'],
    text
  ),
  local simple = std.all([plain(c[name]) for name in ['exporterURL', 'runbookURL', 'grafanaURL']]),
  local rules(source) =
    local checked = selector.check(c.selector);
    local yaml(value) = std.manifestYamlDoc(value, indent_array_in_object=true, quote_keys=false) + '\n';
    file(source, function(s) configure(std.strReplace(s, defaults.selector, checked)), simple, std.parseYaml, yaml),
  // The dashboards choose job and instance themselves, in variables.
  local dashboard(source) =
    file(source, configure, simple, std.parseJson, function(value) std.manifestJsonEx(value, '  ') + '\n'),

  files:: {
    'rules/recording.yml': rules(importstr '../rules/recording.yml'),
    'rules/alerts.yml': rules(importstr '../rules/alerts.yml'),
    'portfolio.json': dashboard(importstr '../portfolio.json'),
    'readiness.json': dashboard(importstr '../readiness.json'),
  },

  prometheusRules+:: $.files['rules/recording.yml'].value,
  prometheusAlerts+:: $.files['rules/alerts.yml'].value,
  grafanaDashboards+:: {
    [name]: $.files[name].value
    for name in ['portfolio.json', 'readiness.json']
  },
}
