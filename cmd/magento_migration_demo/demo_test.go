package main

import (
	"bytes"
	"encoding/json"
	"flag"
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
	build := exec.Command("go", "build", "-ldflags=-s -w", "-o", dir+"/", ".", "../magento_migration_exporter")
	output, err := build.CombinedOutput()
	if err != nil {
		fmt.Fprintf(os.Stderr, "go build: %v\n%s", err, output)
		return 1
	}
	demoBinary = filepath.Join(dir, "magento_migration_demo")
	exporterBinary = filepath.Join(dir, "magento_migration_exporter")
	// All of them at once: they mostly wait for evaluations.
	flag.Parse()
	if err := flag.Set("test.parallel", "8"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
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
	// Most ask the exporter, which evaluates every two seconds: asking more often only costs.
	for pause := 10 * time.Millisecond; !condition(); pause = min(2*pause, 250*time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain: %s", what)
		}
		time.Sleep(pause)
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

// preconditions asks the exporter for its verdicts on the migration that the demo begins with.
func preconditions(t *testing.T, exporter string) map[string]precondition {
	t.Helper()
	return preconditionsOf(t, exporter, "demo")
}

func preconditionsOf(t *testing.T, exporter, migration string) map[string]precondition {
	t.Helper()
	var r readiness
	getJSON(t, "http://"+exporter+"/api/v1/readiness?migration="+migration, &r)
	found := map[string]precondition{}
	for _, p := range r.Migrations[0].Preconditions {
		found[p.ID] = p
	}
	return found
}

// pasted are the printed commands by precondition: what a user pastes into a shell.
func pasted(t *testing.T, output string) map[string][]string {
	t.Helper()
	_, section, ok1 := strings.Cut(output, "the migration is ready.\n")
	section, _, ok2 := strings.Cut(section, "\nThen break it again")
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

// broken are the preconditions that fail or warn when the demo begins, in the order in which it prints how to fix them.
var broken = []string{"cron_stopped", "privileges", "binlog_trust", "m2_entities", "extensions", "migration_tool"}

// TestMigration acts as a user: it starts the demo, pastes all that it prints, sees that the migration is ready, goes
// through it to its end, kills a server and starts it again, and presses Ctrl-C.
func TestMigration(t *testing.T) {
	t.Parallel()
	d := startDemo(
		t,
		exporterBinary,
		"--rules=../../dashboards/rules",
		"--alertmanager=../../dashboards/alertmanager.yml",
		"--faster=120", // a fourth of what people wait
	)
	d.explained(t)
	for _, part := range []struct {
		name string
		do   func(*testing.T, *runningDemo)
	}{{"remedies fix", testRemediesFix}, {"story", testStory}, {"a server comes back", testServerComesBack}} {
		if !t.Run(part.name, func(t *testing.T) { part.do(t, d) }) {
			return // the next begins where this one ends
		}
	}
	signalProcess(t, d.cmd.Process.Pid, syscall.SIGINT)
	d.assertGone(t, 0)
}

// testRemediesFix pastes all that the demo prints.
func testRemediesFix(t *testing.T, d *runningDemo) {
	output := d.explained(t)
	exporter := address(t, output, "The exporter")
	commands := pasted(t, output)
	assertBroken(t, output, exporter)
	notified(t, output, "firing", "MagentoMigrationNotReady")
	for i, id := range broken {
		before := preconditions(t, exporter)
		for _, command := range commands[id] {
			assertFromRemedy(t, command, before[id])
			shell(t, command)
		}
		eventually(t, id+" is fixed", func() bool { return preconditions(t, exporter)[id].Status == "pass" })
		for _, other := range broken[i+1:] {
			eventually(t, fmt.Sprintf("%s stays %s when %s is fixed", other, before[other].Status, id), func() bool {
				return preconditions(t, exporter)[other].Status == before[other].Status
			})
		}
	}
	assertReady(t, exporter, "demo")
	notified(t, output, "resolved", "MagentoMigrationNotReady")
	assertReadmeMetrics(t, exporter)
	// An evaluation that meets the accounts between two of the grants sees something else before it sees that they pass.
	passes := regexp.MustCompile(`precondition=privileges old=\S+ new=pass`)
	eventually(t, "the exporter's log is shown", func() bool { return passes.MatchString(d.stderr.String()) })
}

// assertBroken waits until the exporter sees what fails and warns when the demo begins, as the demo's table has it.
func assertBroken(t *testing.T, output, exporter string) {
	t.Helper()
	for id := range preconditions(t, exporter) {
		want := []string{"pass", "not_applicable"}
		if slices.Contains(broken, id) {
			want = []string{"fail", "warn"}
		}
		status := ""
		// Some look at everything only in several evaluations.
		eventually(t, fmt.Sprintf("%s is one of %s", id, want), func() bool {
			status = preconditions(t, exporter)[id].Status
			return slices.Contains(want, status)
		})
		if !regexp.MustCompile(`(?m)^  ` + status + ` +` + id + ` `).MatchString(output) {
			t.Errorf("the table has no line for %s with %s", id, status)
		}
	}
}

// shell runs what a user pastes.
func shell(t *testing.T, command string) string {
	t.Helper()
	// curl heeds neither a proxy nor what the user has configured.
	home := t.TempDir()
	if err := os.WriteFile(filepath.Join(home, ".curlrc"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	bash := exec.CommandContext(t.Context(), "bash", "-e", "-c", command)
	bash.Env = append(os.Environ(), "CURL_HOME="+home, "no_proxy=*")
	said, err := bash.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", command, err, said)
	}
	return string(said)
}

// assertReady waits until a migration is ready and no precondition warns or is waived.
func assertReady(t *testing.T, exporter, name string) {
	t.Helper()
	eventually(t, name+" is ready", func() bool {
		all := preconditionsOf(t, exporter, name)
		for _, p := range all {
			if p.Status != "pass" && p.Status != "not_applicable" {
				return false
			}
		}
		return len(all) > 0
	})
}

// notified waits until the page of notifications has an alert of the migration "demo" in a state.
func notified(t *testing.T, output, state, alert string) {
	t.Helper()
	url := "http://" + address(t, output, "notifications")
	eventually(t, alert+" is "+state, func() bool {
		var page bytes.Buffer
		if err := get(t.Context(), url, &page); err != nil {
			t.Fatal(err)
		}
		return regexp.MustCompile(state + `: ` + alert + `</strong> \(\w+\): demo `).MatchString(page.String())
	})
}

// script finds one of the demo's scripts in what it prints, and returns its numbered titles.
func script(t *testing.T, output, name string) (path string, titles []string) {
	t.Helper()
	m := regexp.MustCompile(`(?m)^  (/\S+/` + name + `)$`).FindStringSubmatch(output)
	if m == nil {
		t.Fatalf("the demo does not name the script %s", name)
	}
	for _, line := range regexp.MustCompile(`(?m)^ +\d+  (.+)$`).FindAllStringSubmatch(shell(t, m[1]), -1) {
		titles = append(titles, line[1])
	}
	return m[1], titles
}

// fixAll pastes all that the demo prints.
func fixAll(t *testing.T, output, exporter string) {
	t.Helper()
	for _, id := range broken {
		for _, command := range pasted(t, output)[id] {
			shell(t, command)
		}
	}
	assertReady(t, exporter, "demo")
}

// testStory goes through a migration as the demo offers it: each step leads to the phase that its title names, and the
// migration is ready in each.
func testStory(t *testing.T, d *runningDemo) {
	output := d.explained(t)
	exporter := address(t, output, "The exporter")
	path, titles := script(t, output, "story")
	phase := func() string {
		var doc struct{ Migrations []struct{ Phase string } }
		getJSON(t, "http://"+exporter+"/api/v1/readiness?migration=demo", &doc)
		return doc.Migrations[0].Phase
	}
	for i, title := range titles {
		shell(t, fmt.Sprintf("%s %d", path, i+1))
		want, _, _ := strings.Cut(title, ":")
		eventually(t, title, func() bool { return phase() == want })
		if strings.Contains(title, "wait until delta_backlog passes") {
			eventually(t, "nothing waits", func() bool {
				return preconditions(t, exporter)["delta_backlog"].Status == "pass"
			})
			continue // Magento 2 is not prepared yet
		}
		if !strings.Contains(title, "migrate:data") { // the delta does not run yet
			assertReady(t, exporter, "demo")
		}
	}
	if phase() != "done" {
		t.Errorf("the story ends in the phase %s", phase())
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

// TestFaults breaks what can be broken in both migrations, and ends the demo in an unusual way: its exporter is killed.
func TestFaults(t *testing.T) {
	t.Parallel()
	d := startDemo(t, exporterBinary, "--rules=")
	output := d.explained(t)
	fixAll(t, output, address(t, output, "The exporter"))
	t.Run("each", func(t *testing.T) { // which returns when both have ended
		t.Run("demo", func(t *testing.T) { t.Parallel(); testFaults(t, d, "demo") })
		t.Run("window", func(t *testing.T) { t.Parallel(); testFaults(t, d, "window"); testWindow(t, d) })
	})
	signalProcess(t, d.processes(t, exporterBinary)[0], syscall.SIGKILL)
	d.assertGone(t, 1)
	if said := "magento_migration_exporter ended (signal: killed)"; !strings.Contains(d.stderr.String(), said) {
		t.Errorf("it does not say %q", said)
	}
}

// faultOf finds the migration and the precondition in the title of a fault.
var faultOf = regexp.MustCompile(`^(demo|window) (\w+): `)

// testFaults breaks all that the demo offers for a migration, and undoes it: the precondition that the title names sees
// each, and the migration is ready again. What has no undo is testWindow's.
func testFaults(t *testing.T, d *runningDemo, migration string) {
	output := d.explained(t)
	exporter := address(t, output, "The exporter")
	path, titles := script(t, output, "break")
	if len(titles) < 10 {
		t.Errorf("%d faults: %q", len(titles), titles)
	}
	for i, title := range titles {
		m := faultOf.FindStringSubmatch(title)
		if m == nil {
			t.Fatalf("%q names no migration and precondition", title)
		}
		if m[1] != migration || strings.Contains(title, "no undo") {
			continue
		}
		assertReady(t, exporter, migration)
		number := fmt.Sprintf("%s %d", path, i+1)
		shell(t, number)
		eventually(t, title, func() bool {
			status := preconditionsOf(t, exporter, migration)[m[2]].Status
			return status == "fail" || status == "warn" || status == "unknown"
		})
		if m[2] == "delta_backlog" {
			says(t, exporter, m[2], "warn", "migrate:delta does not run")
		}
		shell(t, number+" undo")
		assertReady(t, exporter, migration)
	}
}

// says waits until a precondition of the migration "window" has a status and a finding with these words.
func says(t *testing.T, exporter, id, status, words string) {
	t.Helper()
	eventually(t, id+" says: "+words, func() bool {
		p := preconditionsOf(t, exporter, "window")[id]
		return p.Status == status && slices.ContainsFunc(p.Findings, func(f finding) bool {
			return strings.Contains(f.Summary, words)
		})
	})
}

// testWindow breaks the migration that is past migrate:data for good, and reads what is said of it.
func testWindow(t *testing.T, d *runningDemo) {
	output := d.explained(t)
	exporter := address(t, output, "The exporter")
	path, titles := script(t, output, "break")
	do := func(id, title string) {
		t.Helper()
		i := slices.IndexFunc(titles, func(found string) bool {
			return strings.HasPrefix(found, "window "+id+": ") && strings.Contains(found, title)
		})
		if i < 0 {
			t.Fatalf("nothing of %s is called %q in %q", id, title, titles)
		}
		shell(t, fmt.Sprintf("%s %d", path, i+1))
	}
	assertReady(t, exporter, "window")
	says(t, exporter, "delta_backlog", "pass", "migrate:delta runs")
	do("delta_log", "a trigger is gone")
	says(t, exporter, "delta_log", "fail", "changes of sales_flat_order are not logged: the trigger for UPDATE is missing")
	says(t, exporter, "delta_log", "fail", "changes of Magento 1's orders were lost")
	do("delta_log", "swaps a table")
	says(t, exporter, "delta_log", "fail",
		"changes of customer_entity are not logged: its triggers sit on customer_entity_old")
}

// TestEndWhileItStarts ends the demo before it has explained anything.
func TestEndWhileItStarts(t *testing.T) {
	t.Parallel()
	d := startDemo(t, exporterBinary)
	eventually(t, "a server runs", func() bool { return len(d.processes(t, "mariadbd")) > 0 })
	signalProcess(t, d.cmd.Process.Pid, syscall.SIGTERM)
	d.assertGone(t, 0)
}

// testServerComesBack kills a server and pastes what the demo then prints: the demo goes on, with its files.
func testServerComesBack(t *testing.T, d *runningDemo) {
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
}

// TestProcessesEndWithTheDemo kills the demo, which can then remove nothing.
func TestProcessesEndWithTheDemo(t *testing.T) {
	t.Parallel()
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
	t.Parallel()
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
