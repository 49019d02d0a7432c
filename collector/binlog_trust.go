package collector

import (
	"context"

	"magento_migration_exporter/collector/privilege"
)

// evaluateBinlogTrust tells whether Magento 1's server would refuse the tool's triggers because of its binary log.
func evaluateBinlogTrust(ctx context.Context, e *Evidence) Verdict {
	v := Verdict{}
	observation, ok := e.Magento1.observePrivileges(ctx, &v, e)
	if !ok {
		return v
	}
	trust := privilege.AssessTrust(observation, task(e))
	v.Summary = "the server lets the account create triggers"
	switch {
	case !trust.BinaryLog.Open():
		v.Summary = "Magento 1's server writes no binary log"
	case trust.BinaryLog.Trust:
		v.Summary = "log_bin_trust_function_creators is set on Magento 1's server"
	}
	if !observation.PasswordExpired {
		v.sample(binlogEnabled, boolValue(trust.BinaryLog.Enabled))
	}
	if trust.Trusted != privilege.Undetermined {
		v.sample(binlogTrust, boolValue(trust.Trusted == privilege.Held))
	}
	for _, f := range trust.Findings {
		v.addPrivilegeFinding("", f)
	}
	return v
}
