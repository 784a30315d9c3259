package loggen

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// naive reads a log (RFC3164 or ISO) by simple string cuts and counts it as design.md section 4 defines the totals. It
// shares nothing with the generator but the type of the result.
type naive struct {
	t        Truth
	messages map[string]*naiveMessage
	replies  map[Reply]int64
	domains  map[string]*Tally
	silence  time.Duration
	layout   string
	last     time.Time
}

type naiveMessage struct {
	null, begun bool
	heard       time.Time
	rcpts       map[string]string // to what the log last said: deferred, suspended, done
	domains     map[string]string
}

func readNaively(log, layout string, silence time.Duration) Truth {
	n := &naive{
		messages: map[string]*naiveMessage{}, replies: map[Reply]int64{}, domains: map[string]*Tally{},
		silence: silence, layout: layout,
	}
	n.t.Bytes = int64(len(log))
	for line := range strings.Lines(log) {
		n.line(strings.TrimSuffix(line, "\n"))
	}
	for _, m := range n.messages {
		if n.last.Sub(m.heard) > n.silence {
			n.deferredTo(m, func(o *Outcomes) *int64 { return &o.Lost })
		} else {
			n.deferredTo(m, func(o *Outcomes) *int64 { return &o.Pending })
		}
	}
	n.t.Replies, n.t.Domains = []Reply{}, []Domain{}
	for r, count := range n.replies {
		r.Attempts = count
		n.t.Replies = append(n.t.Replies, r)
	}
	for name, tally := range n.domains {
		if *tally != (Tally{}) {
			n.t.Domains = append(n.t.Domains, Domain{name, *tally})
		}
	}
	slices.SortFunc(n.t.Domains, func(a, b Domain) int { return strings.Compare(a.Name, b.Name) })
	return n.t
}

func (n *naive) line(line string) {
	l := &n.t.Lines
	at, err := time.Time{}, error(nil)
	width := len(n.layout)
	if n.layout != time.Stamp {
		width = strings.IndexByte(line+" ", ' ')
	}
	if len(line) > width {
		at, err = time.Parse(n.layout, line[:width])
	}
	if len(line) <= width || err != nil {
		l.Unknown++
		return
	}
	n.last = at
	host, rest, _ := strings.Cut(line[width+1:], " ")
	tag, text, _ := strings.Cut(rest, ": ")
	tag, _, _ = strings.Cut(tag, "[")
	instance, agent, ok := strings.Cut(tag, "/")
	if !ok || instance != "postfix" {
		l.Foreign++
		return
	}
	if agent == "newagent" || strings.HasPrefix(text, "the moon") {
		l.Unknown++
		return
	}
	times := int64(1)
	if rest, ok := strings.CutPrefix(text, "message repeated "); ok {
		count, rest, _ := strings.Cut(rest, " times: [ ")
		times, _ = strconv.ParseInt(count, 10, 64)
		text = strings.TrimSuffix(rest, "]")
		n.t.Repeats += times
	}
	id, said, ok := strings.Cut(text, ": ")
	switch {
	case strings.Contains(text, "reject: "):
		l.Rejected++
		return
	case strings.HasPrefix(text, "connect to "):
		l.Connects++
		return
	case agent == "postsuper" && (text == "Deleted: 1 message" || said == "expired"):
		l.Admin++
		return
	case !ok || strings.Contains(id, " ") || id == "statistics":
		l.Sessions++
		return
	}
	key := host + " " + id
	m := n.messages[key]
	begin := func() {
		if m != nil {
			n.deferredTo(m, func(o *Outcomes) *int64 { return &o.Lost })
		}
		m = &naiveMessage{begun: true, rcpts: map[string]string{}, domains: map[string]string{}}
		n.messages[key] = m
	}
	switch {
	case strings.HasPrefix(said, "client="), strings.HasPrefix(said, "uid="):
		l.Accepted++
		begin()
	case strings.HasPrefix(said, "message-id="):
		l.Named++
		if m == nil || len(m.rcpts) > 0 {
			begin()
		}
		m.begun = true
	case said == "removed":
		l.Removed++
		if m != nil {
			n.deferredTo(m, func(o *Outcomes) *int64 { return &o.Lost })
		}
		delete(n.messages, key)
		return
	case agent == "bounce":
		l.Notices++
	case strings.HasPrefix(said, "to=<"):
		if m == nil {
			begin()
			m.begun = false
		}
		if strings.HasSuffix(said, ")") {
			l.Records++
			n.record(m, agent, said, times)
		} else {
			l.Malformed++
			delete(n.messages, key)
			return
		}
	case strings.HasPrefix(said, "from=<"):
		if m == nil {
			begin()
			m.begun = false
		}
		m.null = strings.HasPrefix(said, "from=<>")
		if strings.Contains(said, ", status=") {
			l.Expiries++
			n.deferredTo(m, func(o *Outcomes) *int64 { return &o.Expired })
		} else {
			l.Queued++
		}
	default:
		l.Tried++
		return
	}
	if m != nil {
		m.heard = at
	}
}

func (n *naive) domain(name string) *Tally {
	if n.domains[name] == nil {
		n.domains[name] = new(Tally)
	}
	return n.domains[name]
}

func (n *naive) outcome(m *naiveMessage, rcpt string, field func(*Outcomes) *int64) {
	if m.null {
		*field(&n.t.Notifications.Outcomes)++
		return
	}
	*field(&n.t.Total.Outcomes)++
	*field(&n.domain(m.domains[rcpt]).Outcomes)++
}

// deferredTo gives the deferred recipients of m an outcome.
func (n *naive) deferredTo(m *naiveMessage, field func(*Outcomes) *int64) {
	for rcpt, state := range m.rcpts {
		if state != "done" {
			n.outcome(m, rcpt, field)
			m.rcpts[rcpt] = "done"
		}
	}
}

func (n *naive) record(m *naiveMessage, agent, said string, times int64) {
	said = said[len("to=<"):]
	end := 0
	if said[0] == '"' { // quoted: up to the quote that is not escaped
		for end = 1; said[end] != '"'; end++ {
			if said[end] == '\\' {
				end++
			}
		}
	}
	end += strings.Index(said[end:], ">")
	rcpt, rest := said[:end], said[end:]
	_, rest, _ = strings.Cut(rest, ", relay=")
	relay, rest, _ := strings.Cut(rest, ", ")
	_, rest, _ = strings.Cut(rest, ", status=")
	status, text, _ := strings.Cut(rest, " (")
	m.domains[rcpt] = rcpt[strings.LastIndex(rcpt, "@")+1:]
	state := m.rcpts[rcpt]
	verdict := map[string]verdict{"sent": sent, "deliverable": sent, "bounced": bounced, "undeliverable": bounced,
		"deferred": deferred, "SOFTBOUNCE": deferred}[status]
	if strings.HasSuffix(status, "deliverable") {
		n.t.Probes.add(verdict, 1)
		return
	}
	hop := strings.HasPrefix(relay, "127.0.0.1[") || strings.HasPrefix(text, "connect to 127.0.0.1[") ||
		strings.HasPrefix(text, "forwarded as ")
	inVain := strings.HasPrefix(text, "delivery temporarily suspended: ")
	switch {
	case hop:
		n.t.Internal.add(verdict, times)
	case inVain:
		n.t.Suspended++
	case m.null:
		n.t.Notifications.Attempts.add(verdict, times)
	default:
		n.attempt(m, rcpt, agent, relay, text, verdict, times)
	}
	switch {
	case verdict == bounced:
		n.outcome(m, rcpt, func(o *Outcomes) *int64 { return &o.Bounced })
	case verdict == deferred:
		if inVain && state != "deferred" {
			m.rcpts[rcpt] = "suspended"
		} else {
			m.rcpts[rcpt] = "deferred"
		}
		return
	case hop:
	case state == "suspended" || state == "deferred":
		if state == "suspended" && !m.null {
			n.t.AfterSuspension++
		}
		n.outcome(m, rcpt, func(o *Outcomes) *int64 { return &o.DeliveredLater })
	case m.begun:
		n.outcome(m, rcpt, func(o *Outcomes) *int64 { return &o.DeliveredFirst })
	default:
		n.outcome(m, rcpt, func(o *Outcomes) *int64 { return &o.DeliveredUnknown })
	}
	m.rcpts[rcpt] = "done"
}

func (n *naive) attempt(m *naiveMessage, rcpt, agent, relay, text string, v verdict, times int64) {
	n.t.Total.Attempts.add(v, times)
	n.domain(m.domains[rcpt]).Attempts.add(v, times)
	class := ""
	switch v {
	case sent:
		n.t.Classes.Success += times
		class = "success"
	case bounced:
		n.t.Classes.Permanent += times
		class = "permanent"
	default:
		n.t.Classes.Transient += times
		class = "transient"
	}
	if agent == "smtp" || agent == "slow/smtp" {
		n.t.Kinds.Remote += times
	} else {
		n.t.Kinds.Local += times
	}
	reply := ""
	if _, after, ok := strings.Cut(text, "] said: "); ok {
		reply = after
	} else if _, after, ok := strings.Cut(text, "] refused to talk to me: "); ok {
		reply = after
	} else if v == sent && strings.Contains(relay, "[") {
		reply = text
	}
	if reply == "" {
		n.t.Origins.Local += times
		n.replies[Reply{Class: class}] += times
		return
	}
	n.t.Origins.Remote += times
	code, _ := strconv.Atoi(reply[:3])
	r := Reply{Code: code, Class: class}
	fields := strings.FieldsFunc(reply, func(c rune) bool { return strings.ContainsRune(" ():#", c) })
	for i, f := range fields {
		if rest, ok := strings.CutPrefix(f, reply[:3]+"-"); ok {
			f = rest
		} else if f == reply[:3] && i+1 < len(fields) {
			f = fields[i+1]
		}
		if isEnhanced(f) && (i < 2 || strings.Contains(reply, "#"+f) || strings.Contains(reply, reply[:3]+" "+f)) {
			r.Enhanced = f
			break
		}
	}
	n.replies[r] += times
	if code >= 500 && v != bounced {
		n.t.Overridden += times
	}
	if r.Enhanced != "" && r.Enhanced[0] != reply[0] {
		n.t.Conflicts += times
	}
}

func isEnhanced(s string) bool {
	parts := strings.Split(s, ".")
	for _, p := range parts {
		if _, err := strconv.ParseUint(p, 10, 10); err != nil {
			return false
		}
	}
	return len(parts) == 3 && strings.Contains("245", parts[0])
}

// mustEqual fails where the truth and the naive count differ.
func mustEqual(t *testing.T, truth, counted Truth) {
	t.Helper()
	check := func(what string, got, want any) {
		t.Helper()
		if got != want {
			t.Errorf("%s: the log has %+v, the truth is %+v", what, got, want)
		}
	}
	check("bytes", counted.Bytes, truth.Bytes)
	check("lines", counted.Lines, truth.Lines)
	check("total", counted.Total, truth.Total)
	check("after suspension", counted.AfterSuspension, truth.AfterSuspension)
	check("classes", counted.Classes, truth.Classes)
	check("kinds", counted.Kinds, truth.Kinds)
	check("origins", counted.Origins, truth.Origins)
	check("overridden", counted.Overridden, truth.Overridden)
	check("conflicts", counted.Conflicts, truth.Conflicts)
	check("notifications", counted.Notifications, truth.Notifications)
	check("internal", counted.Internal, truth.Internal)
	check("probes", counted.Probes, truth.Probes)
	check("suspended", counted.Suspended, truth.Suspended)
	check("repeats", counted.Repeats, truth.Repeats)
	if !slices.Equal(counted.Domains, truth.Domains) {
		t.Errorf("domains differ: the log has %d, the truth %d", len(counted.Domains), len(truth.Domains))
		for i := range min(len(counted.Domains), len(truth.Domains)) {
			if counted.Domains[i] != truth.Domains[i] {
				t.Errorf("the log has %+v, the truth is %+v", counted.Domains[i], truth.Domains[i])
				break
			}
		}
	}
	slices.SortFunc(counted.Replies, compareReplies)
	for i := range max(len(counted.Replies), len(truth.Replies)) {
		if i >= len(counted.Replies) || i >= len(truth.Replies) || counted.Replies[i] != truth.Replies[i] {
			t.Errorf("replies from the %dth: the log has %+v, the truth is %+v", i, counted.Replies[min(i, len(counted.Replies)):],
				truth.Replies[min(i, len(truth.Replies)):])
			break
		}
	}
}
