//go:build !race

package report

// manyDomains is what a large report has.
const manyDomains = 100_000
