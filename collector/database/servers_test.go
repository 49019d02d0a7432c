package database

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"

	"magento_migration_exporter/collector/leaktest"

	"magento_migration_exporter/collector/mysqltest"
)

// lab is a server that the tests of this package share, one after the other. It starts when the first one needs it.
type lab struct {
	mu     sync.Mutex
	server *mysqltest.Server
}

// labs are the servers by flavor. Only their locks guard them.
var labs = map[mysqltest.Flavor]*lab{}

func TestMain(m *testing.M) {
	for _, flavor := range mysqltest.Flavors() {
		labs[flavor] = &lab{}
	}
	code := m.Run()
	for _, l := range labs {
		if l.server == nil {
			continue
		}
		if err := l.server.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	if err := leaktest.Goroutines(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// eachServer runs a test on a server of each flavor, alone with it. The server has a database shop with a table t that
// holds 1 and 2, and no account but root's. A test that leaves anything else changed on it restarts it.
func eachServer(t *testing.T, test func(*testing.T, *mysqltest.Server)) {
	t.Helper()
	for _, flavor := range mysqltest.Flavors() {
		onServer(t, flavor, test)
	}
}

func onServer(t *testing.T, flavor mysqltest.Flavor, test func(*testing.T, *mysqltest.Server)) {
	t.Helper()
	l := labs[flavor]
	if l == nil {
		return // MYSQLTEST_SERVERS leaves it out
	}
	t.Run(flavor.String(), func(t *testing.T) {
		t.Parallel()
		l.mu.Lock()
		t.Cleanup(l.mu.Unlock)
		if l.server == nil {
			server, err := mysqltest.Start(context.Background(), mysqltest.Options{Flavor: flavor})
			if err != nil {
				t.Fatal(err)
			}
			l.server = server
		}
		t.Cleanup(func() { clean(t, l.server) })
		if err := l.server.Load(t.Context(), "shop", "CREATE TABLE t (id int); INSERT INTO t VALUES (1), "+
			"(2)"); err != nil {
			t.Fatal(err)
		}
		test(t, l.server)
	})
}

// clean drops what a test made. It has a context of its own: the test's has ended.
func clean(t *testing.T, server *mysqltest.Server) {
	t.Helper()
	ctx := context.Background()
	root, err := server.Root(ctx)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := root.QueryContext(ctx, "SELECT User, Host FROM mysql.user WHERE User <> 'root' AND User NOT LIKE "+
		"'mysql.%' AND User <> 'mariadb.sys'")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	statements := []string{"DROP DATABASE IF EXISTS shop"}
	for rows.Next() {
		var user, host string
		if err := rows.Scan(&user, &host); err != nil {
			t.Fatal(err)
		}
		statements = append(statements, fmt.Sprintf("DROP USER '%s'@'%s'", user, host))
	}
	if err := errors.Join(rows.Err(), rows.Close(), server.Exec(ctx, statements...)); err != nil {
		t.Error(err)
	}
}

// restart lets a server forget what was set while it ran.
func restart(t *testing.T, server *mysqltest.Server) {
	t.Helper()
	if err := server.Restart(context.WithoutCancel(t.Context())); err != nil {
		t.Error(err)
	}
}
