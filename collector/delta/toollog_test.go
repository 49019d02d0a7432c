package delta

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf16"
	"unicode/utf8"
)

var start = time.Date(2026, 11, 27, 20, 40, 0, 0, time.UTC)

// logText writes lines of the tool's log, a second apart.
func logText(lines ...string) string {
	var b strings.Builder
	for i, line := range lines {
		fmt.Fprintf(
			&b,
			"[%s]%s\n",
			start.Add(time.Duration(i)*time.Second).Format("2006-01-02T15:04:05.000000-07:00"),
			line,
		)
	}
	return b.String()
}

const (
	dataCheck = "[INFO][mode: data][stage: integrity check][step: Map Step]: started"
	dataCopy  = "[INFO][mode: data][stage: data migration][step: Map Step]: started"
	delivers  = "[INFO][mode: delta][stage: delta delivering][step: Map Step]: started"
	customers = "[INFO][mode: delta][stage: delta delivering][step: Customer Attributes Step]: started"
	ended     = "[INFO][mode: delta][stage: volume check][step: Map Step]: Migration completed successfully"
	restarts  = "[INFO][mode: delta][stage: volume check][step: Map Step]: Automatic restart in 5 sec. Use CTRL-C to abort"
)

func writeLog(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "migration.log")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestRunLog(t *testing.T) {
	t.Parallel()
	const warning = "[WARNING]: Mismatch of entities in the document: wishlist Source: 0 Destination: 12"
	for name, tc := range map[string]struct {
		lines []string
		want  Run
	}{
		"empty":        {nil, Run{}},
		"only data":    {[]string{dataCheck, dataCopy}, Run{}},
		"a cycle":      {[]string{delivers, warning, ended}, Run{State: Between, At: start.Add(2 * time.Second), Step: "Map Step", Cycle: 7 * time.Second, Completed: start.Add(2 * time.Second), Warnings: []string{warning[11:]}}},
		"in its pause": {[]string{ended, restarts}, Run{State: Between, At: start.Add(time.Second), Completed: start}},
		"died":         {[]string{ended, restarts, delivers}, Run{State: AtWork, At: start.Add(2 * time.Second), Step: "Map Step", Completed: start, Began: start.Add(2 * time.Second)}},
		"died, and began again": {
			[]string{customers, delivers, warning, customers, delivers, ended},
			Run{State: Between, At: start.Add(5 * time.Second), Step: "Map Step", Cycle: 7 * time.Second, Completed: start.Add(5 * time.Second)},
		},
		"began again after an error": {
			[]string{customers, "[ERROR]: Deltalog for wishlist is not installed", delivers, ended},
			Run{State: Between, At: start.Add(3 * time.Second), Step: "Map Step", Cycle: 6 * time.Second, Completed: start.Add(3 * time.Second)},
		},
		"error":         {[]string{delivers, "[ERROR]: Deltalog for wishlist is not installed"}, Run{State: Failed, At: start.Add(time.Second), Step: "Map Step", Error: "Deltalog for wishlist is not installed"}},
		"data's error":  {[]string{ended, dataCheck, "[ERROR]: Source documents are not mapped"}, Run{State: Between, At: start, Completed: start}},
		"not the tools": {[]string{"nonsense", "[mode: delta]"}, Run{}},
	} {
		log, err := ReadRunLog(writeLog(t, logText(tc.lines...)))
		if err != nil {
			t.Fatal(err)
		}
		if got := log.Delta(); fmt.Sprint(got) != fmt.Sprint(tc.want) {
			t.Errorf("%s:\n got %+v\nwant %+v", name, got, tc.want)
		}
	}
}

// TestRunLogOfAnySize reads the end only, whatever stands before it.
func TestRunLogOfAnySize(t *testing.T) {
	t.Parallel()
	path := writeLog(t, strings.Repeat("x", 3<<20)+"\n"+logText(delivers, ended))
	log, err := ReadRunLog(path)
	if err != nil || log.Delta().State != Between {
		t.Errorf("%+v, %v", log, err)
	}
	// A file of 5 GB, which is empty but for its end.
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte("\n"+logText(dataCheck, dataCopy, delivers)), 5<<30); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	var d DataStart
	at, done, err := d.Find(path)
	if err != nil || !done || !at.Equal(start.Add(time.Second)) {
		t.Errorf("%s %v %v", at, done, err)
	}
	if log, err = ReadRunLog(path); err != nil || log.Delta().State != AtWork {
		t.Errorf("%+v, %v", log, err)
	}
}

func TestRunLogInUTF16(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	for _, u := range utf16.Encode([]rune(logText(delivers, ended))) {
		if err := binary.Write(&b, binary.LittleEndian, u); err != nil {
			t.Fatal(err)
		}
	}
	log, err := ReadRunLog(writeLog(t, b.String()))
	if err != nil || len(log.Lines) != 0 {
		t.Errorf("%+v, %v", log, err)
	}
}

func TestDataStart(t *testing.T) {
	t.Parallel()
	first := logText(dataCheck, dataCopy, dataCopy)
	path := writeLog(t, first+strings.Repeat(logText(delivers, ended, restarts), 2000))
	var d DataStart
	at, done, err := d.Find(path)
	if err != nil || !done || !at.Equal(start.Add(time.Second)) {
		t.Fatalf("%s %v %v", at, done, err)
	}
	// A second run of data is later; the log grows, and then it is rotated.
	later := strings.ReplaceAll(first, "2026-11-27", "2026-11-28")
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(later); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if at, _, err = d.Find(path); err != nil || !at.Equal(start.Add(24*time.Hour+time.Second)) {
		t.Errorf("%s %v", at, err)
	}
	if err := os.WriteFile(path, []byte(logText(delivers)), 0o600); err != nil {
		t.Fatal(err)
	}
	if at, done, err = d.Find(path); err != nil || !done || !at.IsZero() {
		t.Errorf("%s %v %v", at, done, err)
	}
}

// TestMessagesWithoutValues hides what can be a customer's, and keeps what says where it is.
func TestMessagesWithoutValues(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"1062 Duplicate entry 'jane@example.com-1' for key 'EMAIL'":                "1062 Duplicate entry '…' for key 'EMAIL'",
		"1062 Duplicate entry 'o'jane@example.com-1' for key 'EMAIL'":              "1062 Duplicate entry '…' for key 'EMAIL'",
		"1062 Duplicate entry 'jane@exam":                                          "1062 Duplicate entry '…",
		"1062 Duplicate entry '9-x' for key 'CODE'":                                "1062 Duplicate entry '9-x' for key 'CODE'",
		"1366 Incorrect string value: '\\xF0Jane' for column `d`.`t`.`c` at row 1": "1366 Incorrect string value: '…' for column `d`.`t`.`c` at row 1",
		"1292 Incorrect datetime value: 'Jane Doe' for column 'dob' at row 1":      "1292 Incorrect datetime value: '…' for column 'dob' at row 1",
		"1292 Truncated incorrect DOUBLE value: 'Jane Doe'":                        "1292 Truncated incorrect DOUBLE value: '…",
	} {
		l, ok := ParseLine("[2026-11-27T21:11:59.459163+00:00][ERROR]: SQLSTATE[23000]: " + text)
		if !ok || l.Text != "SQLSTATE[23000]: "+want {
			t.Errorf("%q reads %q", text, l.Text)
		}
	}
}

func TestSQLErrorWithoutTheStatement(t *testing.T) {
	t.Parallel()
	path := writeLog(
		t,
		"[2026-11-27T20:55:30.480477+00:00] main.ERROR: SQLSTATE[42S02]: 1146 Table 'm1.x' doesn't exist, query was: DELETE secret"+
			strings.Repeat(
				"x",
				100_000-tailSize,
			)+"\n",
	)
	at, text, err := ReadSQLError(path)
	if err != nil || at.IsZero() || text != "SQLSTATE[42S02]: 1146 Table 'm1.x' doesn't exist" {
		t.Errorf("%s %q %v", at, text, err)
	}
}

func TestLogsThatCannotBeRead(t *testing.T) {
	t.Parallel()
	for _, path := range []string{filepath.Join(t.TempDir(), "none"), t.TempDir()} {
		if _, err := ReadRunLog(path); err == nil {
			t.Errorf("%s was read", path)
		}
		var d DataStart
		if _, _, err := d.Find(path); err == nil {
			t.Errorf("%s was looked through", path)
		}
	}
}

func FuzzRunLog(f *testing.F) {
	f.Add([]byte(logText(dataCheck, dataCopy, delivers, ended, restarts)))
	f.Add([]byte("[2026-11-27T20:40:00+00:00][ERROR]: query was: x"))
	f.Fuzz(func(t *testing.T, data []byte) {
		r := bytes.NewReader(data)
		lines, err := tail(r, int64(len(data)))
		if err != nil {
			t.Fatal(err)
		}
		log := &RunLog{}
		for _, line := range lines {
			if l, ok := ParseLine(line); ok {
				if !utf8.ValidString(l.Text) || len(l.Text) > maxLine || strings.Contains(l.Text, "query was") {
					t.Fatalf("%q", l.Text)
				}
				log.Lines = append(log.Lines, l)
			}
		}
		log.Delta()
		if _, low, err := scanBack(r, 0, int64(len(data)), int64(len(data))); err != nil || low < 0 ||
			low > int64(len(data)) {
			t.Fatal(low, err)
		}
	})
}
