package gate

import (
	"fmt"
	"strings"
	"testing"
)

func TestLoad(t *testing.T) {
	gates, err := Load("gates.toml", []byte(`# Gates.

[[gate]]
name = "few bounces"
expr = "bounce_rate < 2%"

[[gate]]
expr = "coverage >= 99.5%"
severity = "warning"
min_attempts = 500
`))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for i := range gates {
		g := &gates[i]
		got = append(got, fmt.Sprintf("%s|%s|%s|%v|%d", g.Where, g.Name, g.Expr, g.Warning, g.MinAttempts))
	}
	if want := "gates.toml:3|few bounces|bounce_rate < 2%|false|0 gates.toml:7||coverage >= 99.5%|true|500"; strings.Join(got, " ") != want {
		t.Errorf("got %s, want %s", strings.Join(got, " "), want)
	}
}

func TestLoadErrors(t *testing.T) {
	for text, want := range map[string]string{
		"":                               "g.toml: no gate in it; give some as [[gate]]",
		"gate = 1":                       "g.toml:1:8: ",
		"[[gate]]\nexpr = \"count > 1":   "g.toml:2:",
		"[[gates]]\nexpr = \"count>1\"":  `g.toml:1:3: unknown key "gates"`,
		"[[gate]]\nexp = \"count > 1\"":  `g.toml:2:1: unknown key "gate.exp"; did you mean expr?`,
		"[[gate]]\nname = \"x\"":         "g.toml:1: a gate without expr",
		"[[gate]]\nexpr = \"cuont > 1\"": `g.toml:1: gate "cuont > 1": column 1: unknown metric "cuont"; did you mean count?`,
		"[[gate]]\nexpr = \"count > 1\"\nseverity = \"warn\"":                                          "g.toml:1: severity \"warn\"; want error or warning",
		"[[gate]]\nexpr = \"count > 1\"\nmin_attempts = -1":                                            "g.toml:1: min_attempts -1 is negative",
		"[[gate]]\nexpr = \"count > 1\"\nname = \"a\"\n\n[[gate]]\nexpr = \"count > 2\"\nname = \"a\"": `g.toml:5: a second gate is called "a"`,
		"[[gate]]\nexpr = \"count\"\n[[gate]]\nexpr = \"lines\"":                                       "g.toml:3: gate \"lines\": column 6",
		strings.Repeat("#", maxFile+1):                                                                 "longer than",
		strings.Repeat("[[gate]]\nexpr=\"count>1\"\n", maxGates+1):                                     "1001 gates, more than 1000",
	} {
		_, err := Load("g.toml", []byte(text))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Load(%.60q): %v, want …%s…", text, err, want)
		}
	}
}

func FuzzLoad(f *testing.F) {
	f.Add([]byte("[[gate]]\nname = \"a\"\nexpr = \"bounce_rate < 2%\"\nseverity = \"warning\"\nmin_attempts = 3\n"))
	f.Add([]byte("gate = [{expr = 'count > 1'}]\n[x]\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		gates, err := Load("g.toml", text)
		if err == nil && len(gates) == 0 {
			t.Fatal("no gate and no error")
		}
		for i := range gates {
			if gates[i].Expr == nil {
				t.Fatal("a gate without an expression")
			}
		}
	})
}
