{{/* The name of everything in a release. */}}
{{- define "latchkey.name" -}}
{{- if contains "latchkey" .Release.Name }}{{ .Release.Name | trunc 52 | trimSuffix "-" }}{{ else }}{{ printf "%s-latchkey" .Release.Name | trunc 52 | trimSuffix "-" }}{{ end }}
{{- end }}

{{/* The labels by which the pods of a release are found. */}}
{{- define "latchkey.selector" -}}
app.kubernetes.io/name: latchkey
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "latchkey.labels" -}}
{{ include "latchkey.selector" . }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{/* Refuses what would lose data, or start and then not work. */}}
{{- define "latchkey.check" -}}
{{- if and (eq .Values.database.kind "sqlite") (gt (int .Values.replicas) 1) }}
{{- fail "replicas is more than 1, but database.kind is sqlite: an SQLite file is for one pod alone. Set database.kind to postgres" }}
{{- end }}
{{- if not .Values.publicURL }}
{{- fail "publicURL is missing: set it to the address that people type, such as https://keys.example.com" }}
{{- end }}
{{- if not (or .Values.trustedProxies .Values.tls.secret) }}
{{- fail "nobody speaks TLS: set trustedProxies to the addresses of your ingress controller, or tls.secret" }}
{{- end }}
{{- end }}

{{/* The scheme of health checks. */}}
{{- define "latchkey.scheme" -}}
{{ if .Values.tls.secret }}HTTPS{{ else }}HTTP{{ end }}
{{- end }}

{{/* The template of a pod. A pod of SQLite has the volume "data" from its StatefulSet. */}}
{{- define "latchkey.pod" -}}
metadata:
  labels:
    {{- include "latchkey.selector" . | nindent 4 }}
  {{- with .Values.podAnnotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  # It never asks the platform anything.
  automountServiceAccountToken: false
  enableServiceLinks: false
  # 5 s until nobody sends to it any more, and 20 s for the requests that are under way.
  terminationGracePeriodSeconds: 30
  securityContext:
    runAsNonRoot: true
    runAsUser: 65532
    runAsGroup: 65532
    fsGroup: 65532
    fsGroupChangePolicy: OnRootMismatch
    seccompProfile:
      type: RuntimeDefault
  containers:
    - name: latchkey
      image: "{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion | default "latest" }}"
      imagePullPolicy: {{ .Values.image.pullPolicy }}
      securityContext:
        allowPrivilegeEscalation: false
        readOnlyRootFilesystem: true
        capabilities:
          drop: [ALL]
      env:
        - name: LATCHKEY_PUBLIC_URL
          value: {{ .Values.publicURL | quote }}
        - name: LATCHKEY_LISTEN
          value: ":8080"
        - name: LATCHKEY_DATA
          value: /data
        - name: LATCHKEY_MAX_STALENESS
          value: {{ .Values.maxStaleness | quote }}
        {{- with .Values.trustedProxies }}
        - name: LATCHKEY_TRUSTED_PROXIES
          value: {{ join "," . | quote }}
        {{- end }}
        {{- if .Values.tls.secret }}
        - name: LATCHKEY_TLS_CERT
          value: /run/secrets/tls/tls.crt
        - name: LATCHKEY_TLS_KEY
          value: /run/secrets/tls/tls.key
        {{- end }}
        {{- if eq .Values.database.kind "postgres" }}
        - name: LATCHKEY_DATABASE_URL_FILE
          value: /run/secrets/database/{{ .Values.database.urlSecret.key }}
        - name: LATCHKEY_NODE_NAME
          valueFrom:
            fieldRef:
              fieldPath: metadata.name
        {{- end }}
        {{- range $name, $value := .Values.settings }}
        - name: {{ $name }}
          value: {{ $value | quote }}
        {{- end }}
      ports:
        - name: http
          containerPort: 8080
      # Opening the database and bringing its tables up to date come before the first answer.
      startupProbe:
        httpGet: { path: /livez, port: http, scheme: {{ include "latchkey.scheme" . }} }
        periodSeconds: 2
        failureThreshold: 150
      livenessProbe:
        httpGet: { path: /livez, port: http, scheme: {{ include "latchkey.scheme" . }} }
        periodSeconds: 10
        timeoutSeconds: 5
        failureThreshold: 6
      readinessProbe:
        httpGet: { path: /readyz, port: http, scheme: {{ include "latchkey.scheme" . }} }
        periodSeconds: 2
        timeoutSeconds: 2
        failureThreshold: 2
      lifecycle:
        preStop:
          sleep:
            seconds: 5
      resources:
        {{- toYaml .Values.resources | nindent 8 }}
      volumeMounts:
        - name: data
          mountPath: /data
        {{- if eq .Values.database.kind "postgres" }}
        - name: database
          mountPath: /run/secrets/database
          readOnly: true
        {{- end }}
        {{- if .Values.tls.secret }}
        - name: tls
          mountPath: /run/secrets/tls
          readOnly: true
        {{- end }}
    {{- with .Values.sidecars }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- if or (eq .Values.database.kind "postgres") .Values.tls.secret }}
  volumes:
    {{- if eq .Values.database.kind "postgres" }}
    # What a node keeps for itself, such as a workbook until it is sent.
    - name: data
      emptyDir:
        sizeLimit: 1Gi
    - name: database
      secret:
        secretName: {{ .Values.database.urlSecret.name }}
        defaultMode: 0440
        items:
          - key: {{ .Values.database.urlSecret.key }}
            path: {{ .Values.database.urlSecret.key }}
    {{- end }}
    {{- if .Values.tls.secret }}
    - name: tls
      secret:
        secretName: {{ .Values.tls.secret }}
        defaultMode: 0440
    {{- end }}
  {{- end }}
  {{- with .Values.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.topologySpreadConstraints }}
  topologySpreadConstraints:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}
