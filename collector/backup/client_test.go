package backup

import (
	"bytes"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
)

// restored counts the databases that tests restored dumps into.
var restored atomic.Int64

// clientTakes has the mysql client restore a dump into a new database, and reports whether it did.
func clientTakes(t *testing.T, content []byte) bool {
	t.Helper()
	_, takes := clientRestores(t, content)
	return takes
}

// clientRestores is clientTakes, and returns the name of the database.
func clientRestores(t *testing.T, content []byte) (database string, takes bool) {
	t.Helper()
	database = fmt.Sprint("restored", restored.Add(1))
	must(t, server.Exec(t.Context(), "CREATE DATABASE "+database))
	cmd := exec.CommandContext(t.Context(), "mariadb", "--no-defaults", "-uroot", "--socket="+server.Socket(), database)
	cmd.Stdin = bytes.NewReader(content)
	out, err := cmd.CombinedOutput()
	t.Logf("%.300s", out)
	return database, err == nil
}

// TestClient checks that what people do to dumps, on purpose or not, is judged as the mysql client judges it.
func TestClient(t *testing.T) {
	t.Parallel()
	plain := dump(t, "--ignore-table=m2.acme;log", "m2") // that table's text is changed by some of this
	sed := func(script string) []byte { return pipe(t, plain, "sed", "-E", script) }
	mark := []byte(byteOrderMark)
	half := bytes.Index(plain, []byte("DROP TABLE IF EXISTS `store`"))
	for name, c := range map[string]struct {
		content []byte
		takes   bool
	}{
		"as it is":                      {plain, true},
		"byte order mark":               {slices.Concat(mark, plain), true},
		"line ends of Windows":          {sed("s/$/\r/"), true},
		"both":                          {slices.Concat(mark, sed("s/$/\r/")), true},
		"both, no last line end":        {bytes.TrimRight(slices.Concat(mark, sed("s/$/\r/")), "\r\n"), true},
		"byte order mark in the middle": {slices.Concat(plain[:half], mark, plain[half:]), false},
		"two byte order marks":          {slices.Concat(mark, mark, plain), false},
		"UTF-16":                        {pipe(t, plain, "iconv", "-f", "UTF-8", "-t", "UTF-16"), false},
		"sed: up to the blank":          {sed("s/DEFINER=[^ ]* / /"), true},
		"sed: up to the blank, all":     {sed("s/DEFINER=[^ ]*//g"), true},
		"sed: up to the asterisk":       {sed(`s/DEFINER[ ]*=[ ]*[^*]*\*/\*/`), true},
		"sed: the account":              {sed("s/DEFINER=`[^`]*`@`[^`]*`//g"), true},
		"sed: another":                  {sed("s/DEFINER=`[^`]*`@`[^`]*`/DEFINER=CURRENT_USER/g"), true},
		"sed: the comment":              {sed(`s#/\*!50017 DEFINER=[^*]*\*/##`), true},
		"sed: the comment's end": {
			sed(`s#/\*!50017 DEFINER=(` + "`[^`]*`@`[^`]*`" + `)\*/#/*!50017 DEFINER=\1#`), true,
		},
		"sed: greedy":                    {sed(`s/DEFINER=.*\*/\*/`), false},
		"sed: an end too many":           {sed(`s#/\*!50003 TRIGGER#/*!50003 /*!50003 TRIGGER#; s#\*/;;$#*/ */;;#`), false},
		"sed: the beginning's asterisks": {sed(`s#/\*!50003 CREATE\*/#CREATE*/#`), false},
		"sed: the comments removed": {
			sed(`s#^/\*!50003 CREATE\*/ /\*!50017 DEFINER=[^*]*\*/ /\*!50003 (TRIGGER.*)#CREATE \1#; s#\*/;;$#;;#`), true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			takes := clientTakes(t, c.content)
			r := report(t, write(t, "dump.sql", c.content))
			if takes != c.takes || (r.State == StateWhole) != takes {
				t.Fatalf(
					"the client takes it: %v, want %v; %s: %s (at %d)",
					takes,
					c.takes,
					r.State,
					r.Damage,
					r.Offset,
				)
			}
			if takes {
				wantFresh(t, r.Databases[0].Content(""))
			}
		})
	}
}

// TestEmptyWithByteOrderMark checks that a mark alone is no dump.
func TestEmptyWithByteOrderMark(t *testing.T) {
	t.Parallel()
	if r := report(t, write(t, "dump.sql", []byte(byteOrderMark+"\r\n"))); !strings.Contains(r.Damage, "empty") {
		t.Errorf("%s: %s", r.State, r.Damage)
	}
}
