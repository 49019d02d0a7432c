package evidence

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"magento_migration_exporter/collector/database"
)

// loginPause is how long a login waits that the server has denied twice.
const loginPause = time.Hour

// triesAtOnce is how often a login that the server denies is tried before it waits: once more, because another hand may
// be changing the account just then.
const triesAtOnce = 2

// Logins keeps wrong passwords from being tried again and again: servers lock an account after a few of them (MySQL's
// FAILED_LOGIN_ATTEMPTS, MariaDB's max_password_errors), and it is the tool's account. A login that was denied (error
// 1045) is tried once more at the next evaluation and then once an hour, and at once when anything about it changed. It
// is for all migrations of a process, since several can log in with the same account. Its zero value is ready, and it
// can be used by several goroutines.
type Logins struct {
	mu    sync.Mutex
	known map[credential]*login
}

// credential is all by which a server decides on a login.
type credential struct {
	endpoint database.Endpoint // without the database and TLS, which is beside it
	tls      database.TLS
	// files are the sizes and times of TLS's files.
	files string
}

// login is what is known of one credential.
type login struct {
	// works is true after a login that worked: from then on logins need not wait for each other.
	works bool
	// running is a login of which nobody knows yet whether it works.
	running *attempt
	denied  int
	// tried is when the evaluation began in which it was denied last.
	tried time.Time
	err   error
}

// attempt is a login for which others wait.
type attempt struct {
	done chan struct{} // closed at its end
	err  error
}

// DeniedLogin is a login that the server denied, now or earlier. Until Next it is not tried again.
type DeniedLogin struct {
	Err error // the server's answer
	// Tried is when the evaluation began that tried it last, and Next when it is tried again. Next is zero for the next
	// evaluation.
	Tried, Next time.Time
}

// Error implements error.
func (d *DeniedLogin) Error() string { return d.Err.Error() }

// Unwrap implements errors.Unwrap.
func (d *DeniedLogin) Unwrap() error { return d.Err }

// open logs in, unless the login has to wait. now is when the evaluation began. A login that never worked waits for
// another one that is being tried, and shares its error: else two systems with one account would be two wrong passwords
// at a time.
func (l *Logins) open(
	ctx context.Context, now time.Time, c credential, open func() (*database.Session, error),
) (*database.Session, error) {
	for {
		l.mu.Lock()
		x := l.login(c)
		if err := x.waits(now); err != nil {
			l.mu.Unlock()
			return nil, err
		}
		if x.works || x.running == nil {
			return l.try(x, now, open)
		}
		other := x.running
		l.mu.Unlock()
		select {
		case <-other.done:
		case <-ctx.Done():
			return nil, fmt.Errorf("waiting for another login of %s: %w", c.endpoint.User, ctx.Err())
		}
		if !getsIn(other.err) && !errors.Is(other.err, context.Canceled) {
			return nil, other.err
		}
	}
}

// try logs in. The caller holds the lock, which is released.
func (l *Logins) try(
	x *login, now time.Time, open func() (*database.Session, error),
) (*database.Session, error) {
	a := &attempt{done: make(chan struct{})}
	if !x.works {
		x.running = a
	}
	l.mu.Unlock()
	session, err := open()
	l.mu.Lock()
	defer l.mu.Unlock()
	a.err = x.learn(err, now)
	if x.running == a {
		x.running = nil
	}
	close(a.done)
	return session, a.err
}

// login returns what is known of a credential. The caller holds the lock.
func (l *Logins) login(c credential) *login {
	if l.known == nil {
		l.known = map[credential]*login{}
	}
	if l.known[c] == nil {
		l.known[c] = &login{}
	}
	return l.known[c]
}

// Forget lets what was denied be tried at once, as after a reload.
func (l *Logins) Forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.known = nil
}

// change lets a login be tried that is another one than at the last evaluation of its system, also where it was denied
// to another system before this evaluation. At the first evaluation from is zero.
func (l *Logins) change(now time.Time, from, to credential) {
	if from == to || from == (credential{}) {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.known, from)
	if x := l.known[to]; x != nil && !x.tried.Equal(now) {
		x.denied = 0
	}
}

// getsIn reports whether the server has let the account in, though not into the database.
func getsIn(err error) bool {
	switch database.CauseOf(err) {
	case database.DatabaseDenied, database.UnknownDatabase:
		return true
	}
	return err == nil
}

// learn notes how a login ended, and returns its error.
func (x *login) learn(err error, now time.Time) error {
	switch {
	case getsIn(err):
		x.works, x.denied = true, 0
	case database.CauseOf(err) == database.AccessDenied:
		x.works, x.denied, x.tried, x.err = false, x.denied+1, now, err
		return x.deniedLogin()
	}
	return err
}

func (x *login) deniedLogin() *DeniedLogin {
	d := &DeniedLogin{Err: x.err, Tried: x.tried}
	if x.denied >= triesAtOnce {
		d.Next = x.tried.Add(loginPause)
	}
	return d
}

// waits returns why a login is not tried now, or nil. A clock that was set back by more than the pause makes none wait.
func (x *login) waits(now time.Time) error {
	since := now.Sub(x.tried).Abs()
	if x.denied == 0 || since > 0 && x.denied < triesAtOnce || since >= loginPause {
		return nil
	}
	return x.deniedLogin()
}
