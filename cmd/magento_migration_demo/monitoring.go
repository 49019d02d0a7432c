package main

import (
	"context"
	_ "embed"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"magento_migration_exporter/collector/mysqltest"
)

//go:embed files/prometheus.yml.tmpl
var prometheusConfig string

// What the shipped rules and the shipped configuration of Alertmanager name, and the demo has somewhere else.
const (
	shippedExporter  = "http://localhost:10102"
	shippedReceivers = "http://localhost:9095"
)

// monitoring is Prometheus, Alertmanager, and who is notified. The address of a program that is not installed is empty.
type monitoring struct {
	Exporter     string
	Rules        string
	Prometheus   string
	Alertmanager string
	Inbox        string
	// Faster is by how much everything waits shorter than in production.
	Faster int
}

// startMonitoring starts Prometheus and Alertmanager if they are installed, with the shipped rules and configuration.
func (d *demo) startMonitoring(ctx context.Context, exporter string) (*monitoring, error) {
	m := &monitoring{Exporter: exporter, Faster: d.faster}
	if err := d.startAlertmanager(ctx, m); err != nil {
		return nil, err
	}
	config := filepath.Join(d.dir, "prometheus.yml")
	configure := func() error {
		if err := d.copyRules(m); err != nil {
			return err
		}
		return writeTemplate(config, prometheusConfig, m)
	}
	var err error
	m.Prometheus, err = d.startIfInstalled(ctx, "prometheus", configure,
		"--config.file="+config, "--storage.tsdb.path="+filepath.Join(d.dir, "prometheus"))
	return m, err
}

// startAlertmanager starts Alertmanager with its receivers turned to the inbox.
func (d *demo) startAlertmanager(ctx context.Context, m *monitoring) (err error) {
	if _, err := os.Stat(d.alertmanager); err != nil {
		return nil //nolint:nilerr // the demo works without it, as when somebody runs it in another folder
	}
	config := filepath.Join(d.dir, "alertmanager.yml")
	configure := func() error {
		in, err := newInbox(d.step, time.Now)
		if err != nil {
			return err
		}
		if m.Inbox, err = d.serve(ctx, in); err != nil {
			return err
		}
		text, err := os.ReadFile(d.alertmanager)
		if err != nil {
			return err
		}
		turned := strings.ReplaceAll(shorten(string(text), d.faster), shippedReceivers, "http://"+m.Inbox)
		return os.WriteFile(config, []byte(turned), 0o600)
	}
	m.Alertmanager, err = d.startIfInstalled(ctx, "prometheus-alertmanager", configure,
		"--config.file="+config, "--storage.path="+filepath.Join(d.dir, "alertmanager"), "--cluster.listen-address=")
	return err
}

// copyRules copies the rules into the demo's folder, if there are any.
func (d *demo) copyRules(m *monitoring) error {
	files, err := filepath.Glob(filepath.Join(d.rules, "*.yml"))
	if err != nil || len(files) == 0 {
		return err
	}
	m.Rules = filepath.Join(d.dir, "rules")
	if err := os.Mkdir(m.Rules, 0o700); err != nil {
		return err
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		own := strings.ReplaceAll(shorten(string(text), d.faster), shippedExporter, "http://"+m.Exporter)
		if err := os.WriteFile(filepath.Join(m.Rules, filepath.Base(file)), []byte(own), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// waits are the times in rules and in Alertmanager's configuration: how long something has to hold, how far a rule
// looks back, and how long a notification waits.
var waits = regexp.MustCompile(`((?m:^\s+(?:for|keep_firing_for|group_wait|group_interval|repeat_interval): )|\[)` +
	`(\d+)([smhd])(\]|(?m:$))`)

// shorten divides the times in a file.
func shorten(text string, by int) string {
	seconds := map[string]int{"s": 1, "m": 60, "h": 60 * 60, "d": 24 * 60 * 60}
	return waits.ReplaceAllStringFunc(text, func(found string) string {
		m := waits.FindStringSubmatch(found)
		var n int
		_, _ = fmt.Sscan(m[2], &n)
		return fmt.Sprintf("%s%dms%s", m[1], max(1, n*seconds[m[3]]*1000/by), m[4])
	})
}

// startIfInstalled returns the address of a program of the Prometheus family, or an empty one when it is not installed.
func (d *demo) startIfInstalled(
	ctx context.Context, name string, configure func() error, args ...string,
) (string, error) {
	program, err := exec.LookPath(name)
	if err != nil {
		return "", nil //nolint:nilerr // the demo works without it
	}
	port, err := mysqltest.FreePort()
	if err != nil {
		return "", err
	}
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	if err := configure(); err != nil {
		return "", fmt.Errorf("configure %s: %w", name, err)
	}
	d.step("Starting %s ...", name)
	cmd := exec.CommandContext(ctx, program, append(args, "--web.listen-address="+address)...)
	if err := d.start(ctx, &programLog{}, name, cmd); err != nil {
		return "", err
	}
	if err := waitReady(ctx, "http://"+address+"/-/ready"); err != nil {
		return "", fmt.Errorf("start %s: %w", name, err)
	}
	return address, nil
}
