package precondition

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"magento_migration_exporter/collector/database"
	"magento_migration_exporter/collector/evidence"
	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/collector/privilege"
	"magento_migration_exporter/config"
	"magento_migration_exporter/config/toolconfig"
)

// The metric families of network.
const (
	databaseUp      = "database_up"
	connectDuration = "database_connect_duration_seconds"
	databaseInfo    = "database_info"
	certificateEnd  = "tls_certificate_expiry_timestamp_seconds"
)

// network checks that the tool's accounts can log in to both databases from this host.
func network() Precondition {
	return Precondition{
		ID: "network", Title: "Network access", Needs: []Need{Magento1Database, Magento2Database},
		Families: []finding.Family{
			{
				Name: databaseUp, Labels: []string{"system"},
				Zero: [][]string{{string(finding.Magento1)}, {string(finding.Magento2)}},
				Help: "Whether the login to the database and its selection worked (1 yes, 0 no).",
			},
			{
				Name: connectDuration, Labels: []string{"system"},
				Help: "How long it took to resolve, connect, log in and select the database.",
			},
			{
				Name: databaseInfo, Labels: []string{"system", "flavor", "version"},
				Help: "The database server's flavor (mysql or mariadb) and version; always 1.",
			},
			{
				Name: certificateEnd, Labels: []string{"system"},
				Help: "When the certificate of the database ends, in Unix seconds; absent when the login used no TLS.",
			},
		},
		Evaluate: evaluateNetwork,
	}
}

func evaluateNetwork(ctx context.Context, e *evidence.Evidence) finding.Verdict {
	v := finding.Verdict{Summary: "both databases answer and accept the tool's accounts"}
	for _, s := range e.Systems() {
		if e.Phase.Phase == config.PhaseDone && s.Name == finding.Magento1 && s.Err != nil {
			continue // Magento 1 may be switched off
		}
		judgeLogin(&v, s)
		if s.Session != nil {
			judgeRoute(ctx, &v, e, s)
			judgeAccount(ctx, &v, e, s)
		}
		judgeToolDatabase(&v, e.Tool, s)
	}
	return v
}

func judgeLogin(v *finding.Verdict, s *evidence.System) {
	subject := string(s.Name)
	var settings *evidence.SettingsError
	var fault *database.Fault
	switch {
	case s.Err == nil:
		session := s.Session
		v.Sample(databaseUp, 1, subject)
		v.Sample(connectDuration, session.Timing.Total().Seconds(), subject)
		v.Sample(databaseInfo, 1, subject, string(session.Version.Flavor), session.Version.Number())
		t := session.Timing
		if !t.CertificateExpiry.IsZero() {
			v.Sample(certificateEnd, finding.UnixSeconds(t.CertificateExpiry), subject)
		}
		v.Note(subject, fmt.Sprintf("%s's database answers: %s", s.Label(), session.Version),
			fmt.Sprintf("%s as %s; resolve %s, connect %s, login %s", session.Endpoint(), session.CurrentUser,
				milliseconds(t.Resolve), milliseconds(t.Connect), milliseconds(t.Login)), "")
	case errors.Is(s.Err, evidence.ErrNotConfigured):
		v.Unknown(subject, s.Label()+"'s database is not configured", "", s.ConfigureRemedy())
	case errors.As(s.Err, &settings):
		v.Unknown(subject, "the settings of "+s.Label()+"'s database cannot be read", s.Err.Error(), settings.Remedy())
	case errors.As(s.Err, &fault) && fault.Cause == database.TLSFiles:
		v.Unknown(subject, "the TLS files for "+s.Label()+"'s database cannot be read", s.Err.Error(),
			"Put the files there, readable for the user that the exporter runs as; "+
				"the next evaluation reads them again.")
	default:
		summary, remedy := s.LoginFault()
		v.Fail(subject, summary, s.Err.Error(), remedy)
	}
}

func milliseconds(d time.Duration) string { return d.Round(100 * time.Microsecond).String() }

// judgeAccount checks that the server accepts the account's writes, since privileges do not help against a read-only
// one, and the tool's login.
func judgeAccount(ctx context.Context, v *finding.Verdict, e *evidence.Evidence, s *evidence.System) {
	if e.Phase.Phase == config.PhaseDone {
		return
	}
	var unread finding.Verdict // the precondition privileges reports it
	o, ok := e.Privileges(ctx, s, &unread)
	if !ok {
		return
	}
	for _, f := range privilege.AssessReadOnly(o) {
		f.Subject = string(s.Name) + " " + f.Subject
		v.Add(f)
	}
	judgePlugins(v, s, o)
}

// judgePlugins looks for an account that lets the exporter in, and not the tool.
func judgePlugins(v *finding.Verdict, s *evidence.System, o privilege.Observation) {
	plugins := o.ForeignPlugins()
	if len(plugins) == 0 {
		return
	}
	names := strings.Join(plugins, " or ")
	summary := fmt.Sprintf("the account logs in by %s, which PHP does not have: the tool would get error 2054", names)
	if slices.Contains(plugins, "unix_socket") {
		summary = fmt.Sprintf("the account logs in by %s: only the operating system's user %s can log in this way, on "+
			"the server's own host", names, o.Account.User)
	}
	v.Warn(string(s.Name)+" plugin", summary, "SHOW GRANTS has IDENTIFIED VIA "+names,
		"Give the account a password that PHP can send, unless the tool runs as that user:\nALTER USER "+
			o.Account.Quoted()+" IDENTIFIED VIA mysql_native_password USING PASSWORD('<password>');")
}

// judgeRoute looks for settings with which the tool connects in another way than the exporter, or to a wrong server.
func judgeRoute(ctx context.Context, v *finding.Verdict, e *evidence.Evidence, s *evidence.System) {
	subject := string(s.Name)
	if strings.EqualFold(s.Config.Database.Host, "localhost") && s.Config.Database.Port != 0 {
		v.Warn(subject+" port", "a port is set with the host localhost, and PHP ignores it",
			fmt.Sprintf("host localhost, port %d; the Unix socket was used", s.Config.Database.Port),
			"Write 127.0.0.1 if you mean the port; otherwise remove the port.")
	}
	if string(s.Endpoint.Password) == "0" {
		v.Warn(subject+" password", "the tool sends the password 0 as an empty one", "",
			"Give the account another password.")
	}
	if s.Name != finding.Magento1 {
		return
	}
	judgeReplica(ctx, v, e, s)
}

// judgeReplica says when Magento 1's database is a replica, on which the tool's triggers may not fire. From migrate on,
// delta_log reports that: one cause is one failure.
func judgeReplica(ctx context.Context, v *finding.Verdict, e *evidence.Evidence, s *evidence.System) {
	if e.Phase.Migrated() {
		return
	}
	subject := string(s.Name) + " replica"
	const remedy = "Configure the live primary: with row-based replication the tool's triggers do not fire on a " +
		"replica, and migrate:delta would find nothing."
	replication, err := s.Session.Replication(ctx)
	switch {
	case err != nil:
		s.Broken(v, subject, err)
	case !replication.Known:
		v.Note(subject, "whether Magento 1's database is a replica is not shown to this account", replication.Seen,
			"Check it as an administrator, or let the account see it:\nGRANT REPLICATION CLIENT ON *.* TO "+
				privilege.ParseAccount(s.Session.CurrentUser).Quoted()+";\nSHOW REPLICA STATUS;\n"+
				"If it is one: "+remedy)
	case replication.Replica:
		v.Warn(subject, "Magento 1's database is a replica", replication.Seen, remedy)
	}
}

// judgeToolDatabase reports settings in config.xml that the tool reads in another way than they look.
func judgeToolDatabase(v *finding.Verdict, tool evidence.Tool, s *evidence.System) {
	subject := map[finding.System]string{finding.Magento1: "source", finding.Magento2: "destination"}[s.Name]
	if tool.Config == nil {
		return
	}
	for _, p := range tool.Config.Problems {
		if p.Subject == subject && p.Severity != toolconfig.Refused {
			v.Warn(string(s.Name)+" config.xml",
				"the tool misunderstands its configuration of "+s.Label()+"'s database",
				fmt.Sprintf("%s:%d:%d: %s", tool.Path, p.Place.Line, p.Place.Column, p.Text),
				"Correct <"+subject+"> in "+tool.Path+".")
		}
	}
}
