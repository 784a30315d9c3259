// Command loggen writes a Postfix log made by package loggen, and the totals that must be found in it. With -log, the log
// is another MTA's, and of the other flags only -size and -seed count.
//
//	loggen -size 256MiB -o mail.log -truth mail.truth.json
//	loggen -messages 10000 -mix everything -defer 0.5 | bouncelog report -
//	loggen -log exim -size 64MiB -o exim.log
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"strings"
	"time"

	"bouncelog/internal/loggen"
)

func main() {
	switch err := run(os.Args[1:], os.Stdout, os.Stderr); {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "loggen:", err)
		os.Exit(2)
	}
}

func run(args []string, stdout, stderr io.Writer) (err error) {
	o, other, outPath, truthPath, err := parse(args, stderr)
	if err != nil {
		return err
	}
	if other == "acme-format" {
		_, err := io.WriteString(stdout, loggen.AcmeFormat)
		return err
	}
	out := stdout
	if outPath != "" {
		f, err := os.Create(outPath)
		if err != nil {
			return err
		}
		out = f
		defer func() { err = errors.Join(err, f.Close()) }()
	}
	var truth any
	if other == "" {
		truth, err = loggen.Write(out, o)
	} else {
		truth, err = loggen.WriteOther(out, other, o.Size, o.Seed)
	}
	if err != nil {
		return err
	}
	text, err := json.MarshalIndent(truth, "", "\t")
	if err != nil {
		return err
	}
	text = append(text, '\n')
	if truthPath != "" {
		return os.WriteFile(truthPath, text, 0o644)
	}
	_, err = stderr.Write(text)
	return err
}

// parse reads the flags. Those of the mix change the named mix, wherever they stand.
func parse(args []string, stderr io.Writer) (o loggen.Options, other, out, truth string, err error) {
	fs := flag.NewFlagSet("loggen", flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.StringVar(&other, "log", "", "`FORMAT` of another MTA: "+strings.Join(loggen.OtherLogs(), ", ")+"; acme-format prints what describes the last")
	fs.StringVar(&out, "o", "", "write the log to `FILE` instead of stdout")
	fs.StringVar(&truth, "truth", "", "write the totals to `FILE` instead of stderr")
	fs.Uint64Var(&o.Seed, "seed", 1, "the same seed and flags give the same bytes")
	fs.Func("size", "about how many `BYTES`, such as 256MiB", func(s string) (err error) {
		o.Size, err = parseSize(s)
		return err
	})
	fs.Int64Var(&o.Messages, "messages", 0, "how many new messages, instead of -size")
	fs.BoolVar(&o.Cut, "cut", false, "end at that point, with mail still queued")
	fs.DurationVar(&o.CutStart, "cut-start", 0, "leave out the first stretch of log time")
	fs.Func("start", "`TIME` of the first message, such as 2025-12-31T23:59:50Z", func(s string) (err error) {
		o.Start, err = time.Parse(time.RFC3339, s)
		return err
	})
	fs.Func("zone", "of the stamps, such as Europe/Berlin (default UTC)", func(s string) (err error) {
		o.Location, err = time.LoadLocation(s)
		return err
	})
	fs.Func("hosts", "`NAMES` of the hosts, with commas (default mx1)", func(s string) error {
		o.Hosts = strings.Split(s, ",")
		return nil
	})
	fs.StringVar(&o.Header, "header", loggen.RFC3164, "of the lines: rfc3164, iso, rfc5424 or maillog")
	fs.BoolVar(&o.LongIDs, "long-ids", false, "long queue ids")
	fs.BoolVar(&o.TLS, "tls", false, "tls= in the records")
	fs.Float64Var(&o.Rate, "rate", 0, "new messages per second of log time (default 50)")
	fs.IntVar(&o.Domains, "domains", 0, "recipient domains (default 1000)")
	fs.StringVar(&o.Blocker, "blocker", "", "the `DOMAIN` whose servers -block has refuse mail (default example.com)")
	fs.DurationVar(&o.Lifetime, "lifetime", 0, "maximal_queue_lifetime (default 6h)")
	fs.DurationVar(&o.MinBackoff, "min-backoff", 0, "minimal_backoff_time (default 300s)")
	fs.DurationVar(&o.MaxBackoff, "max-backoff", 0, "maximal_backoff_time (default 4000s)")
	fs.DurationVar(&o.Silence, "silence", 0, "after how long without a word a message counts as lost (default 144h)")

	mix := loggen.Typical()
	fs.Func("mix", "what happens: none, typical or everything (default typical)", func(s string) error {
		switch s {
		case "none":
			mix = loggen.Mix{}
		case "typical":
			mix = loggen.Typical()
		case "everything":
			mix = loggen.Everything()
		default:
			return errors.New("want none, typical or everything")
		}
		return nil
	})
	var changes []func()
	for _, f := range probabilities(&mix) {
		fs.Func(f.name, "`PROBABILITY`: "+f.usage, func(s string) error {
			p, err := strconv.ParseFloat(s, 64)
			if err != nil || !(p >= 0 && p <= 1) {
				return errors.New("want a number from 0 to 1")
			}
			changes = append(changes, func() { *f.value = p })
			return nil
		})
	}
	if err := fs.Parse(args); err != nil {
		return o, "", "", "", err
	}
	if fs.NArg() > 0 {
		return o, "", "", "", fmt.Errorf("unexpected argument %q", fs.Arg(0))
	}
	for _, change := range changes {
		change()
	}
	o.Mix = mix
	return o, other, out, truth, nil
}

type probability struct {
	name, usage string
	value       *float64
}

func probabilities(m *loggen.Mix) []probability {
	return []probability{
		{"defer", "a first attempt is deferred", &m.Defer},
		{"defer-again", "a later attempt is deferred", &m.DeferAgain},
		{"bounce", "an attempt bounces", &m.Bounce},
		{"stuck", "a deferred recipient stays so until it expires", &m.Stuck},
		{"no-session", "a failure is one of DNS or connection", &m.NoSession},
		{"multi-line", "a reply has several lines", &m.MultiLine},
		{"odd", "codes contradict each other", &m.Odd},
		{"hostile-text", "a reply tries to pass for log syntax", &m.HostileText},
		{"soft-bounce", "a bounce is SOFTBOUNCE", &m.SoftBounce},
		{"suspend", "a delivery is suspended", &m.Suspend},
		{"tried", "another server was tried in vain before", &m.Tried},
		{"block", "the blocker refuses a recipient's first attempt", &m.Block},
		{"repeat", "further deferrals in `message repeated`", &m.Repeat},
		{"multi-recipient", "a message has several recipients", &m.MultiRecipient},
		{"hostile-recipient", "an address tries to pass for log syntax", &m.HostileRecipient},
		{"pickup", "submitted by sendmail(1)", &m.Pickup},
		{"local", "a recipient is of this host", &m.Local},
		{"forward", "a local recipient has a forward file", &m.Forward},
		{"filter", "goes through a content filter", &m.Filter},
		{"filter-defer", "the filter is down at first", &m.FilterDefer},
		{"filter-bounce", "the filter refuses", &m.FilterBounce},
		{"probe", "an address verification besides", &m.Probe},
		{"delete", "postsuper -d, of each deferred run", &m.Delete},
		{"force-expire", "postsuper -e, of each deferred run", &m.ForceExpire},
		{"lost-start", "lines that begin the message are missing", &m.LostStart},
		{"lost-removed", "`removed` is missing", &m.LostRemoved},
		{"lost-tail", "all lines after a deferred run are missing", &m.LostTail},
		{"reuse", "the next message gets a freed short id", &m.Reuse},
		{"reuse-lost", "or one whose `removed` is missing", &m.ReuseLost},
		{"clash", "a short id is also one of another host", &m.Clash},
		{"reject", "an inbound refusal", &m.Reject},
		{"session", "connects, TLS, statistics", &m.Session},
		{"foreign", "a line of another program", &m.Foreign},
		{"malformed", "a record that breaks off", &m.Malformed},
		{"unknown", "a line nobody knows", &m.Unknown},
	}
}

// parseSize reads a number of bytes with an optional KiB, MiB or GiB.
func parseSize(s string) (int64, error) {
	shift := 0
	for i, unit := range []string{"KiB", "MiB", "GiB"} {
		if number, ok := strings.CutSuffix(s, unit); ok {
			s, shift = number, 10*(i+1)
		}
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n <= 0 || n > math.MaxInt64>>shift {
		return 0, errors.New("want a number of bytes, KiB, MiB or GiB")
	}
	return n << shift, nil
}
