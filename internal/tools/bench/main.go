// Command bench measures what bouncelog costs on one log: time beside that of `wc -l`, memory, and allocations per line;
// and then what reports on other logs cost.
//
//	bench -bin .build/bouncelog -runs 5 mail.log exim.log acme.log
//
// A log beside which lies a description of its format (acme.toml beside acme.log) is read with it.
//
// The runs are interleaved, so that whatever else the machine does falls on all of them alike, and what is printed are
// medians. The log is read once before, so the figures are those of a warm cache.
package main

import (
	"bytes"
	"compress/gzip"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"bouncelog/internal/cli"
)

func main() {
	bin := flag.String("bin", ".build/bouncelog", "the `program` to measure")
	runs := flag.Int("runs", 5, "how often to run each")
	flag.Parse()
	if flag.NArg() < 1 || *runs < 1 {
		fmt.Fprintln(os.Stderr, "usage: bench [-bin PROGRAM] [-runs N] LOG [LOG…]")
		os.Exit(2)
	}
	err := bench(os.Stdout, *bin, flag.Arg(0), *runs)
	for _, log := range flag.Args()[1:] {
		if err == nil {
			err = other(os.Stdout, *bin, log, *runs)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// A subject is one command line that is measured.
type subject struct {
	name string
	args []string
	text int64 // bytes of log text that it reads

	runs []usage
}

// A usage is what one run of a process took.
type usage struct {
	seconds float64
	cpu     float64 // seconds of all cores: what the process did itself, however busy the machine is
	rss     int64
}

func bench(w io.Writer, bin, log string, runs int) error {
	size, lines, err := count(log)
	if err != nil {
		return err
	}
	if lines == 0 {
		return fmt.Errorf("%s holds no lines", log)
	}
	packed, err := pack(log)
	if err != nil {
		return err
	}
	subjects := []*subject{
		{name: "wc -l", args: []string{"wc", "-l", log}, text: size},
		{name: "bouncelog report", args: []string{bin, "report", log}, text: size},
		{name: "bouncelog report, one job", args: []string{bin, "report", "-j", "1", log}, text: size},
		{name: "bouncelog report, gzip", args: []string{bin, "report", packed}, text: size},
		{name: "bouncelog attempts", args: []string{bin, "attempts", log}, text: size},
	}
	if _, err := exec.LookPath("wc"); err != nil {
		subjects = subjects[1:]
	}
	if err := measure(subjects, runs); err != nil {
		return err
	}
	allocs, err := allocations(log)
	if err != nil {
		return err
	}

	fmt.Fprintf(w, "%s: %.0f MB, %d lines; %s/%s, %s, %d CPUs; medians of %d interleaved runs\n\n",
		log, float64(size)/1e6, lines, runtime.GOOS, runtime.GOARCH, runtime.Version(), runtime.NumCPU(), runs)
	if err := table(w, subjects); err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "\n%.4f allocations a line (%d in `bouncelog report`)\n", float64(allocs)/float64(lines), allocs)
	return err
}

// other measures a report on one more log.
func other(w io.Writer, bin, log string, runs int) error {
	size, lines, err := count(log)
	if err != nil {
		return err
	}
	report := []string{bin, "report"}
	if format := strings.TrimSuffix(log, filepath.Ext(log)) + ".toml"; exists(format) {
		report = append(report, "--formats", format)
	}
	subjects := []*subject{
		{name: "wc -l", args: []string{"wc", "-l", log}, text: size},
		{name: "bouncelog report", args: append(slices.Clone(report), log), text: size},
		{name: "bouncelog report, one job", args: append(slices.Clone(report), "-j", "1", log), text: size},
	}
	if _, err := exec.LookPath("wc"); err != nil {
		subjects = subjects[1:]
	}
	if err := measure(subjects, runs); err != nil {
		return err
	}
	fmt.Fprintf(w, "\n%s: %.0f MB, %d lines\n\n", log, float64(size)/1e6, lines)
	return table(w, subjects)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// measure runs the subjects in turns.
func measure(subjects []*subject, runs int) error {
	for i := range runs + 1 {
		for _, s := range subjects {
			u, err := run(s.args)
			if err != nil {
				return err
			}
			if i > 0 { // the first one warms up
				s.runs = append(s.runs, u)
			}
		}
	}
	return nil
}

// table prints what was measured.
func table(w io.Writer, subjects []*subject) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "seconds\tslowest\tMB/s\t× wc -l\tCPU seconds\tpeak MiB\t  \t")
	for _, s := range subjects {
		seconds, slowest := s.of(func(u usage) float64 { return u.seconds })
		cpu, _ := s.of(func(u usage) float64 { return u.cpu })
		_, rss := s.of(func(u usage) float64 { return float64(u.rss) / (1 << 20) })
		ratio := "-"
		if subjects[0].name == "wc -l" {
			wc, _ := subjects[0].of(func(u usage) float64 { return u.seconds })
			ratio = fmt.Sprintf("%.1f", seconds/wc)
		}
		fmt.Fprintf(t, "%.3f\t%.3f\t%.0f\t%s\t%.3f\t%.0f\t  %s\n", seconds, slowest, float64(s.text)/1e6/seconds, ratio, cpu, rss, s.name)
	}
	return t.Flush()
}

// of returns the median and the most of one measure of the runs.
func (s *subject) of(measure func(usage) float64) (middle, most float64) {
	var values []float64
	for _, u := range s.runs {
		values = append(values, measure(u))
	}
	return median(values), slices.Max(values)
}

// count returns the bytes and lines of a file.
func count(path string) (size, lines int64, err error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, 0, err
	}
	defer f.Close()
	buf := make([]byte, 1<<16)
	for {
		n, err := f.Read(buf)
		size, lines = size+int64(n), lines+int64(bytes.Count(buf[:n], []byte("\n")))
		if err == io.EOF {
			return size, lines, nil
		}
		if err != nil {
			return 0, 0, err
		}
	}
}

// pack compresses a file beside itself, unless that was done since it was written.
func pack(path string) (packed string, err error) {
	packed = path + ".gz"
	old, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if now, err := os.Stat(packed); err == nil && now.ModTime().After(old.ModTime()) {
		return packed, nil
	}
	in, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer in.Close()
	out, err := os.Create(packed + ".part")
	if err != nil {
		return "", err
	}
	z := gzip.NewWriter(out)
	_, err = io.Copy(z, in)
	if err = errors.Join(err, z.Close(), out.Close()); err != nil {
		return "", err
	}
	return packed, os.Rename(out.Name(), packed)
}

// run runs a command line.
//
// Linux counts towards a child what its parent had resident when it was started, so this program stays small, and no
// figure for memory is below its own.
func run(args []string) (usage, error) {
	cmd := exec.Command(args[0], args[1:]...)
	var complaints bytes.Buffer
	cmd.Stderr = &complaints // stdout goes nowhere
	start := time.Now()
	err := cmd.Run()
	seconds := time.Since(start).Seconds()
	if err != nil {
		return usage{}, fmt.Errorf("run %q: %w: %s", args, err, complaints.Bytes())
	}
	p := cmd.ProcessState
	return usage{seconds, (p.UserTime() + p.SystemTime()).Seconds(), peakRSS(p)}, nil
}

// allocations returns how many objects a report allocates, all in all.
func allocations(log string) (uint64, error) {
	var complaints bytes.Buffer
	o := cli.IO{In: bytes.NewReader(nil), Out: io.Discard, Err: &complaints, Env: func(string) string { return "" }, Clock: time.Now}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	status := cli.Main([]string{"report", log}, o)
	runtime.ReadMemStats(&after)
	if status != 0 {
		return 0, fmt.Errorf("report %s: status %d: %s", log, status, complaints.Bytes())
	}
	return after.Mallocs - before.Mallocs, nil
}

// median returns the middle of values, the mean of both where there are two.
func median(values []float64) float64 {
	v := slices.Sorted(slices.Values(values))
	return (v[len(v)/2] + v[(len(v)-1)/2]) / 2
}
