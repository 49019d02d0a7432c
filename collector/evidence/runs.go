package evidence

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"magento_migration_exporter/collector/database"
	"magento_migration_exporter/collector/delta"
)

// Runs are the tool's earlier runs.
type Runs struct {
	// Log is the path of the tool's log; LogErr is why it cannot be read. A log that does not exist is no error: the
	// tool has not run yet.
	Log    string
	LogErr error
	// History is what the log says; Whole is false until all of it has been read once.
	History delta.History
	Whole   bool
	// SQLError is the last exception of the database in Magento 2's system.log, and SQLErrorAt its time. SQLErrorErr is
	// why that is unknown; a log that does not exist has none.
	SQLError    string
	SQLErrorAt  time.Time
	SQLErrorErr error
	// Working is true when the tool is at work, Known when that is known; Seen is what was seen.
	Working, Known bool
	Seen           string
	// Backups are the tables of Magento 2 that the tool's EAV step has left behind.
	Backups    []string
	BackupsErr error
}

// runsMemory is what is kept of them from one evaluation to the next.
type runsMemory struct {
	history delta.History
	// threads are the connections of the tool's account, by system.
	threads [2][]delta.Thread
	looked  bool
}

// Runs reads the tool's log and finds out whether it is at work.
func (e *Evidence) Runs(ctx context.Context) *Runs {
	memory := Recall[runsMemory](e.Memory, "runs")
	r := &Runs{Log: e.runLogPath(), LogErr: ErrNoLog}
	if r.Log != "" {
		history := memory.history // a copy: a read that hangs must not change the memory
		flight := Flight{e.Migration.Name, "earlier runs"}
		r.Whole, r.LogErr = answered(ctx, e.flights, flight, e.Magento1.statementTimeout, func() (bool, error) {
			return history.Read(r.Log)
		})
		switch {
		case Missing(r.LogErr):
			r.Whole, r.LogErr = true, nil
			memory.history = delta.History{}
		case !errors.Is(r.LogErr, ErrHangs):
			memory.history = history
		}
	}
	r.History = memory.history
	r.SQLErrorAt, r.SQLError, r.SQLErrorErr = e.sqlError(ctx)
	e.lookForRun(ctx, r, memory)
	if e.Magento2.Session != nil {
		r.Backups, r.BackupsErr = e.Magento2.Column(ctx, "SELECT TABLE_NAME FROM information_schema.TABLES"+
			" WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME LIKE ? ORDER BY TABLE_NAME LIMIT 20",
			database.EscapeLike("migration_backup_")+"%")
	}
	return r
}

// lookForRun finds out whether the tool is at work: by a process, by its log, or by its connections, which it has to
// both databases.
func (e *Evidence) lookForRun(ctx context.Context, r *Runs, memory *runsMemory) {
	looked := memory.looked
	twice, stays, err := true, true, error(nil)
	for i, s := range e.Systems() {
		if s.Session == nil {
			memory.threads[i] = nil
			continue // what cannot be seen there does not speak against it
		}
		now, lookErr := delta.Threads(ctx, s.Session, e.toolUser(s))
		err = errors.Join(err, lookErr)
		seenTwice, stay := delta.Persisting(memory.threads[i], now, e.Now)
		twice, stays = twice && seenTwice > 0, stays && stay > 0
		memory.threads[i] = now
	}
	memory.looked = true
	r.Known = true
	var newest time.Time
	for _, run := range r.History.Runs {
		if run.At.After(newest) {
			newest = run.At
		}
	}
	for _, mode := range delta.Modes() {
		if id := e.toolProcess(ctx, commandPrefix+mode); id > 0 {
			r.Working, r.Seen = true, "a process of migrate:"+mode+" on this host"
			return
		}
	}
	switch {
	case !newest.IsZero() && e.Now.Sub(newest).Abs() < quietLimit:
		r.Working, r.Seen = true, "its log was written a moment ago"
	case stays && looked:
		r.Working, r.Seen = true, "its connections to the databases stay open"
	case err != nil:
		r.Known, r.Seen = false, err.Error()
	case twice || !looked && len(memory.threads[0]) > 0 && len(memory.threads[1]) > 0:
		r.Known, r.Seen = false, "the next evaluation shows whether its connections stay open"
	}
}

// systemLogLook is shared by the preconditions in one evaluation.
type systemLogLook struct {
	once sync.Once
	at   time.Time
	text string
	err  error
}

// systemLogMemory is what was read of Magento's system.log, and how the file was then.
type systemLogMemory struct {
	size    int64
	changed time.Time
	at      time.Time
	text    string
}

// sqlError returns the last exception of the database in Magento 2's system.log, once an evaluation, and reads the file
// only when it has changed. A log that does not exist is no error.
func (e *Evidence) sqlError(ctx context.Context) (time.Time, string, error) {
	e.systemLog.once.Do(func() {
		root := e.Migration.Magento2.Root
		if root == "" {
			e.systemLog.err = fmt.Errorf("magento2.%w", ErrNoRoot)
			return
		}
		memory := Recall[systemLogMemory](e.Memory, "system.log")
		last := *memory
		flight := Flight{e.Migration.Name, "system.log"}
		look, err := answered(ctx, e.flights, flight, e.Magento1.statementTimeout, func() (systemLogMemory, error) {
			path := filepath.Join(root, "var/log/system.log")
			info, err := os.Stat(path)
			if err != nil || info.Size() == last.size && info.ModTime().Equal(last.changed) {
				return last, err
			}
			look := systemLogMemory{size: info.Size(), changed: info.ModTime()}
			look.at, look.text, err = delta.ReadSQLError(path)
			return look, err
		})
		if err != nil {
			look = systemLogMemory{}
		}
		if !Missing(err) {
			e.systemLog.err = err
		}
		*memory = look
		e.systemLog.at, e.systemLog.text = look.at, strings.TrimSpace(look.text)
	})
	return e.systemLog.at, e.systemLog.text, e.systemLog.err
}
