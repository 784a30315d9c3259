package kumomta

import (
	"strings"

	"bouncelog/internal/fields"
)

// headerOf returns the header field of a name that a record quotes, empty where it quotes none: log_hooks and log_parameters
// say which fields are written, as one text or, where a message has several, a list of them.
func headerOf(record, name string) string {
	var v [1]fields.Value
	fields.Object(record, []string{"headers"}, v[:])
	for key, value := range v[0].Members() {
		if !strings.EqualFold(key, name) {
			continue
		}
		for first := range value.Elements() {
			value = first
			break
		}
		return strings.TrimSpace(value.Text())
	}
	return ""
}
