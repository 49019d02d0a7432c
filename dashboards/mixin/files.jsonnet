// Renders the files of the mixin into a folder:
//
//   jsonnet -S -c -m out files.jsonnet --tla-str selector='job="shops"' --tla-str exporterURL=https://exporter.example.com
local mixin = import 'mixin.libsonnet';
local defaults = mixin._config;

function(
  selector=defaults.selector,
  exporterURL=defaults.exporterURL,
  runbookURL=defaults.runbookURL,
  grafanaURL=defaults.grafanaURL,
)
  local configured = mixin {
    _config+:: { selector: selector, exporterURL: exporterURL, runbookURL: runbookURL, grafanaURL: grafanaURL },
  };
  {
    'rules/recording.yml': std.manifestYamlDoc(configured.prometheusRules, indent_array_in_object=true, quote_keys=false) + '\n',
    'rules/alerts.yml': std.manifestYamlDoc(configured.prometheusAlerts, indent_array_in_object=true, quote_keys=false) + '\n',
  } + {
    [name]: std.manifestJsonEx(configured.grafanaDashboards[name], '  ') + '\n'
    for name in std.objectFields(configured.grafanaDashboards)
  }
