package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
)

// helm builds the program that renders charts with Helm's own packages. Their code is not made fast: it is built
// for far longer than it runs.
var helm = sync.OnceValues(func() (string, error) {
	path := filepath.Join(builtIn, "helm")
	cmd := exec.Command("go", "build", "-gcflags=all=-N -l", "-o", path, ".")
	cmd.Dir = filepath.Join(repository, ".ci/helm")
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", errors.New(string(out))
	}
	return path, nil
})

// manifest is an object of the platform, with what our chart sets.
type manifest struct {
	APIVersion string   `yaml:"apiVersion"`
	Kind       string   `yaml:"kind"`
	Metadata   metadata `yaml:"metadata"`
	Spec       struct {
		Replicas             int       `yaml:"replicas"`
		Selector             yaml.Node `yaml:"selector"`
		Template             podSpec   `yaml:"template"`
		VolumeClaimTemplates []any     `yaml:"volumeClaimTemplates"`
		PodSelector          yaml.Node `yaml:"podSelector"`
		Ports                []struct {
			TargetPort string `yaml:"targetPort"`
		} `yaml:"ports"`
	} `yaml:"spec"`
}

type metadata struct {
	Name   string            `yaml:"name"`
	Labels map[string]string `yaml:"labels"`
}

type podSpec struct {
	Metadata metadata `yaml:"metadata"`
	Spec     struct {
		ServiceToken    *bool          `yaml:"automountServiceAccountToken"`
		ServiceLinks    *bool          `yaml:"enableServiceLinks"`
		GracePeriod     int            `yaml:"terminationGracePeriodSeconds"`
		SecurityContext map[string]any `yaml:"securityContext"`
		Containers      []container    `yaml:"containers"`
		Volumes         []struct {
			Name   string `yaml:"name"`
			Secret struct {
				SecretName string `yaml:"secretName"`
			} `yaml:"secret"`
		} `yaml:"volumes"`
	} `yaml:"spec"`
}

type container struct {
	Name            string         `yaml:"name"`
	Image           string         `yaml:"image"`
	SecurityContext map[string]any `yaml:"securityContext"`
	Env             []struct {
		Name      string `yaml:"name"`
		Value     string `yaml:"value"`
		ValueFrom any    `yaml:"valueFrom"`
	} `yaml:"env"`
	Ports []struct {
		Name          string `yaml:"name"`
		ContainerPort int    `yaml:"containerPort"`
	} `yaml:"ports"`
	Startup   probe `yaml:"startupProbe"`
	Liveness  probe `yaml:"livenessProbe"`
	Readiness probe `yaml:"readinessProbe"`
	Lifecycle struct {
		PreStop struct {
			Sleep struct {
				Seconds int `yaml:"seconds"`
			} `yaml:"sleep"`
		} `yaml:"preStop"`
	} `yaml:"lifecycle"`
	VolumeMounts []struct {
		Name      string `yaml:"name"`
		MountPath string `yaml:"mountPath"`
	} `yaml:"volumeMounts"`
}

type probe struct {
	HTTPGet struct {
		Path, Port, Scheme string
	} `yaml:"httpGet"`
}

// values are values of the chart, over those that must be set.
func values(more map[string]any) map[string]any {
	all := map[string]any{"publicURL": "https://keys.example.com", "trustedProxies": []string{"10.0.0.0/8"}}
	maps.Copy(all, more)
	return all
}

// onPostgres are the values for nodes on PostgreSQL.
func onPostgres(replicas int) map[string]any {
	return values(map[string]any{"database": map[string]any{"kind": "postgres"}, "replicas": replicas})
}

// everything are values that turn on all that the chart has.
func everything() map[string]any {
	all := onPostgres(3)
	maps.Copy(all, map[string]any{
		"image": map[string]any{"repository": "images.example.com/latchkey", "tag": "v1"}, "tls": map[string]any{"secret": "own-tls"},
		"ingress":       map[string]any{"enabled": true, "className": "nginx", "annotations": map[string]any{"a": "b"}, "tlsSecret": "ingress-tls"},
		"networkPolicy": map[string]any{"enabled": true, "from": []any{map[string]any{"namespaceSelector": map[string]any{}}}},
		"settings":      map[string]any{"LATCHKEY_VERIFY_ACCOUNT": "acme", "LATCHKEY_METRICS_LISTEN": "127.0.0.1:9464"},
		"persistence":   map[string]any{"storageClass": "fast"}, "podAnnotations": map[string]any{"c": "d"}, "nodeSelector": map[string]any{"e": "f"},
		"tolerations": []any{map[string]any{"operator": "Exists"}}, "affinity": map[string]any{"podAntiAffinity": map[string]any{}},
		"topologySpreadConstraints": []any{map[string]any{"maxSkew": 1}}, "sidecars": []any{map[string]any{"name": "metrics"}},
	})
	return all
}

// renderChart renders the chart, or returns why that is refused.
func renderChart(t *testing.T, values map[string]any, flags ...string) (all []manifest, refused string) {
	t.Helper()
	if testing.Short() {
		t.Skip("slow: it builds what renders charts")
	}
	program, err := helm()
	if err != nil {
		t.Fatalf("what renders charts does not build: %v", err)
	}
	given, err := json.Marshal(values)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program, append(flags, filepath.Join(repository, "deploy/helm/latchkey"))...)
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(given), &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return nil, stderr.String()
	}
	var files map[string]string
	if err := json.Unmarshal(stdout.Bytes(), &files); err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		if strings.TrimSpace(text) == "" || filepath.Ext(name) != ".yaml" {
			continue
		}
		var m manifest
		if err := yaml.Unmarshal([]byte(text), &m); err != nil {
			t.Fatalf("%s: %v\n%s", name, err, text)
		}
		if m.APIVersion == "" || m.Kind == "" || m.Metadata.Name == "" || m.Metadata.Labels["app.kubernetes.io/instance"] == "" {
			t.Errorf("%s is no object: %s", name, text)
		}
		all = append(all, m)
	}
	slices.SortFunc(all, func(a, b manifest) int { return strings.Compare(a.Kind, b.Kind) })
	return all, ""
}

// rendered renders the chart, which must not be refused, and returns what runs pods and the kinds of all objects.
func rendered(t *testing.T, values map[string]any) (all []manifest, workload manifest, kinds string) {
	t.Helper()
	all, refused := renderChart(t, values)
	if refused != "" {
		t.Fatal(refused)
	}
	var names []string
	for _, m := range all {
		names = append(names, m.Kind)
		if m.Kind == "StatefulSet" || m.Kind == "Deployment" {
			workload = m
		}
	}
	return all, workload, strings.Join(names, " ")
}

func TestTheChartWithSQLiteIsOnePodWithAVolume(t *testing.T) {
	_, pods, kinds := rendered(t, values(nil))
	if kinds != "Service StatefulSet" || pods.Spec.Replicas != 1 || len(pods.Spec.VolumeClaimTemplates) != 1 {
		t.Errorf("it is %s with %d pods and %d volumes; want a Service and a StatefulSet of one pod with one", kinds, pods.Spec.Replicas, len(pods.Spec.VolumeClaimTemplates))
	}
	if volumes := pods.Spec.Template.Spec.Volumes; len(volumes) != 0 {
		t.Errorf("the pod has the volumes %v beside the one of its own", volumes)
	}
}

func TestTheChartWithPostgreSQLIsManyPodsWithoutAVolume(t *testing.T) {
	_, pods, kinds := rendered(t, onPostgres(3))
	if kinds != "Deployment PodDisruptionBudget Service" || pods.Spec.Replicas != 3 || len(pods.Spec.VolumeClaimTemplates) != 0 {
		t.Errorf("it is %s with %d pods and %d volumes; want a Deployment of 3 without", kinds, pods.Spec.Replicas, len(pods.Spec.VolumeClaimTemplates))
	}
	secret := ""
	for _, v := range pods.Spec.Template.Spec.Volumes {
		secret += v.Secret.SecretName
	}
	if secret != "latchkey-database" {
		t.Errorf("the pods read the secrets %q; want that of the database's URL", secret)
	}
	if _, _, kinds := rendered(t, onPostgres(1)); kinds != "Deployment Service" {
		t.Errorf("for one pod it is %s", kinds)
	}
	if _, _, kinds := rendered(t, everything()); kinds != "Deployment Ingress NetworkPolicy PodDisruptionBudget Service" {
		t.Errorf("with everything on it is %s", kinds)
	}
}

func TestTheChartRefusesWhatCannotWork(t *testing.T) {
	without := func(name string) map[string]any {
		all := values(nil)
		delete(all, name)
		return all
	}
	for what, c := range map[string]struct {
		values map[string]any
		flags  []string
		want   string
	}{
		"two pods on SQLite, by the schema":   {values(map[string]any{"replicas": 2}), nil, "/replicas"},
		"two pods on SQLite, by the template": {values(map[string]any{"replicas": 2}), []string{"-no-schema"}, "an SQLite file is for one pod alone"},
		"no address":                          {without("publicURL"), nil, "publicURL is missing"},
		"nobody speaks TLS":                   {without("trustedProxies"), nil, "nobody speaks TLS"},
		"another database":                    {values(map[string]any{"database": map[string]any{"kind": "mysql"}}), nil, "/database/kind"},
		"a value that is none":                {values(map[string]any{"replica": 1}), nil, "replica"},
		"a setting that the chart makes":      {values(map[string]any{"settings": map[string]any{"LATCHKEY_LISTEN": ":1"}}), nil, "LATCHKEY_LISTEN"},
		"a cluster without sleep":             {values(nil), []string{"-kube-version", "v1.29.0"}, "1.30"},
	} {
		all, refused := renderChart(t, c.values, c.flags...)
		if len(all) != 0 || !strings.Contains(refused, c.want) {
			t.Errorf("%s: %d objects, refused with %q; want %q", what, len(all), refused, c.want)
		}
	}
}

// ours is the container of Latchkey, and its environment with secrets that are files of a folder.
func (p podSpec) ours(t *testing.T) (c container, env []string) {
	t.Helper()
	at := slices.IndexFunc(p.Spec.Containers, func(c container) bool { return c.Name == "latchkey" })
	if at < 0 {
		t.Fatal("no container is Latchkey")
	}
	c = p.Spec.Containers[at]
	secrets := composeSecrets(t, "postgres://latchkey@db.example.com/latchkey")
	paths := strings.NewReplacer("/run/secrets/tls/tls.crt", filepath.Join(secrets, "tls-cert"), "/run/secrets/tls/tls.key", filepath.Join(secrets, "tls-key"),
		"/run/secrets/database/url", filepath.Join(secrets, "database-url"))
	seen := map[string]bool{}
	for _, v := range c.Env {
		if seen[v.Name] {
			t.Errorf("%s is set twice", v.Name)
		}
		seen[v.Name] = true
		if v.ValueFrom != nil {
			v.Value = "from-the-pod"
		}
		env = append(env, v.Name+"="+paths.Replace(v.Value))
	}
	return c, env
}

func TestThePodsOfTheChartAreConfinedAndTheirSettingsAre(t *testing.T) {
	_, shipped := imageStages(t)
	user := userOf(t, shipped)
	for name, given := range map[string]map[string]any{"SQLite": values(nil), "PostgreSQL": onPostgres(2), "everything": everything()} {
		_, workload, _ := rendered(t, given)
		pod := workload.Spec.Template
		c, env := pod.ours(t)
		s, err := parsed(t, env)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		cliWith(t, env, "", "version").ok(t)
		if s.place.postgres() != (name != "SQLite") || s.tls() != (name == "everything") || s.insecure {
			t.Errorf("%s: the settings are %+v", name, s)
		}
		if port := c.Ports[0]; s.listen != ":"+shipped.one(t, "EXPOSE") || len(c.Ports) != 1 || port.ContainerPort != 8080 || port.Name != "http" {
			t.Errorf("%s: it listens on %s, and its ports are %v", name, s.listen, c.Ports)
		}
		scheme := map[bool]string{false: "HTTP", true: "HTTPS"}[s.tls()]
		for path, p := range map[string]probe{"/livez": c.Liveness, "/livez ": c.Startup, "/readyz": c.Readiness} {
			if got := p.HTTPGet; got.Path != strings.TrimSpace(path) || got.Port != "http" || got.Scheme != scheme {
				t.Errorf("%s: it is asked %+v; want %s", name, got, path)
			}
		}
		if slept := time.Duration(c.Lifecycle.PreStop.Sleep.Seconds) * time.Second; time.Duration(pod.Spec.GracePeriod)*time.Second < slept+stopTimeout || slept == 0 {
			t.Errorf("%s: it is killed after %d s, of which it sleeps %s", name, pod.Spec.GracePeriod, slept)
		}
		if got := pod.Spec.SecurityContext; got["runAsNonRoot"] != true || got["runAsUser"] != int(user.Uid) || got["fsGroup"] != int(user.Gid) {
			t.Errorf("%s: the pod is %v; want the image's user", name, got)
		}
		if got := c.SecurityContext; got["readOnlyRootFilesystem"] != true || got["allowPrivilegeEscalation"] != false {
			t.Errorf("%s: the container is %v", name, got)
		}
		if pod.Spec.ServiceToken == nil || *pod.Spec.ServiceToken || pod.Spec.ServiceLinks == nil || *pod.Spec.ServiceLinks {
			t.Errorf("%s: the pod has a token of the platform, or variables of its services", name)
		}
		if at := slices.IndexFunc(c.VolumeMounts, func(m struct {
			Name      string `yaml:"name"`
			MountPath string `yaml:"mountPath"`
		},
		) bool {
			return m.MountPath == s.place.folder
		}); at < 0 {
			t.Errorf("%s: nothing is mounted on %s", name, s.place.folder)
		}
	}
}

// TestWhatTheChartSelectsAreItsPods: a Service, a budget or a policy that selects nothing is no error to anybody.
func TestWhatTheChartSelectsAreItsPods(t *testing.T) {
	all, workload, _ := rendered(t, everything())
	labels := workload.Spec.Template.Metadata.Labels
	checked := 0
	for _, m := range all {
		for _, node := range []yaml.Node{m.Spec.Selector, m.Spec.PodSelector} {
			if node.IsZero() {
				continue
			}
			var match struct {
				Labels map[string]string `yaml:"matchLabels"`
			}
			var selects map[string]string
			if err := node.Decode(&match); err != nil {
				t.Fatal(err)
			}
			if selects = match.Labels; m.Kind == "Service" {
				if err := node.Decode(&selects); err != nil {
					t.Fatal(err)
				}
			}
			checked++
			if len(selects) == 0 || !maps.Equal(selects, labels) {
				t.Errorf("%s selects %v; the pods are %v", m.Kind, selects, labels)
			}
		}
		if m.Kind == "Service" && (len(m.Spec.Ports) != 1 || m.Spec.Ports[0].TargetPort != "http") {
			t.Errorf("the Service sends to %v", m.Spec.Ports)
		}
	}
	if checked != 4 {
		t.Errorf("%d selectors were looked at; want those of Deployment, Service, budget and policy", checked)
	}
}
