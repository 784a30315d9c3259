// Package fields cuts the pieces that logs are made of: values of JSON (RFC 8259), cells of CSV (RFC 4180), pairs of
// key=value, numbers, stamps and lengths of time, addresses. What it returns is part of what it was given; it copies only to
// undo an escape, and keeps nothing between calls.
package fields
