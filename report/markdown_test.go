package report

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// cellsOf splits a row of a table as GitHub's renderer does: a backslash and what follows it belong together, whatever that
// is. cellsOf2 does so as markdown-it does: only the byte right before a `|` counts.
func cellsOf(row string) (n int) {
	for i := 0; i < len(row); i++ {
		switch row[i] {
		case '\\':
			i++
		case '|':
			n++
		}
	}
	return n - 1
}

func cellsOf2(row string) (n int) {
	for i := range len(row) {
		if row[i] == '|' && (i == 0 || row[i-1] != '\\') {
			n++
		}
	}
	return n - 1
}

// outsideCode returns a line without its code spans (CommonMark 6.1): a run of backticks ends at the next one as long.
func outsideCode(line string) string {
	var b strings.Builder
	for i := 0; i < len(line); {
		if line[i] == '\\' && i+1 < len(line) {
			b.WriteString(line[i : i+2])
			i += 2
			continue
		}
		if line[i] != '`' {
			b.WriteByte(line[i])
			i++
			continue
		}
		fence := runOf(line[i:])
		end := -1
		for j := i + fence; j < len(line); {
			if line[j] != '`' {
				j++
				continue
			}
			n := runOf(line[j:])
			if j += n; n == fence {
				end = j
				break
			}
		}
		if end < 0 {
			b.WriteString(line[i : i+fence])
			end = i + fence
		}
		i = end
	}
	return b.String()
}

func runOf(s string) int { return len(s) - len(strings.TrimLeft(s, "`")) }

// TestMarkdownIsSafe: whatever a stranger wrote is in code spans, and tables keep their columns.
func TestMarkdownIsSafe(t *testing.T) {
	for name, r := range map[string]*Report{"full": fullReport(t, Options{}), "hostile": hostileReport(t, 0), "empty": emptyReport(t)} {
		out := string(write(t, "markdown", r, WriteOptions{Top: 100}))
		columns := 0
		for i, line := range strings.Split(out, "\n") {
			if !utf8.ValidString(line) || strings.ContainsFunc(line, func(r rune) bool { return !unicode.IsGraphic(r) }) {
				t.Errorf("%s, line %d: unsafe: %q", name, i+1, line)
			}
			bare := outsideCode(line)
			for _, s := range []string{"script", "cmd", "gpj", "zalg", "0123456789", "日本", "www.", "@", "](", "<!--", "\x60"} {
				if strings.Contains(bare, s) {
					t.Errorf("%s, line %d: %q is not in a code span: %s", name, i+1, s, line)
				}
			}
			switch {
			case !strings.HasPrefix(line, "|"):
				columns = 0
			case columns == 0:
				columns = cellsOf(line)
			case cellsOf(line) != columns || cellsOf2(line) != columns:
				t.Errorf("%s, line %d: %d or %d cells, want %d: %s", name, i+1, cellsOf(line), cellsOf2(line), columns, line)
			}
			if len(line) > 8<<10 {
				t.Errorf("%s, line %d: %d bytes", name, i+1, len(line))
			}
		}
	}
}

func TestProse(t *testing.T) {
	if got, want := prose("a_b *c* <d> | `e` \\ [f](g) #1 @h &amp; ~~i~~"), "a\\_b \\*c\\* \\<d\\> \\| \\`e\\` \\\\ \\[f\\](g) \\#1 \\@h \\&amp; \\~\\~i\\~\\~"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	for url, want := range map[string]string{
		"https://example.com/a?b=c":      "<https://example.com/a?b=c>",
		"javascript:alert(1)":            "`javascript:alert(1)`",
		"https://example.com/><script>":  "`https://example.com/><script>`",
		"https://example.com/a b":        "`https://example.com/a b`",
		"https://example.com/\u202e/x|y": "`https://example.com/\\u202e/x\\|y`",
	} {
		if got := link(url); got != want {
			t.Errorf("link(%q) = %s, want %s", url, got, want)
		}
	}
}

// FuzzCode: a text is one code span in one cell, whatever it is.
func FuzzCode(f *testing.F) {
	for _, s := range hostileTexts {
		f.Add(s)
	}
	for _, s := range []string{`\|`, `\\|`, "`", "``a`", " ", "  a ", `|\`, "a``|`b\\", "\\"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		cell := code(s)
		if s == "" {
			return
		}
		if rest := outsideCode(cell); rest != "" {
			t.Errorf("%q: outside of the code span of %q: %q", s, cell, rest)
		}
		if row := "| " + cell + " | x |"; cellsOf(row) != 2 || cellsOf2(row) != 2 {
			t.Errorf("%q: %d or %d cells in %q, want 2", s, cellsOf(row), cellsOf2(row), row)
		}
		if strings.ContainsFunc(cell, func(r rune) bool { return !unicode.IsGraphic(r) }) || !utf8.ValidString(cell) {
			t.Errorf("%q: unsafe: %q", s, cell)
		}
	})
}
