package classify

import (
	"bufio"
	"compress/gzip"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// corpus returns the distinct diagnostics of failed attempts in the Postfix logs that lie beside the module, with how often
// each occurs.
func corpus(tb testing.TB) map[string]int {
	tb.Helper()
	paths, _ := filepath.Glob("../../../shared/corpus/logs/postfix-*/mail.log.gz")
	if len(paths) == 0 {
		tb.Skip("no logs beside the module")
	}
	texts := make(map[string]int)
	for _, path := range paths {
		f, err := os.Open(path)
		if err != nil {
			tb.Fatal(err)
		}
		defer f.Close()
		z, err := gzip.NewReader(f)
		if err != nil {
			tb.Fatal(err)
		}
		lines := bufio.NewScanner(z)
		for lines.Scan() {
			_, rest, ok := strings.Cut(lines.Text(), ", status=")
			status, text, _ := strings.Cut(rest, " (")
			if ok && status != "sent" {
				texts[strings.TrimSuffix(text, ")")]++
			}
		}
		if err := lines.Err(); err != nil {
			tb.Fatal(err)
		}
	}
	return texts
}

// TestTemplatesOfCorpus holds the number of templates between two failures of masking: one-offs, and unlike causes in one.
func TestTemplatesOfCorpus(t *testing.T) {
	texts := corpus(t)
	templates := make(map[string]int)
	for text, n := range texts {
		templates[string(AppendTemplate(nil, text))] += n
	}
	t.Logf("%d texts, %d templates", len(texts), len(templates))
	if os.Getenv("DUMP") != "" {
		for k, n := range templates {
			t.Logf("TPL\t%d\t%s", n, k)
		}
	}
}
