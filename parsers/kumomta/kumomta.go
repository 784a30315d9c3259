// Package kumomta reads KumoMTA's log: one JSON object for each thing that happened to a message (KumoMTA:
// crates/kumo-log-types, JsonLogRecord). Nothing needs joining but what is asked of a message as a whole.
//
//	{"type":"Delivery","id":"…","sender":"…","recipient":"…" or ["…",…],"queue":"CAMPAIGN:TENANT@DOMAIN",
//	 "response":{"code":250,"enhanced_code":{"class":2,"subject":0,"detail":0} or null,"content":"…","command":"."},
//	 "peer_address":{"name":"mx.example.com.","addr":"192.0.2.10"} or null,"event_time":"…","created_time":"…",
//	 "num_attempts":0,"source_address":{"address":"203.0.113.1:53210"} or null,"delivery_protocol":"ESMTP", …}
//
// The files are segments named YYYYMMDD-HHMMSS, compressed with zstd but without its extension; the one that is being
// written has no end yet. A site may have its own template in place of JSON: that is another format.
//
// Every Reception has a response of 250, which is what was said to the client. A response whose content begins
// `KumoMTA internal:` is nobody's: the code was made up.
package kumomta

import (
	"cmp"
	"strings"

	"bouncelog/internal/fields"
	"bouncelog/parsers"
)

// Format returns the description of KumoMTA's log.
func Format() parsers.Format {
	return parsers.Format{
		Name:     "kumomta",
		Short:    "KumoMTA's JSON log, from its segments or a log hook",
		Evidence: parsers.Specified,
		Sniff:    sniff,
		Framing:  parsers.JSON,
		Open:     open,
	}
}

func open(_ parsers.Sample, o parsers.Options) (parsers.Parser, error) { return &parser{o}, nil }

// sniff counts the records. Nobody else's objects have these types, ids and responses.
func sniff(s parsers.Sample) parsers.Score {
	p := &parser{}
	var room [2]parsers.Event
	return s.Ratio(func(l *parsers.Line) bool {
		_, err := p.AppendEvents(room[:0], l)
		return err == nil
	})
}

// A parser reads KumoMTA's records. It does not change once it is opened.
type parser struct{ options parsers.Options }

// A disposition is what a type of record tells (KumoMTA: crates/kumo-log-types, RecordType).
type disposition struct {
	name         string
	event        parsers.Kind // zero: nothing of a delivery
	status       parsers.Status
	kind         parsers.AttemptKind
	notAttempted bool
	local        bool // the response is KumoMTA's own, whatever it says
}

// dispositions has the types, the commonest first.
var dispositions = [...]disposition{
	{name: "Delivery", event: parsers.Attempted, status: parsers.StatusSent},
	{name: "TransientFailure", event: parsers.Attempted, status: parsers.StatusDeferred},
	{name: "Bounce", event: parsers.Attempted, status: parsers.StatusBounced},
	{name: "Reception", event: parsers.Accepted},
	{name: "Expiration", event: parsers.Expired, status: parsers.StatusExpired, kind: parsers.Final, notAttempted: true, local: true},
	{name: "AdminBounce", event: parsers.Attempted, status: parsers.StatusBounced, kind: parsers.Final, notAttempted: true, local: true},
	{name: "OOB", event: parsers.Attempted, status: parsers.StatusBounced, kind: parsers.Async},
	{name: "Rejection", event: parsers.Rejected, status: parsers.StatusRejected, local: true},
	{name: "Feedback"},
	{name: "Delayed"},
	{name: "AdminRebind"},
	{name: "DeferredInjectionRebind"},
	{name: "XferOut"},
	{name: "XferIn"},
}

// The keys of a record that matter, and where AppendEvents keeps their values.
const (
	recordType = iota
	id
	sender
	recipient
	queue
	response
	peer
	eventTime
	timestamp
	createdTime
	created
	attempts
	source
	protocol
	numKeys
)

var keys = [numKeys]string{
	"type", "id", "sender", "recipient", "queue", "response", "peer_address", "event_time", "timestamp", "created_time",
	"created", "num_attempts", "source_address", "delivery_protocol",
}

// AppendEvents implements [parsers.Parser].
func (p *parser) AppendEvents(dst []parsers.Event, line *parsers.Line) ([]parsers.Event, error) {
	var v [numKeys]fields.Value
	whole := fields.Object(line.Text, keys[:], v[:])
	d := dispositionOf(v[recordType].Quoted())
	switch {
	case d == nil:
		if whole && isAudit(v[recordType].Quoted(), line.Text) {
			return dst, nil
		}
		return dst, parsers.ErrForeign
	case !whole && v[id].IsString():
		return dst, line.Malformed("", "the object has no end")
	case !v[id].IsString() || !v[response].IsObject():
		return dst, parsers.ErrForeign
	case d.event == 0:
		return dst, nil
	}

	dst = append(dst, parsers.Event{})
	ev := &dst[len(dst)-1]
	ev.Kind, ev.QueueID, ev.Sender = d.event, v[id].Text(), v[sender].Text()
	if p.options.CampaignHeader != "" {
		ev.Campaign = headerOf(line.Text, p.options.CampaignHeader)
	}
	if ev.Sender == "" && v[sender].IsString() && d.event != parsers.Rejected { // of a rejection, MAIL FROM may have been to come
		ev.Sender = parsers.NullSender
	}
	var delay parsers.Duration
	ev.Time, delay = times(&v)
	if d.event == parsers.Accepted {
		return dst, nil
	}

	a := &ev.Attempt
	a.Status, a.Kind, a.NotAttempted = d.status, d.kind, d.notAttempted
	a.Job = campaign(v[queue].Text())
	if d.event != parsers.Rejected {
		a.Delay = delay
	}
	if n, ok := v[attempts].Int(); ok && 0 <= n && n < 1<<16 && d.event == parsers.Attempted && !d.notAttempted && d.kind == parsers.Remote {
		a.Ordinal = int(n) + 1 // it counts those before
	}
	readSource(a, v[source])
	readResponse(a, v[response], d.local)
	p.readPeer(a, v[peer], v[protocol].Quoted())
	return appendRecipients(dst, v[recipient]), nil
}

// dispositionOf returns what a type of record tells, nil where it is none of KumoMTA's.
func dispositionOf(name string) *disposition {
	for i := range dispositions {
		if d := &dispositions[i]; d.name == name {
			return d
		}
	}
	return nil
}

// isAudit reports whether an object is a record of KumoMTA's log of logins and permissions, which may be beside the other
// (KumoMTA: crates/kumo-server-common/src/acct.rs).
func isAudit(name, text string) bool {
	if name != "Authentication" && name != "Authorization" {
		return false
	}
	return fields.Value{Raw: text}.Get("auth_info").IsObject()
}

// appendRecipients sets the recipient of the last event, and repeats it for each one more.
func appendRecipients(dst []parsers.Event, to fields.Value) []parsers.Event {
	if !to.IsArray() {
		dst[len(dst)-1].Attempt.Recipient = to.Text()
		return dst
	}
	n := 0
	for one := range to.Elements() {
		if n++; n > 1 {
			dst = append(dst, dst[len(dst)-1])
		}
		dst[len(dst)-1].Attempt.Recipient = one.Text()
	}
	return dst
}

// times returns when a record was written, and how long its message had been here. Both are given in whole seconds, and
// since 2024 as RFC 3339 too.
func times(v *[numKeys]fields.Value) (at parsers.Stamp, delay parsers.Duration) {
	at, begun := instant(v[eventTime].Quoted()), instant(v[createdTime].Quoted())
	if at != 0 && begun != 0 {
		return at, parsers.Between(begun, at)
	}
	seconds, _ := fields.Unix(v[timestamp].Text())
	begun, _ = fields.Unix(v[created].Text())
	return cmp.Or(at, seconds), parsers.Between(begun, seconds)
}

func instant(s string) parsers.Stamp {
	t, rest, ok := fields.Stamp(s, nil)
	if !ok || rest != "" {
		return 0
	}
	return t
}

// campaign returns the campaign of a queue's name, `[[CAMPAIGN:]TENANT@]DOMAIN[!ROUTING_DOMAIN]` (KumoMTA:
// crates/message/src/queue_name.rs).
func campaign(queue string) string {
	prefix, _, ok := strings.Cut(queue, "@")
	if !ok {
		return ""
	}
	name, _, ok := strings.Cut(prefix, ":")
	if !ok {
		return ""
	}
	return name
}
