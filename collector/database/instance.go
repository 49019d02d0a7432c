package database

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Instance tells a database on one run of one server from all others: what was learnt of one means nothing on another,
// to which a failover, a load balancer or a new address can lead at any time.
type Instance struct {
	// Name is the endpoint, and what the server calls itself.
	Name string
	// Started is when the server was, by this host's clock: a restart can bring other data under the same name.
	Started time.Time
}

// startSlack is more than the rounding of an uptime and a slow answer make up.
const startSlack = 3 * time.Second

// Is reports whether both are the same.
func (i Instance) Is(other Instance) bool {
	return i.Name == other.Name && i.Started.Sub(other.Started).Abs() < startSlack
}

// Instance asks what the session is on. It needs no privilege.
func (s *Session) Instance(ctx context.Context) (Instance, error) {
	i := Instance{Name: s.endpoint.String()}
	err := s.Rows(ctx, "SHOW GLOBAL VARIABLES WHERE Variable_name IN ('hostname', 'port', 'datadir', 'server_id', "+
		"'server_uuid', 'version')", nil,
		func(scan func(...any) error) error {
			var name, value string
			err := scan(&name, &value)
			i.Name += " " + name + "=" + strconv.Quote(value)
			return err
		})
	if err != nil {
		return Instance{}, fmt.Errorf("asking the server for its name: %w", err)
	}
	var name string
	var uptime int64
	if err := s.Row(ctx, "SHOW GLOBAL STATUS LIKE 'Uptime'", nil, &name, &uptime); err != nil {
		return Instance{}, fmt.Errorf("asking the server for its uptime: %w", err)
	}
	i.Started = time.Now().Add(-time.Duration(uptime) * time.Second)
	return i, nil
}

// Replication is whether a server is a replica of another one.
type Replication struct {
	// Known is false where the server does not show it to the account.
	Known, Replica bool
	// Seen says what the server answered.
	Seen string
}

// Replication asks whether the server is a replica. MariaDB and MySQL before 8.0 show it to everybody; a newer MySQL
// shows it to accounts with REPLICATION CLIENT alone.
func (s *Session) Replication(ctx context.Context) (Replication, error) {
	var seen []string
	replica := false
	// Slave_running is about MariaDB's unnamed connection to a source, Slaves_running counts all.
	err := s.Rows(ctx, "SHOW GLOBAL STATUS WHERE Variable_name IN ('Slave_running', 'Slaves_running')", nil,
		func(scan func(...any) error) error {
			var name, value string
			err := scan(&name, &value)
			seen = append(seen, name+" is "+value)
			replica = replica || value != "OFF" && value != "0"
			return err
		})
	if err != nil {
		return Replication{}, fmt.Errorf("asking whether the server is a replica: %w", err)
	}
	if len(seen) > 0 {
		return Replication{Known: true, Replica: replica, Seen: strings.Join(seen, ", ")}, nil
	}
	sources := 0
	const query = "SHOW REPLICA STATUS"
	err = s.Rows(ctx, query, nil, func(func(...any) error) error { sources++; return nil })
	switch {
	case isAnswer(err):
		return Replication{Seen: fmt.Sprintf("%s is answered by error %d", query, Number(err))}, nil
	case err != nil:
		return Replication{}, fmt.Errorf("asking whether the server is a replica: %w", err)
	}
	return Replication{Known: true, Replica: sources > 0, Seen: fmt.Sprintf("%s names %d source(s)", query, sources)},
		nil
}
