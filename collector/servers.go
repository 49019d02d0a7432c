package collector

import "cmp"

// Server is a database that an evaluation looked at.
type Server struct {
	// System is magento1 or magento2.
	System string `json:"system"`
	// Address is host and port, or a Unix socket's path.
	Address  string `json:"address"`
	Database string `json:"database"`
	// Account is the one that the server took, or the configured user where no login worked.
	Account string `json:"account"`
	// Version is flavor and version, empty where no login worked.
	Version string `json:"version"`
}

// servers lists the configured databases.
func (e *Evidence) servers() []Server {
	var all []Server
	for _, s := range []*System{e.Magento1, e.Magento2} {
		if s.Endpoint.Name == "" {
			continue
		}
		_, address, _ := s.Endpoint.Address()
		server := Server{System: s.Name, Address: cut(cmp.Or(address, "localhost")), Database: cut(s.Endpoint.Name), Account: cut(s.Endpoint.User)}
		if s.Session != nil {
			server.Account, server.Version = s.Session.CurrentUser, s.Session.Version.String()
		}
		all = append(all, server)
	}
	return all
}
