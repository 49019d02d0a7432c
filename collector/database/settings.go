package database

import (
	"context"
	"errors"
	"maps"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-sql-driver/mysql"
)

// setting is a session variable that the session's statements rely on, or that keeps the session harmless. What the
// server's administrator chose for all sessions must not decide a verdict.
type setting struct {
	name, value string
	// optional is true for what spares the server something: a session without it reads the same.
	optional bool
	// instead is a statement that does the same on a server without the variable.
	instead string
}

// names is how SET NAMES stands among variables.
const names = "NAMES"

func (s setting) assignment() string {
	if s.name == names {
		return s.name + " " + s.value
	}
	return s.name + "=" + s.value
}

// unlimited is the greatest value of the variables that limit rows.
const unlimited = "18446744073709551615"

// idleLimit is longer than any evaluation, in seconds: a server notices by it that this host is gone.
const idleLimit = "3600"

// optimizerSwitch turns on what every server has and turns on by itself.
const optimizerSwitch = "'index_merge=on,index_condition_pushdown=on,materialization=on," +
	"semijoin=on,firstmatch=on,loosescan=on'"

// settings lists all that a session sets. Assigning DEFAULT would not do: for a session that is the global value.
func (s *Session) settings() []setting {
	list := []setting{
		{name: names, value: "utf8mb4 COLLATE utf8mb4_general_ci"},
		{name: "sql_mode", value: "''"},
		{name: "time_zone", value: "'+00:00'"},
		// Without it the first SELECT would keep a snapshot, and its tables locked against DDL, until the session ends.
		{name: "autocommit", value: "1"},
		{name: "lock_wait_timeout", value: "1"},
		{name: "sql_select_limit", value: unlimited},
		{name: "max_join_size", value: unlimited},
		{name: "sql_big_selects", value: "1"}, // after max_join_size, which sets it
		{name: "group_concat_max_len", value: "1048576"},
		{name: "max_sort_length", value: "1024"},
		{name: "sort_buffer_size", value: "2097152"}, // with little, sorting long rows fails with error 1038
		{name: "sql_auto_is_null", value: "0"},
		{name: "sql_safe_updates", value: "0"}, // the probe has an UPDATE without a condition
		{name: "sql_quote_show_create", value: "1"},
		{name: "div_precision_increment", value: "4"},
		{name: "optimizer_switch", value: optimizerSwitch},
		{name: "optimizer_search_depth", value: "62"},
		{name: "max_seeks_for_key", value: "4294967295"},
		{name: "lc_messages", value: "'en_US'", optional: true},
		{name: "wait_timeout", value: idleLimit, optional: true},
		{name: "net_write_timeout", value: "60", optional: true},
		// These two spare the server's slow log statements that come every minute and have a limit anyway. What uses no
		// index is logged however fast it is, unless it examines fewer rows than the limit.
		{name: "long_query_time", value: "3600", optional: true},
		{name: "min_examined_row_limit", value: "4294967295", optional: true},
	}
	list = append(list, s.Version.limits(s.options.StatementTimeout)...)
	if s.Version.Flavor == MySQL && s.Version.AtLeast(8, 0, 0) || s.Version.doubtful() {
		// Without it the server answers what a table held up to a day ago, and stores what it counted.
		list = append(list, setting{name: "information_schema_stats_expiry", value: "0"})
	}
	return append(list, s.transactionSettings()...)
}

// doubtful reports whether a version is none that a server of a shop can have, as those of proxies: what such a server
// can do is tried.
func (v Version) doubtful() bool { return v.Flavor == MySQL && !v.AtLeast(5, 6, 0) }

// transactionSettings leaves a probing session as it is: the tool's sessions, too, begin as the server lets them begin.
func (s *Session) transactionSettings() []setting {
	prefix := "tx_"
	if s.Version.Flavor == MySQL && s.Version.AtLeast(8, 0, 0) || s.Version.Flavor == MariaDB && s.Version.AtLeast(11,
		1, 0) {
		prefix = "transaction_"
	}
	list := []setting{{name: prefix + "isolation", value: "'REPEATABLE-READ'",
		instead: "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ"}}
	if !s.options.Probing {
		list = append(list, setting{name: prefix + "read_only", value: "1",
			instead: "SET SESSION TRANSACTION READ ONLY"})
	}
	return list
}

// limits returns the setting that makes the server end statements that take longer, if it has one: MariaDB from 10.1.1
// on for all statements, MySQL from 5.7.8 on for SELECT.
func (v Version) limits(timeout time.Duration) []setting {
	seconds, milliseconds := strconv.FormatFloat(timeout.Seconds(), 'f', 3, 64), timeout.Milliseconds()
	all := setting{name: "max_statement_time", value: seconds, optional: true}
	reads := setting{name: "max_execution_time", value: strconv.FormatInt(milliseconds, 10), optional: true}
	switch {
	case v.doubtful():
		return []setting{all, reads}
	case v.Flavor == MariaDB && v.AtLeast(10, 1, 1):
		return []setting{all}
	case v.Flavor == MySQL && v.AtLeast(5, 7, 8):
		return []setting{reads}
	}
	return nil
}

// set assigns all settings.
func (s *Session) set(ctx context.Context) error { return s.assign(ctx, s.settings()) }

// assign assigns settings in one statement. A server that lacks one of them, or keeps it from this account, refuses the
// whole statement; then each is assigned by itself, and what was refused is left out from then on.
func (s *Session) assign(ctx context.Context, list []setting) error {
	refused := s.options.Refused.of(s.account())
	var assignments []string
	for _, x := range list {
		if !refused[x.name] {
			assignments = append(assignments, x.assignment())
		}
	}
	if len(assignments) > 0 {
		err := s.setUp(ctx, "SET "+strings.Join(assignments, ", "))
		if isAnswer(err) {
			refused, err = s.assignEach(ctx, list, refused)
		}
		if err != nil {
			return err
		}
	}
	for _, x := range list {
		if !refused[x.name] || x.instead == "" {
			continue
		}
		if err := s.setUp(ctx, x.instead); err != nil {
			return err
		}
	}
	return nil
}

// assignEach assigns one by one what was not refused before. It is an error when a variable cannot be set that the
// server has and the statements rely on.
func (s *Session) assignEach(ctx context.Context, list []setting, before map[string]bool) (refused map[string]bool,
	err error) {
	refused = maps.Clone(before)
	if refused == nil {
		refused = map[string]bool{}
	}
	for _, x := range list {
		if refused[x.name] {
			continue
		}
		err := s.setUp(ctx, "SET "+x.assignment())
		switch {
		case err == nil:
			continue
		case !isAnswer(err), !x.optional && Number(err) != ErrUnknownVariable:
			return nil, err
		}
		refused[x.name] = true
		s.options.Logger.Debug("the server does not let this account set a session variable",
			"server", s.endpoint.String(), "variable", x.name, "err", err)
	}
	s.options.Refused.keep(s.account(), refused)
	return refused, nil
}

// isAnswer reports whether an error is the server's answer, after which the session goes on.
func isAnswer(err error) bool {
	_, ok := errors.AsType[*mysql.MySQLError](err)
	return ok && CauseOf(err) != Lost
}

// account is on whose answers it depends what may be set.
func (s *Session) account() string {
	return s.endpoint.String() + " " + s.CurrentUser + " " + s.VersionText
}

// RefusedSettings remembers from one session to the next which session variables the server did not let the account
// set, so that the same error is not provoked again and again. It is for the sessions of one endpoint. Its zero value
// and nil are ready; nil remembers nothing. It can be used by several goroutines.
type RefusedSettings struct {
	mu      sync.Mutex
	account string
	names   map[string]bool
}

// of returns what this account was refused. The map is not changed any more.
func (r *RefusedSettings) of(account string) map[string]bool {
	if r == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.account != account {
		return nil
	}
	return r.names
}

func (r *RefusedSettings) keep(account string, refused map[string]bool) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.account, r.names = account, refused
}
