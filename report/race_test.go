//go:build race

package report

// manyDomains is fewer with the race detector, which makes writers ten times as slow and finds nothing in them.
const manyDomains = 2_000
