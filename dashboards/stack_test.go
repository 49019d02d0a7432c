package dashboards_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"text/template"
	"time"

	"magento_migration_exporter/collector/mysqltest"
	"magento_migration_exporter/dashboards"
)

// faster is by how much the rules' and Alertmanager's waiting times are shortened. Expressions keep their windows.
const faster = 240

// stack is everything that is between a database and a notification, all of it real.
type stack struct {
	dir                                string
	magento1, magento2                 *mysqltest.Server
	shops                              []*shop
	exporter, prometheus, alertmanager string
	inbox                              *inbox
	stopExporter                       func()
}

// shop is one migration with databases and accounts of its own.
type shop struct {
	Name, Password, Backup string
	Port1, Port2           int
	// Waived are the preconditions that this shop is not here for.
	Waived []string
	// Cutover and Root are empty for most. Root is the folder of Magento 2's files.
	Cutover, Root string
	// Trusted accounts have SUPER, so that log_bin_trust_function_creators does not matter to them.
	Trusted bool
	// Migrated is true of a shop past migrate:data: both databases are on Magento 2's server, and it has a delta log.
	Migrated bool
}

// DB1, DB2 and User are the names in the servers. Underscores would be wildcards in grants.
func (s *shop) DB1() string  { return "m1" + s.Name }
func (s *shop) DB2() string  { return "m2" + s.Name }
func (s *shop) User() string { return s.Name }

var exporterConfig = template.Must(template.New("").Parse(`global: {evaluation_interval: 2s, evaluation_timeout: 2m}
migrations:
{{- range .}}
  - name: {{.Name}}
{{- with .Cutover}}
    cutover: {{.}}
{{- end}}
{{- with .Root}}
    migration_tool: {config: "{{.}}/config.xml"}
{{- end}}
    magento1: {database: {host: 127.0.0.1, port: {{.Port1}}, name: {{.DB1}}, user: {{.User}}, password: {{.Password}}}}
    magento2: {root: "{{.Root}}", database: {host: 127.0.0.1, port: {{.Port2}}, name: {{.DB2}}, user: {{.User}}, password: {{.Password}}}}
    preconditions:
      topology: {magento1: {web: 4, cache: 1}, magento2: {web: 2, cache: 1}}
      backup: {paths: ["{{.Backup}}"], max_age: 168h}
      cron_stopped: {crontabs: [], processes: false}
    waivers:
{{- range .Waived}}
      - {precondition: {{.}}, reason: not what this test is about, expires: 2100-01-01}
{{- end}}
{{- end}}
`))

// startStack starts everything at once and stops it when the test ends.
func startStack(t *testing.T, shops []*shop) *stack {
	t.Helper()
	s := &stack{dir: t.TempDir(), shops: shops, inbox: startInbox(t)}
	together(t,
		func(ctx context.Context) (err error) {
			s.magento1, err = mysqltest.Start(
				ctx,
				mysqltest.Options{
					Args: []string{"--log-bin=binlog", "--server-id=1", "--log-bin-trust-function-creators=1"},
				},
			)
			return err
		},
		func(ctx context.Context) (err error) {
			s.magento2, err = mysqltest.Start(ctx, mysqltest.Options{})
			return err
		},
		func(context.Context) error { _, err := exporterBinary(); return err },
	)
	for _, server := range []*mysqltest.Server{s.magento1, s.magento2} {
		t.Cleanup(func() { _ = server.Stop() })
	}
	var prepare []func(context.Context) error
	for _, shop := range shops {
		prepare = append(prepare, func(ctx context.Context) error { return s.prepare(ctx, shop) })
	}
	together(t, prepare...)
	var config bytes.Buffer
	if err := exporterConfig.Execute(&config, shops); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(s.dir, "exporter.yml")
	write(t, file, config.String())
	s.exporter = freeAddress(t)
	s.stopExporter = start(t, exporter(t), "--config.file="+file, "--web.listen-address="+s.exporter,
		"--storage.path="+filepath.Join(s.dir, "history"))
	s.startAlertmanager(t, 125*time.Millisecond)
	s.startPrometheus(t)
	return s
}

// together runs tasks at once, and fails the test when one fails.
func together(t *testing.T, tasks ...func(context.Context) error) {
	t.Helper()
	var all sync.WaitGroup
	for _, task := range tasks {
		all.Go(func() {
			if err := task(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if t.Failed() {
		t.FailNow()
	}
}

// prepare loads a shop's two databases, makes its accounts and backs it up.
func (s *stack) prepare(ctx context.Context, shop *shop) error {
	server1 := s.magento1
	if shop.Migrated {
		server1 = s.magento2
	}
	shop.Port1, shop.Port2, shop.Password = server1.Port(), s.magento2.Port(), "secret"+shop.Name
	shop.Backup = filepath.Join(s.dir, shop.Name+".sql")
	if err := server1.Load(ctx, shop.DB1(), mysqltest.Magento1("")); err != nil {
		return err
	}
	if err := s.magento2.Load(ctx, shop.DB2(), mysqltest.Magento2("")); err != nil {
		return err
	}
	if shop.Root != "" {
		if err := writeMagento2(shop); err != nil {
			return err
		}
	}
	account := "'" + shop.User() + "'@'%'"
	create := "CREATE USER " + account + " IDENTIFIED BY '" + shop.Password + "'"
	if err := server1.Exec(ctx, create, "GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, TRIGGER, SHOW VIEW ON "+shop.DB1()+".* TO "+account); err != nil {
		return err
	}
	if shop.Trusted {
		if err := s.magento1.Exec(ctx, "GRANT SUPER ON *.* TO "+account); err != nil {
			return err
		}
	}
	if shop.Migrated {
		create = "SELECT 1" // it is there
	}
	if err := s.magento2.Exec(ctx, create, "GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, REFERENCES ON "+shop.DB2()+".* TO "+account); err != nil {
		return err
	}
	out, err := exec.CommandContext(
		ctx,
		"mariadb-dump",
		"--no-defaults",
		"--socket="+s.magento2.Socket(),
		"--user=root",
		"--single-transaction",
		"--triggers",
		"--result-file="+shop.Backup,
		shop.DB2(),
	).CombinedOutput()
	if err != nil {
		return fmt.Errorf("back up %s: %w\n%s", shop.DB2(), err, out)
	}
	if shop.Migrated {
		return s.migrate(ctx, shop)
	}
	return nil
}

// migrate does to a shop what migrate:data does, with a delta log whose triggers run as the shop's account, and leaves
// changes that wait for a delta.
func (s *stack) migrate(ctx context.Context, shop *shop) error {
	db1, db2 := shop.DB1(), shop.DB2()
	if err := s.magento2.Load(ctx, db2, mysqltest.MigrateData(db1, db2, "", "")); err != nil {
		return err
	}
	if err := mysqltest.SetUpDeltaLog(ctx, s.magento2, db1, "", "'"+shop.User()+"'@'%'"); err != nil {
		return err
	}
	return s.magento2.Exec(
		ctx,
		"UPDATE "+db2+".customer_entity c JOIN "+db1+".customer_entity o USING (entity_id) SET c.updated_at = o.updated_at",
		"UPDATE "+db1+".customer_entity SET email = CONCAT('x', email)",
	)
}

// startAlertmanager runs the example with its receivers turned to the inbox and its waiting times shortened, that of a
// new group to groupWait.
func (s *stack) startAlertmanager(t *testing.T, groupWait time.Duration) {
	t.Helper()
	text := readFile(t, "alertmanager.yml")
	for _, change := range [][2]string{
		{"http://localhost:9095", s.inbox.url},
		{"group_wait: 30s", fmt.Sprintf("group_wait: %dms", groupWait.Milliseconds())},
		{"group_interval: 5m", "group_interval: 1250ms"},
	} {
		if !strings.Contains(text, change[0]) {
			t.Fatalf("alertmanager.yml has no %q any more", change[0])
		}
		text = strings.ReplaceAll(text, change[0], change[1])
	}
	file := filepath.Join(s.dir, "alertmanager.yml")
	write(t, file, text)
	address := freeAddress(t)
	s.alertmanager = "http://" + address
	start(
		t,
		"prometheus-alertmanager",
		"--config.file="+file,
		"--storage.path="+filepath.Join(s.dir, "alertmanager"),
		"--web.listen-address="+address,
		"--cluster.listen-address=",
	)
}

// startPrometheus runs the rules as they are shipped, but for the times in for and keep_firing_for.
func (s *stack) startPrometheus(t *testing.T) {
	t.Helper()
	for _, name := range ruleFiles() {
		text := shortened(t, readFile(t, name))
		write(
			t,
			filepath.Join(s.dir, filepath.Base(name)),
			dashboards.Configure(text, dashboards.Job, "http://"+s.exporter),
		)
	}
	file := filepath.Join(s.dir, "prometheus.yml")
	write(t, file, fmt.Sprintf(`global: {scrape_interval: 2s, evaluation_interval: 500ms}
rule_files: [recording.yml, alerts.yml]
alerting: {alertmanagers: [{static_configs: [{targets: [%q]}]}]}
scrape_configs: [{job_name: magento_migration, static_configs: [{targets: [%q]}]}]
`, strings.TrimPrefix(s.alertmanager, "http://"), s.exporter))
	data := filepath.Join(s.dir, "prometheus")
	s.writeHistory(t, data)
	address := freeAddress(t)
	s.prometheus = "http://" + address
	start(
		t,
		"prometheus",
		"--config.file="+file,
		"--storage.tsdb.path="+data,
		"--web.listen-address="+address,
		"--web.cors.origin=.*",
	)
}

// shortened returns rules with shorter waiting times. The exporter is down only when some scrapes failed, as here and
// there one does on a busy machine.
func shortened(t *testing.T, rules string) string {
	t.Helper()
	waits := regexp.MustCompile(`(?m)^(\s+(?:for|keep_firing_for): )(\S+)$`)
	alerts := strings.Split(rules, "- alert: ")
	for i, alert := range alerts {
		by := time.Duration(faster)
		if strings.HasPrefix(alert, "MagentoMigrationExporterDown\n") {
			by = faster / 4
		}
		alerts[i] = waits.ReplaceAllStringFunc(alert, func(line string) string {
			m := waits.FindStringSubmatch(line)
			d, err := time.ParseDuration(m[2])
			if err != nil {
				t.Fatal(err)
			}
			return m[1] + fmt.Sprintf("%dms", (d/by).Milliseconds())
		})
	}
	return strings.Join(alerts, "- alert: ")
}

// writeHistory gives Prometheus a past that the test has no time for: two hours ago each migration was ready, and then
// was not.
func (s *stack) writeHistory(t *testing.T, data string) {
	t.Helper()
	var text strings.Builder
	text.WriteString("# TYPE magento_migration_ready gauge\n")
	begin := time.Now().Add(-2 * time.Hour).Unix()
	for _, shop := range s.shops {
		for minute := range int64(20) {
			fmt.Fprintf(
				&text,
				"magento_migration_ready{instance=%q,job=%q,migration=%q} %d %d\n",
				s.exporter,
				dashboards.Job,
				shop.Name,
				1-minute/10,
				begin+60*minute,
			)
		}
	}
	text.WriteString("# EOF\n")
	file := filepath.Join(s.dir, "history.txt")
	write(t, file, text.String())
	run(t, "", "promtool", "tsdb", "create-blocks-from", "openmetrics", file, data)
}

// start runs a program until stop is called or the test ends, and shows what it wrote when the test has failed.
func start(t *testing.T, program string, args ...string) (stop func()) {
	t.Helper()
	cmd := exec.Command(program, args...)
	cmd.Env = withRoom()
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	log, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stop = sync.OnceFunc(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		stubborn := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
		_ = cmd.Wait()
		stubborn.Stop()
	})
	t.Cleanup(func() {
		stop()
		if text, err := os.ReadFile(log.Name()); err == nil && t.Failed() {
			t.Logf("%s wrote:\n%s", filepath.Base(program), text[max(0, len(text)-4000):])
		}
		_ = log.Close()
	})
	return stop
}

func freeAddress(t *testing.T) string {
	t.Helper()
	port, err := mysqltest.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("127.0.0.1:%d", port)
}

// patience is how long anything may take on a machine that is busy with other things. Rules look back ten minutes, so
// that what was not ready once is not for so long.
const patience = 15 * time.Minute

// await polls until done returns nil, and fails with its last error.
func await(t *testing.T, what string, done func() error) {
	t.Helper()
	deadline := time.Now().Add(patience)
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		err := done()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("waited %s for %s: %v", patience, what, err)
		}
		select {
		case <-tick.C:
		case <-t.Context().Done():
			t.Fatal(t.Context().Err())
		}
	}
}

// series is one series of an answer of Prometheus; a range has many values.
type series struct {
	Metric map[string]string `json:"metric"`
	Value  [2]any            `json:"value"`
	Values [][2]any          `json:"values"`
}

// query asks Prometheus; an empty window asks for now.
func (s *stack) query(ctx context.Context, expr string, window time.Duration) ([]series, error) {
	path, values := "/api/v1/query", url.Values{"query": {expr}}
	if window > 0 {
		now := time.Now()
		path = "/api/v1/query_range"
		values.Set("start", fmt.Sprint(now.Add(-window).Unix()))
		values.Set("end", fmt.Sprint(now.Unix()))
		values.Set("step", "1")
	}
	var answer struct {
		Status, Error string
		Data          struct{ Result []series }
	}
	if err := getJSON(ctx, s.prometheus+path+"?"+values.Encode(), &answer); err != nil {
		return nil, err
	}
	if answer.Status != "success" {
		return nil, fmt.Errorf("%s: %s", expr, answer.Error)
	}
	return answer.Data.Result, nil
}

// get returns a body, whatever the status.
func get(ctx context.Context, address string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	return io.ReadAll(response.Body)
}

func getJSON(ctx context.Context, address string, into any) error {
	body, err := get(ctx, address)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("%s: %w: %.200s", address, err, body)
	}
	return nil
}

// alert is one alert in a notification, as Alertmanager posts it to a webhook.
type alert struct {
	Status      string            `json:"status"`
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
	receiver    string
	at          time.Time
}

// inbox is the receiver at the end of the chain.
type inbox struct {
	url    string
	mu     sync.Mutex
	alerts []alert
}

func startInbox(t *testing.T) *inbox {
	t.Helper()
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	in := &inbox{url: "http://" + listener.Addr().String()}
	server := &http.Server{Handler: in, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	return in
}

// ServeHTTP implements http.Handler.
func (in *inbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var notification struct{ Alerts []alert }
	if err := json.NewDecoder(r.Body).Decode(&notification); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	for _, a := range notification.Alerts {
		a.receiver, a.at = strings.TrimPrefix(r.URL.Path, "/"), time.Now()
		in.alerts = append(in.alerts, a)
	}
}

// find returns the first alert since a time that a receiver got and that has the status, and at least the labels.
func (in *inbox) find(since time.Time, receiver, status string, labels map[string]string) (alert, bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	for _, a := range in.alerts {
		if a.at.After(since) && a.receiver == receiver && a.Status == status && a.has(labels) {
			return a, true
		}
	}
	return alert{}, false
}

func (a *alert) has(labels map[string]string) bool {
	for name, value := range labels {
		if a.Labels[name] != value {
			return false
		}
	}
	return true
}
