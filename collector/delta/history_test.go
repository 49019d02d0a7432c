package delta

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// logOf writes a log of which each line is a minute later.
func logOf(lines ...string) string {
	at := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	var b strings.Builder
	for _, line := range lines {
		if !strings.HasPrefix(line, "[NOTICE]") {
			fmt.Fprintf(&b, "[%s]", at.Format("2006-01-02T15:04:05.000000-07:00"))
		}
		b.WriteString(line + "\n")
		at = at.Add(time.Minute)
	}
	return b.String()
}

func info(mode, stage, step, text string) string {
	return fmt.Sprintf("[INFO][mode: %s][stage: %s][step: %s]: %s", mode, stage, step, text)
}

const refusal = "[NOTICE]: You can use --auto or -a option to ignore not mapped differences"

func TestHistory(t *testing.T) {
	t.Parallel()
	good := []string{
		info("settings", "integrity check", "Settings Step", "started"),
		info("settings", "data migration", "Settings Step", "started"),
		info("settings", "data migration", "Settings Step", "Migration completed"),
	}
	checks := []string{
		info("data", "integrity check", "EAV Step", "started"), info("data", "integrity check", "Map Step", "started"),
	}
	copied := []string{
		info("data", "setup triggers", "Stage", "started"), info("data", "data migration", "EAV Step", "started"),
		info("data", "data migration", "Map Step", "started"),
	}
	end := info("data", "data migration", "Map Step", "Migration completed")
	delta := []string{
		info("delta", "delta delivering", "Map Step", "started"), info("delta", "volume check", "Map Step", "started"),
	}
	cycle := info("delta", "volume check", "Map Step", "Migration completed successfully")
	for name, c := range map[string]struct {
		lines []string
		want  [3]string
	}{
		"nothing": {nil, [3]string{}},
		"whole": {join(good, checks, copied, []string{end}, delta, []string{cycle}), [3]string{
			"2m data migration/Settings Step completed", "5m data migration/Map Step completed",
			"2m volume check/Map Step completed",
		}},
		"killed": {join(good, checks, copied), [3]string{
			"2m data migration/Settings Step completed", "4m data migration/Map Step", "",
		}},
		"refused": {join(checks[:1], []string{"[ERROR]: Class a is not mapped"}, checks[1:], []string{refusal}), [3]string{
			"", "2m integrity check/Map Step refused 1: Class a is not mapped", "",
		}},
		"refused twice and then copied": {join(checks, []string{"[ERROR]: a", refusal}, checks, []string{"[WARNING]: a"},
			copied), [3]string{"", "5m data migration/Map Step", ""}},
		"an error at the end": {join(delta, []string{"[ERROR]: Deltalog for wishlist is not installed"}), [3]string{
			"", "", "2m volume check/Map Step failed 1: Deltalog for wishlist is not installed",
		}},
		"a delta that goes on": {join(delta, []string{cycle}, delta), [3]string{
			"", "", "4m volume check/Map Step",
		}},
		"other text": {[]string{"what is this", "", info("else", "a", "b", "c")}, [3]string{}},
	} {
		path := filepath.Join(t.TempDir(), "migration.log")
		text := logOf(c.lines...)
		var h History
		for _, cut := range []int{len(text) / 3, len(text) / 2, len(text)} { // the tool writes while it is read
			if err := os.WriteFile(path, []byte(text[:cut]), 0o600); err != nil {
				t.Fatal(err)
			}
			if done, err := h.Read(path); err != nil || !done {
				t.Fatalf("%s: %v, %v", name, done, err)
			}
		}
		for i, want := range c.want {
			if got := describe(h.Runs[i]); got != want {
				t.Errorf("%s, %s: %q, want %q", name, Modes()[i], got, want)
			}
		}
	}
}

func join(parts ...[]string) []string {
	var all []string
	for _, p := range parts {
		all = append(all, p...)
	}
	return all
}

func describe(r ModeRun) string {
	if !r.Ran() {
		return ""
	}
	text := fmt.Sprintf("%dm %s/%s", int(r.Took().Minutes()), r.Stage, r.Step)
	for word, is := range map[string]bool{" completed": r.Completed, " refused": r.Refused, " failed": r.Failed} {
		if is {
			text += word
		}
	}
	if r.ErrorCount > 0 {
		text += fmt.Sprintf(" %d: %s", r.ErrorCount, strings.Join(r.Errors, "; "))
	}
	return text
}

// TestHistoryOfALongLog reads a log above its budget in parts, and one that was replaced from its beginning.
func TestHistoryOfALongLog(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "migration.log")
	line := logOf(info("delta", "delta delivering", "Map Step", "started"))
	text := logOf(info("data", "data migration", "Map Step", "started"),
		info("data", "data migration", "Map Step", "Migration completed")) +
		strings.Repeat(line, (scanBudget+1<<20)/len(line)) + strings.Repeat("x", 3<<20) + "\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var h History
	done, err := h.Read(path)
	if done || err != nil {
		t.Fatal(done, err)
	}
	for range 3 {
		done, err = h.Read(path)
	}
	if !done || err != nil || !h.Runs[1].Completed || h.Longest != time.Minute || !h.Runs[2].Ran() {
		t.Errorf("%v, %v, %+v", done, err, h.Runs)
	}
	if err := os.WriteFile(path, []byte(line), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Read(path); err != nil || h.Runs[1].Ran() {
		t.Errorf("%v, %+v", err, h.Runs)
	}
	if _, err := h.Read(path + "x"); err == nil {
		t.Error("a file that does not exist was read")
	}
}

// TestSQLErrorBehindALongStatement has an exception whose line holds the statement, which is megabytes long.
func TestSQLErrorBehindALongStatement(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "system.log")
	text := "[2026-11-27T20:55:30.480477+00:00] main.ERROR: SQLSTATE[42S02]: old, query was: x\n" +
		"[2026-11-27T21:11:59.459163+00:00] main.ERROR: SQLSTATE[08S01]: Communication link failure: 1153 Got a packet " +
		"bigger than 'max_allowed_packet' bytes, query was: INSERT INTO `secret` VALUES " +
		strings.Repeat("('it was : SQLSTATE[1] in the text'),", 100000) + "\n" + strings.Repeat("#0 trace\n", 10)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	at, words, err := ReadSQLError(path)
	const want = "SQLSTATE[08S01]: Communication link failure: 1153 Got a packet bigger than 'max_allowed_packet' bytes"
	if err != nil || words != want || at.Hour() != 21 {
		t.Errorf("%v %q %v", at, words, err)
	}
}

func FuzzHistory(f *testing.F) {
	f.Add(logOf(info("data", "integrity check", "EAV Step", "started"), "[ERROR]: x", refusal))
	f.Add("[NOTICE]: You can use --auto\n[")
	f.Fuzz(func(t *testing.T, text string) {
		h := History{present: -1}
		if used := h.lines([]byte(text)); used > len(text) {
			t.Errorf("%d of %d bytes", used, len(text))
		}
		h.flush()
		for _, r := range h.Runs {
			if len(r.Errors) > maxErrors || len(r.Last) > maxLine {
				t.Errorf("%+v", r)
			}
		}
	})
}
