package database

// SideError is an error of one of the two databases of a migration.
type SideError struct {
	// Side is 0 for Magento 1, 1 for Magento 2.
	Side int
	Err  error
}

// Error implements error.
func (e *SideError) Error() string { return e.Err.Error() }

// Unwrap implements errors.Unwrap.
func (e *SideError) Unwrap() error { return e.Err }
