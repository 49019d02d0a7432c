// The rules and the dashboards as a monitoring mixin. The files that it reads are the source, and are what it renders with the
// settings of config.libsonnet:
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

(import 'config.libsonnet') + {
  local c = $._config,
  local configure(text) = std.foldl(
    function(t, name) std.strReplace(t, defaults[name], url(name, c[name])),
    ['exporterURL', 'runbookURL', 'grafanaURL'],
    text
  ),
  local rules(text) =
    local checked = selector.check(c.selector);
    strings(std.parseYaml(text), function(s) configure(std.strReplace(s, defaults.selector, checked))),

  prometheusRules+:: rules(importstr '../rules/recording.yml'),
  prometheusAlerts+:: rules(importstr '../rules/alerts.yml'),
  // The dashboards choose job and instance themselves, in variables.
  grafanaDashboards+:: {
    'portfolio.json': strings(import '../portfolio.json', configure),
    'readiness.json': strings(import '../readiness.json', configure),
  },
}
