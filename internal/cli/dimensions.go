package cli

import (
	"strings"

	"bouncelog/internal/summary"
	"bouncelog/parsers"

	"github.com/spf13/cobra"
)

// dimensionFlags are the flags of commands that break counts down.
type dimensionFlags struct {
	by []string
}

func (f *dimensionFlags) add(cmd *cobra.Command) {
	var names []string
	for _, d := range summary.Dimensions() {
		names = append(names, d.String())
	}
	cmd.Flags().StringArrayVar(&f.by, "by", nil, "count by a `dimension` too, or by two crossed, with a comma between them; may be given several times: "+strings.Join(names, ", "))
	complete(cmd, "by", names)
}

// set puts what the flags ask for into o.
func (f *dimensionFlags) set(o *summary.Options) error {
	if len(f.by) > summary.MaxBreakdowns {
		return usagef("--by is given %d times; give it %d times at most", len(f.by), summary.MaxBreakdowns)
	}
	for _, s := range f.by {
		by, err := summary.ParseBy(s)
		if err != nil {
			return usagef("--by %q: %w", s, err)
		}
		o.By = append(o.By, by)
	}
	return nil
}

// campaignFlags say what a campaign is, and which ones are asked for.
type campaignFlags struct {
	glob, from string
}

// set puts what the flags ask for into o and p.
func (f *campaignFlags) set(o *summary.Options, p *parsers.Options) error {
	from, header, named := strings.Cut(f.from, ":")
	var names []string
	known := f.from == ""
	for _, c := range summary.CampaignSources() {
		names = append(names, c.String())
		if c.String() == from && named == (c == summary.CampaignHeader) {
			o.CampaignFrom, known = c, true
		}
	}
	if !known || named && !fieldName(header) {
		return usagef("--campaign-from %q: give one of %s:NAME, as in header:X-Campaign", f.from, strings.Join(names, ", "))
	}
	p.CampaignHeader = strings.ToLower(header)
	o.CampaignName = p.CampaignHeader
	if o.Campaign = strings.ToLower(f.glob); !summary.ValidGlob(o.Campaign) {
		return usagef("--campaign %q: not a pattern; * stands for anything, ? for one character", f.glob)
	}
	return nil
}

// fieldName reports whether s is the name of a header field (RFC 5322 2.2).
func fieldName(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' || r == ':' })
}
