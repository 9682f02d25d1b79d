{{/* The prefix of names: the release's, with the chart's unless it says so already. */}}
{{- define "tenantry.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- $both := contains $name .Release.Name | ternary .Release.Name (printf "%s-%s" .Release.Name $name) -}}
{{- default $both .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{/* The operator's Deployment, Service, Lease and the rest. */}}
{{- define "tenantry.operator" -}}
{{- include "tenantry.fullname" . }}-operator
{{- end -}}

{{/* What has no namespace bears the release's, so that two installations in one cluster do not meet. */}}
{{- define "tenantry.clusterWide" -}}
{{- printf "%s:%s" (include "tenantry.operator" .) .Release.Namespace -}}
{{- end -}}

{{- define "tenantry.serviceAccount" -}}
{{- default (include "tenantry.operator" .) .Values.serviceAccount.name -}}
{{- end -}}

{{- define "tenantry.selectorLabels" -}}
app.kubernetes.io/name: {{ default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: operator
{{- end -}}

{{- define "tenantry.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "tenantry.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/part-of: tenantry
{{- end -}}

{{- define "tenantry.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}{{ .repository }}@{{ .digest }}{{- else -}}{{ .repository }}:{{ default $.Chart.AppVersion .tag }}{{- end -}}
{{- end -}}
{{- end -}}

{{/* /etc/tenantry/operator.yaml */}}
{{- define "tenantry.config" -}}
{{- with .Values.config -}}
logFormat: {{ .logFormat }}
log: {{ .log | quote }}
metricsListen: "0.0.0.0:9090"
watchNamespaces: {{ toJson $.Values.watchNamespaces }}
workers: {{ int .workers }}
resync: {{ .resync }}
clusterId: {{ .clusterId | quote }}
lease:
  name: {{ include "tenantry.operator" $ }}
  duration: {{ .leaseDuration }}
{{- end -}}
{{- end -}}

{{/* What it may do where Backends and Organizations live. */}}
{{- define "tenantry.rules" -}}
- apiGroups: [tenantry.io]
  resources: [backends, organizations]
  verbs: [list, watch, patch]
- apiGroups: [tenantry.io]
  resources: [backends/status, organizations/status]
  verbs: [patch]
- apiGroups: [""]
  resources: [secrets]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create, patch]
{{- end -}}

{{- define "tenantry.subjects" -}}
- kind: ServiceAccount
  name: {{ include "tenantry.serviceAccount" . }}
  namespace: {{ .Release.Namespace }}
{{- end -}}
