package privilege

import (
	"slices"

	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/config"
)

// Task says what the tool will do, as far as that decides which privileges it needs.
type Task struct {
	Phase config.Phase
	// Commerce is true for a migration from Magento Commerce 1.13 or 1.14, whose URL rewrites the tool prepares in
	// tables that it makes in Magento 1's database, also while it runs migrate:delta.
	Commerce bool
	// NormalizationIDs is true when the migration's mapping has the tool's NormalizationIds handler, which empties
	// tables in migrate:delta.
	NormalizationIDs bool
	// DeltaTables are the tables of Magento 1, with their prefix, whose changes the tool will log by triggers. None
	// means that any table may be one.
	DeltaTables []string
}

// requirement is a privilege that the tool needs on a database.
type requirement struct {
	privilege Privilege
	reason    string // what the tool needs it for, to go behind "the tool needs it to"
}

// required returns what an account needs: until the data are migrated what migrate:settings, migrate:data and the
// following migrate:delta issue, from then on what migrate:delta issues and what the triggers on the live shop need to
// fire.
func required(o Observation, t Task) []requirement {
	if o.Target.System == finding.Magento1 {
		return requiredOnMagento1(t, o.hasViews)
	}
	return requiredOnMagento2(t, o.Server)
}

func requiredOnMagento1(t Task, hasViews bool) []requirement {
	list := []requirement{
		{Select, "read the shop's tables, and its triggers need it whenever the shop writes"},
		{Insert, "let its triggers, which run as this account, log the shop's changes in m2_cl_* tables"},
		{Update, "let its triggers, which run as this account, log the shop's changes in m2_cl_* tables"},
		{Delete, "remove changes that migrate:delta has delivered from m2_cl_* tables"},
	}
	if !t.afterData() || t.Commerce {
		list = append(list,
			requirement{Create, "create the m2_cl_* tables, whose names are not there yet"},
			requirement{Drop, "empty the m2_cl_* tables when migrate:data runs again"})
	}
	list = append(
		list,
		requirement{Trigger, "create triggers that log the shop's changes, and those need it whenever " +
			"the shop writes"},
	)
	if hasViews && !t.afterData() {
		list = append(list, requirement{ShowView, "look at the foreign keys of all tables, among which it counts the " +
			"views of this database"})
	}
	return list
}

func requiredOnMagento2(t Task, server Server) []requirement {
	list := []requirement{
		{Select, "compare and read Magento 2's tables"},
		{Insert, "write the migrated data"},
		{Update, "write changes of what it migrated before"},
		{Delete, "deliver deletions"},
	}
	if t.afterData() {
		if t.NormalizationIDs {
			list = append(list, requirement{Drop, "empty tables before it fills them (TRUNCATE)"})
		}
		return list
	}
	list = append(list,
		requirement{Create, "create backup and sequence tables"},
		requirement{Drop, "empty tables before it fills them (TRUNCATE), and drop its backup tables"})
	if server.checksReferences() {
		list = append(list, requirement{References, "copy tables together with their foreign keys"})
	}
	return list
}

func (t Task) afterData() bool { return t.Phase == config.PhaseDelta || t.Phase == config.PhaseCutover }

// firing lists what the definer of the tool's triggers needs whenever the shop writes.
func firing() []Privilege { return []Privilege{Trigger, Select, Insert, Update} }

// StopsTriggers reports whether a finding with this subject is about something without which the tool's triggers fail.
func StopsTriggers(subject string) bool {
	return subject == SubjectRoles || slices.Contains(firing(), Privilege(subject))
}
