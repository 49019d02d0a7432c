//go:build race

package collector

// raceFactor is by how much tests of many migrations are smaller under the race detector, which makes them slow.
const raceFactor = 5
