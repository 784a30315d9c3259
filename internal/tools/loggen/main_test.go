package main

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"bouncelog/internal/loggen"
)

func TestRun(t *testing.T) {
	var log, truth bytes.Buffer
	args := []string{"-messages", "100", "-hosts", "a,b", "-header", "iso", "-mix", "none", "-start", "2025-12-31T23:59:59Z"}
	if err := run(args, &log, &truth); err != nil {
		t.Fatal(err)
	}
	var got loggen.Truth
	if err := json.Unmarshal(truth.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if got.Total.Outcomes.DeliveredFirst != 100 || got.Bytes != int64(log.Len()) {
		t.Errorf("%+v", got)
	}
	dir := t.TempDir()
	out, totals := filepath.Join(dir, "mail.log"), filepath.Join(dir, "truth.json")
	if err := run(append(args, "-o", out, "-truth", totals), io.Discard, io.Discard); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(out); err != nil || !bytes.Equal(text, log.Bytes()) {
		t.Errorf("the file differs from stdout: %v", err)
	}
	if text, err := os.ReadFile(totals); err != nil || !bytes.Equal(text, truth.Bytes()) {
		t.Errorf("the truth's file differs from stderr: %v", err)
	}
}

// A flag of the mix holds wherever -mix stands.
func TestMix(t *testing.T) {
	want := loggen.Everything()
	want.Defer = 0.9
	for _, args := range []string{"-defer 0.9 -mix everything", "-mix everything -defer 0.9"} {
		o, _, _, _, err := parse(strings.Fields("-size 2MiB "+args), io.Discard)
		if err != nil {
			t.Fatal(err)
		}
		if o.Mix != want || o.Size != 2<<20 {
			t.Errorf("%s: %+v", args, o)
		}
	}
}

// Every probability has a flag.
func TestProbabilities(t *testing.T) {
	var m loggen.Mix
	list := probabilities(&m)
	if n := reflect.TypeFor[loggen.Mix]().NumField(); len(list) != n {
		t.Errorf("%d flags for %d probabilities", len(list), n)
	}
	for _, p := range list {
		*p.value++
	}
	for i := range reflect.ValueOf(m).NumField() {
		if v := reflect.ValueOf(m).Field(i).Float(); v != 1 {
			t.Errorf("%s has %v flags", reflect.TypeOf(m).Field(i).Name, v)
		}
	}
}

func TestBadFlags(t *testing.T) {
	for args, want := range map[string]string{
		"":                       "neither a size",
		"-size 1TB":              "number of bytes",
		"-size 9999999999GiB":    "number of bytes",
		"-size 1 x":              `unexpected argument "x"`,
		"-size 1 -defer 2":       "from 0 to 1",
		"-size 1 -mix all":       "want none, typical",
		"-size 1 -header xml":    "unknown header",
		"-size 1 -start tuesday": "parsing time",
	} {
		if err := run(strings.Fields(args), io.Discard, io.Discard); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", args, err, want)
		}
	}
}
