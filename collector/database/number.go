package database

// The servers' error numbers that this program reacts to. MySQL and MariaDB share them up to 1999; those from 3000 on are MySQL's, 4151
// is MariaDB's.
const (
	ErrTooManyConnections      = 1040
	ErrDatabaseAccessDenied    = 1044
	ErrAccessDenied            = 1045
	ErrUnknownDatabase         = 1049
	ErrDuplicateColumn         = 1060
	ErrNoSuchGrant             = 1141
	ErrTableAccessDenied       = 1142
	ErrColumnAccessDenied      = 1143
	ErrNoSuchTable             = 1146
	ErrLockWaitTimeout         = 1205
	ErrSpecificAccessDenied    = 1227
	ErrOptionPreventsStatement = 1290 // read_only, super_read_only
	ErrRoutineAccessDenied     = 1370
	ErrUntrustedCreator        = 1419
	ErrReadOnlyTransaction     = 1792
	ErrMustChangePassword      = 1820
	ErrReadOnlyMode            = 1836
	ErrPasswordExpired         = 1862
)
