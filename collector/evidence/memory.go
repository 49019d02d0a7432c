package evidence

import (
	"encoding/json"
	"maps"
	"sync"
)

// Memory keeps values from one evaluation of a migration for the next ones, each under a name. Evaluations of the same
// precondition of one migration never overlap: the values need no lock of their own.
type Memory struct {
	mu   sync.Mutex
	kept map[string]any
	// saved are the values that outlive a restart, as JSON that nobody writes to.
	saved map[string]json.RawMessage
}

// NewMemory returns a memory with what an earlier process saved.
func NewMemory(saved map[string]json.RawMessage) *Memory { return &Memory{saved: maps.Clone(saved)} }

// Save keeps a small value over a restart, where the exporter has a place for it. It holds no secret.
func (m *Memory) Save(name string, value json.RawMessage) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.saved == nil {
		m.saved = map[string]json.RawMessage{}
	}
	m.saved[name] = value
}

// Saved returns all values that were saved.
func (m *Memory) Saved() map[string]json.RawMessage {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.saved)
}

// Recall returns the value under a name, a zero T at the first call. One name must always have the same type.
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

// Lifetime keeps what stays the same as long as the process runs, for example a built-in table.
type Lifetime struct {
	mu   sync.Mutex
	kept map[string]func() (any, error)
}

// Once returns what read returned at the first call with this name since the process started.
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
