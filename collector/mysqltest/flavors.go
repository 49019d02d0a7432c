package mysqltest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Flavor says which server to start.
type Flavor int

// The servers that the project is tested on. All but the first are unpacked by .ci/servers.
const (
	// MariaDB is the MariaDB that is installed on this machine, 10.11 on Debian 12.
	MariaDB Flavor = iota
	// MySQL56 is MySQL 5.6, the oldest server that Magento 1 shops still run on.
	MySQL56
	// MySQL97 is MySQL 9.7, which stands for 8.0 and 8.4.
	MySQL97
	// MariaDB118 is MariaDB 11.8.
	MariaDB118
	// MariaDB105 is MariaDB 10.5.
	MariaDB105
)

// chosenVariable names the servers to run on, where not all of them are there.
const chosenVariable = "MYSQLTEST_SERVERS"

// serversDir is where .ci/servers unpacks servers, below the project's directory.
const serversDir = ".cache/servers"

// ErrNotChosen says that MYSQLTEST_SERVERS leaves a server out.
var ErrNotChosen = errors.New("the server is not among those of " + chosenVariable)

// kind is what there is to know about a server before it runs.
type kind struct {
	id, name, family string
	find             func(Flavor) (installation, error)
}

// kinds is the table of servers, by Flavor.
func kinds() []kind {
	return []kind{
		MariaDB:    {"mariadb", "MariaDB", "mariadb", findMariaDB},
		MySQL56:    {"mysql56", "MySQL 5.6", "mysql", findMySQL56},
		MySQL97:    {"mysql97", "MySQL 9.7", "mysql", findMySQL97},
		MariaDB118: {"mariadb118", "MariaDB 11.8", "mariadb", findUnpackedMariaDB},
		MariaDB105: {"mariadb105", "MariaDB 10.5", "mariadb", findUnpackedMariaDB},
	}
}

// Flavors returns the servers to run tests on: all, or those whose IDs the environment variable MYSQLTEST_SERVERS
// lists, with commas between them.
func Flavors() []Flavor {
	var chosen []Flavor
	for i := range kinds() {
		if f := Flavor(i); f.check() == nil {
			chosen = append(chosen, f)
		}
	}
	return chosen
}

// check returns why the flavor is not to be started: an unknown one, ErrNotChosen, or a bad MYSQLTEST_SERVERS.
func (f Flavor) check() error {
	if !f.known() {
		return fmt.Errorf("there is no %s", f)
	}
	list := os.Getenv(chosenVariable)
	if list == "" {
		return nil
	}
	ids := strings.Split(list, ",")
	for _, id := range ids {
		if !slices.ContainsFunc(kinds(), func(k kind) bool { return k.id == id }) {
			return fmt.Errorf("%s=%s: there is no server %q", chosenVariable, list, id)
		}
	}
	if !slices.Contains(ids, f.ID()) {
		return ErrNotChosen
	}
	return nil
}

func (f Flavor) known() bool { return f >= 0 && int(f) < len(kinds()) }

// String returns the flavor as people write it.
func (f Flavor) String() string {
	if !f.known() {
		return "Flavor(" + strconv.Itoa(int(f)) + ")"
	}
	return kinds()[f].name
}

// ID returns the name of the flavor in MYSQLTEST_SERVERS and in .ci/servers.
func (f Flavor) ID() string { return kinds()[f].id }

// Family returns "mariadb" or "mysql".
func (f Flavor) Family() string { return kinds()[f].family }

// Program returns the path of a client program that belongs to the server, such as mysqldump or mariadb-dump. MySQL 5.6
// comes without any.
func (f Flavor) Program(name string) (string, error) {
	if err := f.check(); err != nil {
		return "", err
	}
	if f == MariaDB {
		return findProgram(name, "mariadb-client")
	}
	dir, err := f.dir()
	if err != nil {
		return "", err
	}
	path, err := exec.LookPath(filepath.Join(dir, name))
	if err != nil {
		return "", fmt.Errorf("%s of %s: %w", name, f, err)
	}
	return path, nil
}

// dir returns the directory that .ci/servers made for the flavor.
func (f Flavor) dir() (string, error) {
	root, err := projectRoot()
	if err != nil {
		return "", fmt.Errorf("look for %s: %w", f, err)
	}
	dir := filepath.Join(root, serversDir, f.ID())
	if _, err := os.Stat(filepath.Join(dir, "packages.txt")); err != nil {
		return "", fmt.Errorf(
			"%s is not there: run .ci/servers %s in the project's directory, or leave it out with %s: %w",
			f,
			f.ID(),
			chosenVariable,
			err,
		)
	}
	// One name, however the project's directory is reached: it is in the names of templates.
	return filepath.EvalSymlinks(dir)
}
