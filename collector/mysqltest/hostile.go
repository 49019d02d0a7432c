package mysqltest

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-sql-driver/mysql"
)

// hostile are global settings that would change what statements answer, or whether they end. A server takes those that
// it has.
func hostile() []string {
	return []string{
		"sql_select_limit=1", "max_join_size=1", "sql_big_selects=0", "group_concat_max_len=4", "max_sort_length=64",
		"sort_buffer_size=32768", "sql_mode='ANSI,NO_BACKSLASH_ESCAPES,HIGH_NOT_PRECEDENCE,PAD_CHAR_TO_FULL_LENGTH'",
		"time_zone='+13:00'", "autocommit=0", "lock_wait_timeout=31536000", "sql_auto_is_null=1", "sql_safe_updates=1",
		"sql_quote_show_create=0", "div_precision_increment=0", "optimizer_search_depth=1", "max_seeks_for_key=1",
		"optimizer_switch='index_merge=off,materialization=off,semijoin=off,index_condition_pushdown=off," +
			"firstmatch=off,loosescan=off'",
		"lc_messages='de_DE'", "lc_time_names='de_DE'", "wait_timeout=1", "interactive_timeout=1",
		"net_write_timeout=1",
		"net_read_timeout=1", "long_query_time=0", "min_examined_row_limit=0", "max_statement_time=30",
		"max_execution_time=30000",
		"information_schema_stats_expiry=86400", "tx_isolation='SERIALIZABLE'", "transaction_isolation='SERIALIZABLE'",
		"character_set_client=latin1", "character_set_connection=latin1", "character_set_results=latin1",
		"character_set_server=latin1",
		"collation_connection=latin1_german1_ci", "collation_server=latin1_german1_ci", "sql_buffer_result=1",
		"sql_notes=0",
		"big_tables=1", "tmp_table_size=1024", "max_heap_table_size=16384", "join_buffer_size=128",
		"read_buffer_size=8192",
		"default_week_format=6", "completion_type='RELEASE'", "low_priority_updates=1", "eq_range_index_dive_limit=1",
		"optimizer_prune_level=0", "range_optimizer_max_mem_size=1", "max_error_count=0", "max_length_for_sort_data=4",
		"default_storage_engine='MEMORY'", "innodb_lock_wait_timeout=1", "show_create_table_verbosity=1",
		"query_cache_type=0",
		"init_connect='SET sql_mode=''ANSI_QUOTES'', NAMES latin1, time_zone=''-11:00'''",
	}
}

// Numbers of the errors of a server without a variable, or in which nobody may set it while the server runs.
const (
	errUnknownVariable  = 1193
	errSessionVariable  = 1228
	errReadOnlyVariable = 1238
	errDisabled         = 1651
)

// MakeHostile gives the server global settings that change what a session answers that relies on the usual ones, and
// returns how many of them it took. A restart takes them back.
func (s *Server) MakeHostile(ctx context.Context) (set int, err error) {
	for _, assignment := range hostile() {
		_, err := s.root.ExecContext(ctx, "SET GLOBAL "+assignment)
		answer, ok := errors.AsType[*mysql.MySQLError](err)
		switch {
		case err == nil:
			set++
		case ok && (answer.Number == errUnknownVariable || answer.Number == errSessionVariable ||
			answer.Number == errReadOnlyVariable || answer.Number == errDisabled):
		default:
			return set, fmt.Errorf("set %s for all sessions: %w", assignment, err)
		}
	}
	return set, nil
}
