package all

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"bouncelog/parsers"
)

func TestFormats(t *testing.T) {
	seen := make(map[string]bool)
	resort := 0
	for _, f := range Formats() {
		if f.Name == "" || f.Name != strings.ToLower(f.Name) || seen[f.Name] {
			t.Errorf("%q is no name, or one that another format has", f.Name)
		}
		seen[f.Name] = true
		switch f.Evidence {
		case parsers.Proven, parsers.Specified, parsers.Tentative:
		default:
			t.Errorf("%s: no level of evidence: %q", f.Name, f.Evidence)
		}
		if f.Short == "" || strings.HasSuffix(f.Short, ".") {
			t.Errorf("%s: %q is no line for a list", f.Name, f.Short)
		}
		if f.Open == nil || f.Sniff == nil && len(f.Tags) == 0 && !f.LastResort {
			t.Errorf("%s: it can't be opened, or nothing leads to it", f.Name)
		}
		if f.LastResort {
			resort++
		}
	}
	if resort > 1 {
		t.Errorf("%d formats are the last resort, want one at most", resort)
	}
}

// Every tag is one format's: of two, the one that is later in the list would never see a line.
func TestTags(t *testing.T) {
	owner := make(map[string]string)
	for _, f := range Formats() {
		for _, tag := range f.Tags {
			if o := owner[tag]; o != "" {
				t.Errorf("both %s and %s claim the tag %s", o, f.Name, tag)
			}
			owner[tag] = f.Name
		}
	}
}

// A format is one folder and one line in this package: the example of package parsers, which lies outside of the tree, is
// built into a bouncelog of its own and reads its log.
func TestAddFormat(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a program")
	}
	tool, err := exec.LookPath("go")
	if err != nil {
		t.Skip("there is no go command in the path")
	}
	list, err := os.ReadFile("all.go")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(string(list), "\t\tpostfix.Format(),\n", "\t\tpostfix.Format(),\n\t\tacme.Format(),\n", 1)
	text = strings.Replace(text, "import (\n", "import (\n\t\"bouncelog/parsers/acme\"\n", 1)
	if len(text) == len(list) {
		t.Fatal("the list is not as expected")
	}
	dir := t.TempDir()
	longer := filepath.Join(dir, "all.go")
	if err := os.WriteFile(longer, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	replace := map[string]string{abs(t, "all.go"): longer, abs(t, "../acme/acme.go"): abs(t, "testdata/acme/acme.go")}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "overlay.json"), overlay, 0o600); err != nil {
		t.Fatal(err)
	}
	bin := filepath.Join(dir, "bouncelog")
	build := exec.Command(tool, "build", "-overlay", filepath.Join(dir, "overlay.json"), "-o", bin, "bouncelog/cmd/bouncelog")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build with a format more: %v\n%s", err, out)
	}
	out, err := exec.Command(bin, "report", "-f", "json", "--now", "2026-11-22T12:00:00Z", "testdata/acme/mail.log").Output()
	if err != nil {
		t.Fatal(err)
	}
	var report struct {
		Inputs   []struct{ Formats []string }
		Totals   struct{ Sent, Deferred, Bounced int }
		Coverage struct{ Delivery, Ignored, Malformed int }
	}
	if err := json.Unmarshal(out, &report); err != nil {
		t.Fatal(err)
	}
	if a := report.Totals; a.Sent != 1 || a.Deferred != 1 || a.Bounced != 1 {
		t.Errorf("attempts %+v, want one of each", a)
	}
	if c := report.Coverage; c.Delivery != 3 || c.Ignored != 1 || c.Malformed != 1 {
		t.Errorf("coverage %+v, want 3 deliveries, 1 line ignored, 1 malformed", c)
	}
	if f := report.Inputs[0].Formats; len(f) != 1 || f[0] != "acme" {
		t.Errorf("formats %v, want acme", f)
	}
}

func abs(t *testing.T, path string) string {
	t.Helper()
	path, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return path
}
