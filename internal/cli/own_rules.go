package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"bouncelog/internal/classify"

	"github.com/spf13/pflag"
)

// ownRules is which of the user's rules a command knows.
type ownRules struct {
	paths []string
}

func (f *ownRules) add(s *pflag.FlagSet) {
	s.StringArrayVar(&f.paths, "rules", nil, "ask your own rules of this `file` or folder of *.toml before others of their tier; may be given several times")
}

// classifier returns a classifier with the rules and providers that come with the program, and the user's before them.
func (f *ownRules) classifier() (*classify.Classifier, error) {
	if len(f.paths) == 0 {
		return classify.Default()
	}
	own, err := loadRules(f.paths)
	if err != nil {
		return nil, err
	}
	return own.withBuiltin()
}

// A ruleSet is rules and providers that were read from files.
type ruleSet struct {
	rules     []classify.Rule
	providers []classify.Provider
	files     map[string][]byte // by name, as [classify.Rule.Where] has it
}

// loadRules reads the user's rules: files, and folders of *.toml in the order of their names.
func loadRules(paths []string) (*ruleSet, error) {
	set := &ruleSet{files: make(map[string][]byte)}
	var errs []error
	for _, path := range paths {
		names, err := ruleFiles(path)
		errs = append(errs, err)
		for _, name := range names {
			text, err := os.ReadFile(name)
			if err != nil {
				errs = append(errs, readError(name, err))
				continue
			}
			rules, list, err := classify.ParseFile(name, text)
			errs = append(errs, err)
			set.rules, set.providers = append(set.rules, rules...), append(set.providers, list...)
			set.files[name] = text
		}
	}
	if err := errors.Join(errs...); err != nil {
		return set, &exitError{exitUsage, err}
	}
	classify.Prefer(set.rules)
	return set, nil
}

// ruleFiles returns the files that a path stands for.
func ruleFiles(path string) ([]string, error) {
	fi, err := os.Stat(path)
	if err != nil {
		return nil, readError(path, err)
	}
	if !fi.IsDir() {
		return []string{path}, nil
	}
	names, err := filepath.Glob(filepath.Join(strings.NewReplacer(`*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path), "*.toml"))
	if err == nil && len(names) == 0 {
		err = fmt.Errorf("read rules of %s: there is no *.toml in it", path)
	}
	slices.Sort(names)
	return names, err
}

func readError(path string, err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		err = e.Err
	}
	return fmt.Errorf("read rules of %s: %w", path, err)
}

// alone returns a classifier of these rules and no others; providers are those of the program, too.
func (s *ruleSet) alone() (*classify.Classifier, error) {
	_, list, err := classify.Builtin()
	if err != nil {
		return nil, err
	}
	return classifierOf(s.rules, append(slices.Clone(s.providers), list...))
}

// withBuiltin returns a classifier of these rules, and of those that come with the program behind them.
func (s *ruleSet) withBuiltin() (*classify.Classifier, error) {
	rules, list, err := classify.Builtin()
	if err != nil {
		return nil, err
	}
	var errs []error
	for i := range s.rules {
		r := &s.rules[i]
		if j := slices.IndexFunc(rules, func(b classify.Rule) bool { return b.ID == r.ID }); j >= 0 {
			errs = append(errs, fmt.Errorf("%s: rule %q: a rule of the program has this id, %s; give yours another", r.Where, r.ID, rules[j].Where))
		}
	}
	if len(errs) > 0 {
		return nil, &exitError{exitUsage, errors.Join(errs...)}
	}
	return classifierOf(append(slices.Clone(s.rules), rules...), append(slices.Clone(s.providers), list...))
}

func classifierOf(rules []classify.Rule, list []classify.Provider) (*classify.Classifier, error) {
	c, err := classify.NewClassifier(rules, list)
	if err != nil {
		return nil, &exitError{exitUsage, err}
	}
	return c, nil
}
