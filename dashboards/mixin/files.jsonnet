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
  // jsonnet ends each file with a newline of its own.
  std.mapWithKey(function(_, file) std.rstripChars(file.text, '\n'), configured.files)
