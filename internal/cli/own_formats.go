package cli

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"bouncelog/parsers"
	"bouncelog/parsers/all"
	"bouncelog/parsers/custom"

	"github.com/spf13/pflag"
)

// ownFormats is which of the user's formats a command knows.
type ownFormats struct {
	paths []string
}

func (f *ownFormats) add(s *pflag.FlagSet) {
	s.StringArrayVar(&f.paths, "formats", nil, "read your own formats from this `file` or folder of *.toml too (`bouncelog formats` tells where they are looked for)")
}

// formatFolders are where the user's formats are looked for, those that come before others first.
//
// Note: not the current folder. What a command makes of a log must not depend on what lies around where it is run, least of
// all where somebody else put it there.
func formatFolders(o IO) []string {
	var folders []string
	if home := o.Env("HOME"); home != "" {
		folders = append(folders, filepath.Join(home, ".config"))
	}
	if config := o.Env("XDG_CONFIG_HOME"); config != "" {
		folders = []string{config}
	}
	folders = append(folders, "/etc")
	for i := range folders {
		folders[i] = filepath.Join(folders[i], "bouncelog", "formats")
	}
	return folders
}

// formats returns the formats that there are, the user's before the others. Of several with one name, one that --formats
// names counts before one in the folders, and any before the definition of that name that comes with the program.
func (f *ownFormats) formats(o IO) ([]parsers.Format, error) {
	groups := [][]string{f.paths}
	for _, dir := range formatFolders(o) {
		if _, err := os.Stat(dir); err == nil {
			groups = append(groups, []string{dir})
		}
	}
	builtin := all.Formats()
	var formats []parsers.Format
	var errs []error
	files := make(map[string]string)
	for _, paths := range groups {
		defs, err := custom.Load(paths...)
		if err != nil {
			errs = append(errs, err)
		}
		group := make(map[string]string)
		for _, d := range defs {
			name, file := d.Name(), d.File()
			taken := slices.ContainsFunc(builtin, func(b parsers.Format) bool { return b.Name == name })
			switch {
			case taken && !custom.IsBuiltin(name):
				errs = append(errs, fmt.Errorf("%s: %s is built in; give your format another name", file, name))
			case group[name] != "" && group[name] != file:
				errs = append(errs, fmt.Errorf("%s: %s defines %s too; give one of them another name", file, group[name], name))
			case files[name] == "":
				formats = append(formats, d.Format())
			}
			group[name] = file
			files[name] = cmp.Or(files[name], file)
		}
	}
	if len(errs) > 0 {
		return nil, &exitError{exitUsage, errors.Join(errs...)}
	}
	for _, b := range builtin {
		if files[b.Name] == "" {
			formats = append(formats, b)
		}
	}
	return formats, nil
}
