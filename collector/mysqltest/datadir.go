package mysqltest

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// cacheVariable names the directory that data directory templates are kept in. Unset means below .cache of the project,
// or of the user where the working directory is not in the project.
const cacheVariable = "MYSQLTEST_CACHE"

// initialise makes a data directory. Temporary files go beside it: a starting server deletes those of other servers in
// its temporary directory, so nobody may share it.
type initialise func(ctx context.Context, i installation, dir string) error

// createDataDir makes a data directory: a copy of one that an earlier start left in the cache, or else a new one, left
// there for later.
func (i installation) createDataDir(ctx context.Context, dir string) error {
	cache, err := templatesDir()
	if err != nil {
		// There is no place for a cache, for instance without $HOME: work without one.
		return i.makeDataDir(ctx, dir)
	}
	template, err := i.templatePath(cache)
	if err != nil {
		return err
	}
	if _, err := os.Stat(template); errors.Is(err, fs.ErrNotExist) {
		if err := i.makeTemplate(ctx, template); err != nil {
			return err
		}
	}
	if err := os.CopyFS(dir, os.DirFS(template)); err != nil {
		return fmt.Errorf("copy the data directory template %s: %w", template, err)
	}
	return nil
}

func templatesDir() (string, error) {
	dir := os.Getenv(cacheVariable)
	if dir == "" {
		if root, err := projectRoot(); err == nil {
			dir = filepath.Join(root, ".cache", "mysqltest")
		} else if dir, err = os.UserCacheDir(); err != nil {
			return "", err
		} else {
			dir = filepath.Join(dir, "magento_migration_exporter", "mysqltest")
		}
	}
	return dir, os.MkdirAll(dir, 0o700)
}

// templatePath names the template after all that it depends on, so that another server or other options never find it.
func (i installation) templatePath(cache string) (string, error) {
	info, err := os.Stat(i.server)
	if err != nil {
		return "", err
	}
	key := fmt.Sprintf("%s %d %s %q %s", i.server, info.Size(), info.ModTime().UTC(), i.baseArgs, i.initKey)
	return filepath.Join(cache, fmt.Sprintf("%s-%x", i.flavor.ID(), sha256.Sum256([]byte(key)))), nil
}

// makeTemplate lets other processes that need the same template wait, and makes it only if none of them has.
func (i installation) makeTemplate(ctx context.Context, path string) (err error) {
	unlock, err := lock(ctx, filepath.Join(filepath.Dir(path), i.flavor.ID()+".lock"))
	if err != nil {
		return err
	}
	defer unlock()
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	if err := i.removeOld(filepath.Dir(path)); err != nil {
		return err
	}
	work, err := os.MkdirTemp(filepath.Dir(path), "new-"+i.flavor.ID()+"-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	fresh := filepath.Join(work, "data")
	if err := i.makeDataDir(ctx, fresh); err != nil {
		return err
	}
	if err := os.Rename(fresh, path); err != nil {
		return fmt.Errorf("keep the data directory template: %w", err)
	}
	return nil
}

// templateLife is for how long a template is kept that another server, or other options, may have taken the place of.
const templateLife = 7 * 24 * time.Hour

// removeOld removes templates that nobody may need any more, and what interrupted runs left. The caller has the lock.
func (i installation) removeOld(cache string) error {
	unfinished, err := filepath.Glob(filepath.Join(cache, "new-"+i.flavor.ID()+"-*"))
	if err != nil {
		return err
	}
	templates, err := filepath.Glob(filepath.Join(cache, i.flavor.ID()+"-*"))
	if err != nil {
		return err
	}
	for _, path := range templates {
		if info, err := os.Stat(path); err == nil && time.Since(info.ModTime()) > templateLife {
			unfinished = append(unfinished, path)
		}
	}
	for _, path := range unfinished {
		if err := os.RemoveAll(path); err != nil {
			return err
		}
	}
	return nil
}

// lock waits for a lock that ends with this process, or with the function that it returns.
func lock(ctx context.Context, path string) (unlock func(), err error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	for {
		err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			return func() { _ = file.Close() }, nil
		}
		if !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR) {
			return nil, errors.Join(fmt.Errorf("lock %s: %w", path, err), file.Close())
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(fmt.Errorf("wait for the lock %s: %w", path, context.Cause(ctx)), file.Close())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (i installation) makeDataDir(ctx context.Context, dir string) error {
	if err := i.initialise(ctx, i, dir); err != nil {
		return fmt.Errorf("make a %s data directory: %w", i.flavor, err)
	}
	// The server's UUID: each server makes its own when the file is missing.
	if err := os.Remove(filepath.Join(dir, "auto.cnf")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// bootstrapStart is what mariadb-install-db puts before the scripts, for an account root@localhost without a password.
const bootstrapStart = `CREATE DATABASE mysql;
USE mysql;
SET @auth_root_socket=NULL;
SET @skip_auth_anonymous=1;
`

// bootstrap does what mariadb-install-db does with MariaDB's scripts. That program finds servers only in the system's
// places, and starts processes that outlive it when it is killed.
func bootstrap(share string) initialise {
	return func(ctx context.Context, i installation, dir string) error {
		if err := os.Mkdir(dir, 0o700); err != nil {
			return err
		}
		input := []io.Reader{strings.NewReader(bootstrapStart)}
		for _, part := range []string{"system_tables", "performance_tables", "system_tables_data", "sys_schema"} {
			script, err := mariaDBScript(share, part)
			if errors.Is(err, fs.ErrNotExist) && part == "sys_schema" { // MariaDB has it since 10.6
				continue
			}
			if err != nil {
				return err
			}
			input = append(input, bytes.NewReader(script), strings.NewReader("\n"))
		}
		return i.runBootstrap(ctx, dir, io.MultiReader(input...))
	}
}

// The names below the data directory of a certificate that belongs to it.
const (
	certificateFile = "server-cert.pem"
	keyFile         = "server-key.pem"
)

// withCertificate gives a data directory a certificate that the server signed itself, as MariaDB makes them since 11.4.
func withCertificate(bare initialise) initialise {
	return func(ctx context.Context, i installation, dir string) error {
		plain := i
		plain.baseArgs = slices.DeleteFunc(slices.Clone(i.baseArgs), func(arg string) bool {
			return strings.HasPrefix(arg, "--ssl-")
		})
		if err := bare(ctx, plain, dir); err != nil {
			return err
		}
		return writeCertificate(dir)
	}
}

func writeCertificate(dir string) error {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "MariaDB Server"},
		NotAfter: time.Now().AddDate(10, 0, 0),
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	return errors.Join(
		writePEM(filepath.Join(dir, certificateFile), "CERTIFICATE", certificate),
		writePEM(filepath.Join(dir, keyFile), "PRIVATE KEY", private),
	)
}

func writePEM(path, kind string, data []byte) error {
	return os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: data}), 0o600)
}

// mariaDBScript reads one of the scripts that make the system tables, which are named after MySQL in older packages.
func mariaDBScript(share, part string) ([]byte, error) {
	text, err := os.ReadFile(filepath.Join(share, "mariadb_"+part+".sql"))
	if errors.Is(err, fs.ErrNotExist) {
		return os.ReadFile(filepath.Join(share, "mysql_"+part+".sql"))
	}
	return text, err
}

// initializeInsecure is what MySQL can do itself since 5.7.
func initializeInsecure(ctx context.Context, i installation, dir string) error {
	return runQuietly(ctx, i.serverCommand(dir, "--initialize-insecure", "--tmpdir="+filepath.Dir(dir)))
}

// packagedDataCleanUp removes from the packaged MySQL 5.6 what applies to every account without showing in its grants,
// anonymous users and the rights of all on test%, and the accounts of the machine it was packaged on.
const packagedDataCleanUp = `DELETE FROM mysql.user WHERE User = '' OR Host NOT IN ('localhost', '127.0.0.1', '::1');
DELETE FROM mysql.db;
DELETE FROM mysql.proxies_priv WHERE Host <> 'localhost';
`

// packagedData starts from a data directory in the server's package, which has no program that makes one.
func packagedData(data string) initialise {
	return func(ctx context.Context, i installation, dir string) error {
		if err := os.CopyFS(dir, os.DirFS(data)); err != nil {
			return err
		}
		return i.runBootstrap(ctx, dir, strings.NewReader(packagedDataCleanUp))
	}
}

// runBootstrap lets a server that nobody can connect to run SQL on a data directory.
func (i installation) runBootstrap(ctx context.Context, dir string, sql io.Reader) error {
	cmd := i.serverCommand(dir, "--bootstrap", "--tmpdir="+filepath.Dir(dir))
	cmd.Stdin = sql
	return runQuietly(ctx, cmd)
}

// runQuietly runs a command and shows its output only when it fails. The command ends with the context, and with this
// process.
func runQuietly(ctx context.Context, cmd *exec.Cmd) error {
	var output safeBuffer
	cmd.Stdout, cmd.Stderr = &output, &output
	p, err := startProcess(cmd)
	if err != nil {
		return err
	}
	select {
	case <-p.done:
	case <-ctx.Done():
		p.kill()
		return fmt.Errorf("%s: %w; its output:\n%s", cmd.Path, context.Cause(ctx), output.String())
	}
	if !cmd.ProcessState.Success() {
		return fmt.Errorf("%s: %s; its output:\n%s", cmd.Path, cmd.ProcessState, output.String())
	}
	return nil
}
