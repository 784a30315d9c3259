package summary

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"bouncelog/internal/wire"
	"bouncelog/parsers"
)

// A Setting is one of the Options that are fixed before a scan: what was counted with one value cannot be joined with what
// was counted with another. Value is never empty.
type Setting struct{ Name, Value string }

// The settings, by the names of their flags where they have one.
const (
	setSince    = "since"
	setUntil    = "until"
	setLifetime = "lifetime"
	setDomain   = "domain"
	setSender   = "sender"
	setJob      = "job"
	setBy       = "by" // one for each breakdown, in their order
	setCampaign = "campaign"
	setFrom     = "campaign-from"
	setCauses   = "causes"
	setInbound  = "inbound" // of records alone
)

// Settings returns those that are not as in the zero Options, by name. [Options.Set] reads them. Options.Now is none of
// them: it is another in every run.
func (o *Options) Settings() (list []Setting) {
	add := func(name, value string) {
		if value != "" {
			list = append(list, Setting{name, value})
		}
	}
	add(setSince, o.Since.String())
	add(setUntil, o.Until.String())
	if o.lifetime() != DefaultLifetime {
		add(setLifetime, o.lifetime().String())
	}
	add(setDomain, o.Domain)
	add(setSender, o.Sender)
	add(setJob, o.Job)
	for _, b := range o.By {
		add(setBy, strings.Join(b.names(), ","))
	}
	add(setCampaign, o.Campaign)
	if o.CampaignFrom != 0 {
		add(setFrom, o.campaignFrom())
	}
	if o.Classifier != nil || o.causes {
		add(setCauses, "yes")
	}
	slices.SortStableFunc(list, func(a, b Setting) int { return strings.Compare(a.Name, b.Name) })
	return list
}

// campaignFrom says what tells campaigns apart, as its flag does.
func (o *Options) campaignFrom() string {
	if o.CampaignFrom == CampaignHeader {
		return o.CampaignFrom.String() + ":" + o.CampaignName
	}
	return o.CampaignFrom.String()
}

// A SettingError says that a Summary was made with another value of one setting than is asked for. An empty value is that
// of the zero Options.
type SettingError struct{ Name, Have, Want string }

func (e *SettingError) Error() string {
	return fmt.Sprintf("counted with %s, not with %s", e.value(e.Have), e.value(e.Want))
}

func (e *SettingError) value(v string) string {
	switch {
	case e.Name == setCauses && v == "":
		return "no causes"
	case e.Name == setCauses:
		return "causes"
	case v == "":
		return "no --" + e.Name
	}
	return fmt.Sprintf("--%s %q", e.Name, v)
}

// Compare returns a [*SettingError] for the first of the settings of a Summary that is not as o has it, nil where all are.
func (o *Options) Compare(have []Setting) error { return CompareSettings(have, o.Settings()) }

// CompareSettings returns a [*SettingError] for the first setting that two lists, by name, do not agree in; nil where all are
// the same.
func CompareSettings(have, want []Setting) error {
	for i, j := 0, 0; i < len(have) || j < len(want); {
		switch c := compareSettings(have[i:], want[j:]); {
		case c < 0:
			return &SettingError{have[i].Name, have[i].Value, ""}
		case c > 0:
			return &SettingError{want[j].Name, "", want[j].Value}
		case have[i].Value != want[j].Value:
			return &SettingError{have[i].Name, have[i].Value, want[j].Value}
		}
		i++
		j++
	}
	return nil
}

// compareSettings compares the names of the first of two lists. That of an empty list comes last.
func compareSettings(a, b []Setting) int {
	if len(a) == 0 || len(b) == 0 {
		return cmp.Compare(len(b), len(a))
	}
	return strings.Compare(a[0].Name, b[0].Name)
}

// AppendSettings writes settings as [ReadSettings] reads them.
func AppendSettings(a *wire.Appender, list []Setting) {
	a.Uint(uint64(len(list)))
	for _, x := range list {
		a.String(x.Name)
		a.String(x.Value)
	}
}

// maxSettings bounds the settings of a header.
const maxSettings = 64

// ReadSettings reads what [AppendSettings] wrote.
func ReadSettings(r *wire.Reader) (list []Setting) {
	n := r.Length(2)
	r.Must(n <= maxSettings)
	for range n {
		if r.Err() == nil {
			list = append(list, Setting{r.String(), r.String()})
		}
	}
	return list
}

// Set takes over a setting of a Summary, so that its Options can be told from what it was made with. Nothing can be counted
// with them where causes are found and there is no Classifier; to join Summaries, there need not be one.
func (o *Options) Set(s Setting) (err error) {
	stamp := func() parsers.Stamp {
		t, e := time.Parse(time.RFC3339Nano, s.Value)
		err = e
		return parsers.StampOf(t)
	}
	switch s.Name {
	case setSince:
		o.Since = stamp()
	case setUntil:
		o.Until = stamp()
	case setLifetime:
		o.Lifetime, err = time.ParseDuration(s.Value)
	case setDomain:
		o.Domain = s.Value
	case setSender:
		o.Sender = s.Value
	case setJob:
		o.Job = s.Value
	case setCampaign:
		o.Campaign = s.Value
	case setFrom:
		from, name, _ := strings.Cut(s.Value, ":")
		i := slices.Index(campaignSourceNames[:], from)
		if i < 0 {
			return fmt.Errorf("setting %s %q is not known: a newer bouncelog counted by it", s.Name, s.Value)
		}
		o.CampaignFrom, o.CampaignName = CampaignSource(i), name
	case setBy:
		by, e := ParseBy(s.Value)
		err = e
		o.By = append(o.By, by)
	case setCauses:
		o.causes = true
	default:
		return fmt.Errorf("setting %q is not known: a newer bouncelog counted by it", s.Name)
	}
	if err != nil {
		return fmt.Errorf("setting %s %q: %w", s.Name, s.Value, err)
	}
	return nil
}
