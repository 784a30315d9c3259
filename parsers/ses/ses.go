// Package ses reads what Amazon SES tells of the mail it sends: the events it publishes to SNS, EventBridge and Firehose,
// and its older feedback notifications. They are one kind of JSON object, plain or in an envelope:
//
//	{"eventType":"Bounce" or "notificationType":"Bounce",
//	 "mail":{"timestamp":"…","source":"…","messageId":"…","destination":["…"],"tags":{"campaign":["…"]}},
//	 "bounce":{"bounceType":"…","bounceSubType":"…","timestamp":"…",
//	           "bouncedRecipients":[{"emailAddress":"…","status":"5.1.1","diagnosticCode":"smtp; 550 5.1.1 …"}]}}
//
//	SNS:         {"Type":"Notification","Message":"{\"eventType\":…}"}
//	EventBridge: {"source":"aws.ses","detail":{"eventType":…}}
//
// Firehose writes them one after another without line ends.
//
// Every Bounce is final, a Transient one too: that is the reason given, not another try. mail.destination lists all
// recipients of the message; who bounced, and who got it, stands in the event. Not every attempt is told of: of those
// that will be repeated there is a DeliveryDelay now and then, so the deferral rate is a lower bound.
//
// Source: Amazon SES developer guide, "Contents of event data", "Amazon SNS notification contents".
package ses

import (
	"strings"

	"bouncelog/internal/fields"
	"bouncelog/parsers"
)

// Format returns the description of Amazon SES's events.
func Format() parsers.Format {
	return parsers.Format{
		Name:           "ses",
		Short:          "Amazon SES events and notifications, plain or from SNS, EventBridge or Firehose",
		Evidence:       parsers.Specified,
		OmitsDeferrals: true,
		Sniff:          sniff,
		Framing:        parsers.JSON,
		Open:           func(parsers.Sample, parsers.Options) (parsers.Parser, error) { return parser{}, nil },
	}
}

// sniff counts the events.
func sniff(s parsers.Sample) parsers.Score {
	var room [4]parsers.Event
	return s.Ratio(func(l *parsers.Line) bool {
		_, err := parser{}.AppendEvents(room[:0], l)
		return err == nil
	})
}

type parser struct{}

// The keys of an event and of its envelopes, and where an event keeps their values.
const (
	eventType = iota
	notificationType
	mail
	delivery
	bounce
	delay
	reject
	failure
	snsType
	snsMessage
	source
	detail
	numKeys
)

var keys = [numKeys]string{
	"eventType", "notificationType", "mail", "delivery", "bounce", "deliveryDelay", "reject", "failure",
	"Type", "Message", "source", "detail",
}

type event [numKeys]fields.Value

// maxEnvelopes is how deep an event may be wrapped: EventBridge may write to SNS.
const maxEnvelopes = 3

// welcome begins the first thing that SES writes to an SNS topic.
const welcome = "Successfully validated SNS topic for Amazon SES"

// AppendEvents implements [parsers.Parser].
func (parser) AppendEvents(dst []parsers.Event, line *parsers.Line) ([]parsers.Event, error) {
	text := line.Text
	for range maxEnvelopes {
		var e event
		whole := fields.Object(text, keys[:], e[:])
		switch name := e.name(); {
		case name == "AmazonSnsSubscriptionSucceeded" && whole: // of older notifications
			return dst, nil
		case name != "" && e[mail].IsObject():
			if !whole {
				return dst, noEnd(line)
			}
			return e.appendEvents(dst)
		case e[source].Quoted() == "aws.ses" && e[detail].IsObject():
			text = e[detail].Raw
		case e[snsType].Quoted() == "Notification" && e[snsMessage].IsString():
			if text = e[snsMessage].Text(); strings.HasPrefix(text, welcome) && whole {
				return dst, nil
			}
		default:
			return dst, parsers.ErrForeign
		}
		if !whole {
			return dst, noEnd(line)
		}
	}
	return dst, parsers.ErrForeign
}

func noEnd(line *parsers.Line) error {
	return line.Malformed("", "the object has no end")
}

// name returns what kind of event e is.
func (e *event) name() string {
	if name := e[eventType].Quoted(); name != "" {
		return name
	}
	return e[notificationType].Quoted()
}

// appendEvents appends what an event tells.
func (e *event) appendEvents(dst []parsers.Event) ([]parsers.Event, error) {
	m := readMail(e[mail])
	if m.id == "" {
		return dst, parsers.ErrForeign
	}
	switch e.name() {
	case "Send": // taken over from the client, not yet by a server
		dst = append(dst, parsers.Event{Kind: parsers.Accepted, Time: m.time, QueueID: m.id, Sender: m.sender})
	case "Delivery":
		dst = m.appendDelivery(dst, e[delivery])
	case "Bounce":
		dst = m.appendBounce(dst, e[bounce])
	case "DeliveryDelay":
		dst = m.appendDelay(dst, e[delay])
	case "Reject":
		dst = m.appendReject(dst, e[reject].Get("reason").Text())
	case "Rendering Failure":
		dst = m.appendReject(dst, e[failure].Get("errorMessage").Text())
	}
	return dst, nil
}

// A message is what an event says of the mail it is about.
type message struct {
	id, sender    string
	time          parsers.Stamp // when it came to SES
	recipients    fields.Value
	job, sourceIP string
}

func readMail(object fields.Value) (m message) {
	var v [5]fields.Value
	fields.Object(object.Raw, []string{"messageId", "source", "timestamp", "destination", "tags"}, v[:])
	m.id, m.time, m.recipients = v[0].Text(), instant(v[2]), v[3]
	if v[1].IsString() {
		m.sender = parsers.Sender(address(v[1]))
	}
	if v[4].IsObject() {
		var tags [2]fields.Value
		fields.Object(v[4].Raw, []string{"campaign", "ses:outgoing-ip"}, tags[:])
		m.job, m.sourceIP = first(tags[0]), first(tags[1])
	}
	return m
}

// first returns the first value of a tag: each has a list of them.
func first(list fields.Value) string {
	for v := range list.Elements() {
		return v.Text()
	}
	return ""
}

// instant reads `2026-11-22T10:00:02.000Z`.
func instant(v fields.Value) parsers.Stamp {
	t, _, _ := fields.Stamp(v.Quoted(), nil)
	return t
}

// address returns an address without the name that may be in front of it, `"A. Person" <a@example.com>`.
func address(v fields.Value) string {
	s := v.Text()
	if strings.HasSuffix(s, ">") {
		if i := strings.LastIndexByte(s, '<'); i >= 0 {
			return s[i+1 : len(s)-1]
		}
	}
	return s
}
