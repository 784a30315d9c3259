package scan

import (
	"fmt"
	"strings"
	"testing"

	"bouncelog/internal/loggen"
	"bouncelog/internal/summary"

	gocmp "github.com/google/go-cmp/cmp"
)

func add(t *summary.Tally, o *summary.Tally) {
	t.Attempts.Sent += o.Attempts.Sent
	t.Attempts.Deferred += o.Attempts.Deferred
	t.Attempts.Bounced += o.Attempts.Bounced
	for i, n := range o.Outcomes {
		t.Outcomes[i] += n
	}
}

// rowsOf returns the sums of the rows by their first dimension.
func rowsOf(b *summary.Breakdown) map[string]summary.Tally {
	rows := make(map[string]summary.Tally)
	for i := range b.Rows {
		t := rows[b.Rows[i].Key[0]]
		add(&t, &b.Rows[i].Tally)
		rows[b.Rows[i].Key[0]] = t
	}
	return rows
}

// Every breakdown adds up to the whole, and where there is a table of the same, to that.
func TestBreakdownsAddUp(t *testing.T) {
	for seed := range uint64(2) {
		path, _ := generate(t, seed, func(o *loggen.Options) { o.Messages, o.Cut = 800, seed == 1 })
		for _, second := range []summary.Dimension{0, summary.BySender} {
			dims := summary.Dimensions()
			for len(dims) > 0 {
				n := min(summary.MaxBreakdowns, len(dims))
				res := scanFiles(t, []string{path}, func(c *Config) {
					c.Source.ChunkSize = 16 << 10
					for _, d := range dims[:n] {
						by := summary.By{d, second}
						if d == second {
							by[1] = 0
						}
						c.Summary.By = append(c.Summary.By, by)
					}
				})
				c := res.Counts
				tables := map[string][]summary.NamedTally{"domain": byName(c.Domains()), "provider": byName(c.Providers()), "sender-domain": byName(c.Senders())}
				for _, h := range c.Hours() {
					h.Outcomes[summary.Pending] = 0
					tables["hour"] = append(tables["hour"], summary.NamedTally{Name: h.Start.String(), Tally: summary.Tally{Attempts: h.Attempts, Outcomes: h.Outcomes}})
				}
				for _, b := range c.Breakdowns() {
					rows := rowsOf(&b)
					var sum summary.Tally
					for _, row := range rows {
						add(&sum, &row)
					}
					if d := gocmp.Diff(c.Total, sum); d != "" {
						t.Errorf("seed %d, by %v: (-all +sum):\n%s", seed, b.By, d)
					}
					if b.By[0] == "provider" {
						delete(rows, "") // outcomes and attempts at none
					}
					if table, ok := tables[b.By[0]]; ok {
						want := make(map[string]summary.Tally)
						for _, row := range table {
							want[row.Name] = row.Tally
						}
						delete(rows, "")
						for name, row := range rows {
							if b.By[0] == "hour" {
								row.Outcomes[summary.Pending] = 0
								if row == (summary.Tally{}) {
									delete(rows, name)
									continue
								}
								rows[name] = row
							}
						}
						if d := gocmp.Diff(want, rows); d != "" {
							t.Errorf("seed %d, by %v: (-table +breakdown):\n%s", seed, b.By, d)
						}
					}
				}
				dims = dims[n:]
			}
		}
	}
}

// A campaign that was asked for has what its row has.
func TestCampaign(t *testing.T) {
	path, _ := generate(t, 5, func(o *loggen.Options) { o.Messages = 500 })
	for _, from := range []summary.CampaignSource{summary.CampaignVERP, summary.CampaignSender, summary.CampaignMessageID} {
		ask := func(c *Config) {
			c.Source.ChunkSize, c.Summary.CampaignFrom, c.Summary.By = 16<<10, from, []summary.By{{summary.ByCampaign}}
		}
		all := scanFiles(t, []string{path}, ask).Counts.Breakdowns()[0]
		if len(all.Rows) < 2 {
			t.Errorf("%v: %d campaigns", from, len(all.Rows))
		}
		for _, row := range all.Rows[:min(len(all.Rows), 5)] {
			if row.Key[0] == "" || strings.ToLower(row.Key[0]) != row.Key[0] {
				continue
			}
			c := scanFiles(t, []string{path}, func(c *Config) { ask(c); c.Summary.Campaign = row.Key[0] }).Counts
			if got := c.Breakdowns()[0]; fmt.Sprint(got.Rows) != fmt.Sprint([]summary.BreakdownRow{row}) || c.Total != row.Tally {
				t.Errorf("%v %q: %+v, total %+v, want %+v", from, row.Key[0], got.Rows, c.Total, row)
			}
		}
	}
}
