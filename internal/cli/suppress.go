package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"bouncelog/internal/classify"
	"bouncelog/internal/scan"
	"bouncelog/internal/summary"
	"bouncelog/internal/suppress"
	"bouncelog/parsers"
	"bouncelog/report"

	"github.com/spf13/cobra"
)

type suppressOptions struct {
	input      inputFlags
	state      stateFlags
	rules      ownRules
	output     outputFlags
	categories []string
	domains    bool
	minHits    int
	repeatHits int
	repeatDays int
	redact     string
	paths      []string
}

// maxRepeatDays is longer than anybody keeps logs.
const maxRepeatDays = 3660

func newSuppress(o IO) *cobra.Command {
	var opt suppressOptions
	var names []string
	for _, c := range suppress.Categories() {
		names = append(names, c.String())
	}
	cmd := &cobra.Command{
		Use:   "suppress [FILE|FOLDER|GLOB|-]...",
		Short: "List the addresses to stop mailing",
		Long: `List the addresses to stop mailing, by address, each with its evidence: those of which the server of their own domain said
for good that nobody is there, in words that leave no doubt and with codes that agree, and those at a domain that DNS knows
no way to. Refusals for reputation, content, policy or authentication are never among them.

What may pass has to come again: a full mailbox, a mailbox that is closed for now, a temporary refusal, words and codes that
contradict each other. It takes --repeat-hits messages that failed, over --repeat-days.

A later delivery to a remote server keeps an address, whoever sent it and whatever was selected; so does one in the same
second. Deliveries before a failure do not, but a domain that took mail or answered less than --repeat-days before counts as
alive. The latest evidence decides: who was unknown and has a full mailbox now is known again. The case of the domain is no
difference, that of the local part is; a delivery keeps all of them. What a smarthost, a filter of your own or a bounce
message says does not count, nor what happens to mailboxes of this host.

Give all logs you have, of all hosts: what is not read keeps nobody.

--domains lists the domains that DNS or their own servers know nothing of, in place of the addresses there.

Memory: 16 bytes for each address that was delivered to, at most 28 with free slots; some 600 for each that failed. Beyond
1,048,576 of these, or 8,388,608 messages that failed, the list is written as far as it goes, and the exit status is 2.

With --state FOLDER each line is read once, in however many runs, and each run lists what all runs together know: it is the
list of one run over all lines that were ever read, of which the latest delivery or failure may be in this one. Without logs,
the list is printed once more. --min-hits, --repeat-hits and --repeat-days may differ from run to run; what selects evidence
may not. Evidence stands as it was judged; a note says where the rules have changed since. What a later delivery made void is
forgotten 30 days after. A log is known by its first lines, so it may be renamed, compressed, copied and truncated; its last
line waits until it is whole. The folder, which changes once all is written, takes some 16 bytes for each address that was
delivered to, and 300 for each that failed. Two runs wait for each other.
` + recordStatusHelp,
		Example: `  bouncelog suppress /var/log/mail.log* > dead.csv
  bouncelog suppress -f txt --category bad_mailbox,inactive_mailbox /var/log/exim4
  bouncelog suppress --domains mail.log
  bouncelog suppress --state /var/lib/bouncelog/suppress /var/log/mail.log* > dead.csv`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			opt.paths = args
			return runSuppress(cmd.Context(), o, &opt)
		},
	}
	opt.input.add(cmd.Flags())
	opt.state.add(cmd.Flags())
	opt.rules.add(cmd.Flags())
	opt.output.add(cmd, report.SuppressFormats())
	s := cmd.Flags()
	s.StringSliceVar(&opt.categories, "category", nil, "evidence of these `categories` only: "+strings.Join(names, ", "))
	s.BoolVar(&opt.domains, "domains", false, "list dead domains, not addresses")
	s.IntVar(&opt.minHits, "min-hits", 1, "leave out what failed for fewer messages")
	s.IntVar(&opt.repeatHits, "repeat-hits", 3, "how many messages must fail where one is not enough")
	s.IntVar(&opt.repeatDays, "repeat-days", 3, "over how many days, from the first of them to the last")
	s.StringVar(&opt.redact, "redact", "", "not here: only none is taken")
	if err := s.MarkHidden("redact"); err != nil {
		panic(err) // the flag is not there: a mistake in this package
	}
	complete(cmd, "category", names)
	return cmd
}

// wanted returns what the flags ask for.
func (opt *suppressOptions) wanted(selected summary.Options) (suppress.Options, error) {
	f := suppress.Options{Select: selected, Domains: opt.domains, MinHits: opt.minHits, RepeatHits: opt.repeatHits,
		Repeat: time.Duration(opt.repeatDays) * 24 * time.Hour}
	if opt.minHits < 1 || opt.minHits > suppress.MaxHits {
		return f, usagef("--min-hits %d: give 1 to %d", opt.minHits, suppress.MaxHits)
	}
	if opt.repeatHits < 1 || opt.repeatHits > suppress.MaxHits {
		return f, usagef("--repeat-hits %d: give 1 to %d", opt.repeatHits, suppress.MaxHits)
	}
	if opt.repeatDays < 0 || opt.repeatDays > maxRepeatDays {
		return f, usagef("--repeat-days %d: give 0 to %d", opt.repeatDays, maxRepeatDays)
	}
	for _, name := range opt.categories {
		c, ok := classify.ParseCategory(name)
		switch {
		case !ok:
			return f, usagef("--category %q: unknown; give some of %v", name, suppress.Categories())
		case !slices.Contains(suppress.Categories(), c):
			return f, usagef("--category %s: no fault of the address; give some of %v", name, suppress.Categories())
		case opt.domains && c != classify.BadDomain:
			return f, usagef("--category %s: no fault of a domain; leave out --domains", name)
		}
		f.Categories = append(f.Categories, c)
	}
	return f, nil
}

func runSuppress(ctx context.Context, o IO, opt *suppressOptions) error {
	c, err := opt.input.config(o)
	if err != nil {
		return err
	}
	if opt.redact != "" && opt.redact != string(report.RedactNone) {
		return usagef("--redact %s: suppress never redacts: an altered address would keep the dead one on your lists, or take a live one off; use attempts --redact or report --redact", opt.redact)
	}
	outputs, _, err := opt.output.outputs(o, report.CheckSuppressFormat)
	if err != nil {
		return err
	}
	wanted, err := opt.wanted(c.Summary)
	if err != nil {
		return err
	}
	// A success of another sender, or beyond the window, keeps an address too.
	c.Summary = summary.Options{Lifetime: c.Summary.Lifetime, Now: c.Summary.Now}
	s := session{flags: &opt.input, io: o}
	run, err := opt.state.begin(ctx, &s, "suppress", &c)
	if err != nil {
		return err
	}
	defer run.end()
	again := opt.state.ofHistory(opt.paths) // the list as it is known
	if again && run.store.New() {
		return usagef("--state %s: there is no list; a run with --state and logs begins one", opt.state.folder)
	}
	if !again {
		c.Inputs, err = run.inputs(&s, opt.paths)
	}
	if err != nil {
		return err
	}
	if err := spare(c.Inputs, outputs); err != nil {
		return err
	}
	if c.Summary.Classifier, err = opt.rules.classifier(); err != nil {
		return err
	}
	if err := run.chooseForRecords(ctx, &c, false); err != nil {
		return err
	}
	wanted.Rules = []string{c.Summary.Classifier.Fingerprint()}
	known, err := run.foundBefore(wanted)
	if err != nil {
		return err
	}
	var finder *suppress.Finder
	if run != nil {
		c.Runs.Early = true // what waits for its sender may be a success
		leave := c.Runs.Leave
		c.Runs.Leave = func(open []byte) error {
			run.parts[foundPart] = finder.Encode(nil, parsers.StampOf(run.now))
			return leave(open)
		}
	}
	res, err := s.scan(ctx, c, run.scanner(func(ctx context.Context, c scan.Config) (*scan.Result, error) {
		if finder, err = known(); err != nil {
			return nil, err
		}
		return scan.Attempts(ctx, c, false, func(r *summary.Record) error {
			finder.Add(r)
			return nil
		})
	}))
	if err != nil {
		return err
	}
	rows := finder.Rows()
	var written error
	for _, out := range outputs {
		var left report.Left
		err := out.write(o, func(w io.Writer) (err error) {
			left, err = report.WriteSuppress(out.format, w, rows, opt.domains)
			return err
		})
		if left.N > 0 && err == nil {
			s.note("%s: left out: %d (%s); %s; -f ndjson has them", out.name(), left.N, strings.Join(left.Examples, ", "), leftReason(out.format))
		}
		written = errors.Join(written, err)
	}
	faults := written
	if n := finder.Missed(); n > 0 {
		faults = errors.Join(written, fmt.Errorf("the list is not whole: there was no room for %d failures of more than %d addresses or %d messages; read it in parts, by --domain",
			n, suppress.MaxFailed, suppress.MaxMessages))
	}
	if again {
		return faults
	}
	return run.commit(ctx, res, written, s.end(res, faults))
}

// foundPart is the part of a state that has what suppress knows of addresses.
const foundPart = "found"

// foundBefore returns what makes a Finder that knows what earlier runs found, as often as it is called.
func (r *stateRun) foundBefore(wanted suppress.Options) (func() (*suppress.Finder, error), error) {
	var data []byte
	var before []string // fingerprints of rules
	if r != nil {
		var err error
		data, err = r.part(foundPart, wanted.Settings(), func(data []byte) ([]summary.Setting, error) {
			h, err := suppress.ReadHeader(data)
			before = h.Rules
			return h.Settings, err
		})
		if err != nil {
			return nil, err
		}
	}
	if len(before) > 0 && !slices.Contains(before, wanted.Rules[0]) {
		r.s.note("state %s: its evidence was judged by other rules than those of now, and stands; to judge all anew: bouncelog state reset --state %[1]s, and read all logs again", r.flags.folder)
	}
	return func() (*suppress.Finder, error) {
		if len(data) == 0 {
			return suppress.New(wanted), nil
		}
		return suppress.Decode(data, wanted)
	}, nil
}

func leftReason(format string) string {
	if format == "txt" {
		return "they do not fit on one line"
	}
	return "a spreadsheet would run them"
}

// write writes one output by do: a file in one step.
func (out output) write(o IO, do func(io.Writer) error) error {
	if out.path == "" {
		return do(o.Out)
	}
	file, err := openOut(out.path, o)
	if err != nil {
		return err
	}
	if err := do(file); err != nil {
		file.discard()
		return err
	}
	return file.commit()
}
