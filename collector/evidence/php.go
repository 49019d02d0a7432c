package evidence

import (
	"context"
	"errors"
	"sync"

	"magento_migration_exporter/collector/service"
	"magento_migration_exporter/config"
)

// DeclaredPHP is a precondition's settings that can have the php binary which runs Magento 2 and the tool.
type DeclaredPHP interface {
	config.Settings
	// PHPBinary is empty when the configuration does not have it.
	PHPBinary() string
}

// ErrNoPHP is why php is not asked.
var ErrNoPHP = errors.New("no php binary is configured")

// phpLook is shared by the preconditions in one evaluation.
type phpLook struct {
	once sync.Once
	php  service.PHP
	err  error
}

// PHP asks the configured php binary, once an evaluation. The error is ErrNoPHP when none is configured.
func (e *Evidence) PHP(ctx context.Context) (service.PHP, error) {
	e.php.once.Do(func() {
		e.php.err = ErrNoPHP
		for _, s := range e.Migration.Preconditions.All() {
			if d, ok := s.(DeclaredPHP); ok && d.PHPBinary() != "" {
				e.php.php, e.php.err = service.AskPHP(ctx, d.PHPBinary())
			}
		}
	})
	return e.php.php, e.php.err
}
