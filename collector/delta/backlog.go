package delta

// Backlog is what is to be delivered, and how fast that goes.
type Backlog struct{}

// Meter measures.
type Meter struct{}
