package classify

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"bouncelog/parsers"
)

// The words that a rule rests on are found again in the text as it came.
func TestEvidence(t *testing.T) {
	rules, err := ParseRules("a.toml", []byte(`
[[rule]]
id = "words"
tier = "strong"
category = "bad_mailbox"
any = ["n'existe pas", "does not exist here"]
source = "a"
hit = ["a"]

[[rule]]
id = "order"
tier = "strong"
category = "policy"
seq = [["does not", "here"]]
source = "a"
hit = ["a"]

[[rule]]
id = "code"
tier = "enhanced"
category = "inactive_mailbox"
enhanced = ["5.1.1"]
source = "a"
hit = ["a"]
`))
	if err != nil {
		t.Fatal(err)
	}
	c, err := NewClassifier(rules, nil)
	if err != nil {
		t.Fatal(err)
	}
	s := c.NewSession()
	for _, test := range []struct{ text, words, others string }{
		{"550 5.1.1 <eve@example.com> Does  not\texist here", "Does  not\texist here", "order code"},
		{"550-5.1.1 The mailbox does not\n550-5.1.1 exist\n550 5.1.1 here", "does not\n550-5.1.1 exist\n550 5.1.1 here", "order code"},
		{`550-5.1.1 The mailbox does not\n550 5.1.1 exist here`, `does not\n550 5.1.1 exist here`, "order code"},
		{"550 5.1.1 ça n’existe pas, does it", "n’existe pas", "code"},
		{"550 5.1.1 gone", "5.1.1", ""},
		{"550 5.1.1 <does@example.com> does not live here", "does not|here", "code"},
	} {
		a := AttemptOf(test.text, parsers.Attempt{})
		ev := s.Evidence(&a)
		var words, others []string
		for _, spot := range Unfolded(test.text, ev.Text, ev.Spots) {
			words = append(words, test.text[spot.From:spot.To])
		}
		for _, o := range ev.Others {
			others = append(others, o.Rule.ID)
			if o.Why == "" {
				t.Errorf("%q: nothing is said of why %s does not decide", test.text, o.Rule.ID)
			}
		}
		if got := strings.Join(words, "|"); got != test.words || strings.Join(others, " ") != test.others {
			t.Errorf("%q: rests on %q, others %q; want %q and %q", test.text, got, others, test.words, test.others)
		}
	}
	if ev := s.Evidence(&parsers.Attempt{Status: parsers.StatusSent}); ev.Cause.Category != NoCategory || ev.Others != nil {
		t.Errorf("of a success: %+v", ev)
	}
}

// Every rule that decides its examples by words finds them.
func TestEvidenceOfRules(t *testing.T) {
	c := mustClassifier(t)
	s := c.NewSession()
	for i := range c.Rules() {
		r := &c.Rules()[i]
		for _, e := range r.Hit {
			a := c.ExampleOf(r, &e)
			ev := s.Evidence(&a)
			if ev.Cause.Rule == nil || len(ev.Cause.Rule.literals()) == 0 {
				continue
			}
			if spots := Unfolded(e.Text, ev.Text, ev.Spots); len(spots) == 0 || len(spots) != len(ev.Spots) {
				t.Errorf("%s: %d of %d spots found in %q", r.ID, len(spots), len(ev.Spots), e.Text)
			}
		}
	}
}

func TestParseFile(t *testing.T) {
	text := "# about it\n[[rule]]\nid = \"a-rule\"\ntier = \"strange\"\ncategory = \"policy\"\n  any = [\"abc\"]\nsource = \"x\"\nhit = [\"a\"]\n\n[[rule]]\nid = \"B\"\n"
	_, _, err := ParseFile("f.toml", []byte(text))
	if err == nil {
		t.Fatal("no error")
	}
	got := strings.Split(err.Error(), "\n")
	for _, want := range []string{
		`f.toml:4:9: rule "a-rule": no tier "strange"`,
		`f.toml:6:11: rule "a-rule": the text "abc" is shorter than 4 bytes`,
		`f.toml:11:1: rule "B": the id has to be of a-z, 0-9 and hyphens`,
		`f.toml:10:1: rule "B": it has no source`,
	} {
		if !slices.ContainsFunc(got, func(line string) bool { return strings.HasPrefix(line, want) }) {
			t.Errorf("no %q among\n%s", want, err)
		}
	}
	if _, _, err := ParseFile("f.toml", []byte("[[rule]]\nwrong = 1\n")); err == nil || !strings.HasPrefix(err.Error(), "f.toml:2:1: ") {
		t.Errorf("%v", err)
	}
	rules, list, err := ParseFile("p.toml", []byte("[[provider]]\nname = \"acme\"\ntitle = \"Acme\"\nmx = [\".acme.example\"]\n"))
	if err != nil || len(rules) != 0 || len(list) != 1 {
		t.Errorf("%v, %v, %v", rules, list, err)
	}
	one, err := ParseRules("f.toml", []byte("# about it\n"+strings.Replace(text[strings.Index(text, "[["):strings.Index(text, "\n\n")], "strange", "weak", 1)+"\n# of the next\n[[rule]]\n"))
	if len(one) == 0 {
		t.Fatal(err)
	}
	if got := one[0].SourceText([]byte(text)); !strings.HasPrefix(got, "# about it\n[[rule]]\n") || !strings.HasSuffix(got, "hit = [\"a\"]\n") {
		t.Errorf("%q", got)
	}
}

// No text is longer than what is looked at of a reply: it could not stand in one, and a finder counts its bytes in 16 bits.
func TestLongTexts(t *testing.T) {
	for _, text := range []string{
		"[[rule]]\nid = \"a\"\ntier = \"weak\"\ncategory = \"policy\"\nany = [\"%s\"]\nsource = \"x\"\nhit = [\"a\"]\n",
		"[[provider]]\nname = \"acme\"\ntitle = \"Acme\"\ntext = [\"%s\"]\n",
	} {
		if _, _, err := ParseFile("f.toml", fmt.Appendf(nil, text, strings.Repeat("x", maxText))); err != nil {
			t.Error(err)
		}
		for _, n := range []int{maxText + 1, 1<<16 + 1} {
			if _, _, err := ParseFile("f.toml", fmt.Appendf(nil, text, strings.Repeat("x", n))); err == nil || !strings.Contains(err.Error(), "longer than the 4096 bytes") || len(err.Error()) > 200 {
				t.Errorf("%d bytes: %v", n, err)
			}
		}
	}
}

// Every digit says something, and says who says so.
func TestDigits(t *testing.T) {
	for c := parsers.ReplyCode(1); c < 1000; c++ {
		list := DigitsOf(c)
		if want := 3; len(list) != want && 200 <= c && c < 600 || len(list) == 0 {
			t.Errorf("%d: %d digits", c, len(list))
		}
		for _, d := range list {
			if d.Text == "" || d.Meaning == "" || !strings.Contains(d.Source, "RFC ") {
				t.Errorf("%d: %+v", c, d)
			}
		}
	}
	for subject, word := range enhancedSubjects {
		e := parsers.EnhancedCode{5, uint16(subject), 0}
		list := EnhancedDigitsOf(e)
		info, _ := LookupEnhancedCode(e)
		if len(list) != 2 || list[1].Name != word || list[0].Name != info.Class || info.Subject != word {
			t.Errorf("%v: %+v", e, list)
		}
	}
}
