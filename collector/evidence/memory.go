package evidence

import "sync"

// Memory keeps what one migration's evaluations learn for the next ones, each under the name of who learns it. The
// evaluations of one migration never overlap for the same precondition, so what is kept needs no lock of its own.
type Memory struct {
	mu   sync.Mutex
	kept map[string]any
}

// Recall returns what is kept under a name, a zero T at the first call. The name's type must always be the same.
func Recall[T any](m *Memory, name string) *T {
	m.mu.Lock()
	defer m.mu.Unlock()
	if kept, ok := m.kept[name].(*T); ok {
		return kept
	}
	if m.kept == nil {
		m.kept = map[string]any{}
	}
	kept := new(T)
	m.kept[name] = kept
	return kept
}

// Lifetime keeps what is the same for as long as the process lives, like a table that is built in.
type Lifetime struct {
	mu   sync.Mutex
	kept map[string]func() (any, error)
}

// Once returns what read returned at its first call under this name, in the process's life.
func Once[T any](l *Lifetime, name string, read func() (T, error)) (T, error) {
	l.mu.Lock()
	once := l.kept[name]
	if once == nil {
		if l.kept == nil {
			l.kept = map[string]func() (any, error){}
		}
		once = sync.OnceValues(func() (any, error) { return read() })
		l.kept[name] = once
	}
	l.mu.Unlock()
	value, err := once()
	if err != nil {
		var none T
		return none, err
	}
	return value.(T), nil
}
