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

// TestTemplatesOfCorpus holds the number of templates between the two failures of masking: one-offs, and unlike causes in one.
// The logs' servers answered with 185 replies, some of them made of random words.
func TestTemplatesOfCorpus(t *testing.T) {
	texts := corpus(t)
	codes := make(map[string]string) // reply code by template
	for text := range texts {
		template := string(AppendTemplate(nil, text))
		_, reply, _ := strings.Cut(text, "] said: ")
		code := reply[:min(len(reply), 3)]
		if other, ok := codes[template]; ok && other != code && strings.Trim(code, "0123456789") == "" {
			t.Errorf("%q has replies %s and %s", template, code, other)
		}
		codes[template] = code
	}
	t.Logf("%d texts, %d templates", len(texts), len(codes))
	if len(codes) < 185 || len(codes) > 320 {
		t.Errorf("%d templates of %d texts", len(codes), len(texts))
	}
}
