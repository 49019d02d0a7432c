//go:build race

package backup

// raceFactor is by how much the race detector's tests read less: it makes them slow, and the full sizes are read
// without it.
const raceFactor = 32
