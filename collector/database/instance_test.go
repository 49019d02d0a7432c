package database

import (
	"testing"

	"magento_migration_exporter/collector/mysqltest"
)

// TestReplication asks as accounts that may see everything and nothing, before and after the server becomes a replica
// of one that is not there.
func TestReplication(t *testing.T) {
	t.Parallel()
	eachServer(t, func(t *testing.T, server *mysqltest.Server) {
		if err := server.Exec(t.Context(), "CREATE USER plain@localhost IDENTIFIED BY 'x'",
			"GRANT SELECT ON shop.* TO plain@localhost"); err != nil {
			t.Fatal(err)
		}
		ask := func(user, password string) Replication {
			t.Helper()
			e := Endpoint{Host: server.Host(), Port: server.Port(), User: user, Name: "shop"}
			if e.Password = "x"; password == "" {
				e.Password, e.Host, e.Socket = "", "", server.Socket()
			}
			s, err := Open(t.Context(), e, options())
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			r, err := s.Replication(t.Context())
			if err != nil || r.Seen == "" {
				t.Fatalf("%+v, %v", r, err)
			}
			return r
		}
		if r := ask("root", ""); !r.Known || r.Replica {
			t.Errorf("a server of its own: %+v", r)
		}
		if r := ask("plain", "x"); r.Replica || r.Known == (server.Flavor() == mysqltest.MySQL97) {
			t.Errorf("a server of its own, to an account without privileges: %+v", r)
		}
		if server.Flavor().Family() == "mariadb" {
			if err := server.Exec(t.Context(), "CHANGE MASTER 'named' TO MASTER_HOST='127.0.0.1', MASTER_PORT=1, "+
				"MASTER_USER='x'", "START SLAVE 'named'"); err != nil {
				t.Fatal(err)
			}
			defer func() {
				if err := server.Exec(t.Context(), "STOP SLAVE 'named'", "RESET SLAVE 'named' ALL"); err != nil {
					t.Error(err)
				}
			}()
			if r := ask("plain", "x"); !r.Known || !r.Replica {
				t.Errorf("a replica of a source with a name: %+v", r)
			}
		}
		if server.Flavor() != mysqltest.MySQL97 {
			return // only a source that is there makes the others say so
		}
		if err := server.Exec(t.Context(), "CHANGE REPLICATION SOURCE TO SOURCE_HOST='127.0.0.1', SOURCE_PORT=1, "+
			"SOURCE_USER='x'"); err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := server.Exec(t.Context(), "RESET REPLICA ALL"); err != nil {
				t.Error(err)
			}
		}()
		if r := ask("root", ""); !r.Known || !r.Replica {
			t.Errorf("a replica: %+v", r)
		}
		if r := ask("plain", "x"); r.Known {
			t.Errorf("a replica, to an account without privileges: %+v", r)
		}
	})
}
