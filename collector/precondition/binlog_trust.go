package precondition

import (
	"context"

	"magento_migration_exporter/collector/evidence"
	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/collector/privilege"
)

// The metric families of binlog_trust.
const (
	binlogEnabled = "binlog_enabled"
	binlogTrusted = "binlog_trust"
)

// binlogTrust checks that Magento 1's server does not refuse the tool's triggers because of its binary log.
func binlogTrust() Precondition {
	return Precondition{
		ID: "binlog_trust", Title: "Binary log trust", Phases: untilDone(), Needs: []Need{Magento1Database},
		Families: []finding.Family{
			{Name: binlogEnabled, Help: "Whether Magento 1's server writes a binary log (1 yes, 0 no)."},
			{
				Name: binlogTrusted,
				Help: "Whether Magento 1's server lets the account create triggers: " +
					"1 when the log is off, or log_bin_trust_function_creators is set, or the account has SUPER.",
			},
		},
		Evaluate: evaluateBinlogTrust,
	}
}

func evaluateBinlogTrust(ctx context.Context, e *evidence.Evidence) finding.Verdict {
	v := finding.Verdict{}
	observation, ok := e.Privileges(ctx, e.Magento1, &v)
	if !ok {
		return v
	}
	trust := privilege.AssessTrust(observation, e.Task())
	v.Summary = "the server lets the account create triggers"
	switch {
	case !trust.BinaryLog.Open():
		v.Summary = "Magento 1's server writes no binary log"
	case trust.BinaryLog.Trust:
		v.Summary = "log_bin_trust_function_creators is set on Magento 1's server"
	}
	v.Sample(binlogEnabled, finding.Bool(trust.BinaryLog.Enabled))
	if trust.Trusted != privilege.Undetermined {
		v.Sample(binlogTrusted, finding.Bool(trust.Trusted == privilege.Held))
	}
	for _, f := range trust.Findings {
		v.Add(f)
	}
	return v
}
