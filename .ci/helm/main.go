// Helm renders a chart as Helm does, without a cluster. It reads values as JSON from standard input, checks them
// against the chart's schema, and writes a JSON object of the rendered files. It fails with the reason when the
// schema or a template refuses the values.
//
// Build it in this folder, which is a module of its own: Helm's are very many packages.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"

	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
)

func main() {
	noSchema := flag.Bool("no-schema", false, "leave the schema out, to see what the templates refuse")
	version := flag.String("kube-version", "v1.30.0", "the version of the cluster")
	flag.Parse()
	if err := render(flag.Arg(0), *version, *noSchema); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func render(folder, version string, noSchema bool) error {
	chart, err := loader.Load(folder)
	if err != nil {
		return err
	}
	if err := chart.Validate(); err != nil {
		return err
	}
	var values map[string]any
	if err := json.NewDecoder(os.Stdin).Decode(&values); err != nil {
		return err
	}
	cluster, err := chartutil.ParseKubeVersion(version)
	if err != nil {
		return err
	}
	if !chartutil.IsCompatibleRange(chart.Metadata.KubeVersion, cluster.Version) {
		return fmt.Errorf("the chart is for Kubernetes %s, not %s", chart.Metadata.KubeVersion, cluster.Version)
	}
	release := chartutil.ReleaseOptions{Name: "keys", Namespace: "default", IsInstall: true, Revision: 1}
	all, err := chartutil.ToRenderValuesWithSchemaValidation(chart, values, release, &chartutil.Capabilities{KubeVersion: *cluster}, noSchema)
	if err != nil {
		return err
	}
	files, err := engine.Engine{Strict: true}.Render(chart, all)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(files)
}
