package evidence

import (
	"cmp"

	"magento_migration_exporter/collector/finding"
)

// Server is a database that an evaluation looked at.
type Server struct {
	System finding.System `json:"system"`
	// Address is host and port, or a Unix socket's path.
	Address  string `json:"address"`
	Database string `json:"database"`
	// Account is CURRENT_USER(), the account that the server matched, or the configured user when the login failed.
	Account string `json:"account"`
	// Version is flavor and version, empty when the login failed.
	Version string `json:"version"`
}

// Servers lists the configured databases.
func (e *Evidence) Servers() []Server {
	var all []Server
	for _, s := range e.Systems() {
		if s.Endpoint.Name == "" {
			continue
		}
		_, address, _ := s.Endpoint.Address()
		server := Server{
			System: s.Name, Address: finding.Cut(cmp.Or(address, "localhost")),
			Database: finding.Cut(s.Endpoint.Name), Account: finding.Cut(s.Endpoint.User),
		}
		if s.Session != nil {
			server.Account, server.Version = s.Session.CurrentUser, s.Session.Version.String()
		}
		all = append(all, server)
	}
	return all
}
