package privilege

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"magento_migration_exporter/collector/database"
)

// Answer is what the server said about one privilege.
type Answer struct {
	State State
	// Number is the MySQL error number of the answer, 0 when there was none.
	Number uint16
	// Why says why the state is undetermined.
	Why string
}

// ProbeResult holds the answers to a probe.
type ProbeResult struct {
	Answers map[Privilege]Answer
	// TrustMissing is true when the server refused to create a trigger with error 1419, before it looked at the TRIGGER
	// privilege.
	TrustMissing bool
	// ReadOnly is the error with which the server refuses all writes, whatever the account holds; 0 when it refuses
	// none. After database.ErrReadOnlyTransaction, which is about the session alone, the probe went on in a session
	// that may write.
	ReadOnly uint16
	// Locked is the privilege at which the probe stopped because all tables were locked, as backups do; empty when it
	// did not.
	Locked Privilege
}

// probeStatement is a statement that cannot succeed.
type probeStatement struct {
	privilege Privilege
	text      string
	held      uint16 // the error when the privilege is held
	// preparable is true when the server checks the privilege already when it prepares the statement.
	preparable bool
	// after is a privilege without which the server does not look at this one; empty when there is none.
	after Privilege
}

// probeStatements returns a statement for each probed privilege. None can succeed: there is no table of that random
// name, and the one statement that would make one names a column twice. IF EXISTS forms would succeed, so there are
// none.
func probeStatements(name, table, trigger string) []probeStatement {
	db := database.Quote(name)
	x := db + "." + database.Quote(table)
	create := "CREATE TRIGGER " + db + "." + database.Quote(trigger) + " AFTER INSERT ON " + x +
		" FOR EACH ROW SET @x=1"
	return []probeStatement{
		{Select, "SELECT 1 FROM " + x, database.ErrNoSuchTable, true, ""},
		{Insert, "INSERT INTO " + x + " VALUES (1)", database.ErrNoSuchTable, true, ""},
		{Update, "UPDATE " + x + " SET a=1", database.ErrNoSuchTable, true, ""},
		{Delete, "DELETE FROM " + x, database.ErrNoSuchTable, true, ""},
		{Create, "CREATE TABLE " + x + " (a INT, a INT)", database.ErrDuplicateColumn, true, ""},
		{Drop, "TRUNCATE TABLE " + x, database.ErrNoSuchTable, false, ""},
		{Trigger, create, database.ErrNoSuchTable, false, ""},
	}
}

// referencesStatement asks for REFERENCES: the server looks at the privileges on the other table before it finds that a
// column is named twice, and it needs no such table for that.
func referencesStatement(name, table, parent string) probeStatement {
	db := database.Quote(name)
	text := fmt.Sprintf("CREATE TABLE %s.%s (a INT, a INT, FOREIGN KEY (a) REFERENCES %s.%s (a))",
		db, database.Quote(table), db, database.Quote(parent))
	return probeStatement{References, text, database.ErrDuplicateColumn, true, Create}
}

// firingStatements ask for what a trigger's definer needs.
func firingStatements(name string) []probeStatement {
	return slices.DeleteFunc(probeStatements(name, randomName(), randomName()), func(s probeStatement) bool {
		return !slices.Contains(firing(), s.privilege)
	})
}

// randomName returns a name that no table has and that a person who finds it in an audit log understands.
func randomName() string {
	var b [16]byte
	rand.Read(b[:]) // never fails
	return "privilege_probe_" + hex.EncodeToString(b[:])
}

// probe asks the server about each privilege by a statement on a table that does not exist: the error number says
// whether it is denied or held. It changes nothing. The session must not be in a transaction, since some statements
// would commit it; its lock_wait_timeout should be 1 second. An error means that the server stopped answering.
func probe(ctx context.Context, s *database.Session, statements []probeStatement) (ProbeResult, error) {
	var result ProbeResult
	err := result.askAll(ctx, s, statements)
	return result, err
}

func (r *ProbeResult) askAll(ctx context.Context, s *database.Session, statements []probeStatement) error {
	r.Answers = make(map[Privilege]Answer, len(statements))
	for _, statement := range statements {
		answer, err := r.ask(ctx, s, statement)
		if err != nil {
			return fmt.Errorf("probing %s: %w", statement.privilege, err)
		}
		r.Answers[statement.privilege] = answer
	}
	return nil
}

// ask sends one statement, unless earlier answers say that its own would mean nothing.
func (r *ProbeResult) ask(ctx context.Context, s *database.Session, statement probeStatement) (Answer, error) {
	switch {
	case r.Locked != "":
		// Each further statement could wait as long as the first.
		return Answer{Why: "not asked, because the server's tables are locked (error 1205)"}, nil
	case statement.after != "" && r.Answers[statement.after].State != Held:
		why := fmt.Sprintf("the server looks at %s first, which is %s", statement.after,
			r.Answers[statement.after].State)
		return Answer{Why: why}, nil
	}
	if r.refusesWrites() {
		return r.check(ctx, s, statement)
	}
	number, err := execute(ctx, s, statement.text)
	if err == nil && number == database.ErrReadOnlyTransaction && r.ReadOnly == 0 {
		// Sessions start read-only here, the tool's too. What the account may do is known in one that is not.
		r.ReadOnly = number
		if err = s.Exec(ctx, "SET SESSION TRANSACTION READ WRITE"); err == nil {
			number, err = execute(ctx, s, statement.text)
		}
	}
	if err != nil {
		return Answer{}, err
	}
	if isReadOnly(number) {
		r.ReadOnly = number
		return r.check(ctx, s, statement)
	}
	return r.classify(statement, number)
}

// refusesWrites reports whether the server answers each write alike.
func (r *ProbeResult) refusesWrites() bool {
	return r.ReadOnly != 0 && r.ReadOnly != database.ErrReadOnlyTransaction
}

// check lets the server check a statement that it would not run.
func (r *ProbeResult) check(ctx context.Context, s *database.Session, statement probeStatement) (Answer, error) {
	if !statement.preparable {
		return Answer{Number: r.ReadOnly, Why: "the server is read-only and refuses the statement before it looks at " +
			"this privilege"}, nil
	}
	number, err := serverError(s.Check(ctx, statement.text))
	if err != nil {
		return Answer{}, err
	}
	if number == 0 {
		return Answer{State: Held}, nil
	}
	return r.classify(statement, number)
}

func (r *ProbeResult) classify(statement probeStatement, number uint16) (Answer, error) {
	answer := Answer{Number: number}
	switch number {
	case statement.held:
		answer.State = Held
	case database.ErrTableAccessDenied, database.ErrColumnAccessDenied, database.ErrDatabaseAccessDenied,
		database.ErrSpecificAccessDenied, database.ErrRoutineAccessDenied:
		answer.State = Missing
	case database.ErrLockWaitTimeout:
		// A statement that is denied does not get as far as waiting for a lock.
		answer.State = Held
		r.Locked = statement.privilege
	case database.ErrUntrustedCreator:
		r.TrustMissing = true
		answer.Why = "the server refuses triggers without SUPER (error 1419) before it looks at this privilege"
	case 0:
		return Answer{}, errors.New("a statement that cannot succeed did; nothing is known about what it did")
	default:
		answer.Why = fmt.Sprintf("the server answered error %d", number)
	}
	return answer, nil
}

func isReadOnly(number uint16) bool {
	return number == database.ErrOptionPreventsStatement || number == database.ErrReadOnlyTransaction ||
		number == database.ErrReadOnlyMode
}

// execute runs a statement and returns the server's error number; an error means that the server did not answer.
func execute(ctx context.Context, s *database.Session, statement string) (uint16, error) {
	return serverError(s.Exec(ctx, statement))
}

// serverError separates what the server answered, which has a number, from the lack of an answer: a lost connection, or
// a limit.
func serverError(err error) (uint16, error) {
	switch database.CauseOf(err) {
	case database.Lost, database.Timeout:
		return 0, err
	}
	if number := database.Number(err); number != 0 {
		return number, nil
	}
	return 0, err
}
