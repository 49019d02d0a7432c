package database

// The servers' error numbers that this program reacts to. MySQL and MariaDB share them up to 1999; those from 3000 on
// are MySQL's, 4151 is MariaDB's. Those below 1000 are the storage engines' own.
const (
	ErrFileNotFound            = 29 // also a file that may not be read
	ErrIndexCrashed            = 126
	ErrRecordCrashed           = 127
	ErrCrashedInLastRepair     = 144
	ErrCrashedOnUsage          = 145
	ErrCannotFindFile          = 1017
	ErrCannotReadDirectory     = 1018
	ErrDiskFull                = 1021
	ErrNotKeyFile              = 1034
	ErrOldKeyFile              = 1035
	ErrOpenAsReadOnly          = 1036
	ErrTooManyConnections      = 1040
	ErrDatabaseAccessDenied    = 1044
	ErrAccessDenied            = 1045
	ErrUnknownDatabase         = 1049
	ErrServerShutdown          = 1053
	ErrUnknownColumn           = 1054
	ErrDuplicateColumn         = 1060
	ErrRecordFileFull          = 1114
	ErrHostBlocked             = 1129
	ErrHostNotPrivileged       = 1130
	ErrNoSuchGrant             = 1141
	ErrTableAccessDenied       = 1142
	ErrColumnAccessDenied      = 1143
	ErrNoSuchTable             = 1146
	ErrUnknownVariable         = 1193
	ErrTableCrashed            = 1194
	ErrTableCrashedInRepair    = 1195
	ErrTooManyUserConnections  = 1203
	ErrLockWaitTimeout         = 1205
	ErrUserLimitReached        = 1226
	ErrSpecificAccessDenied    = 1227
	ErrClientPluginUnsupported = 1251
	ErrOptionPreventsStatement = 1290 // read_only, super_read_only
	ErrRoutineAccessDenied     = 1370
	ErrUntrustedCreator        = 1419
	ErrPluginNotLoaded         = 1524
	ErrAccessDeniedNoPassword  = 1698
	ErrIndexCorrupt            = 1712
	ErrReadOnlyTransaction     = 1792
	ErrTablespaceMissing       = 1812
	ErrMustChangePassword      = 1820
	ErrReadOnlyMode            = 1836
	ErrPasswordExpired         = 1862
	ErrConnectionKilled        = 1927 // MariaDB
	ErrNoSuchTableInEngine     = 1932
	ErrStatementTimeout        = 1969 // MariaDB
	ErrCannotConnectPlugin     = 2059 // the client library's
	ErrQueryTimeout            = 3024 // MySQL
	ErrOfflineMode             = 3032
	ErrAccountLocked           = 3118
	ErrSecureTransportRequired = 3159
	ErrLoginsBlocked           = 3955
	ErrTooManyPasswordErrors   = 4150 // MariaDB
	ErrAccountLockedMariaDB    = 4151
)
