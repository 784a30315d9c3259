// Package stalwart reads what Stalwart logs about the mail it sends: the text of its console and log files, on one line or
// several (Stalwart: crates/trc/src/serializers/text.rs), and the JSON of its webhooks (serializers/json.rs).
//
//	2006-01-02T15:04:05Z LEVEL Description (event.name) key = value, key = value
//	{"createdAt":"…","type":"event.name","data":{"key":value}}
//
// With `multiline`, the keys stand on lines of their own behind a TAB, those of a value that is an event behind two; such
// lines are put together by [parsers.Format.Fold]. With `ansi`, all but the values is coloured.
//
// The keys of the delivery come first and are on every line of it: queueId, queueName, from, to with all recipients under
// way, size, total. Those of the event follow, in an order of its own; to may come again. A string is in quotes, and
// quotes in it are not escaped, so it matters who wrote it: an address ends where its syntax ends, and the text of a
// server, which comes last but for elapsed, is cut from the right.
//
// The enhanced code of a reply is not logged, but for greetings and EHLO. What fails before RCPT TO names no recipient
// and is an attempt for all of the delivery that are of the event's domain. One of several servers that cannot be reached
// (delivery.connect-error and its like) decides nothing. delivery.dsn-* repeats.
//
// The files follow the line: stalwart.go is the format, text.go and json.go take a record apart, record.go tells what it
// says. All of this is read out of the source; no log of a running server was at hand.
package stalwart

import (
	"slices"
	"strings"

	"bouncelog/internal/fields"
	"bouncelog/parsers"
)

// Format returns the description of Stalwart's log.
func Format() parsers.Format {
	return parsers.Format{
		Name:     "stalwart",
		Short:    "Stalwart, from the console, log files or webhooks: text and JSON",
		Evidence: parsers.Specified,
		Tags:     tags(),
		Sniff:    sniff,
		Open: func(_ parsers.Sample, o parsers.Options) (parsers.Parser, error) {
			return &parser{o}, nil
		},
		Fold: fold,
	}
}

func tags() []string { return []string{"stalwart", "stalwart-mail", "stalwart-smtp"} }

// sniff counts records, and the pieces of those on several lines.
func sniff(s parsers.Sample) parsers.Score {
	return s.Ratio(func(l *parsers.Line) bool {
		if piece := fold(l).Piece; piece != parsers.Whole {
			return piece == parsers.Middle
		}
		var r record
		return r.readHead(fields.Uncoloured(l.Text), nil) || r.readJSON(l.Text)
	})
}

// A parser reads Stalwart's records. It does not change once it is opened.
type parser struct {
	options parsers.Options
}

// AppendEvents implements [parsers.Parser].
func (p *parser) AppendEvents(dst []parsers.Event, line *parsers.Line) ([]parsers.Event, error) {
	text := line.Text
	if strings.HasPrefix(text, "{") {
		if dst, ok := p.appendJSON(dst, text); ok {
			return dst, nil
		}
	} else {
		text = fields.Uncoloured(text)
		var r record
		if r.readHead(text, p.options.Location) {
			if r.wanted() && !r.readKeys() {
				return dst, &parsers.SyntaxError{Column: len(text) - len(r.rest) + 1, Msg: "record without an end"}
			}
			return r.appendEvents(dst, &p.options), nil
		}
	}
	if slices.Contains(tags(), line.Tag) {
		return dst, nil
	}
	return dst, parsers.ErrForeign
}

// appendJSON reads one event, or a webhook's `{"events":[…]}`.
func (p *parser) appendJSON(dst []parsers.Event, text string) (_ []parsers.Event, ok bool) {
	var r record
	if r.readJSON(text) {
		return r.appendEvents(dst, &p.options), true
	}
	for v := range (fields.Value{Raw: text}).Get("events").Elements() {
		r = record{}
		if r.readJSON(v.Raw) {
			dst, ok = r.appendEvents(dst, &p.options), true
		}
	}
	return dst, ok
}
