package gate

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
)

// maxFile bounds a file of gates, in bytes, and maxGates their number.
const (
	maxFile  = 1 << 20
	maxGates = 1000
)

// A fileGate is one [[gate]] of a file.
type fileGate struct {
	Name        string `toml:"name"`
	Expr        string `toml:"expr"`
	Severity    string `toml:"severity"`
	MinAttempts int64  `toml:"min_attempts"`
}

// Load reads a file of gates, whose text is given:
//
//	[[gate]]
//	name = "gmail takes our mail"           # optional: by default the expression
//	expr = "bounce_rate{provider=gmail} < 2%"
//	severity = "warning"                    # optional: error (by default) or warning
//	min_attempts = 500                      # optional: skipped where there are fewer
//
// Errors name the file and the line of what is wrong; all gates are read.
func Load(file string, text []byte) ([]Gate, error) {
	if len(text) > maxFile {
		return nil, fmt.Errorf("%s: longer than %d bytes; it is no file of gates", file, maxFile)
	}
	var doc struct {
		Gate []fileGate `toml:"gate"`
	}
	dec := toml.NewDecoder(bytes.NewReader(text)).DisallowUnknownFields()
	if err := dec.Decode(&doc); err != nil {
		return nil, tomlError(file, err)
	}
	if len(doc.Gate) == 0 {
		return nil, fmt.Errorf("%s: no gate in it; give some as [[gate]] with expr = \"…\"", file)
	}
	if len(doc.Gate) > maxGates {
		return nil, fmt.Errorf("%s: %d gates, more than %d", file, len(doc.Gate), maxGates)
	}
	lines := gateLines(text)
	var gates []Gate
	var errs []error
	names := make(map[string]bool)
	for i, f := range doc.Gate {
		where := file
		if i < len(lines) {
			where = fmt.Sprintf("%s:%d", file, lines[i])
		}
		g, err := f.gate(where)
		if err == nil && g.Name != "" && names[g.Name] {
			err = fmt.Errorf("a second gate is called %q; give one of them another name", g.Name)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", where, err))
			continue
		}
		names[g.Name] = true
		gates = append(gates, g)
	}
	return gates, errors.Join(errs...)
}

func (f *fileGate) gate(where string) (Gate, error) {
	g := Gate{Name: f.Name, MinAttempts: f.MinAttempts, Where: where}
	switch f.Severity {
	case "", "error":
	case "warning":
		g.Warning = true
	default:
		return g, fmt.Errorf("severity %q%s; want error or warning", f.Severity, didYouMean(f.Severity, []string{"error", "warning"}))
	}
	if f.MinAttempts < 0 {
		return g, fmt.Errorf("min_attempts %d is negative", f.MinAttempts)
	}
	if f.Expr == "" {
		return g, errors.New("a gate without expr")
	}
	var err error
	g.Expr, err = Parse(f.Expr)
	return g, err
}

// tomlError says what is wrong with a file, and where.
func tomlError(file string, err error) error {
	var unknown *toml.StrictMissingError
	if errors.As(err, &unknown) && len(unknown.Errors) > 0 {
		e := &unknown.Errors[0]
		line, col := e.Position()
		key := strings.Join(e.Key(), ".")
		return fmt.Errorf("%s:%d:%d: unknown key %q%s; a gate has name, expr, severity and min_attempts", file, line, col, key,
			didYouMean(strings.TrimPrefix(key, "gate."), []string{"name", "expr", "severity", "min_attempts"}))
	}
	var bad *toml.DecodeError
	if errors.As(err, &bad) {
		line, col := bad.Position()
		return fmt.Errorf("%s:%d:%d: %w", file, line, col, err)
	}
	return fmt.Errorf("%s: %w", file, err)
}

// gateLines returns the line of each [[gate]].
func gateLines(text []byte) (lines []int) {
	var p unstable.Parser
	p.Reset(text)
	for p.NextExpression() {
		if n := p.Expression(); n.Kind == unstable.ArrayTable {
			key := n.Key()
			key.Next()
			if k := key.Node(); string(k.Data) == "gate" && key.IsLast() {
				lines = append(lines, p.Shape(k.Raw).Start.Line)
			}
		}
	}
	return lines
}
