package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// waitLimit is for what takes seconds on a busy machine.
const waitLimit = 5 * time.Minute

// The demo and the exporter, built from this tree by TestMain.
var demoBinary, exporterBinary string

func TestMain(m *testing.M) { os.Exit(runTests(m)) }

func runTests(m *testing.M) int {
	dir, err := os.MkdirTemp("", "demotest-binaries-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	output, err := exec.Command("go", "build", "-o", dir+"/", ".", "../magento_migration_exporter").CombinedOutput()
	if err != nil {
		fmt.Fprintf(os.Stderr, "go build: %v\n%s", err, output)
		return 1
	}
	demoBinary = filepath.Join(dir, "magento_migration_demo")
	exporterBinary = filepath.Join(dir, "magento_migration_exporter")
	return m.Run()
}

// runningDemo is the demo as a user starts it.
type runningDemo struct {
	cmd            *exec.Cmd
	tmp            string
	stdout, stderr screen
	ended          chan struct{}
}

// screen is what a program has printed so far.
type screen struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

func startDemo(t *testing.T, exporter string, args ...string) *runningDemo {
	t.Helper()
	// Not t.TempDir: its paths are too long for a socket.
	tmp, err := os.MkdirTemp("/tmp", "demotest-")
	if err != nil {
		t.Fatal(err)
	}
	d := &runningDemo{tmp: tmp, ended: make(chan struct{})}
	d.cmd = exec.Command(demoBinary, append([]string{"--exporter=" + exporter}, args...)...)
	d.cmd.Env = append(os.Environ(), "TMPDIR="+tmp)
	d.cmd.Stdout, d.cmd.Stderr = &d.stdout, &d.stderr
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = d.cmd.Wait() // how it ended is in cmd.ProcessState
		close(d.ended)
	}()
	t.Cleanup(func() {
		_ = d.cmd.Process.Kill() // fails when it has ended, as it should have
		<-d.ended
		if err := os.RemoveAll(tmp); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Logf("the demo's output:\n%s\n%s", d.stdout.String(), d.stderr.String())
		}
	})
	return d
}

func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	deadline := time.Now().Add(waitLimit)
	for !condition() {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain: %s", what)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// explained returns what the demo prints once all is up.
func (d *runningDemo) explained(t *testing.T) string {
	t.Helper()
	eventually(t, "the demo is up", func() bool {
		select {
		case <-d.ended:
			t.Fatal("the demo ended")
		default:
		}
		return strings.Contains(d.stdout.String(), "Ctrl-C ends the demo")
	})
	return d.stdout.String()
}

// processes returns the ids of the processes whose command line names the demo's folder and contains a text.
func (d *runningDemo) processes(t *testing.T, text string) []int {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	var found []int
	for _, file := range files {
		line, err := os.ReadFile(file)
		if err != nil || !bytes.Contains(line, []byte(d.tmp)) || !bytes.Contains(line, []byte(text)) {
			continue // most likely it has just ended
		}
		id, err := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, id)
	}
	return found
}

// assertGone checks that the demo has ended with the code and left nothing.
func (d *runningDemo) assertGone(t *testing.T, code int) {
	t.Helper()
	eventually(t, "the demo ends", func() bool {
		select {
		case <-d.ended:
			return true
		default:
			return false
		}
	})
	if got := d.cmd.ProcessState.ExitCode(); got != code {
		t.Errorf("exit code %d (%s), want %d", got, d.cmd.ProcessState, code)
	}
	if left := d.processes(t, ""); len(left) > 0 {
		t.Errorf("processes are left: %v", left)
	}
	entries, err := os.ReadDir(d.tmp)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		t.Errorf("%s is left", filepath.Join(d.tmp, e.Name()))
	}
}

func address(t *testing.T, output, label string) string {
	t.Helper()
	m := regexp.MustCompile(`(?m)^` + label + `\s+http://(\S+)/$`).FindStringSubmatch(output)
	if m == nil {
		t.Fatalf("no address of %s", label)
	}
	return m[1]
}

func getJSON(t *testing.T, url string, into any) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if err := json.NewDecoder(response.Body).Decode(into); err != nil {
		t.Fatalf("GET %s: %v", url, err)
	}
}

// preconditions asks the exporter for its verdicts.
func preconditions(t *testing.T, exporter string) map[string]precondition {
	t.Helper()
	var r readiness
	getJSON(t, "http://"+exporter+"/api/v1/readiness", &r)
	found := map[string]precondition{}
	for _, p := range r.Migrations[0].Preconditions {
		found[p.ID] = p
	}
	return found
}

// pasted are the printed commands by precondition: what a user pastes into a shell.
func pasted(t *testing.T, output string) map[string][]string {
	t.Helper()
	_, section, ok1 := strings.Cut(output, "within seconds.\n")
	section, _, ok2 := strings.Cut(section, "\nOr kill one of the database servers")
	if !ok1 || !ok2 {
		t.Fatal("the output has no section of commands to paste")
	}
	commands := map[string][]string{}
	for block := range strings.SplitSeq(section, "\n\n") {
		block = strings.TrimSpace(block)
		id, _, ok := strings.Cut(strings.TrimPrefix(block, "# "), ":")
		if !ok {
			t.Fatalf("a block without a heading: %q", block)
		}
		commands[id] = append(commands[id], block)
	}
	return commands
}

// TestRemediesFix acts as a user: it starts the demo, pastes the printed commands, and presses Ctrl-C.
func TestRemediesFix(t *testing.T) {
	rules := t.TempDir()
	if err := os.CopyFS(rules, os.DirFS("../../dashboards/rules")); err != nil {
		t.Fatal(err)
	}
	// The project's own alerts wait for minutes.
	rule := "groups: [{name: demo, rules: [{alert: NotReady, expr: magento_migration_ready == 0}]}]\n"
	if err := os.WriteFile(filepath.Join(rules, "demo.yml"), []byte(rule), 0o600); err != nil {
		t.Fatal(err)
	}
	d := startDemo(t, exporterBinary, "--rules="+rules)
	output := d.explained(t)
	exporter := address(t, output, "The exporter")
	commands := pasted(t, output)
	broken := []string{"cron_stopped", "privileges", "binlog_trust", "m2_entities"}

	for id, want := range map[string]string{
		"network": "pass", "m2_installed": "pass", "backup": "pass",
		"cron_stopped": "fail", "privileges": "fail", "binlog_trust": "fail", "m2_entities": "warn",
		"extensions": "fail",
	} {
		if got := preconditions(t, exporter)[id].Status; got != want {
			t.Errorf("%s is %s, want %s", id, got, want)
		}
		if !regexp.MustCompile(`(?m)^  ` + want + ` +` + id + ` `).MatchString(output) {
			t.Errorf("the table has no line for %s with %s", id, want)
		}
	}
	for i, id := range broken {
		before := preconditions(t, exporter)
		for _, command := range commands[id] {
			assertFromRemedy(t, command, before[id])
			if said, err := exec.CommandContext(t.Context(), "bash", "-c", command).CombinedOutput(); err != nil {
				t.Fatalf("%s: %v\n%s", command, err, said)
			}
		}
		eventually(t, id+" is fixed", func() bool {
			status := preconditions(t, exporter)[id].Status
			return status == "pass" || status == "warn" && id == "binlog_trust"
		})
		for _, other := range broken[i+1:] {
			if got := preconditions(t, exporter)[other].Status; got != before[other].Status {
				t.Errorf("fixing %s made %s %s", id, other, got)
			}
		}
	}
	assertReadmeMetrics(t, exporter)
	decide(t, output)
	eventually(t, "the extensions are decided on", func() bool {
		extensions := preconditions(t, exporter)["extensions"]
		return len(extensions.Findings) > 0 && extensions.Status != "fail"
	})
	eventually(t, "the exporter's log is shown", func() bool {
		return strings.Contains(d.stderr.String(), "precondition=privileges old=fail new=pass")
	})
	assertWatched(t, address(t, output, "Prometheus"), address(t, output, "Alertmanager"))

	if err := d.cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	d.assertGone(t, 0)
}

// decide writes decisions about Magento 1's extensions into the configuration and has it reloaded, as the demo says.
func decide(t *testing.T, output string) {
	t.Helper()
	printed := regexp.MustCompile(`(?m)^its configuration (\S+)\nand to reload it  curl -X POST (\S+)$`)
	m := printed.FindStringSubmatch(output)
	if m == nil {
		t.Fatal("the demo does not say how to change the configuration")
	}
	text, err := os.ReadFile(m[1])
	if err != nil {
		t.Fatal(err)
	}
	decisions := "      extensions: {decisions: {acme_giftcard_setup: {dropped: not sold}, " +
		"amshopby_setup: {replaced_by: Amasty_Shopby}}}\n"
	const key = "    preconditions:\n"
	decided := strings.Replace(string(text), key, key+decisions, 1)
	if err := os.WriteFile(m[1], []byte(decided), 0o600); err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, m[2], http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Fatalf("reload: %s", response.Status)
	}
}

// assertFromRemedy checks that a command is what the exporter says, not what the demo knows.
func assertFromRemedy(t *testing.T, command string, p precondition) {
	t.Helper()
	for line := range strings.Lines(command) {
		line = strings.TrimSpace(line)
		if !strings.HasSuffix(line, ";") {
			continue
		}
		hasLine := func(f finding) bool { return slices.Contains(strings.Split(f.Remedy, "\n"), line) }
		if !slices.ContainsFunc(p.Findings, hasLine) {
			t.Errorf("no remedy of %s has the line %s", p.ID, line)
		}
	}
}

// assertWatched checks the whole chain: the exporter is scraped, the project's rules fit it, and alerts arrive.
func assertWatched(t *testing.T, prometheus, alertmanager string) {
	t.Helper()
	eventually(t, "the project's rules record the migration", func() bool {
		var answer struct {
			Data struct {
				Result []struct {
					Metric map[string]string `json:"metric"`
				} `json:"result"`
			} `json:"data"`
		}
		query := "/api/v1/query?query=job_migration:magento_migration_ready:min_last10m"
		getJSON(t, "http://"+prometheus+query, &answer)
		for _, r := range answer.Data.Result {
			if r.Metric["migration"] == "demo" {
				return true
			}
		}
		return false
	})
	eventually(t, "Alertmanager has the alert", func() bool {
		type alert struct {
			Labels map[string]string `json:"labels"`
		}
		var alerts []alert
		getJSON(t, "http://"+alertmanager+"/api/v2/alerts", &alerts)
		return slices.ContainsFunc(alerts, func(a alert) bool {
			return a.Labels["alertname"] == "NotReady" && a.Labels["migration"] == "demo"
		})
	})
}

// TestWindow pastes what the demo prints for the migration that is past migrate:data.
func TestWindow(t *testing.T) {
	d := startDemo(t, exporterBinary)
	output := d.explained(t)
	exporter := address(t, output, "The exporter")
	of := func(id string) precondition {
		var r readiness
		getJSON(t, "http://"+exporter+"/api/v1/readiness?migration=window", &r)
		for _, p := range r.Migrations[0].Preconditions {
			if p.ID == id {
				return p
			}
		}
		return precondition{}
	}
	says := func(id, status, words string) {
		t.Helper()
		eventually(t, id+" says: "+words, func() bool {
			p := of(id)
			return p.Status == status && slices.ContainsFunc(p.Findings, func(f finding) bool {
				return strings.Contains(f.Summary, words)
			})
		})
	}
	_, section, _ := strings.Cut(output, "\nThe migration \"window\"")
	section, _, _ = strings.Cut(section, "\nThe exporter ")
	paste := func(heading string) {
		t.Helper()
		for block := range strings.SplitSeq(section, "\n\n") {
			if strings.HasPrefix(block, "# "+heading) {
				if said, err := exec.CommandContext(t.Context(), "bash", "-c", block).CombinedOutput(); err != nil {
					t.Fatalf("%s: %v\n%s", block, err, said)
				}
				return
			}
		}
		t.Fatalf("nothing to paste for %q in %q", heading, section)
	}
	says("delta_backlog", "pass", "migrate:delta runs")
	if p := of("delta_log"); p.Status != "pass" {
		t.Errorf("%+v", p)
	}
	eventually(t, "both systems are compared and equal", func() bool { return of("reconciliation").Status == "pass" })
	paste("drop a trigger")
	says("delta_log", "fail", "changes of sales_flat_order are not logged: the trigger for UPDATE is missing")
	says("delta_log", "fail", "changes of Magento 1's orders were lost")
	paste("swap a table")
	says("delta_log", "fail", "changes of customer_entity are not logged: its triggers sit on customer_entity_old")
	paste("stop the delta")
	says("delta_backlog", "warn", "migrate:delta does not run")
	paste("start the delta")
	says("delta_backlog", "pass", "migrate:delta runs")
}

// TestNothingIsLeft ends the demo in every way but the usual one.
func TestNothingIsLeft(t *testing.T) {
	for _, test := range []struct {
		name string
		// end ends the demo and returns what it must then say.
		end  func(t *testing.T, d *runningDemo) string
		code int
	}{
		{"SIGTERM while it starts", func(t *testing.T, d *runningDemo) string {
			eventually(t, "a server runs", func() bool { return len(d.processes(t, "mariadbd")) > 0 })
			signalProcess(t, d.cmd.Process.Pid, syscall.SIGTERM)
			return ""
		}, 0},
		{"the exporter is killed", func(t *testing.T, d *runningDemo) string {
			d.explained(t)
			signalProcess(t, d.processes(t, exporterBinary)[0], syscall.SIGKILL)
			return "magento_migration_exporter ended (signal: killed)"
		}, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := startDemo(t, exporterBinary)
			said := test.end(t, d)
			d.assertGone(t, test.code)
			if !strings.Contains(d.stderr.String(), said) {
				t.Errorf("it does not say %q", said)
			}
		})
	}
}

// TestServerComesBack kills a server and pastes what the demo then prints: the demo goes on, with its files.
func TestServerComesBack(t *testing.T) {
	d := startDemo(t, exporterBinary)
	d.explained(t)
	signalProcess(t, d.processes(t, "--log-bin")[0], syscall.SIGKILL)
	touch := regexp.MustCompile(`(?m)^  (touch \S+/start-(\S+))$`)
	eventually(t, "the demo says how to start the server again", func() bool {
		return touch.MatchString(d.stderr.String())
	})
	said := touch.FindStringSubmatch(d.stderr.String())
	if want := "The server of " + said[2] + " ended: "; !strings.Contains(d.stderr.String(), want) {
		t.Errorf("it does not say %q", want)
	}
	if out, err := exec.CommandContext(t.Context(), "sh", "-c", said[1]).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	eventually(t, "the server is back", func() bool {
		return strings.Contains(d.stderr.String(), "The server of "+said[2]+" is back.")
	})
	signalProcess(t, d.cmd.Process.Pid, syscall.SIGTERM)
	d.assertGone(t, 0)
}

// TestProcessesEndWithTheDemo kills the demo, which can then remove nothing.
func TestProcessesEndWithTheDemo(t *testing.T) {
	d := startDemo(t, exporterBinary)
	d.explained(t)
	if n := len(d.processes(t, "")); n < 3 {
		t.Fatalf("%d processes run, want at least two servers and the exporter", n)
	}
	signalProcess(t, d.cmd.Process.Pid, syscall.SIGKILL)
	eventually(t, "all processes end", func() bool { return len(d.processes(t, "")) == 0 })
}

// TestNoExporter checks that the demo says what is wrong with its command line, and ends.
func TestNoExporter(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "missing")
	d := startDemo(t, missing)
	d.assertGone(t, 1)
	if said := d.stderr.String(); !strings.Contains(said, "'"+missing+"' does not exist") {
		t.Errorf("it says %q", said)
	}
}

func signalProcess(t *testing.T, id int, s syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(id, s); err != nil {
		t.Fatal(err)
	}
}
