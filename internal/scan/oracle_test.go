package scan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"bouncelog/internal/classify"
	"bouncelog/internal/loggen"
	"bouncelog/internal/summary"
	"bouncelog/internal/syslog"
	"bouncelog/parsers"
	"bouncelog/parsers/postfix"

	gocmp "github.com/google/go-cmp/cmp"
)

// oracle counts a log the way one would first write it down: line after line, maps of strings, nothing in parallel,
// everything kept to the end. It shares the parser with the scan, and nothing of the joining and counting.
type oracle struct {
	open     map[string]*oracleMessage
	messages []*oracleMessage
	last     map[string]parsers.Stamp // by host
}

type oracleMessage struct {
	host, sender, size string
	last, birth        parsers.Stamp
	born, named, tried bool
	attempts           []oracleAttempt
	order              []string
	recipients         map[string]*oracleRecipient
}

type oracleAttempt struct {
	parsers.Attempt
	sender string
	n      int
}

type oracleRecipient struct {
	domain, sender string
	deferred, done bool
	outcome        summary.Outcome
	counted        bool

	at       parsers.Stamp // that settled it
	attempts []parsers.Attempt
	n        []int            // how many lines each of attempts stands for
	whole    bool             // attempts has the first
	delay    parsers.Duration // of a delivery
}

func (o *oracle) add(ev *parsers.Event, line *parsers.Line) {
	t := ev.Time
	if t == 0 {
		t = line.Time
	}
	if ev.QueueID == "" || ev.Kind == parsers.Tried || ev.Kind == parsers.Rejected || ev.Kind == parsers.Requeued {
		return
	}
	key := line.Host + "\x00" + ev.Instance + "\x00" + ev.QueueID
	m := o.open[key]
	size := fmt.Sprint(ev.Sender, ev.Size)
	if m != nil {
		other := t.Sub(m.last) > 6*24*time.Hour
		switch ev.Kind {
		case parsers.Accepted:
			other = true
		case parsers.Named:
			other = other || m.named || m.size != "" || m.tried
		case parsers.Queued:
			other = other || m.size != "" && m.size != size
		}
		if other {
			m.lose(t)
			m = nil
		}
	}
	if ev.Kind == parsers.Removed {
		if m != nil && !ev.Moved {
			m.lose(t)
		}
		if m != nil {
			for _, r := range m.recipients {
				r.done = true
			}
		}
		delete(o.open, key)
		return
	}
	if m == nil {
		m = &oracleMessage{host: line.Host, recipients: map[string]*oracleRecipient{}}
		o.open[key] = m
		o.messages = append(o.messages, m)
	}
	if t != 0 {
		m.last = t
	}
	if ev.Sender != "" {
		if m.sender == "" {
			for i := range m.attempts {
				m.attempts[i].sender = ev.Sender
			}
			for _, r := range m.recipients {
				r.sender = ev.Sender
			}
		}
		m.sender = ev.Sender
	}
	switch ev.Kind {
	case parsers.Accepted:
		m.begin(t)
	case parsers.Named:
		m.begin(t)
		m.named = true
	case parsers.Queued:
		m.size = size
	case parsers.Attempted:
		m.tried = true
		a := ev.Attempt
		m.attempts = append(m.attempts, oracleAttempt{a, m.sender, max(1, line.Repeat)})
		if a.Kind == parsers.Probe {
			return
		}
		domain := classify.Domain(parsers.Domain(a.Recipient))
		key := a.Recipient[:strings.LastIndex(a.Recipient, "@")+1] + domain + "\x00" + a.OriginalRecipient
		r := m.recipients[key]
		if r == nil {
			r = &oracleRecipient{domain: domain, whole: m.born}
			m.recipients[key] = r
			m.order = append(m.order, key)
		}
		if r.done {
			return
		}
		r.attempts, r.n = append(r.attempts, a), append(r.n, max(1, line.Repeat))
		if _, said := a.Delay.Milliseconds(); said || m.birth == 0 {
			r.delay = a.Delay
		} else {
			r.delay = parsers.Between(m.birth, t)
		}
		switch a.Status {
		case parsers.StatusDeferred:
			r.deferred = true
		case parsers.StatusBounced:
			r.settle(summary.Bounced, m.sender, t)
		case parsers.StatusSent:
			switch {
			case a.Kind == parsers.Internal || a.NotAttempted:
				r.done = true
			case r.deferred:
				r.settle(summary.DeliveredLater, m.sender, t)
			case m.born:
				r.settle(summary.DeliveredFirst, m.sender, t)
			default:
				r.settle(summary.DeliveredUnknown, m.sender, t)
			}
		}
	case parsers.Expired:
		m.tried = true
		for _, r := range m.recipients {
			if r.deferred && !r.done {
				r.settle(summary.Expired, m.sender, t)
			}
		}
	}
}

// begin takes in that the log holds the message's beginning.
func (m *oracleMessage) begin(t parsers.Stamp) {
	if !m.born {
		m.birth = t
	}
	m.born = true
}

// lose settles what is open when the message is gone at t, or for longer than a queue keeps one.
func (m *oracleMessage) lose(t parsers.Stamp) {
	if t.Sub(m.last) > 6*24*time.Hour {
		t = m.last.Add(6 * 24 * time.Hour)
	}
	for _, r := range m.recipients {
		if r.deferred && !r.done {
			r.settle(summary.Lost, m.sender, t)
		}
	}
}

func (r *oracleRecipient) settle(o summary.Outcome, sender string, t parsers.Stamp) {
	r.done, r.outcome, r.counted, r.sender, r.at = true, o, true, sender, t
}

// ways is what is counted of the way to an outcome: by hour, by provider, by cause, and of those that have a name and of all
// (empty) the times to deliver and the attempts that it took.
type ways struct {
	hours     map[string]summary.Outcomes
	providers map[string]summary.Outcomes
	causes    map[[4]string]summary.Outcomes
	times     map[string]*summary.Histogram
	tries     map[string]map[string]map[int]int // by how it ended
}

func (w *ways) add(r *oracleRecipient, s *classify.Session, c *classify.Classifier) {
	plus := func(o summary.Outcomes) summary.Outcomes { o[r.outcome]++; return o }
	if r.outcome != summary.Pending {
		hour := r.at.Time().Truncate(time.Hour).Format(time.RFC3339)
		w.hours[hour] = plus(w.hours[hour])
	}
	provider, cause, tries := "", [4]string{}, 0
	for i := range r.attempts {
		a := &r.attempts[i]
		if a.NotAttempted {
			continue
		}
		if a.Kind == parsers.Remote || a.Kind == parsers.Smarthost || a.Kind == parsers.Local {
			tries += r.n[i]
		}
		at := c.ProviderOf(a, r.domain)
		if a.Status != parsers.StatusSent {
			why := s.Explain(a)
			at = cmp.Or(why.Provider, at)
			cause = [4]string{why.Category.String(), why.Sub, why.Rule.ID, at}
		}
		provider = cmp.Or(at, provider)
	}
	if provider != "" {
		w.providers[provider] = plus(w.providers[provider])
	}
	if cause != [4]string{} {
		w.causes[cause] = plus(w.causes[cause])
	}
	names := []string{""}
	if slices.ContainsFunc(c.Providers(), func(p classify.Provider) bool { return p.Name == provider }) {
		names = append(names, provider)
	}
	end := map[summary.Outcome]string{summary.Pending: "pending", summary.Bounced: "given up", summary.Expired: "given up", summary.Lost: "given up"}[r.outcome]
	for _, name := range names {
		ms, said := r.delay.Milliseconds()
		if end == "" && said {
			if w.times[name] == nil {
				w.times[name] = new(summary.Histogram)
			}
			w.times[name].Add(ms)
		}
		if r.whole && tries > 0 {
			if w.tries[name] == nil {
				w.tries[name] = map[string]map[int]int{"": {}, "given up": {}, "pending": {}}
			}
			w.tries[name][end][tries]++
		}
	}
}

// compare reports where the scan found something else.
func (w *ways) compare(t *testing.T, c *summary.Counts) {
	t.Helper()
	got := ways{hours: map[string]summary.Outcomes{}, providers: map[string]summary.Outcomes{}, causes: map[[4]string]summary.Outcomes{}}
	for _, h := range c.Hours() {
		if h.Outcomes != (summary.Outcomes{}) {
			got.hours[h.Start.String()] = h.Outcomes
		}
		var byClass int64
		for _, n := range h.ByClass {
			byClass += n
		}
		if byClass != h.Attempts.Total() {
			t.Errorf("%v: %d attempts, by class %d", h.Start, h.Attempts.Total(), byClass)
		}
	}
	for p := range c.Providers() {
		if p.Outcomes != (summary.Outcomes{}) {
			got.providers[p.Name] = p.Outcomes
		}
	}
	for _, x := range c.Causes() {
		if x.Outcomes != (summary.Outcomes{}) {
			got.causes[[4]string{x.Category, x.Sub, x.Rule, x.Provider}] = x.Outcomes
		}
	}
	if d := gocmp.Diff([]any{w.hours, w.providers, w.causes}, []any{got.hours, got.providers, got.causes}); d != "" {
		t.Errorf("ways differ (-oracle +scan):\n%s", d)
	}
	list := func(h *summary.Histogram) (all [][3]int64) {
		h.Buckets(func(from, to, n int64) { all = append(all, [3]int64{from, to, n}) })
		return all
	}
	seen := 0
	for _, d := range c.DeliveryTimes() {
		want := w.times[d.Provider]
		if want == nil {
			want = new(summary.Histogram)
		}
		if diff := gocmp.Diff(list(want), list(&d.Times)); diff != "" {
			t.Errorf("times at %q differ (-oracle +scan):\n%s", d.Provider, diff)
		}
		for end, got := range map[string][]int64{"": d.Delivered, "given up": d.GivenUp, "pending": d.Pending} {
			for i, n := range got {
				if want := w.tries[d.Provider][end][i+1]; int64(want) != n {
					t.Errorf("%s at %q after %d attempts: %d, want %d", end, d.Provider, i+1, n, want)
				}
				delete(w.tries[d.Provider][end], i+1)
			}
			if len(w.tries[d.Provider][end]) > 0 {
				t.Errorf("%s at %q: the scan lacks %v", end, d.Provider, w.tries[d.Provider][end])
			}
		}
		delete(w.times, d.Provider)
		delete(w.tries, d.Provider)
		seen++
	}
	if len(w.times)+len(w.tries) > 0 || seen < 2 {
		t.Errorf("the scan lacks times at %v, and attempts at %v; it has %d", w.times, w.tries, seen)
	}
}

// result returns all mail's tally, the notifications', and each domain's.
func (o *oracle) result() (total, notes summary.Tally, domains, campaigns map[string]summary.Tally, way ways) {
	for _, m := range o.open {
		if o.last[m.host].Sub(m.last) > 6*24*time.Hour {
			m.lose(o.last[m.host])
			continue
		}
		for _, r := range m.recipients {
			if r.deferred && !r.done {
				r.settle(summary.Pending, m.sender, 0)
			}
		}
	}
	domains = make(map[string]summary.Tally)
	campaigns = make(map[string]summary.Tally)
	way = ways{make(map[string]summary.Outcomes), make(map[string]summary.Outcomes), make(map[[4]string]summary.Outcomes),
		make(map[string]*summary.Histogram), make(map[string]map[string]map[int]int)}
	session := builtin().NewSession()
	count := func(a *summary.Attempts, s parsers.Status, n int) {
		switch s {
		case parsers.StatusSent:
			a.Sent += int64(n)
		case parsers.StatusDeferred:
			a.Deferred += int64(n)
		case parsers.StatusBounced:
			a.Bounced += int64(n)
		}
	}
	for _, m := range o.messages {
		for _, a := range m.attempts {
			if a.NotAttempted || a.Kind == parsers.Probe || a.Kind == parsers.Internal {
				continue
			}
			if a.sender == parsers.NullSender {
				count(&notes.Attempts, a.Status, a.n)
				continue
			}
			count(&total.Attempts, a.Status, a.n)
			name := classify.Domain(parsers.Domain(a.Recipient))
			d := domains[name]
			count(&d.Attempts, a.Status, a.n)
			domains[name] = d
			d = campaigns[summary.VERPBase(a.sender)]
			count(&d.Attempts, a.Status, a.n)
			campaigns[summary.VERPBase(a.sender)] = d
		}
		for _, r := range m.recipients {
			if !r.counted {
				continue
			}
			if r.sender == parsers.NullSender {
				notes.Outcomes[r.outcome]++
				continue
			}
			total.Outcomes[r.outcome]++
			d := domains[r.domain]
			d.Outcomes[r.outcome]++
			domains[r.domain] = d
			d = campaigns[summary.VERPBase(r.sender)]
			d.Outcomes[r.outcome]++
			campaigns[summary.VERPBase(r.sender)] = d
			way.add(r, session, builtin())
		}
	}
	return total, notes, domains, campaigns, way
}

func TestOracle(t *testing.T) {
	for seed := range uint64(12) {
		path, _ := generate(t, seed, func(o *loggen.Options) { o.LongIDs = seed%2 == 1; o.Cut = seed%3 == 0 })
		o := oracle{open: map[string]*oracleMessage{}, last: map[string]parsers.Stamp{}}
		lines := strings.Split(string(read(t, path)), "\n")
		opt := syslog.Options{}
		opt.Anchor = syslog.Anchor(lines, syslog.Reference{Time: now}, opt)
		cut := syslog.NewReader(opt)
		p, err := postfix.Format().Open(parsers.Sample{}, parsers.Options{})
		if err != nil {
			t.Fatal(err)
		}
		for _, raw := range lines {
			line, ok := cut.Cut(raw)
			if !ok || !strings.HasPrefix(line.Tag, "postfix") {
				continue
			}
			o.last[line.Host] = max(o.last[line.Host], line.Time)
			events, err := p.AppendEvents(nil, &line)
			if err != nil {
				continue
			}
			for i := range events {
				o.add(&events[i], &line)
			}
		}
		total, notes, domains, campaigns, way := o.result()
		res := scanFiles(t, []string{path}, func(c *Config) { c.Source.ChunkSize = 16 << 10 })
		if d := gocmp.Diff([]summary.Tally{total, notes}, []summary.Tally{res.Counts.Total, res.Counts.Notifications}); d != "" {
			t.Errorf("seed %d: totals differ (-oracle +scan):\n%s", seed, d)
		}
		way.compare(t, res.Counts)
		res = scanFiles(t, []string{path}, func(c *Config) {
			c.Source.ChunkSize, c.Summary.By = 16<<10, []summary.By{{summary.ByCampaign, summary.ByHour}}
		})
		if d := gocmp.Diff(campaigns, rowsOf(&res.Counts.Breakdowns()[0])); d != "" {
			t.Errorf("seed %d: campaigns differ (-oracle +scan):\n%s", seed, d)
		}
		for d := range res.Counts.Domains() {
			if diff := gocmp.Diff(domains[d.Name], d.Tally); diff != "" {
				t.Errorf("seed %d: domain %s differs (-oracle +scan):\n%s", seed, d.Name, diff)
			}
			delete(domains, d.Name)
		}
		for name, d := range domains {
			if d != (summary.Tally{}) {
				t.Errorf("seed %d: the scan lacks domain %s", seed, name)
			}
		}
	}
}
