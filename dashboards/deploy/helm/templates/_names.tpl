{{- define "exporter.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- /* The release's name, with the chart's when it is not in it. */ -}}
{{- define "exporter.fullname" -}}
{{- $name := include "exporter.name" . -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "exporter.selectorLabels" -}}
app.kubernetes.io/name: {{ include "exporter.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "exporter.labels" -}}
{{ include "exporter.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
{{- end -}}

{{- define "exporter.configMap" -}}
{{- default (include "exporter.fullname" .) .Values.existingConfigMap -}}
{{- end -}}

{{- define "exporter.claim" -}}
{{- default (include "exporter.fullname" .) .Values.persistence.existingClaim -}}
{{- end -}}

{{- define "exporter.secret" -}}
{{- default (include "exporter.fullname" .) .Values.existingSecret -}}
{{- end -}}

{{- /* Whether something for the Prometheus Operator is wanted: "true" or nothing. */ -}}
{{- define "exporter.wanted" -}}
{{- if eq (toString .enabled) "auto" -}}
{{- if .root.Capabilities.APIVersions.Has "monitoring.coreos.com/v1" -}}true{{- end -}}
{{- else if eq (toString .enabled) "true" -}}true{{- end -}}
{{- end -}}

{{- /* A file of the rules or a dashboard, with the URLs of the values. */ -}}
{{- define "exporter.file" -}}
{{- $rule := .root.Values.prometheusRule -}}
{{- .root.Files.Get (printf "files/%s" .name)
  | replace "http://localhost:10102" (trimSuffix "/" $rule.exporterURL)
  | replace "https://docs.example.com/magento_migration_exporter" (trimSuffix "/" $rule.runbookURL)
  | replace "http://localhost:3000" (trimSuffix "/" $rule.grafanaURL) -}}
{{- end -}}
