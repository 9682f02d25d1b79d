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

{{/* Of a list: an image's values, what is in it, and the root. */}}
{{- define "tenantry.image" -}}
{{- $image := index . 0 -}}
{{- $root := index . 2 -}}
{{- $repository := default (printf "%s/tenantry-%s" (trimSuffix "/" $root.Values.registry) (index . 1)) $image.repository -}}
{{- if $image.digest -}}{{ $repository }}@{{ $image.digest }}{{- else -}}{{ $repository }}:{{ default $root.Chart.AppVersion $image.tag }}{{- end -}}
{{- end -}}

{{/* The webhook's Service and the Secret with its certificate. */}}
{{- define "tenantry.webhook" -}}
{{- include "tenantry.operator" . }}-webhook
{{- end -}}

{{/* Its configuration, which no namespace holds; a colon is not allowed in this name. */}}
{{- define "tenantry.webhookConfiguration" -}}
{{- printf "%s.%s" (include "tenantry.operator" .) .Release.Namespace -}}
{{- end -}}

{{/* The ClusterRole of all authorities, and the ClusterRoleBinding whose subjects the operator writes. */}}
{{- define "tenantry.reviewers" -}}
{{- printf "%s-reviewers" (include "tenantry.clusterWide" .) -}}
{{- end -}}

{{/* Of a list: what a container asks for and may use, or nothing. */}}
{{- define "tenantry.resources" -}}
{{- range $kind := list "requests" "limits" }}
{{ $kind }}:
  {{- range $name, $amount := get (default dict $) $kind }}
  {{ $name }}: {{ $amount | quote }}
  {{- else }} {}
  {{- end }}
{{- end }}
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
{{- end }}
{{- with .Values.authority }}
{{- if .enabled }}
authority:
  image: {{ include "tenantry.image" (list .image "proxy" $) | quote }}
  imagePullPolicy: {{ .image.pullPolicy }}
  imagePullSecrets: {{ toJson .imagePullSecrets }}
  replicas: {{ int .replicas }}
  log: {{ .log | quote }}
  reviewers: {{ include "tenantry.reviewers" $ | quote }}
  certificateLasts: {{ .certificateLasts }}
  caLasts: {{ .caLasts }}
  resources:
    {{- include "tenantry.resources" .resources | trim | nindent 4 }}
{{- end }}
{{- end }}
{{- with .Values.injection }}
{{- if .enabled }}
injection:
  listen: "0.0.0.0:9443"
  names:
    - {{ include "tenantry.webhook" $ }}.{{ $.Release.Namespace }}.svc
  webhook: {{ include "tenantry.webhookConfiguration" $ }}
  secret: {{ include "tenantry.webhook" $ }}
  gate:
    image: {{ include "tenantry.image" (list .image "gate" $) | quote }}
    imagePullPolicy: {{ .image.pullPolicy }}
    resources:
      {{- include "tenantry.resources" .resources | trim | nindent 6 }}
{{- end }}
{{- end }}
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
{{- if .Values.authority.enabled }}
# A Backend's authority: its pods, how they are reached and by whom, and what they may read. What it may read the operator may read itself.
- apiGroups: [""]
  resources: [configmaps, serviceaccounts, services]
  verbs: [get, create, patch]
- apiGroups: [apps]
  resources: [deployments]
  verbs: [get, create, patch]
- apiGroups: [policy]
  resources: [poddisruptionbudgets]
  verbs: [get, create, patch]
- apiGroups: [networking.k8s.io]
  resources: [networkpolicies]
  verbs: [get, create, patch, delete]
- apiGroups: [rbac.authorization.k8s.io]
  resources: [roles, rolebindings]
  verbs: [get, create, patch]
{{- else if .Values.injection.enabled }}
# The authorities that a Backend's gates are to trust.
- apiGroups: [""]
  resources: [configmaps]
  verbs: [get]
{{- end }}
{{- end -}}

{{- define "tenantry.subjects" -}}
- kind: ServiceAccount
  name: {{ include "tenantry.serviceAccount" . }}
  namespace: {{ .Release.Namespace }}
{{- end -}}
