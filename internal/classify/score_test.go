package classify

import (
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"text/tabwriter"

	"bouncelog/parsers"
)

// labelled is a reply of the collection beside the module, with the categories that count as right, the best first.
type labelled struct {
	file, id string
	accept   []string
	attempt  parsers.Attempt
}

// collection reads the labelled replies beside the module. It skips the test where there are none.
func collection(t testing.TB) (rows []labelled) {
	dir := filepath.Join("..", "..", "..", "shared", "corpus", "replies")
	names, _ := filepath.Glob(filepath.Join(dir, "*_dev.tsv"))
	if len(names) == 0 {
		t.Skip("no collection of replies beside the module")
	}
	for _, name := range names {
		f, err := os.Open(name)
		if errors.Is(err, fs.ErrNotExist) {
			t.Skip("no collection of replies beside the module")
		}
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		r := csv.NewReader(f)
		r.Comma, r.LazyQuotes = '\t', true
		table, err := r.ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range table[1:] {
			get := func(key string) string {
				if i := slices.Index(table[0], key); i >= 0 {
					return row[i]
				}
				return ""
			}
			if get("usable") != "1" {
				continue
			}
			rows = append(rows, labelled{
				file: strings.TrimSuffix(filepath.Base(name), "_dev.tsv"), id: get("id"), accept: strings.Split(get("accept_ours"), "|"),
				attempt: attemptOf(get("diagnostic_text"), get("reply_code"), get("enhanced"), get("smtp_command"), get("remote_host"), get("rcpt_domain")),
			})
		}
	}
	return rows
}

// attemptOf makes an attempt of what a bounce message says of it.
func attemptOf(text, code, enhanced, command, relay, domain string) parsers.Attempt {
	a := parsers.Attempt{Status: parsers.StatusBounced, RelayHost: relay, Origin: parsers.OriginRemote, Command: parsers.ParseCommand(command)}
	if domain != "" {
		a.Recipient = "u@" + domain
	}
	if _, rest, ok := strings.Cut(text, ";"); ok && len(text)-len(rest) < 12 && !strings.Contains(text[:len(text)-len(rest)], " ") {
		text = strings.TrimSpace(rest) // `smtp;`, RFC 3464 2.3.6
	}
	a.Diagnostic = text
	a.Reply, _ = parsers.ParseReply(text)
	a.Reply.Text = text
	if n, err := strconv.Atoi(code); err == nil && a.Reply.Code == 0 {
		a.Reply.Code = parsers.ReplyCode(n)
	}
	if e, ok := parsers.ParseEnhanced(enhanced); ok && a.Reply.Enhanced.IsZero() && e[2] < 900 {
		a.Reply.Enhanced = e
	}
	if a.Reply.Code.Class() == parsers.Transient {
		a.Status = parsers.StatusDeferred
	}
	return a
}

// suppressing are the categories that cost an address its mail.
var suppressing = []string{"bad_mailbox", "bad_domain", "inactive_mailbox"}

type score struct{ n, strict, lenient, falseSuppress, unknown int }

func (s *score) add(accept []string, got string) {
	s.n++
	if got == accept[0] {
		s.strict++
	}
	if slices.Contains(accept, got) {
		s.lenient++
	}
	if slices.Contains(suppressing, got) && !slices.ContainsFunc(accept, func(c string) bool { return slices.Contains(suppressing, c) }) {
		s.falseSuppress++
	}
	if got == "unknown" {
		s.unknown++
	}
}

// The labelled replies get the right category often enough, and a live address is nearly never called dead. With -v the
// table is printed, and every reply that got another category.
func TestScore(t *testing.T) {
	rows := collection(t)
	s := mustClassifier(t).NewSession()
	byFile, byCategory := make(map[string]*score), make(map[string]*score)
	var all score
	for i := range rows {
		row := &rows[i]
		c := s.Explain(&row.attempt)
		got := c.Category.String()
		for m, key := range map[*map[string]*score]string{&byFile: row.file, &byCategory: row.accept[0]} {
			if (*m)[key] == nil {
				(*m)[key] = new(score)
			}
			(*m)[key].add(row.accept, got)
		}
		all.add(row.accept, got)
		if testing.Verbose() && !slices.Contains(row.accept, got) {
			rule := "-"
			if c.Rule != nil {
				rule = c.Rule.ID
			}
			t.Logf("%s: got %s by %s (%s), want %s: %s", row.id, got, rule, c.Provider, strings.Join(row.accept, "|"), row.attempt.Diagnostic)
		}
	}
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "\tn\tstrict\tlenient\tfalse suppress\tunknown\t")
	line := func(name string, s *score) {
		p := func(n int) string { return fmt.Sprintf("%.1f %%", 100*float64(n)/float64(max(s.n, 1))) }
		fmt.Fprintf(w, "%s\t%d\t%s\t%s\t%s\t%s\t\n", name, s.n, p(s.strict), p(s.lenient), p(s.falseSuppress), p(s.unknown))
	}
	for _, m := range []map[string]*score{byFile, byCategory} {
		for _, key := range slices.SortedFunc(maps.Keys(m), cmp.Compare) {
			line(key, m[key])
		}
	}
	line("all", &all)
	w.Flush()
	t.Logf("\n%s", b.String())
	for name, x := range map[string]struct{ got, least int }{
		"lenient": {all.lenient * 1000, 960 * all.n}, "strict": {all.strict * 1000, 900 * all.n},
		"no false suppression": {(all.n - all.falseSuppress) * 1000, 997 * all.n}, "known": {(all.n - all.unknown) * 1000, 960 * all.n},
	} {
		if x.got < x.least {
			t.Errorf("%s: %.1f %%, want %.1f %%", name, float64(x.got)/float64(10*all.n), float64(x.least)/float64(10*all.n))
		}
	}
}

func mustClassifier(t testing.TB) *Classifier {
	t.Helper()
	rules, list, err := Builtin()
	if err != nil {
		t.Fatal(err)
	}
	c, err := NewClassifier(rules, list)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// With -v, how many of the labelled replies each rule decides, how many of them rightly, and how many the next rule would
// decide rightly in its place. A rule that does harm is worth a look; one that is not needed here may be elsewhere.
func TestLeaveOneOut(t *testing.T) {
	rows := collection(t)
	if !testing.Verbose() {
		t.Skip("it prints a table with -v")
	}
	type count struct{ n, right, next int }
	counts := make(map[string]*count)
	s := mustClassifier(t).NewSession()
	for i := range rows {
		row := &rows[i]
		all := s.Candidates(&row.attempt)
		if len(all) == 0 {
			continue
		}
		x := counts[all[0].ID]
		if x == nil {
			x = new(count)
			counts[all[0].ID] = x
		}
		right := func(i int) int {
			category := Unknown
			if i < len(all) {
				category = all[i].category
			}
			if slices.Contains(row.accept, category.String()) {
				return 1
			}
			return 0
		}
		x.n++
		x.right += right(0)
		x.next += right(1)
	}
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "rule\tdecides\trightly\trightly without it\t")
	for _, id := range slices.Sorted(maps.Keys(counts)) {
		x := counts[id]
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t\n", id, x.n, x.right, x.next)
	}
	w.Flush()
	t.Logf("\n%s", b.String())
}

// With -v, how well each source of labelled replies is told by the rules that other sources, or none, gave occasion for: those
// that decide replies of this source alone are left out. It is the nearest to a score on a source that nobody has seen; the
// texts within a rule that serves several sources are not told apart.
func TestLeaveSourceOut(t *testing.T) {
	rows := collection(t)
	s := mustClassifier(t).NewSession()
	candidates := make([][]*Rule, len(rows))
	serves := make(map[*Rule]map[string]bool) // rule → the sources of replies that it decides
	for i := range rows {
		candidates[i] = s.Candidates(&rows[i].attempt)
		if len(candidates[i]) > 0 {
			r := candidates[i][0]
			if serves[r] == nil {
				serves[r] = make(map[string]bool)
			}
			serves[r][rows[i].file] = true
		}
	}
	byFile := make(map[string]*score)
	var all score
	for i := range rows {
		row := &rows[i]
		got := Unknown
		for _, r := range candidates[i] {
			if in := serves[r]; len(in) != 1 || !in[row.file] {
				got = r.category
				break
			}
		}
		if byFile[row.file] == nil {
			byFile[row.file] = new(score)
		}
		byFile[row.file].add(row.accept, got.String())
		all.add(row.accept, got.String())
	}
	for _, name := range slices.Sorted(maps.Keys(byFile)) {
		x := byFile[name]
		t.Logf("%s without the rules that decide its replies alone: %d replies, lenient %.1f %%, strict %.1f %%, false suppress %.1f %%, unknown %.1f %%", name, x.n,
			percent(x.lenient, x.n), percent(x.strict, x.n), percent(x.falseSuppress, x.n), percent(x.unknown, x.n))
	}
	t.Logf("all: lenient %.1f %%, strict %.1f %%, false suppress %.1f %%", percent(all.lenient, all.n), percent(all.strict, all.n), percent(all.falseSuppress, all.n))
	if percent(all.falseSuppress, all.n) > 1 {
		t.Errorf("%d live addresses are called dead where rules are missing: what is unknown must not cost an address", all.falseSuppress)
	}
}

func percent(n, all int) float64 { return 100 * float64(n) / float64(max(all, 1)) }
