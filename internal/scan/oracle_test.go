package scan

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"bouncelog/internal/classify"
	"bouncelog/internal/loggen"
	"bouncelog/internal/summary"
	"bouncelog/internal/syslog"
	"bouncelog/parsers"
	"bouncelog/parsers/postfix"

	"github.com/google/go-cmp/cmp"
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
	last               parsers.Stamp
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
			m.lose()
			m = nil
		}
	}
	if ev.Kind == parsers.Removed {
		if m != nil && !ev.Moved {
			m.lose()
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
		m.born = true
	case parsers.Named:
		m.born, m.named = true, true
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
			r = &oracleRecipient{domain: domain}
			m.recipients[key] = r
			m.order = append(m.order, key)
		}
		if r.done {
			return
		}
		switch a.Status {
		case parsers.StatusDeferred:
			r.deferred = true
		case parsers.StatusBounced:
			r.settle(summary.Bounced, m.sender)
		case parsers.StatusSent:
			switch {
			case a.Kind == parsers.Internal || a.NotAttempted:
				r.done = true
			case r.deferred:
				r.settle(summary.DeliveredLater, m.sender)
			case m.born:
				r.settle(summary.DeliveredFirst, m.sender)
			default:
				r.settle(summary.DeliveredUnknown, m.sender)
			}
		}
	case parsers.Expired:
		m.tried = true
		for _, r := range m.recipients {
			if r.deferred && !r.done {
				r.settle(summary.Expired, m.sender)
			}
		}
	}
}

func (m *oracleMessage) lose() {
	for _, r := range m.recipients {
		if r.deferred && !r.done {
			r.settle(summary.Lost, m.sender)
		}
	}
}

func (r *oracleRecipient) settle(o summary.Outcome, sender string) {
	r.done, r.outcome, r.counted, r.sender = true, o, true, sender
}

// result returns all mail's tally, the notifications', and each domain's.
func (o *oracle) result() (total, notes summary.Tally, domains map[string]summary.Tally) {
	for _, m := range o.open {
		if o.last[m.host].Sub(m.last) > 6*24*time.Hour {
			m.lose()
			continue
		}
		for _, r := range m.recipients {
			if r.deferred && !r.done {
				r.settle(summary.Pending, m.sender)
			}
		}
	}
	domains = make(map[string]summary.Tally)
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
		}
	}
	return total, notes, domains
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
		total, notes, domains := o.result()
		res := scanFiles(t, []string{path}, func(c *Config) { c.Source.ChunkSize = 16 << 10 })
		if d := cmp.Diff([]summary.Tally{total, notes}, []summary.Tally{res.Counts.Total, res.Counts.Notifications}); d != "" {
			t.Errorf("seed %d: totals differ (-oracle +scan):\n%s", seed, d)
		}
		for _, d := range res.Counts.Domains() {
			if diff := cmp.Diff(domains[d.Name], d.Tally); diff != "" {
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
