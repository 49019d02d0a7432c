//go:build !race

package backup

const raceFactor = 1
