package evidence

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"magento_migration_exporter/collector/database"
	"magento_migration_exporter/collector/delta"
	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/collector/privilege"
	"magento_migration_exporter/config"
	"magento_migration_exporter/config/toolmap"
)

// Delta is the log of changes that the tool keeps in Magento 1, as one evaluation found it.
type Delta struct {
	Scope delta.Scope
	// ScopeErr is why the tool's configuration does not show which tables must be logged; then the scope has the tables
	// that are logged.
	ScopeErr error
	Log      *delta.Log
	// Standings are those of the scope's tables, in its order.
	Standings []delta.Standing
	// Counts are by document; CountsErr is why there are none.
	Counts    map[string]delta.Count
	CountsErr error
	// Replication is whether Magento 1's server is a replica.
	Replication database.Replication
	// Skew is how far the server's clock is ahead of this host's.
	Skew time.Duration
	// DataStart is when migrate:data began to copy, zero when that is unknown; DataStartFrom is where it was found.
	// DataStartLogged is true when the tool's own log says it: the time of a file can be a later one.
	DataStart       time.Time
	DataStartFrom   string
	DataStartLogged bool
	// RunLog is the end of the tool's own log; RunLogErr is why it is unknown.
	RunLog    *delta.RunLog
	RunLogErr error
	// Run is the last delta according to that log.
	Run delta.Run
	// SQLError is the last exception of the database in Magento 2's system.log, and SQLErrorAt its time.
	SQLError   string
	SQLErrorAt time.Time
	// Losses are the changes that the tripwire has proved lost; LossesErr is why it did not look.
	Losses    []delta.Loss
	LossesErr error
	// Suspects is how many more rows differ that another look will prove lost, or not.
	Suspects int
	// Activity says whether the tool works on Magento 1.
	Activity Activity
	// Backlog is what must be delivered, and how fast that goes.
	Backlog delta.Backlog
	// Empty is true when none of the logged tables has a row.
	Empty bool
	// Drained is true when for two whole cycles nothing was pending or marked, Magento 1 was quiet, and nothing was
	// proved lost.
	Drained bool
	// MarkedFor is how long rows have been marked without a break, as far as this process has seen it.
	MarkedFor time.Duration
	// QuietFor is how long that has been so, 0 while it is not.
	QuietFor time.Duration
}

// Activity is whether the tool's delta runs.
type Activity struct {
	Known, Running bool
	// Seen is what was seen.
	Seen string
	// Hidden is true when it cannot be seen, because the tool has another account.
	Hidden bool
	// Again is after how long another look can say more, where it is not known.
	Again time.Duration
}

// deltaMemory is what is kept about the delta log from one evaluation to the next.
type deltaMemory struct {
	// of are the databases that the rest was read from.
	of        [2]database.Instance
	tripwire  delta.Tripwire
	orphans   delta.Orphans
	dataStart delta.DataStart
	// threads are the connections of the tool's account, by system.
	threads [2][]delta.Thread
	looked  bool
	marked  int
	// markedSince is zero while nothing is marked.
	markedSince time.Time
	meter       delta.Meter
	columns     map[string]int
	newest      string
	// emptySince is the time since when nothing is pending or marked, nothing was lost, and Magento 1 gets no new rows.
	emptySince time.Time
}

// deltaLook is shared by the preconditions in one evaluation.
type deltaLook struct {
	once  sync.Once
	delta *Delta
	err   error
}

// Delta reads the delta log, once an evaluation for all preconditions. It is false when nothing could be read; the
// verdict then says why.
func (e *Evidence) Delta(ctx context.Context, v *finding.Verdict) (*Delta, bool) {
	if e.Magento1.Unreachable(v) {
		return nil, false
	}
	e.delta.once.Do(func() { e.delta.delta, e.delta.err = e.lookAtDelta(ctx) })
	switch {
	case errors.Is(e.delta.err, errLooking):
		v.Unknown("delta log", "an earlier evaluation has not ended yet", "",
			"Wait for the next evaluation. If it stays so, look for a server or a file system that hangs.")
		return nil, false
	case e.delta.err != nil:
		e.Magento1.Broken(v, "delta log", e.delta.err)
		return nil, false
	}
	return e.delta.delta, true
}

// errLooking is the error of a look while an earlier one has not ended.
var errLooking = errors.New("an earlier evaluation still looks at it")

func (e *Evidence) lookAtDelta(ctx context.Context) (*Delta, error) {
	flight := Flight{e.Migration.Name, "delta log"}
	if !e.flights.Begin(flight) { // the two would share a memory
		return nil, errLooking
	}
	defer e.flights.End(flight)
	m1 := e.Magento1
	d := &Delta{}
	var err error
	if d.Log, err = delta.ReadLog(ctx, m1.Session, m1.Prefix); err != nil {
		return nil, err
	}
	d.Scope, d.ScopeErr = e.deltaScope(ctx)
	if d.ScopeErr != nil {
		d.Scope = delta.ScopeOf(d.Log, m1.Prefix)
	}
	if d.Log.Exists() {
		if err := d.Log.ReadNext(ctx, m1.Session, d.Scope, m1.Prefix); err != nil {
			return nil, err
		}
	}
	d.Standings = delta.Inspect(d.Scope, d.Log, m1.Prefix)
	if err := d.hidden(ctx, m1); err != nil {
		return nil, err
	}
	if e.Phase.Phase == config.PhasePrepare || !d.Log.Exists() {
		return d, nil
	}
	memory, err := e.deltaMemory(ctx)
	if err != nil {
		return nil, err
	}
	if d.Replication, err = m1.Session.Replication(ctx); err != nil {
		return nil, err
	}
	if err := d.readClock(ctx, m1, e.Now); err != nil {
		return nil, err
	}
	e.readRunLog(ctx, d, memory)
	d.count(ctx, m1, &memory.orphans)
	e.lookForTool(ctx, d, memory)
	e.trip(ctx, d, memory)
	e.measure(ctx, d, memory)
	return d, nil
}

// maxHidden is how many tables that are not shown are asked for one by one.
const maxHidden = 20

// hidden returns the error of a table that information_schema does not show because the account may not read it: that
// it is missing would be a guess. A log table that triggers write, and a table that has a log, are expected to be
// there.
func (d *Delta) hidden(ctx context.Context, m1 *System) error {
	var tables []string
	for _, s := range d.Standings {
		switch {
		case !s.HasLog && len(s.Fires)+len(s.Elsewhere) > 0:
			tables = append(tables, s.LogName)
		case s.Absent && s.HasLog:
			tables = append(tables, s.Name)
		}
	}
	for _, t := range tables[:min(len(tables), maxHidden)] {
		_, err := m1.Column(ctx, "SELECT 1 FROM "+database.Quote(t)+" LIMIT 1")
		if database.Number(err) == database.ErrTableAccessDenied {
			return fmt.Errorf("looking for the table %s, which is not shown: %w", t, err)
		}
	}
	return nil
}

// deltaMemory recalls what was read from these two databases.
func (e *Evidence) deltaMemory(ctx context.Context) (*deltaMemory, error) {
	memory := Recall[deltaMemory](e.Memory, "delta")
	of := [2]database.Instance{}
	for i, s := range e.Systems() {
		if s.Session == nil {
			of[i] = memory.of[i] // it may answer again later
			continue
		}
		instance, err := s.Instance(ctx)
		if err != nil {
			return nil, err
		}
		of[i] = instance
	}
	if !memory.of[0].Is(of[0]) || !memory.of[1].Is(of[1]) {
		*memory = deltaMemory{meter: e.savedRates(of)}
	}
	memory.of = of
	return memory, nil
}

// savedDelta is what outlives a restart, with the databases that it was measured on.
type savedDelta struct {
	Of    [2]savedInstance `json:"of"`
	Meter json.RawMessage  `json:"meter"`
}

// savedInstance is a database.Instance whose name is not shown, and takes little room.
type savedInstance struct {
	Name    string    `json:"name"`
	Started time.Time `json:"started"`
}

func saveInstance(i database.Instance) savedInstance {
	sum := sha256.Sum256([]byte(i.Name))
	return savedInstance{hex.EncodeToString(sum[:8]), i.Started.UTC().Truncate(time.Second)}
}

// is reports whether the database is the one that was saved.
func (s savedInstance) is(i database.Instance) bool {
	now := saveInstance(i)
	return database.Instance{
		Name:    s.Name,
		Started: s.Started,
	}.Is(
		database.Instance{Name: now.Name, Started: now.Started},
	)
}

// savedDeltaName is its name in the memory.
const savedDeltaName = "delta"

// savedRates returns what an earlier process has measured on these databases, nothing when that cannot be read.
func (e *Evidence) savedRates(of [2]database.Instance) delta.Meter {
	var s savedDelta
	if json.Unmarshal(e.Memory.Saved()[savedDeltaName], &s) != nil || !s.Of[0].is(of[0]) || !s.Of[1].is(of[1]) {
		return delta.Meter{}
	}
	meter, err := delta.RestoreMeter(s.Meter, e.Now)
	if err != nil {
		return delta.Meter{}
	}
	return meter
}

// saveRates keeps the rates over a restart. Those of a database that was not seen yet are nobody's.
func (e *Evidence) saveRates(memory *deltaMemory) {
	meter, err := memory.meter.Save()
	if err != nil || memory.of[0].Name == "" || memory.of[1].Name == "" {
		return
	}
	s := savedDelta{[2]savedInstance{saveInstance(memory.of[0]), saveInstance(memory.of[1])}, meter}
	if text, err := json.Marshal(s); err == nil {
		e.Memory.Save(savedDeltaName, text)
	}
}

func (d *Delta) readClock(ctx context.Context, m1 *System, now time.Time) error {
	var seconds int64
	if err := m1.Session.Row(ctx, "SELECT UNIX_TIMESTAMP()", nil, &seconds); err != nil {
		return fmt.Errorf("asking Magento 1's server for the time: %w", err)
	}
	d.Skew = time.Unix(seconds, 0).Sub(now.Truncate(time.Second))
	return nil
}

// errNoTool is why nothing is known about the tool's configuration.
var errNoTool = errors.New("migration_tool.config is not set")

// deltaScope reads config.xml, its delta files and its map files.
func (e *Evidence) deltaScope(ctx context.Context) (delta.Scope, error) {
	switch {
	case e.Tool.Err != nil:
		return delta.Scope{}, e.Tool.Err
	case e.Tool.Config == nil:
		return delta.Scope{}, errNoTool
	}
	flight := Flight{e.Migration.Name, "delta files"}
	return answered(ctx, e.flights, flight, e.Magento1.statementTimeout, e.readDeltaFiles)
}

func (e *Evidence) readDeltaFiles() (delta.Scope, error) {
	const option = "delta_document_groups_file"
	root := e.Migration.Magento2.Root
	path := e.Tool.File(option, root)
	if path == "" {
		return delta.Scope{}, fmt.Errorf("%s: the file of %s was not found: %q",
			e.Tool.Path, option, e.Tool.Config.Value(option))
	}
	groups, err := toolmap.ReadGroups(path)
	if err != nil {
		return delta.Scope{}, err
	}
	maps, err := e.readMaps("map_file", "log_map_file")
	if err != nil {
		return delta.Scope{}, err
	}
	return delta.NewScope(delta.Sources{Config: e.Tool.Config, Groups: groups, Maps: maps}), nil
}

// readMaps reads the map files that options of config.xml name. One that was not found is not among them: the
// precondition migration_tool reports it.
func (e *Evidence) readMaps(options ...string) (map[string]*toolmap.Map, error) {
	root := e.Migration.Magento2.Root
	wildcard := toolmap.InstalledWildcard(e.Tool.ModuleDir(root))
	maps := map[string]*toolmap.Map{}
	for _, option := range options {
		path := e.Tool.File(option, root)
		if path == "" {
			continue
		}
		m, err := toolmap.Read(path, wildcard)
		if err != nil {
			return nil, err
		}
		maps[option] = m
	}
	return maps, nil
}

// ErrNoLog is why the tool's log is not read.
var ErrNoLog = errors.New("the tool's config.xml and magento2.root are needed to find it, or " +
	"preconditions.migration_run.log")

// DeclaredRunLog is a precondition's settings that can have the path of the tool's log.
type DeclaredRunLog interface {
	config.Settings
	// RunLog is empty when the configuration does not have it.
	RunLog() string
}

// runLogPath returns the path of the tool's log: from the configuration, else from config.xml, where a name without a
// folder is below var/.
func (e *Evidence) runLogPath() string {
	for _, s := range e.Migration.Preconditions.All() {
		if d, ok := s.(DeclaredRunLog); ok && d.RunLog() != "" {
			return d.RunLog()
		}
	}
	root := e.Migration.Magento2.Root
	if e.Tool.Config == nil {
		return ""
	}
	name := strings.TrimSpace(e.Tool.Config.Value("log_file"))
	switch {
	case name == "":
		return ""
	case filepath.IsAbs(name):
		return filepath.Clean(name)
	case root == "":
		return ""
	case strings.ContainsRune(name, filepath.Separator):
		return filepath.Join(root, name)
	}
	return filepath.Join(root, "var", name)
}

// runLogLook is what one read of the tool's files found.
type runLogLook struct {
	log       *delta.RunLog
	dataStart time.Time
	done      bool
	lock      time.Time
}

func (e *Evidence) readRunLog(ctx context.Context, d *Delta, memory *deltaMemory) {
	path := e.runLogPath()
	scan := memory.dataStart // a copy: a read that hangs must not change the memory
	flight := Flight{e.Migration.Name, "migration.log"}
	look, err := answered(ctx, e.flights, flight, e.Magento1.statementTimeout, func() (look runLogLook, err error) {
		if root := e.Migration.Magento2.Root; root != "" {
			if info, err := os.Stat(filepath.Join(root, progressFile)); err == nil {
				look.lock = info.ModTime()
			}
		}
		if path == "" {
			return look, ErrNoLog
		}
		if look.log, err = delta.ReadRunLog(path); err != nil {
			return look, err
		}
		look.dataStart, look.done, err = scan.Find(path)
		return look, err
	})
	if !errors.Is(err, ErrHangs) {
		memory.dataStart = scan
	}
	d.RunLog, d.RunLogErr = look.log, err
	d.SQLErrorAt, d.SQLError, _ = e.sqlError(ctx) // migration_run reports it
	if d.RunLog != nil {
		d.Run = d.RunLog.Delta()
	}
	switch {
	case !look.dataStart.IsZero():
		d.DataStart, d.DataStartFrom, d.DataStartLogged = look.dataStart, path, true
	case (look.done || err != nil) && !look.lock.IsZero():
		d.DataStart, d.DataStartFrom = look.lock, "the time of "+filepath.Join(e.Migration.Magento2.Root, progressFile)
	}
}

// count counts the rows of the log tables.
func (d *Delta) count(ctx context.Context, m1 *System, orphans *delta.Orphans) {
	if d.Counts, d.CountsErr = delta.CountLog(ctx, m1.Session, d.Standings); d.CountsErr == nil {
		d.CountsErr = orphans.Count(ctx, m1.Session, d.Standings, d.Counts)
	}
}

// lookForTool finds out whether the tool's delta runs.
func (e *Evidence) lookForTool(ctx context.Context, d *Delta, memory *deltaMemory) {
	marked := 0
	for _, c := range d.Counts {
		marked += c.Marked
	}
	switch {
	case marked == 0:
		memory.markedSince = time.Time{}
	case memory.markedSince.IsZero():
		memory.markedSince = e.Now
	default:
		d.MarkedFor = e.Now.Sub(memory.markedSince)
	}
	s := sighting{
		process: e.deltaProcess(ctx), looked: memory.looked,
		moves: memory.looked && d.CountsErr == nil && marked > memory.marked,
	}
	e.toolThreads(ctx, memory, &s)
	memory.marked, memory.looked = marked, true
	d.Activity = activity(d, e.Now, s)
}

// toolThreads counts the connections of the tool's account to Magento 1, and those of them that stay from one
// evaluation to others while it also has some that stay to Magento 2: the tool has both, an administrator's client one.
func (e *Evidence) toolThreads(ctx context.Context, memory *deltaMemory, s *sighting) {
	bothTwice, bothStay := true, true
	for i, system := range e.Systems() {
		if system.Session == nil {
			memory.threads[i] = nil
			continue // what cannot be seen there does not speak against it
		}
		user := e.toolUser(system)
		now, err := delta.Threads(ctx, system.Session, user)
		s.err = errors.Join(s.err, err)
		if i == 0 && len(now) == 0 && user != delta.UserOf(system.Session) {
			all, err := delta.SeesAll(ctx, system.Session)
			s.err = errors.Join(s.err, err)
			s.hidden = !all
		}
		twice, stay := delta.Persisting(memory.threads[i], now, e.Now)
		memory.threads[i] = now
		bothTwice, bothStay = bothTwice && twice > 0, bothStay && stay > 0
		if i == 0 {
			s.threads, s.stay = len(now), stay
		}
	}
	if !bothStay {
		s.stay = 0
	}
	s.maybe = bothTwice && !bothStay
}

// toolUser is the user as whom the tool logs in: that of config.xml, also where the configuration has another account.
func (e *Evidence) toolUser(s *System) string {
	if c := e.Tool.Config; c != nil {
		db := c.Source
		if s == e.Magento2 {
			db = c.Destination
		}
		if db != nil && db.User != "" {
			return db.User
		}
	}
	return delta.UserOf(s.Session)
}

// sighting is what one evaluation saw of the tool, apart from its log.
type sighting struct {
	// process is the id of a process on this host, 0 for none.
	process       int
	threads, stay int
	// hidden is true when the tool has another account, whose connections are not shown.
	hidden bool
	// maybe is true while the connections that stay were not seen for long enough.
	looked, moves, maybe bool
	err                  error
}

// quietLimit is how old the last line of the tool's log is at most while the tool pauses between two cycles: three
// pauses.
const quietLimit = 15 * time.Second

// activity combines what was seen. While the tool works on a big page, it writes no log for minutes, but its connection
// stays.
func activity(d *Delta, now time.Time, s sighting) Activity {
	copying := d.RunLog != nil && d.RunLog.Mode() != "delta"
	age := now.Sub(d.Run.At)
	switch {
	case s.process > 0:
		return runs(fmt.Sprintf("process %d on this host", s.process))
	case d.RunLog != nil && d.Run.State != delta.NeverRan && d.Run.State != delta.Failed && age.Abs() < quietLimit:
		return runs("its log was written " + finding.Duration(age) + " ago")
	case s.moves:
		return runs("rows of the log are being marked as processed")
	case s.stay > 0 && !copying:
		return runs(fmt.Sprintf("connections to Magento 1 that stay open: %d", s.stay))
	case d.RunLog != nil && d.Run.State == delta.Failed:
		return Activity{Known: true, Seen: "its log ends with an error"}
	case s.err != nil && d.RunLog == nil:
		return Activity{Seen: s.err.Error()}
	case s.hidden && d.RunLog == nil:
		return Activity{Seen: "the tool has another account, whose connections the server does not show to this one, " +
			"and its log is not read", Hidden: true}
	case s.maybe && !copying:
		return Activity{
			Seen:  "connections of its account stay open, and were not seen for a whole cycle yet",
			Again: delta.DefaultCycle + time.Second,
		}
	case s.threads == 0 || s.looked || copying:
		return Activity{
			Known: true, Seen: "none of its connections to Magento 1 stays open, and it does not write its log",
		}
	}
	return Activity{
		Seen: "the next evaluation shows whether its connections to Magento 1 stay open", Again: SecondLook,
	}
}

// SecondLook is the pause before the connections of another exporter's evaluation have ended.
const SecondLook = 2 * time.Second

func runs(seen string) Activity { return Activity{Known: true, Running: true, Seen: seen} }

// errNoMagento2 is why the tripwire does not look.
var errNoMagento2 = errors.New("the database of Magento 2 cannot be read")

// Cycle is how long one cycle of the delta takes.
func (d *Delta) Cycle() time.Duration { return max(delta.DefaultCycle, d.Run.Cycle) }

// present is how long the cycle takes that a running delta is in: at least as long as it has taken.
func (d *Delta) present(now time.Time) time.Duration {
	if !d.Activity.Running || d.Run.Began.IsZero() {
		return d.Cycle()
	}
	return max(d.Cycle(), now.Sub(d.Run.Began)+delta.Pause)
}

// trip compares the newest rows of both systems.
func (e *Evidence) trip(ctx context.Context, d *Delta, memory *deltaMemory) {
	if e.Magento2.Session == nil {
		d.LossesErr = errNoMagento2
		return
	}
	if err := e.copying(ctx, d); err != nil {
		if memory.tripwire = (delta.Tripwire{}); !errors.Is(err, ErrCopying) {
			err = &database.SideError{Side: 1, Err: err}
		}
		d.LossesErr = err
		return
	}
	m1 := delta.Side{Session: e.Magento1.Session, Prefix: e.Magento1.Prefix}
	m2 := delta.Side{Session: e.Magento2.Session, Prefix: e.Magento2.Prefix}
	memory.tripwire.Cutover = e.Phase.Phase == config.PhaseCutover
	memory.tripwire.Magento2Sells = memory.tripwire.Cutover && e.magento2Sells(ctx)
	d.Losses, d.LossesErr = memory.tripwire.Round(ctx, m1, m2, d.Standings, e.Now, d.Cycle())
	d.Suspects = memory.tripwire.Suspects()
}

// magento2Sells reports whether Magento 2 has taken an order: then it changes rows that the tool has copied.
func (e *Evidence) magento2Sells(ctx context.Context) bool {
	last1, err1 := e.Magento1.LastID(ctx, "sales_flat_order")
	last2, err2 := e.Magento2.LastID(ctx, "sales_order")
	return err1 == nil && err2 == nil && last2 > last1
}

// measure sorts the pending rows, and updates the rates.
func (e *Evidence) measure(ctx context.Context, d *Delta, memory *deltaMemory) {
	if d.CountsErr != nil {
		return
	}
	if memory.columns == nil {
		// Without them the estimate uses only the number of rows.
		memory.columns, _ = delta.ColumnCounts(ctx, e.Magento1.Session)
	}
	var cells float64
	d.Backlog, cells = delta.NewBacklog(d.Standings, d.Counts, memory.columns)
	d.Backlog.Rates = memory.meter.Add(delta.Load{
		At: e.Now, Pending: d.Backlog.Pending, Marked: d.Backlog.Marked, Cells: cells,
		Running: d.Activity.Running, Cycle: d.present(e.Now),
	})
	d.Backlog.Points = memory.meter.Points()
	e.saveRates(memory)
	newest, err := e.newest(ctx, d)
	quiet := err == nil && newest == memory.newest
	memory.newest = newest
	switch {
	case d.Backlog.Pending+d.Backlog.Marked+d.Backlog.Unset > 0 || d.Empty || d.LossesErr != nil || len(d.Losses) > 0:
		memory.emptySince = time.Time{}
	case !quiet || memory.emptySince.IsZero():
		memory.emptySince = e.Now
	}
	if !memory.emptySince.IsZero() {
		d.QuietFor = e.Now.Sub(memory.emptySince)
	}
	d.Drained = d.QuietFor >= 2*d.Cycle()
}

// newest is a text that stays the same while Magento 1 is quiet.
func (e *Evidence) newest(ctx context.Context, d *Delta) (string, error) {
	newest, empty, err := delta.Newest(ctx, e.Magento1.Session, d.Standings)
	if d.Empty = empty; err != nil || e.Phase.Phase != config.PhaseCutover {
		return newest, err
	}
	written, err := delta.Written(ctx, e.Magento1.Session, e.Magento1.Prefix)
	return newest + written, err
}

// AboutTriggers reports whether a finding of package privilege is about the accounts that existing triggers of the tool
// run as. Such findings belong to the delta log, because they stop the live shop now.
func (d *Delta) AboutTriggers(f finding.Finding, m1 *System) bool {
	switch f.Subject {
	case privilege.SubjectDefiner:
		return true
	case privilege.SubjectLiveShop:
		return d.Log.Definers()[m1.Session.CurrentUser] > 0
	}
	return false
}

// DataMigrated reports whether Magento 2 contains data of Magento 1, independent of the configured phase.
func (e *Evidence) DataMigrated(ctx context.Context) (bool, error) {
	if err := errors.Join(e.Magento1.Err, e.Magento2.Err); err != nil {
		return false, err
	}
	migrated, _, err := isMigrated(ctx, e)
	return migrated, err
}
