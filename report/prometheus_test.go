package report

import (
	"bytes"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// promSample is a line of the text exposition format 0.0.4 that is no comment.
var promSample = regexp.MustCompile(`^(bouncelog_[a-z0-9_]+)(?:\{((?:[a-z]+="(?:[^"\\\n]|\\[\\"n])*",?)+)\})? (-?[0-9]+(?:\.[0-9]+)?)$`)

func TestPrometheus(t *testing.T) {
	hostile := hostileReport(t, 0)
	for i := range hostile.Providers { // as if somebody's own table of providers had such names
		hostile.Providers[i].Title = "known"
	}
	for name, r := range map[string]*Report{"full": fullReport(t, Options{}), "empty": emptyReport(t), "hostile": hostile} {
		out := string(write(t, "prometheus", r, WriteOptions{}))
		families, series := make(map[string]bool), make(map[string]bool)
		open := ""
		for line := range strings.Lines(out) {
			line = strings.TrimSuffix(line, "\n")
			if help, ok := strings.CutPrefix(line, "# HELP "); ok {
				open, _, _ = strings.Cut(help, " ")
				if families[open] {
					t.Errorf("%s: family %s is there twice", name, open)
				}
				families[open] = true
				continue
			}
			if line == "# TYPE "+open+" gauge" {
				continue
			}
			m := promSample.FindStringSubmatch(line)
			if m == nil || m[1] != open {
				t.Errorf("%s: bad line in family %s: %s", name, open, line)
				continue
			}
			if series[m[1]+m[2]] {
				t.Errorf("%s: twice: %s", name, line)
			}
			series[m[1]+m[2]] = true
			for _, l := range regexp.MustCompile(`([a-z]+)="`).FindAllStringSubmatch(regexp.MustCompile(`="(?:[^"\\]|\\.)*"`).ReplaceAllString(m[2], `="`), -1) {
				if !slices.Contains([]string{"class", "category", "provider", "status", "outcome", "origin"}, l[1]) {
					t.Errorf("%s: label %s may have any number of values", name, l[1])
				}
			}
			if strings.HasSuffix(open, "_total") {
				t.Errorf("%s: %s is called like a counter", name, open)
			}
		}
		if strings.Contains(out, "example") && name == "full" {
			t.Error("a domain is in the metrics")
		}
		checkByPromtool(t, name, out)
	}
}

// checkByPromtool asks Prometheus itself, where it is installed: the Debian package is called prometheus.
func checkByPromtool(t *testing.T, name, metrics string) {
	t.Helper()
	path, err := exec.LookPath("promtool")
	if err != nil {
		t.Log("promtool is not installed: its opinion is left out")
		return
	}
	cmd := exec.Command(path, "check", "metrics")
	cmd.Stdin = strings.NewReader(metrics)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Run(); err != nil || said.Len() > 0 {
		t.Errorf("%s: promtool check metrics: %v\n%s", name, err, said.Bytes())
	}
}
