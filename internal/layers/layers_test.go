// Package layers holds no code, only the test that keeps the packages of this module in their layers: it reads the imports
// of every file and fails on one that the table does not allow. Later stages of the pipeline know earlier ones, never the
// reverse, and a third-party module has one importer.
package layers

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"math"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
)

// A layer is one row of the table: a package, or all of one folder, and what its files may import of this module.
type layer struct {
	path    string // relative to the module; path.Match pattern
	rank    int    // its tests may import packages of this rank and below
	imports []string
}

// layers returns the table. The first row that matches a package is its own.
func layers() []layer {
	return []layer{
		{"parsers", 0, nil},
		{"internal/source", 0, nil},
		{"internal/loggen", 0, nil},
		{"internal/mail", 0, nil},
		{"internal/recent", 1, []string{"internal/wire"}},
		{"internal/state/statetest", 0, nil},
		{"internal/wire", 0, nil},
		{"internal/fields", 1, []string{"parsers"}},
		{"internal/transcript", 2, []string{"parsers", "internal/fields", "internal/wire"}},
		{"internal/examples", 2, []string{"parsers", "internal/fields"}},
		{"internal/syslog", 2, []string{"parsers", "internal/fields"}},
		{"internal/classify", 1, []string{"parsers"}},
		{"parsers/all", 4, []string{"parsers", "parsers/*"}},
		{"parsers/parsertest", 3, []string{"parsers", "internal/examples", "internal/syslog"}},
		{"parsers/*", 3, []string{"parsers", "internal/fields", "internal/recent", "internal/syslog", "internal/transcript", "internal/wire"}},
		{"internal/summary", 2, []string{"parsers", "internal/classify", "internal/wire"}},
		{"internal/state", 3, []string{"parsers", "internal/source"}},
		{"internal/suppress", 3, []string{"parsers", "internal/classify", "internal/summary", "internal/wire"}},
		{"internal/scan", 4, []string{"parsers", "internal/source", "internal/fields", "internal/syslog", "internal/classify", "internal/summary", "internal/wire"}},
		{"internal/snapshot", 5, []string{"parsers", "internal/summary", "internal/scan", "internal/wire"}},
		{"report", 4, []string{"parsers", "internal/classify", "internal/summary", "internal/suppress"}},
		{"internal/compare", 5, []string{"report"}},
		{"internal/gate", 5, []string{"internal/classify", "report"}},
		{"internal/cli", 6, []string{"parsers", "parsers/*", "internal/mail", "internal/source", "internal/syslog", "internal/classify",
			"internal/state", "internal/summary", "internal/suppress", "internal/scan", "internal/snapshot", "internal/compare", "internal/gate", "report"}},
		{"cmd/bouncelog", 7, []string{"internal/cli"}},
		{"internal/tools/*", 7, []string{"parsers", "parsers/*", "report", "internal/*"}},
		{"internal/layers", 7, nil},
		{"internal/packaging", 7, nil},
	}
}

// generator is a package that tests of any rank may import, and that no other code may.
const generator = "internal/loggen"

// A module is a third-party module: the version it is pinned to, where it is, and the packages or single files that may
// import it. One without any is for tests.
type module struct {
	path, version string
	importers     []string
}

func modules() []module {
	return []module{
		{"github.com/spf13/cobra", "v1.10.2", []string{"internal/cli", "internal/tools/man"}},
		{"github.com/spf13/pflag", "", []string{"internal/cli", "internal/tools/man"}},
		{"github.com/schollz/progressbar/v3", "v3.19.1", []string{"internal/cli"}},
		{"golang.org/x/term", "v0.47.0", []string{"internal/cli"}},
		{"github.com/olekukonko/tablewriter", "v1.1.5", []string{"report/table.go"}},
		{"github.com/klauspost/compress", "v1.20.3", []string{"internal/source", "internal/snapshot", "internal/state"}},
		{"github.com/ulikunitz/xz", "v0.5.17", []string{"internal/source"}},
		{"github.com/cespare/xxhash/v2", "", []string{"internal/summary"}},
		{"golang.org/x/net", "v0.62.0", []string{"internal/classify"}},
		{"golang.org/x/text", "", []string{"internal/source"}},
		// What cobra/doc makes manual pages with; the program itself has none of it.
		{"github.com/cpuguy83/go-md2man/v2", "v2.0.7", []string{"internal/tools/man"}},
		// Tables of rules, of the user's formats and of settings: the one module with several importers.
		{"github.com/pelletier/go-toml/v2", "v2.4.3", []string{"internal/classify", "internal/cli", "internal/gate", "parsers/custom"}},
		{"github.com/gofrs/flock", "v0.13.1", []string{"internal/state"}},

		{"github.com/rogpeppe/go-internal", "v1.16.0", nil},
		{"github.com/google/go-cmp", "v0.7.0", nil},
		{"github.com/santhosh-tekuri/jsonschema/v6", "v6.0.3", nil},

		// In the modfile of the tools, imported by nobody.
		{"honnef.co/go/tools", "v0.8.2", nil},
		{"golang.org/x/vuln", "v1.8.0", nil},
		{"github.com/goreleaser/nfpm/v2", "v2.45.2", nil},
	}
}

// find returns the row of a package.
func find(pkg string) (layer, bool) {
	all := layers()
	i := slices.IndexFunc(all, func(l layer) bool { return matches(l.path, pkg) })
	if i < 0 {
		return layer{}, false
	}
	return all[i], true
}

// rank returns the rank of a package, one above all others where it is in no row.
func rank(pkg string) int {
	if l, ok := find(pkg); ok {
		return l.rank
	}
	return math.MaxInt
}

// noRegexp are the packages that every line of a log goes through.
var noRegexp = []string{"parsers", "parsers/*", "internal/source", "internal/syslog", "internal/scan", "internal/summary"}

// ownFormats runs the regular expressions that users write, on lines that hold what all matches of them hold.
const ownFormats = "parsers/custom"

func TestLayers(t *testing.T) {
	tree := os.DirFS("../..")
	faults, err := check(tree)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range faults {
		t.Error(f)
	}
	for _, l := range layers() {
		if strings.Contains(l.path, "*") {
			continue
		}
		if _, err := fs.Stat(tree, l.path); err != nil {
			t.Errorf("the table has a row for %s, which is not there", l.path)
		}
	}
}

// TestTable makes sure that the table itself has no way up.
func TestTable(t *testing.T) {
	for i, l := range layers() {
		for _, pattern := range l.imports {
			if matches(pattern, l.path) && l.path != "parsers/all" && l.path != "internal/tools/*" {
				t.Errorf("%s may import itself by %s", l.path, pattern)
			}
			for j, other := range layers() {
				if other.path == pattern && j != i && other.rank >= l.rank {
					t.Errorf("%s (rank %d) may import %s (rank %d)", l.path, l.rank, other.path, other.rank)
				}
			}
		}
	}
}

// TestCheck shows that each rule can fail.
func TestCheck(t *testing.T) {
	const (
		gomod = "module bouncelog\n\ngo 1.26.0\n"
		scan  = "internal/scan/scan.go"
	)
	file := func(imports ...string) string {
		var b strings.Builder
		b.WriteString("package p\n")
		for _, s := range imports {
			fmt.Fprintf(&b, "import _ %q\n", s)
		}
		return b.String()
	}
	for _, test := range []struct {
		name  string
		files map[string]string
		want  []string // one part of each fault; none: all is well
	}{
		{"as designed", map[string]string{
			scan:                            file("fmt", "bouncelog/internal/source", "bouncelog/parsers"),
			"internal/source/a.go":          file("github.com/klauspost/compress/zstd", "github.com/ulikunitz/xz"),
			"parsers/all/all.go":            file("bouncelog/parsers/postfix"),
			"report/table.go":               file("github.com/olekukonko/tablewriter/tw"),
			"internal/tools/bench/main.go":  file("bouncelog/internal/scan", "bouncelog/internal/loggen"),
			"internal/scan/scan_test.go":    file("bouncelog/parsers/all", "bouncelog/internal/loggen", "github.com/google/go-cmp/cmp", "github.com/klauspost/compress/zstd", "regexp"),
			"internal/classify/template.go": file("regexp", "golang.org/x/net/idna"),
			"cmd/bouncelog/main.go":         "package main\nimport \"bouncelog/internal/cli\"\nfunc main() {}\n",
		}, nil},
		{"upwards", map[string]string{"parsers/a.go": file("bouncelog/internal/syslog")}, []string{"parsers/a.go: imports bouncelog/internal/syslog"}},
		{"sideways", map[string]string{"parsers/exim/a.go": file("bouncelog/parsers/postfix")}, []string{"imports bouncelog/parsers/postfix"}},
		{"past the fold", map[string]string{"report/a.go": file("bouncelog/internal/scan")}, []string{"imports bouncelog/internal/scan"}},
		{"into main", map[string]string{"internal/tools/x/a.go": file("bouncelog/cmd/bouncelog")}, []string{"imports bouncelog/cmd/bouncelog"}},
		{"generator", map[string]string{scan: file("bouncelog/internal/loggen")}, []string{"imports bouncelog/internal/loggen"}},
		{"behind a build tag", map[string]string{scan: "//go:build windows\n\n" + file("bouncelog/report")}, []string{"imports bouncelog/report"}},
		{"unknown package", map[string]string{"internal/util/a.go": file("fmt")}, []string{"internal/util: in no row"}},
		{"unknown folder below", map[string]string{"internal/scan/deep/a.go": file("fmt")}, []string{"internal/scan/deep: in no row"}},
		{"file in the root", map[string]string{"a.go": file("fmt")}, []string{".: in no row"}},
		{"test upwards", map[string]string{"parsers/a_test.go": file("bouncelog/parsers/all")}, []string{"parsers/a_test.go: imports bouncelog/parsers/all"}},
		{"second importer", map[string]string{scan: file("github.com/klauspost/compress/gzip")}, []string{"imports github.com/klauspost/compress/gzip"}},
		{"second file", map[string]string{"report/json.go": file("github.com/olekukonko/tablewriter")}, []string{"imports github.com/olekukonko/tablewriter"}},
		{"test module in code", map[string]string{scan: file("github.com/google/go-cmp/cmp")}, []string{"imports github.com/google/go-cmp/cmp"}},
		{"third party above", map[string]string{"parsers/a_test.go": file("github.com/spf13/cobra")}, []string{"imports github.com/spf13/cobra"}},
		{"unknown module", map[string]string{"internal/cli/a_test.go": file("github.com/stretchr/testify")}, []string{"imports github.com/stretchr/testify"}},
		{"name that only begins alike", map[string]string{"internal/cli/a.go": file("github.com/spf13/cobra2")}, []string{"imports github.com/spf13/cobra2"}},
		{"unsafe", map[string]string{"report/a_test.go": file("unsafe")}, []string{"imports unsafe"}},
		{"cgo", map[string]string{scan: file("C")}, []string{"imports C"}},
		{"regexp", map[string]string{"parsers/postfix/a.go": file("regexp")}, []string{"imports regexp"}},
		{"regexp of users", map[string]string{"parsers/custom/a.go": file("regexp", "github.com/pelletier/go-toml/v2")}, nil},
		{"regexp syntax", map[string]string{scan: file("regexp/syntax")}, []string{"imports regexp/syntax"}},
		{"init", map[string]string{"report/a.go": "package p\nfunc init() {}\n"}, []string{"report/a.go: has an init function"}},
		{"method called init", map[string]string{"report/a.go": "package p\ntype t struct{}\nfunc (t) init() {}\n"}, nil},
		{"testdata and hidden folders", map[string]string{"report/testdata/a.go": file("unsafe"), ".build/a.go": file("unsafe"), "_x/a.go": file("unsafe")}, nil},
		{"wrong version", map[string]string{"go.mod": gomod + "require golang.org/x/net v0.62.1\n"}, []string{"go.mod: golang.org/x/net v0.62.1 is not the pinned v0.62.0"}},
		{"wrong version in a block", map[string]string{"go.mod": gomod + "require (\n\tgolang.org/x/sys v0.1.0 // indirect\n\tgolang.org/x/net v0.1.0 // indirect\n)\n"}, []string{"golang.org/x/net v0.1.0 is not"}},
		{"right version", map[string]string{"go.mod": gomod + "require (\n\tgolang.org/x/net v0.62.0\n)\n"}, nil},
		{"replaced", map[string]string{"go.mod": gomod + "replace golang.org/x/net => ../net\n"}, []string{"go.mod: replaces"}},
		{"wrong tool of packages", map[string]string{".tools/nfpm.mod": gomod + "require github.com/goreleaser/nfpm/v2 v2.1.0\n"}, []string{".tools/nfpm.mod: github.com/goreleaser/nfpm/v2 v2.1.0 is not"}},
		{"wrong tool", map[string]string{".tools/go.mod": gomod + "require honnef.co/go/tools v0.1.0\n"}, []string{".tools/go.mod: honnef.co/go/tools v0.1.0 is not"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			tree := fstest.MapFS{"go.mod": {Data: []byte(gomod)}, ".tools/go.mod": {Data: []byte(gomod)}, ".tools/nfpm.mod": {Data: []byte(gomod)}}
			for name, text := range test.files {
				tree[name] = &fstest.MapFile{Data: []byte(text)}
			}
			faults, err := check(tree)
			if err != nil {
				t.Fatal(err)
			}
			if len(faults) != len(test.want) {
				t.Fatalf("got %d faults %q, want %d", len(faults), faults, len(test.want))
			}
			for i, want := range test.want {
				if !strings.Contains(faults[i], want) {
					t.Errorf("fault %q does not say %q", faults[i], want)
				}
			}
		})
	}
}

// check returns what is wrong with the module in tree, in the order of its files.
func check(tree fs.FS) (faults []string, err error) {
	name := ""
	for _, file := range []string{"go.mod", ".tools/go.mod", ".tools/nfpm.mod"} {
		text, err := fs.ReadFile(tree, file)
		if err != nil {
			return nil, err
		}
		module, found := checkVersions(file, string(text))
		name = cmp.Or(name, module)
		faults = append(faults, found...)
	}
	unknown := make(map[string]bool)
	err = fs.WalkDir(tree, ".", func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		// The same folders that the go command leaves alone.
		if base := d.Name(); d.IsDir() && file != "." && (base[0] == '.' || base[0] == '_' || base == "testdata") {
			return fs.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(file, ".go") {
			return nil
		}
		dir := path.Dir(file)
		l, ok := find(dir)
		if !ok {
			if !unknown[dir] {
				unknown[dir] = true
				faults = append(faults, dir+": in no row of the table of layers; give it one")
			}
			return nil
		}
		text, err := fs.ReadFile(tree, file)
		if err != nil {
			return err
		}
		found, err := checkFile(file, text, name, l)
		faults = append(faults, found...)
		return err
	})
	return faults, err
}

// checkVersions reads a go.mod (go.dev/ref/mod#go-mod-file) as far as it concerns us.
func checkVersions(file, text string) (name string, faults []string) {
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "//")
		f := strings.Fields(line)
		if len(f) > 1 && f[0] == "require" {
			f = f[1:]
		}
		switch {
		case len(f) == 2 && f[0] == "module":
			name = f[1]
		case len(f) > 0 && f[0] == "replace":
			faults = append(faults, file+": replaces a module, so that its pinned version is not what is built")
		case len(f) == 2:
			for _, m := range modules() {
				if m.path == f[0] && m.version != "" && m.version != f[1] {
					faults = append(faults, fmt.Sprintf("%s: %s %s is not the pinned %s", file, f[0], f[1], m.version))
				}
			}
		}
	}
	return name, faults
}

// checkFile returns what is wrong with one file of the module called name.
func checkFile(file string, text []byte, name string, l layer) (faults []string, err error) {
	f, err := parser.ParseFile(token.NewFileSet(), file, text, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	test := strings.HasSuffix(file, "_test.go")
	for _, spec := range f.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return nil, err
		}
		if !allowed(file, imported, name, test, l) {
			faults = append(faults, fmt.Sprintf("%s: imports %s, which the table of layers does not allow", file, imported))
		}
	}
	for _, decl := range f.Decls {
		if fn, ok := decl.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
			faults = append(faults, file+": has an init function")
		}
	}
	return faults, nil
}

// allowed reports whether a file of layer l, in the module called name, may import a package.
func allowed(file, imported, name string, test bool, l layer) bool {
	if own, ok := strings.CutPrefix(imported, name+"/"); ok {
		return allowedOwn(file, own, test, l)
	}
	first, _, _ := strings.Cut(imported, "/")
	switch {
	case imported == "unsafe" || imported == "C":
		return false
	case first == "regexp":
		return test || path.Dir(file) == ownFormats || !slices.ContainsFunc(noRegexp, func(p string) bool { return matches(p, l.path) })
	case !strings.Contains(first, "."): // the standard library
		return true
	}
	for _, m := range modules() {
		if imported != m.path && !strings.HasPrefix(imported, m.path+"/") {
			continue
		}
		if test && len(m.importers) == 0 {
			return true
		}
		return slices.ContainsFunc(m.importers, func(importer string) bool {
			if importer == file || importer == path.Dir(file) {
				return true
			}
			if strings.HasSuffix(importer, ".go") {
				importer = path.Dir(importer)
			}
			return test && rank(importer) <= l.rank // it may write what a lower layer reads
		})
	}
	return false
}

// allowedOwn reports whether a file may import a package of the module itself.
func allowedOwn(file, own string, test bool, l layer) bool {
	if own == path.Dir(file) { // an external test
		return test
	}
	if test {
		return own == generator || rank(own) <= l.rank
	}
	return slices.ContainsFunc(l.imports, func(p string) bool { return matches(p, own) })
}

// matches is path.Match for patterns that are constants of this file.
func matches(pattern, name string) bool {
	ok, err := path.Match(pattern, name)
	if err != nil {
		panic(err)
	}
	return ok
}
