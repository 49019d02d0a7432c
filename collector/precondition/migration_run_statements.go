package precondition

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"magento_migration_exporter/collector/database"
	"magento_migration_exporter/collector/evidence"
	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/collector/transfer"
	"magento_migration_exporter/config"
)

// memory is the memory_limit of the php that runs the tool.
type memory struct {
	limit transfer.MemoryLimit
	// assumed is true when nobody said it; from says where it comes from.
	assumed bool
	from    string
}

// memoryLimit returns the configured memory_limit, else that of the configured php, else none, as Magento's command
// line usually has it.
func (j *runJudge) memoryLimit(ctx context.Context) memory {
	if text := j.settings.MemoryLimit; text != "" {
		limit, err := transfer.ParseMemoryLimit(text)
		if err == nil {
			return memory{limit: limit, from: "memory_limit is " + text + " by " + j.key("memory_limit")}
		}
	}
	php, err := j.e.PHP(ctx)
	if err == nil {
		limit, parseErr := transfer.ParseMemoryLimit(php.MemoryLimit)
		if parseErr == nil {
			return memory{limit: limit, from: "memory_limit is " + php.MemoryLimit + " in the php of the command line"}
		}
		err = parseErr
	}
	from := "memory_limit is not known and assumed to be -1, as usual on the command line"
	if !errors.Is(err, evidence.ErrNoPHP) {
		from += ": " + err.Error()
	}
	return memory{assumed: true, from: from}
}

func (j *runJudge) key(path string) string {
	return j.e.Migration.Key("preconditions." + migrationRunID + "." + path)
}

// withoutTables reports whether a system has no table at all, or is none, and says so: then nothing that was found
// proves anything.
func (j *runJudge) withoutTables(ctx context.Context) bool {
	empty := false
	for _, s := range j.e.Systems() {
		found, err := s.Column(ctx, "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() "+
			"AND TABLE_NAME LIKE ? LIMIT 1", database.EscapeLike(s.Prefix)+"%")
		if err != nil {
			s.Broken(j.Verdict, "statements", err)
			empty = true
			continue
		}
		if len(found) > 0 {
			empty = j.anotherSystem(ctx, s) || empty
			continue
		}
		empty = true
		seen := "in the database " + s.Endpoint.Name
		if s.Prefix != "" {
			seen += ", no table begins with " + s.Prefix
		}
		j.Unknown("statements", "no table of "+s.Name.Label()+" was found: it is unknown what the tool copies", seen,
			"Check that "+s.Key("database")+" names the shop's database, with its table_prefix, and that the account "+
				"sees the tables: see the precondition privileges.")
	}
	return empty
}

// anotherSystem reports whether the tables are not those of the system, and says so.
func (j *runJudge) anotherSystem(ctx context.Context, s *evidence.System) bool {
	identity, err := s.Identify(ctx)
	switch {
	case err != nil:
		s.Broken(j.Verdict, "statements", err)
	case s.Name == finding.Magento1 && identity.Magento1, s.Name == finding.Magento2 && identity.Magento2:
		return false
	default:
		j.Unknown("statements", "there is no "+s.Name.Label()+" in its database: it is unknown what the tool copies",
			"in the database "+s.Endpoint.Name+", "+evidence.WithPrefix(s.Prefix),
			"See the preconditions migration_tool (Magento 1) and m2_installed (Magento 2), which say more.")
	}
	return true
}

// statements judges the longest statements that the tool will send to Magento 2's server.
func (j *runJudge) statements(ctx context.Context) {
	if j.e.Tool.Config == nil {
		seen := j.e.Migration.Key("migration_tool.config") + " is not set"
		if j.e.Tool.Err != nil {
			seen = j.e.Tool.Err.Error()
		}
		j.Unknown("statements", "it is unknown what the tool copies: config.xml cannot be read", seen,
			"See the precondition migration_tool, which says how to fix it.")
		return
	}
	m := j.memoryLimit(ctx)
	t, ok := j.e.Transfer(ctx, j.Verdict, m.limit)
	if !ok {
		return
	}
	if len(t.Plan.Tables) == 0 && j.withoutTables(ctx) {
		return
	}
	j.size(t)
	ahead := j.e.Phase.Phase == config.PhasePrepare || j.e.Phase.Phase == config.PhaseMigrate
	if !t.Whole {
		j.Incomplete = true
		j.Unknown("statements", "not all tables have been measured yet",
			fmt.Sprintf("%d measured, %d left", t.Measured, t.Left),
			"Wait: each evaluation continues where the last one ended.")
	}
	if ahead {
		j.longest(transfer.ModeData, t, m, t.Data)
	}
	j.longest(transfer.ModeDelta, t, m, t.Delta)
	for _, row := range t.Fat {
		j.fatRow(t, row)
	}
	j.lacks(t.Plan.Unplanned)
}

// longest judges the statements of a mode, which are sorted.
func (j *runJudge) longest(mode string, t *evidence.Transfer, m memory, all []transfer.Statement) {
	if len(all) == 0 {
		return
	}
	if t.Whole {
		j.Sample(predictedStatementBytes, float64(all[0].Bytes), mode)
	}
	subject := "statements of migrate:" + mode
	command := "migrate:" + mode
	if transfer.Suffices(t.Packet, all[0].Bytes) {
		j.Note(
			subject,
			"the longest statement of "+command+" fits into max_allowed_packet",
			j.measured(t, m, all[:1]),
			"",
		)
		return
	}
	var long []transfer.Statement
	for _, st := range all {
		if !transfer.Suffices(t.Packet, st.Bytes) {
			long = append(long, st)
		}
	}
	f := finding.Finding{
		Status: finding.Warn, Subject: subject, Evidence: j.measured(t, m, long), Remedy: j.packetRemedy(t, m, long),
		Summary: command + " comes close to max_allowed_packet with its statement for " + long[0].Table.Target,
	}
	surely := !m.assumed || t.Page.BulkSize != 0
	if mode == transfer.ModeData && !surely { // few rows are one statement whatever the memory_limit is
		surely = len(t.Least) > 0 && t.Least[0].Bytes > t.Packet
	}
	switch {
	case all[0].Bytes <= t.Packet:
	case surely:
		f.Status = finding.Fail
		f.Summary = command + " will die with error 1153: its statement for " + long[0].Table.Target +
			" is longer than max_allowed_packet"
	default:
		f.Summary = command + " will die with error 1153 if PHP has no memory_limit: its statement for " +
			long[0].Table.Target + " would be longer than max_allowed_packet"
	}
	j.Add(f)
}

// measured says how long statements are.
func (j *runJudge) measured(t *evidence.Transfer, m memory, all []transfer.Statement) string {
	var parts []string
	for i, st := range all {
		if i == 5 {
			parts = append(parts, finding.Counted(len(all)-i, "more table", "more tables"))
			break
		}
		parts = append(parts, fmt.Sprintf("%s: %s rows of about %.0f bytes in one INSERT, %s", st.Table.Document,
			finding.Grouped(st.Rows), st.Width, megabytes(st.Bytes)))
	}
	page := m.from
	if t.Page.BulkSize != 0 {
		page = fmt.Sprintf("bulk_size is %d", t.Page.BulkSize)
	}
	return fmt.Sprintf("%s; max_allowed_packet of %s is %s; %s", strings.Join(parts, "; "), j.e.Magento2.Label(),
		megabytes(t.Packet), page)
}

// megabytes is a size for people.
func megabytes(bytes int64) string {
	if bytes < 1<<20 {
		return fmt.Sprintf("%.0f KiB", float64(bytes)/(1<<10))
	}
	return fmt.Sprintf("%.1f MiB", float64(bytes)/(1<<20))
}

// packetRemedy has numbers that suffice with a margin.
func (j *runJudge) packetRemedy(t *evidence.Transfer, m memory, long []transfer.Statement) string {
	var remedies []string
	packet := transfer.PacketFor(long[0].Bytes)
	if transfer.Suffices(packet, long[0].Bytes) {
		remedies = append(remedies, fmt.Sprintf("On %s's server:\nSET GLOBAL max_allowed_packet = %d;\n"+
			"and in its my.cnf under [mysqld]:\nmax_allowed_packet = %d", j.e.Magento2.Label(), packet, packet))
	}
	if bulk := transfer.BulkFor(t.Packet, long); bulk > 0 {
		text := fmt.Sprintf("in the tool's config.xml under <options>:\n<bulk_size>%d</bulk_size>\n"+
			"A small one has its price: of the orders that change during one cycle of the delta, only as many get "+
			"into the order grid.", bulk)
		if len(remedies) > 0 {
			text = "Where the server cannot be changed, " + text
		} else {
			text = "Write " + text
		}
		remedies = append(remedies, text)
	}
	if m.assumed && t.Page.BulkSize == 0 {
		remedies = append(remedies, "If PHP has a memory_limit, set "+j.key("memory_limit")+", or "+
			j.e.Migration.Key("preconditions.system_requirements.php")+" to the binary that runs the tool.")
	}
	return strings.Join(remedies, "\n")
}

// fatRow reports a single row that no page size makes shorter.
func (j *runJudge) fatRow(t *evidence.Transfer, row transfer.FatRow) {
	which := "a row of " + row.Table.Document
	if row.Key != "" {
		which += fmt.Sprintf(" (%s = %s)", row.Key, row.ID)
	}
	remedy := "Shorten the row in Magento 1."
	if packet := transfer.PacketFor(row.Bytes); transfer.Suffices(packet, row.Bytes) {
		remedy = fmt.Sprintf("bulk_size does not help. On %s's server:\nSET GLOBAL max_allowed_packet = %d;\n"+
			"and in its my.cnf under [mysqld]:\nmax_allowed_packet = %d\nOr shorten the row in Magento 1.",
			j.e.Magento2.Label(), packet, packet)
	}
	j.Fail("long row in "+row.Table.Document, which+" alone is longer than max_allowed_packet: the tool will die with "+
		"error 1153", fmt.Sprintf("%s; max_allowed_packet of %s is %s", megabytes(row.Bytes), j.e.Magento2.Label(),
		megabytes(t.Packet)), remedy)
}
