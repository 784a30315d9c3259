package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strconv"
	"strings"
)

// MaxSaved is how many bytes of a saved report [Read] reads: more than a quarter of a million of domains and senders take.
const MaxSaved = 1 << 30

// mostCount is the largest count that a report is taken to have: sums of some are not to overflow.
const mostCount = 1 << 53

// Read reads a report that was saved as JSON, and checks that it is one: its schema, that its major version is the one known
// here, and that it has no count that cannot be. Keys that later minor versions have added are skipped; lists and counts that
// earlier ones had not are empty.
func Read(r io.Reader) (*Report, error) {
	limited := &io.LimitedReader{R: r, N: MaxSaved + 1}
	dec := json.NewDecoder(limited)
	var doc json.RawMessage
	if err := dec.Decode(&doc); err != nil {
		if limited.N <= 0 {
			return nil, fmt.Errorf("report longer than %d bytes", MaxSaved)
		}
		return nil, fmt.Errorf("report is no JSON: %w", whole(err))
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the report: give one report a file")
	}
	var head struct {
		Schema        string `json:"schema"`
		SchemaVersion string `json:"schema_version"`
	}
	if err := json.Unmarshal(doc, &head); err != nil {
		return nil, fmt.Errorf("no report: %w", err)
	}
	if err := acceptSchema(head.Schema, head.SchemaVersion); err != nil {
		return nil, err
	}
	var rep Report
	if err := json.Unmarshal(doc, &rep); err != nil {
		return nil, fmt.Errorf("report of version %s: %w", head.SchemaVersion, err)
	}
	if err := checkCounts(reflect.ValueOf(&rep).Elem(), "report"); err != nil {
		return nil, err
	}
	return &rep, nil
}

// whole says of a document that ends too early that it does.
func whole(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("it breaks off")
	}
	return err
}

// acceptSchema returns an error for documents that are not what SchemaName and SchemaVersion say.
func acceptSchema(name, version string) error {
	if name != SchemaName {
		return fmt.Errorf("schema %q: want %q, as bouncelog report -f json writes it", name, SchemaName)
	}
	major, _, _ := strings.Cut(version, ".")
	own, _, _ := strings.Cut(SchemaVersion, ".")
	n, err := strconv.Atoi(major)
	ours, _ := strconv.Atoi(own)
	switch {
	case err != nil || n < 1:
		return fmt.Errorf("schema version %q is none", version)
	case n > ours:
		return fmt.Errorf("schema version %s is of a later bouncelog, which this one does not know (it knows %s); use that, or make the report anew with this one", version, SchemaVersion)
	case n < ours:
		return fmt.Errorf("schema version %s is of an earlier bouncelog, which this one does not know (it knows %s); make the report anew", version, SchemaVersion)
	}
	return nil
}

// checkCounts returns an error for a number that no report has: one below zero, or too large a count.
func checkCounts(v reflect.Value, path string) error {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			f := v.Type().Field(i)
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			at := path + "." + name
			if f.Anonymous {
				at = path
			}
			if v.Type() == reflect.TypeFor[Change]() && (name == "difference" || name == "excess") {
				continue
			}
			if err := checkCounts(v.Field(i), at); err != nil {
				return err
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			if err := checkCounts(v.Index(i), path+"["+strconv.Itoa(i)+"]"); err != nil {
				return err
			}
		}
	case reflect.Pointer:
		if !v.IsNil() {
			return checkCounts(v.Elem(), path)
		}
	case reflect.Int, reflect.Int64:
		if v.Int() < 0 {
			return fmt.Errorf("%s is negative: %d", path, v.Int())
		}
		if v.Int() > mostCount {
			return fmt.Errorf("%s is more than there can be: %d", path, v.Int())
		}
	case reflect.Float64:
		if v.Float() < 0 {
			return fmt.Errorf("%s is negative: %v", path, v.Float())
		}
	}
	return nil
}
