package privilege

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"

	"magento_migration_exporter/collector/database"
)

// probed lists the privileges that the probe asks for, in its order.
func probed() []Privilege {
	return []Privilege{Select, Insert, Update, Delete, Create, Drop, Trigger}
}

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
	// TrustMissing is true when the server refused to create a trigger with error 1419, before it looked at the TRIGGER privilege.
	TrustMissing bool
	// ReadOnly is true when the server or the session refuses all writes, whatever the account holds.
	ReadOnly       bool
	readOnlyNumber uint16 // the error that said so
	// Locked is the privilege at which the probe stopped because all tables were locked, as backups do; empty when it did not.
	Locked Privilege
}

// probeStatement is a statement that cannot succeed.
type probeStatement struct {
	privilege Privilege
	text      string
	held      uint16 // the error when the privilege is held
	// preparable is true when the server checks the privilege already when it prepares the statement.
	preparable bool
}

// probeStatements returns a statement for each probed privilege. None can succeed: there is no table of that random name,
// and the one statement that would make one names a column twice. IF EXISTS forms would succeed, so there are none.
func probeStatements(name, table, trigger string) []probeStatement {
	db := database.Quote(name)
	x := db + "." + database.Quote(table)
	return []probeStatement{
		{Select, "SELECT 1 FROM " + x, database.ErrNoSuchTable, true},
		{Insert, "INSERT INTO " + x + " VALUES (1)", database.ErrNoSuchTable, true},
		{Update, "UPDATE " + x + " SET a=1", database.ErrNoSuchTable, true},
		{Delete, "DELETE FROM " + x, database.ErrNoSuchTable, true},
		{Create, "CREATE TABLE " + x + " (a INT, a INT)", database.ErrDuplicateColumn, true},
		{Drop, "TRUNCATE TABLE " + x, database.ErrNoSuchTable, false},
		{Trigger, "CREATE TRIGGER " + db + "." + database.Quote(trigger) + " AFTER INSERT ON " + x + " FOR EACH ROW SET @x=1", database.ErrNoSuchTable, false},
	}
}

// randomName returns a name that no table has and that a person who finds it in an audit log understands.
func randomName() string {
	var b [16]byte
	rand.Read(b[:]) // never fails
	return "privilege_probe_" + hex.EncodeToString(b[:])
}

// Probe asks the server about each privilege by a statement on a table that does not exist: the error number tells denied from held.
// It changes nothing. The session must not be read-only or in a transaction, since some statements would commit it;
// its lock_wait_timeout should be 1 second. An error means that the server stopped answering.
func Probe(ctx context.Context, s *database.Session, name string) (ProbeResult, error) {
	return probe(ctx, s, probeStatements(name, randomName(), randomName()))
}

func probe(ctx context.Context, s *database.Session, statements []probeStatement) (ProbeResult, error) {
	result := ProbeResult{Answers: make(map[Privilege]Answer, len(statements))}
	for _, statement := range statements {
		answer, err := result.ask(ctx, s, statement)
		if err != nil {
			return ProbeResult{}, fmt.Errorf("probe %s: %w", statement.privilege, err)
		}
		result.Answers[statement.privilege] = answer
	}
	return result, nil
}

// ask sends one statement, unless earlier answers say that its own would mean nothing.
func (r *ProbeResult) ask(ctx context.Context, s *database.Session, statement probeStatement) (Answer, error) {
	if r.Locked != "" {
		// Each further statement could wait as long as the first.
		return Answer{Why: "not asked, because the server's tables are locked (error 1205)"}, nil
	}
	var number uint16
	var err error
	if !r.ReadOnly {
		if number, err = execute(ctx, s, statement.text); err != nil {
			return Answer{}, err
		}
		if isReadOnly(number) {
			r.ReadOnly, r.readOnlyNumber = true, number
		}
	}
	if r.ReadOnly {
		if !statement.preparable {
			return Answer{Number: number, Why: "the server is read-only and refuses the statement before it looks at this privilege"}, nil
		}
		if number, err = serverError(s.Check(ctx, statement.text)); err != nil {
			return Answer{}, err
		}
		if number == 0 {
			return Answer{State: Held}, nil
		}
	}
	return r.classify(statement, number)
}

func (r *ProbeResult) classify(statement probeStatement, number uint16) (Answer, error) {
	answer := Answer{Number: number}
	switch number {
	case statement.held:
		answer.State = Held
	case database.ErrTableAccessDenied, database.ErrColumnAccessDenied, database.ErrDatabaseAccessDenied, database.ErrSpecificAccessDenied, database.ErrRoutineAccessDenied:
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
	return number == database.ErrOptionPreventsStatement || number == database.ErrReadOnlyTransaction || number == database.ErrReadOnlyMode
}

// execute runs a statement and returns the server's error number; an error means that the server did not answer.
func execute(ctx context.Context, s *database.Session, statement string) (uint16, error) {
	return serverError(s.Exec(ctx, statement))
}

// serverError separates what the server answered, which has a number, from the lack of an answer: a lost connection, or a limit.
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
