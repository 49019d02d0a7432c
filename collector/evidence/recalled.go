package evidence

import (
	"context"

	"magento_migration_exporter/collector/database"
)

// recalled is what is kept of both databases from one evaluation to the next.
type recalled[T any] struct {
	// of are the databases that the rest was read from.
	of    [2]database.Instance
	known T
}

// recallOf returns what is kept under a name of the two databases: a zero T at the first call, and once one of them is
// another one than before. The error is a *database.SideError.
func recallOf[T any](ctx context.Context, e *Evidence, name string) (*T, error) {
	memory := Recall[recalled[T]](e.Memory, name)
	for i, s := range e.Systems() {
		instance, err := s.Instance(ctx)
		if err != nil {
			return nil, &database.SideError{Side: i, Err: err}
		}
		if !memory.of[i].Is(instance) {
			*memory = recalled[T]{of: memory.of}
		}
		memory.of[i] = instance
	}
	return &memory.known, nil
}
