package main

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

var (
	//go:embed files/prometheus.yml.tmpl
	prometheusConfig string
	//go:embed files/alertmanager.yml
	alertmanagerConfig string
)

// monitoring is Prometheus and Alertmanager. The address of a program that is not installed is empty.
type monitoring struct {
	Exporter     string
	Rules        string
	Prometheus   string
	Alertmanager string
}

// startMonitoring starts Prometheus and Alertmanager if they are installed.
func (d *demo) startMonitoring(ctx context.Context, exporter string) (*monitoring, error) {
	m := &monitoring{Exporter: exporter}
	if info, err := os.Stat(d.rules); err == nil && info.IsDir() {
		if m.Rules, err = filepath.Abs(d.rules); err != nil {
			return nil, err
		}
	}
	var err error
	config := filepath.Join(d.dir, "alertmanager.yml")
	configure := func() error { return os.WriteFile(config, []byte(alertmanagerConfig), 0o600) }
	m.Alertmanager, err = d.startIfInstalled(ctx, "prometheus-alertmanager", configure,
		"--config.file="+config, "--storage.path="+filepath.Join(d.dir, "alertmanager"), "--cluster.listen-address=")
	if err != nil {
		return nil, err
	}
	config = filepath.Join(d.dir, "prometheus.yml")
	configure = func() error { return writeTemplate(config, prometheusConfig, m) }
	m.Prometheus, err = d.startIfInstalled(ctx, "prometheus", configure,
		"--config.file="+config, "--storage.tsdb.path="+filepath.Join(d.dir, "prometheus"))
	return m, err
}

// startIfInstalled returns the address of a program of the Prometheus family, or an empty one when it is not installed.
func (d *demo) startIfInstalled(
	ctx context.Context, name string, configure func() error, args ...string,
) (string, error) {
	program, err := exec.LookPath(name)
	if err != nil {
		return "", nil //nolint:nilerr // the demo works without it
	}
	address, err := freeAddress(0)
	if err != nil {
		return "", err
	}
	if err := configure(); err != nil {
		return "", fmt.Errorf("configure %s: %w", name, err)
	}
	d.step("Starting %s ...", name)
	d.start(ctx, &programLog{}, program, append(args, "--web.listen-address="+address)...)
	if err := waitReady(ctx, "http://"+address+"/-/ready"); err != nil {
		return "", fmt.Errorf("start %s: %w", name, err)
	}
	return address, nil
}
