package main

import (
	"bytes"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// composeFile has every key that our compose files use; one that is not here is a mistake.
type composeFile struct {
	Name     string                    `yaml:"name"`
	Node     any                       `yaml:"x-node"`
	Settings any                       `yaml:"x-settings"`
	Services map[string]composeService `yaml:"services"`
	Networks map[string]struct {
		IPAM struct {
			Config []struct {
				Subnet string `yaml:"subnet"`
			} `yaml:"config"`
		} `yaml:"ipam"`
	} `yaml:"networks"`
	Volumes map[string]any `yaml:"volumes"`
	Secrets map[string]struct {
		File string `yaml:"file"`
	} `yaml:"secrets"`
}

type composeService struct {
	Image string `yaml:"image"`
	Build struct {
		Context    string `yaml:"context"`
		Dockerfile string `yaml:"dockerfile"`
	} `yaml:"build"`
	User        string            `yaml:"user"`
	Environment map[string]string `yaml:"environment"`
	Secrets     []string          `yaml:"secrets"`
	Ports       []string          `yaml:"ports"`
	Volumes     []string          `yaml:"volumes"`
	Tmpfs       []string          `yaml:"tmpfs"`
	DependsOn   map[string]struct {
		Condition string `yaml:"condition"`
	} `yaml:"depends_on"`
	Healthcheck struct {
		Test        []string `yaml:"test"`
		Interval    string   `yaml:"interval"`
		Timeout     string   `yaml:"timeout"`
		Retries     int      `yaml:"retries"`
		StartPeriod string   `yaml:"start_period"`
	} `yaml:"healthcheck"`
	StopSignal      string   `yaml:"stop_signal"`
	StopGracePeriod string   `yaml:"stop_grace_period"`
	ShmSize         string   `yaml:"shm_size"`
	Restart         string   `yaml:"restart"`
	ReadOnly        bool     `yaml:"read_only"`
	CapDrop         []string `yaml:"cap_drop"`
	SecurityOpt     []string `yaml:"security_opt"`
	Networks        map[string]struct {
		Address string `yaml:"ipv4_address"`
	} `yaml:"networks"`
}

const composeFolder = repository + "/deploy/compose"

// readCompose reads a compose file of deploy/compose.
func readCompose(t *testing.T, name string) composeFile {
	t.Helper()
	var file composeFile
	decoder := yaml.NewDecoder(bytes.NewReader([]byte(readFile(t, filepath.Join(composeFolder, name)))))
	decoder.KnownFields(true)
	if err := decoder.Decode(&file); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if len(file.Services) == 0 {
		t.Fatalf("%s has no service", name)
	}
	return file
}

// composeVariable is a variable of whoever starts the containers, with its default or with what is said where it
// is missing.
var composeVariable = regexp.MustCompile(`\$\{(\w+):([-?])([^}]*)\}`)

// environment is what a service of Latchkey gets: from its image, and from the compose file, where whoever starts
// it has set variables. Its secrets are files below a folder.
func (s composeService) environment(t *testing.T, secrets string, set map[string]string) (env []string) {
	t.Helper()
	_, shipped := imageStages(t)
	env = shipped.variables()
	for name, value := range s.Environment {
		value = composeVariable.ReplaceAllStringFunc(value, func(text string) string {
			m := composeVariable.FindStringSubmatch(text)
			switch given, found := set[m[1]]; {
			case found:
				return given
			case m[2] == "?":
				t.Fatalf("%s must be set", m[1])
			}
			return m[3]
		})
		env = append(env, name+"="+strings.Replace(value, "/run/secrets", secrets, 1))
	}
	slices.Sort(env)
	return env
}

// address is the only address of a service.
func (s composeService) address(t *testing.T) string {
	t.Helper()
	for _, n := range s.Networks {
		if len(s.Networks) == 1 && net.ParseIP(n.Address) != nil {
			return n.Address
		}
	}
	t.Fatalf("the service has the networks %v; want one, with an address", s.Networks)
	return ""
}

// composeSecrets writes the secrets that the compose files name into a folder: a certificate, and the URL of a
// database.
func composeSecrets(t *testing.T, database string) (folder string) {
	t.Helper()
	certFile, keyFile, _ := certificate(t)
	folder = t.TempDir()
	for name, text := range map[string]string{
		"tls-cert": readFile(t, certFile), "tls-key": readFile(t, keyFile), "database-url": database, "postgres-password": "secret",
	} {
		write(t, filepath.Join(folder, name), text+"\n")
	}
	return folder
}

// composeNginx is the configuration of nginx for these nodes, where its secrets and its files are elsewhere.
// It listens on https, and on plain http only to send everybody there.
func composeNginx(t *testing.T, secrets, folder, https, http string, nodes [2]string) string {
	t.Helper()
	conf := strings.ReplaceAll(readFile(t, filepath.Join(composeFolder, "nginx.conf")), " /tmp/", " "+folder+"/")
	for before, after := range map[string]string{
		"172.28.7.11:8080": nodes[0], "172.28.7.12:8080": nodes[1], "listen 8443 ssl;": "listen " + https + " ssl;", "listen 8080;": "listen " + http + ";",
		"/dev/stdout;": filepath.Join(folder, "access.log") + ";", "error_log /dev/stderr warn;": "error_log stderr warn; daemon off;",
	} {
		conf = replaceOnce(t, conf, before, after)
	}
	conf = strings.ReplaceAll(conf, "/run/secrets/", secrets+"/")
	path := filepath.Join(folder, "nginx.conf")
	if os.Getuid() == 0 {
		conf = "user root;\n" + conf // its workers shall write into the test's folder
	}
	write(t, path, conf)
	return path
}
