package database

import (
	"context"
	"sync/atomic"
	"time"
)

// Cost adds up what statements cost. It can be used by several goroutines.
type Cost struct {
	statements atomic.Int64
	spent      atomic.Int64
}

// Statements is how many statements were sent.
func (c *Cost) Statements() int64 { return c.statements.Load() }

// Spent is how long the answers took, with their rows.
func (c *Cost) Spent() time.Duration { return time.Duration(c.spent.Load()) }

type costKey struct{}

// WithCost returns a context whose statements are added to a cost.
func WithCost(ctx context.Context, c *Cost) context.Context {
	return context.WithValue(ctx, costKey{}, c)
}

// count adds one statement that began at start to the context's cost, if it has one.
func count(ctx context.Context, start time.Time) {
	if c, ok := ctx.Value(costKey{}).(*Cost); ok {
		c.statements.Add(1)
		c.spent.Add(int64(time.Since(start)))
	}
}
