package exchangetracking

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"bouncelog/parsers"
	"bouncelog/parsers/parsertest"
)

func TestExamples(t *testing.T) { parsertest.Examples(t, Format(), "exchange-tracking") }

func TestGolden(t *testing.T) { parsertest.Golden(t, Format()) }

const (
	header = "#Fields: date-time,client-ip,client-hostname,server-ip,server-hostname,source-context,connector-id,source,event-id," +
		"internal-message-id,message-id,network-message-id,recipient-address,recipient-status,total-bytes,recipient-count," +
		"related-recipient-address,reference,message-subject,sender-address,return-path,message-info"
	at = parsers.Stamp(1795341602_500000)
)

// A cells is what a row of the tests has instead of what all have.
type cells map[string]string

// text returns a row of the log.
func (c cells) text() string {
	common := cells{
		"date-time": "2026-11-22T10:00:02.500Z", "client-hostname": "EX01", "server-ip": "192.0.2.10", "server-hostname": "mx1.example.com",
		"source-context": "08D8A62137360001", "connector-id": "To Internet", "source": "SMTP", "event-id": "FAIL",
		"internal-message-id": "77", "message-id": "<m1@example.net>", "recipient-address": "eve@example.com", "recipient-status": "550 5.1.1 No",
		"message-subject": `Offer, "FAIL"`, "sender-address": "news@example.net", "return-path": "bounces@example.net",
		"message-info": "2026-11-22T10:00:00.000Z;SRV=EX01:TOTAL=2",
	}
	var row []string
	for name := range strings.SplitSeq(strings.TrimPrefix(header, "#Fields: "), ",") {
		value, ok := c[name]
		if !ok {
			value = common[name]
		}
		row = append(row, quote(value))
	}
	return strings.Join(row, ",")
}

func quote(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }

func said(text string) parsers.Reply {
	r, _ := parsers.ParseReply(text)
	return r
}

func TestAppendEvents(t *testing.T) {
	// failed is what the common row tells, changed by f.
	failed := func(f func(*parsers.Event, *parsers.Attempt)) []parsers.Event {
		ev := parsers.Event{Kind: parsers.Attempted, Time: at, QueueID: "77", MessageID: "<m1@example.net>", Sender: "bounces@example.net"}
		ev.Attempt = parsers.Attempt{
			Recipient: "eve@example.com", RelayHost: "mx1.example.com", RelayIP: "192.0.2.10", Status: parsers.StatusBounced,
			Origin: parsers.OriginRemote, Reply: said("550 5.1.1 No"), Diagnostic: "550 5.1.1 No", Delay: parsers.Milliseconds(2500),
		}
		if f != nil {
			f(&ev, &ev.Attempt)
		}
		return []parsers.Event{ev}
	}
	reply := func(a *parsers.Attempt, text string) { a.Reply, a.Diagnostic = said(text), text }
	local := func(a *parsers.Attempt, text string) { reply(a, text); a.Origin = parsers.OriginLocal }
	expired := func(text string) func(ev *parsers.Event, a *parsers.Attempt) {
		return func(ev *parsers.Event, a *parsers.Attempt) {
			local(a, text)
			ev.Kind, a.Status, a.Kind, a.NotAttempted = parsers.Expired, parsers.StatusExpired, parsers.Final, true
		}
	}
	for _, test := range []struct {
		name string
		row  cells
		want []parsers.Event
	}{
		{"refused", nil, failed(nil)},
		{"sent", cells{"event-id": "SEND", "recipient-status": "250 2.1.5 Recipient OK",
			"source-context": "08D8A62137360001;250 2.0.0 Ok; queued as 4F1C2A;ClientSubmitTime:2026-11-22T09:59:59.000Z"}, failed(func(_ *parsers.Event, a *parsers.Attempt) {
			reply(a, "250 2.0.0 Ok; queued as 4F1C2A")
			a.Status, a.Command = parsers.StatusSent, parsers.EndOfDATA
		})},
		{"sent outside", cells{"event-id": "SENDEXTERNAL", "recipient-status": "250 2.1.5 Recipient OK", "source-context": "08D8A62137360001;ClientSubmitTime:"}, failed(func(_ *parsers.Event, a *parsers.Attempt) {
			reply(a, "250 2.1.5 Recipient OK")
			a.Status = parsers.StatusSent
		})},
		{"sent by something else", cells{"event-id": "SEND", "source": "MAILBOXRULE"}, nil},
		{"sent to another server of ours", cells{"event-id": "SEND", "recipient-status": "250 2.1.5 OK", "connector-id": "Intra-Organization SMTP Send Connector"}, failed(func(_ *parsers.Event, a *parsers.Attempt) {
			reply(a, "250 2.1.5 OK")
			a.Status, a.Kind = parsers.StatusSent, parsers.Internal
		})},
		{"sent inside", cells{"server-ip": "198.51.100.7"}, failed(func(_ *parsers.Event, a *parsers.Attempt) { a.Kind, a.RelayIP = parsers.Internal, "198.51.100.7" })},
		{"delivered", cells{"event-id": "DELIVER", "source": "STOREDRIVER", "server-ip": "", "recipient-status": ""}, failed(func(_ *parsers.Event, a *parsers.Attempt) {
			a.Status, a.Kind, a.Origin, a.Reply, a.Diagnostic, a.RelayHost, a.RelayIP = parsers.StatusSent, parsers.Local, parsers.OriginLocal, parsers.Reply{}, "", "", ""
		})},
		{"deferred", cells{"event-id": "DEFER", "recipient-status": "451 4.7.1 Greylisted", "message-info": "2026-11-22T10:00:00.000Z"}, failed(func(_ *parsers.Event, a *parsers.Attempt) {
			reply(a, "451 4.7.1 Greylisted")
			a.Status, a.Delay = parsers.StatusDeferred, parsers.Duration{}
		})},
		{"deferred, the reason elsewhere", cells{"event-id": "DEFER", "source": "DNS", "recipient-status": "", "source-context": "451 4.4.0 DNS query failed", "server-ip": "", "message-info": ""}, failed(func(_ *parsers.Event, a *parsers.Attempt) {
			local(a, "451 4.4.0 DNS query failed")
			a.Status, a.RelayHost, a.RelayIP, a.Delay = parsers.StatusDeferred, "", "", parsers.Duration{}
		})},
		{"deferred, the block elsewhere", cells{"event-id": "DEFER", "recipient-status": "", "server-ip": "", "message-info": "",
			"source-context": "[{LRT=};{LED=451 4.7.1 Greylisted};{FQDN=mx2.example.com};{IP=192.0.2.20}]"}, failed(func(_ *parsers.Event, a *parsers.Attempt) {
			reply(a, "451 4.7.1 Greylisted")
			a.Status, a.RelayHost, a.RelayIP, a.Delay = parsers.StatusDeferred, "mx2.example.com", "192.0.2.20", parsers.Duration{}
		})},
		{"deferred for no reason", cells{"event-id": "DEFER", "recipient-status": ""}, failed(func(_ *parsers.Event, a *parsers.Attempt) {
			a.Status, a.Delay, a.Origin, a.Reply, a.Diagnostic = parsers.StatusDeferred, parsers.Duration{}, 0, parsers.Reply{}, ""
		})},
		{"block", cells{"server-ip": "", "server-hostname": "EX01", "recipient-status": "[{LED=550-5.7.26 Not authenticated; see [link] {x}] 550 5.7.26 gone};{MSG=};{FQDN=mx2.example.com};{IP=192.0.2.20};{LRT=11/22/2026 10:00:02 AM}]"}, failed(func(_ *parsers.Event, a *parsers.Attempt) {
			reply(a, "550-5.7.26 Not authenticated; see [link] {x}] 550 5.7.26 gone")
			a.RelayHost, a.RelayIP = "mx2.example.com", "192.0.2.20"
		})},
		{"block with a hostile text", cells{"recipient-status": "[{LED=550 no};{FQDN=mx.example.org};{IP=203.0.113.66};{LED=250 2.0.0 ok};{MSG=};{FQDN=};{IP=};{LRT=}]"}, failed(func(_ *parsers.Event, a *parsers.Attempt) {
			reply(a, "550 no")
			a.RelayHost, a.RelayIP = "mx1.example.com", "192.0.2.10"
		})},
		{"the queue lifetime is over", cells{"source": "QUEUE", "recipient-status": "[{LED=550 4.4.7 QUEUE.Expired; message expired};{MSG=};{FQDN=};{IP=};{LRT=}]"}, failed(expired("550 4.4.7 QUEUE.Expired; message expired"))},
		{"the same in other words", cells{"recipient-status": "550 5.4.300 Message expired -> 451 4.4.1 Try later"}, failed(expired("550 5.4.300 Message expired -> 451 4.4.1 Try later"))},
		{"the same in the context", cells{"source": "QUEUE", "recipient-status": "", "source-context": "550 4.4.7 QUEUE.Expired; message expired"}, failed(expired("550 4.4.7 QUEUE.Expired; message expired"))},
		{"a deferral that looks like it", cells{"event-id": "DEFER", "recipient-status": "400 4.4.7 Message delayed", "message-info": ""}, failed(func(_ *parsers.Event, a *parsers.Attempt) {
			reply(a, "400 4.4.7 Message delayed")
			a.Status, a.Delay = parsers.StatusDeferred, parsers.Duration{}
		})},
		{"no such recipient here", cells{"source": "ROUTING", "server-ip": "", "recipient-status": "550 5.1.10 RESOLVER.ADR.RecipientNotFound; not found"}, failed(func(_ *parsers.Event, a *parsers.Attempt) {
			local(a, "550 5.1.10 RESOLVER.ADR.RecipientNotFound; not found")
			a.RelayHost, a.RelayIP = "", ""
		})},
		{"server that did not answer", cells{"event-id": "DEFER", "message-info": "", "recipient-status": "450 4.4.316 Connection refused [Message=Socket error code 10061] [LastAttemptedServerName=mx1.example.com]"}, failed(func(_ *parsers.Event, a *parsers.Attempt) {
			local(a, "450 4.4.316 Connection refused [Message=Socket error code 10061] [LastAttemptedServerName=mx1.example.com]")
			a.Status, a.Delay = parsers.StatusDeferred, parsers.Duration{}
		})},
		{"full mailbox", cells{"source": "STOREDRIVER", "server-ip": "", "recipient-status": "554 5.2.2 STOREDRV.Deliver; mailbox full"}, failed(func(_ *parsers.Event, a *parsers.Attempt) {
			local(a, "554 5.2.2 STOREDRV.Deliver; mailbox full")
			a.Kind, a.RelayHost, a.RelayIP = parsers.Local, "", ""
		})},
		{"thrown away", cells{"event-id": "POISONMESSAGE", "source": "POISONMESSAGE", "server-ip": "", "recipient-status": "", "source-context": "twice"}, failed(func(_ *parsers.Event, a *parsers.Attempt) {
			a.Origin, a.NotAttempted, a.Reply, a.Diagnostic, a.RelayHost, a.RelayIP = parsers.OriginLocal, true, parsers.Reply{}, "twice", "", ""
		})},
		{"bounce message", cells{"return-path": "<>"}, failed(func(ev *parsers.Event, _ *parsers.Attempt) { ev.Sender = parsers.NullSender })},
		{"no return path", cells{"return-path": ""}, failed(func(ev *parsers.Event, _ *parsers.Attempt) { ev.Sender = "news@example.net" })},
		{"clock set back", cells{"message-info": "2026-11-22T10:00:03.000Z"}, failed(func(_ *parsers.Event, a *parsers.Attempt) { a.Delay = parsers.Duration{} })},
		{"this server", cells{"client-hostname": "ex01", "server-hostname": "EX01"}, failed(func(_ *parsers.Event, a *parsers.Attempt) { a.RelayHost, a.RelayIP = "", "" })},
		{"IPv6", cells{"server-ip": "2001:db8::25"}, failed(func(_ *parsers.Event, a *parsers.Attempt) { a.RelayIP = "2001:db8::25" })},
		{"received", cells{"event-id": "RECEIVE"}, nil},
		{"bounce message made", cells{"event-id": "DSN", "source": "DSN"}, nil},
		{"command refused", cells{"recipient-address": "", "recipient-status": ""}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			p, err := Format().Open(parsers.Sample{Head: header}, parsers.Options{InternalRelays: []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}})
			if err != nil {
				t.Fatal(err)
			}
			got, err := p.AppendEvents(nil, &parsers.Line{Text: test.row.text()})
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(test.want, got, cmp.AllowUnexported(parsers.Duration{})); d != "" {
				t.Errorf("-want +got\n%s", d)
			}
		})
	}
}

func TestLists(t *testing.T) {
	p := parsertest.Open(t, Format(), header)
	const a, b = "[{LED=550 5.1.1 a; b};{FQDN=mx.example.com};{IP=192.0.2.1}]", "[{LED=450 4.2.1 [x]};{MSG=;};{FQDN=};{IP=}]"
	for _, test := range []struct{ recipients, statuses, want string }{
		{"a@x;b@x", "550 5.1.1 no;450 4.2.1 later", "a@x 550, b@x 450"},
		{"a@x;b@x", "550 5.1.1 no; not here;450 4.2.1 later; please", "a@x 550, b@x 450"},
		{"a@x;b@x", a + ";" + b, "a@x 550, b@x 450"},
		{"a@x;b@x;c@x", a + ";451 x;" + b, "a@x 550, b@x 451, c@x 450"},
		{"a@x;b@x", "550 5.1.1 no", "a@x 550, b@x 550"},
		{"a@x;b@x", "550 5.1.1 no; not here", "a@x 550, b@x 550"},
		{"a@x;b@x", ";550 no", "a@x, b@x 550"},
		{"a@x;b@x", "550 no;250 2.0.0 ok;450 later", "a@x, b@x"},
		{"a@x;b@x;c@x", "550 no;450 later", "a@x, b@x, c@x"},
		{"a@x", "550 no;250 2.0.0 ok", "a@x 550"},
		{`"a;b"@x;c@x`, "550 no;450 later", `"a;b"@x 550, c@x 450`},
		{"a@x; b@x;", "550 no; 450 later", "a@x 550, b@x 450"},
		{"a@x;b@x", "", "a@x, b@x"},
		{"a@x;b@x", "[{LED=550 never closed;450 x", "a@x 550, b@x 550"},
	} {
		evs, err := p.AppendEvents(nil, &parsers.Line{Text: cells{"recipient-address": test.recipients, "recipient-status": test.statuses}.text()})
		var got []string
		for _, ev := range evs {
			got = append(got, strings.TrimSpace(ev.Attempt.Recipient+" "+ev.Attempt.Reply.Code.String()))
		}
		if s := strings.Join(got, ", "); err != nil || s != test.want {
			t.Errorf("%s: %s\n got %s, %v\nwant %s", test.recipients, test.statuses, s, err, test.want)
		}
	}
}

// TestColumns: columns are found by their names, and most may be missing.
func TestColumns(t *testing.T) {
	p := parsertest.Open(t, Format(), "#Fields: recipient-address,new-column,event-id,date-time")
	evs, err := p.AppendEvents(nil, &parsers.Line{Text: `eve@example.com,"x,y",FAIL,2026-11-22T10:00:02.500Z,more`})
	want := []parsers.Event{{Kind: parsers.Attempted, Time: at, Attempt: parsers.Attempt{Recipient: "eve@example.com", Status: parsers.StatusBounced}}}
	if d := cmp.Diff(want, evs, cmp.AllowUnexported(parsers.Duration{})); err != nil || d != "" {
		t.Errorf("%v\n%s", err, d)
	}
}

func TestExport(t *testing.T) {
	const head = `"Timestamp","ClientHostname","ServerIp","ServerHostname","Source","EventId","InternalMessageId","Recipients","RecipientStatus","Sender"`
	row := func(stamp, recipients, status string) string {
		return `"` + stamp + `","EX01","192.0.2.10","mx1.example.com","SMTP","FAIL","77","` + recipients + `","` + status + `","news@example.net"`
	}
	for _, test := range []struct {
		name string
		rows []string
		want []string // time, recipient and code
	}{
		{"proven by another row", []string{head, row("3/4/2026 10:00:02 AM", "a@x", "550 no"), row("11/22/2026 12:00:02 PM", "b@x", "550 no"), row("11/22/2026 12:00:02 AM", "c@x", "550 no")},
			[]string{"2026-03-04T09:00:02Z a@x 550", "2026-11-22T11:00:02Z b@x 550", "2026-11-21T23:00:02Z c@x 550"}},
		{"day first", []string{head, row("03/04/2026 10:00:02", "a@x", "550 no"), row("22/11/2026 10:00:02", "b@x", "550 no")},
			[]string{"2026-04-03T09:00:02Z a@x 550", "2026-11-22T09:00:02Z b@x 550"}},
		{"not proven", []string{head, row("03/04/2026 10:00:02", "a@x", "550 no"), row("04/04/2026 10:00:02", "b@x", "550 no")},
			[]string{" a@x 550", "2026-04-04T09:00:02Z b@x 550"}},
		{"against each other", []string{head, row("13/04/2026 10:00:02", "a@x", "550 no"), row("04/13/2026 10:00:02", "b@x", "550 no"), row("04/03/2026 10:00:02", "c@x", "550 no")},
			[]string{"2026-04-13T09:00:02Z a@x 550", "2026-04-13T09:00:02Z b@x 550", " c@x 550"}},
		{"a point proves it", []string{head, row("3.4.2026 10:00:02", "a@x", "550 no"), row("03/04/2026 10:00:02", "b@x", "550 no"), row("2026/04/03 10.00.02", "c@x", "550 no")},
			[]string{"2026-04-03T09:00:02Z a@x 550", " b@x 550", "2026-04-03T09:00:02Z c@x 550"}},
		{"no such day", []string{head, row("30.02.2026 10:00:02", "a@x", "550 no")}, []string{" a@x 550"}},
		{"ISO 8601", []string{head, row("2026-11-22 10:00:02", "a@x", "550 no"), row("2026-11-22T10:00:02.5000000+02:00", "b@x", "550 no")},
			[]string{"2026-11-22T09:00:02Z a@x 550", "2026-11-22T08:00:02.5Z b@x 550"}},
		{"heading of PowerShell", []string{"#TYPE Microsoft.Exchange.Management.TransportLogSearchTasks.MessageTrackingEvent", head, row("22.11.2026 10:00:02", "a@x", "550 no"), head},
			[]string{"2026-11-22T09:00:02Z a@x 550"}},
		{"lists", []string{head, row("22.11.2026 10:00:02", "{a@x, b@x}", "{550 no, 450 later}"), row("22.11.2026 10:00:02", "a@x;b@x", "{[{LED=550 no, and};{IP=192.0.2.1}], [{LED=450 x}]}"),
			row("22.11.2026 10:00:02", "a@x", "{[{LED=550 no};{IP=192.0.2.1}]}")},
			[]string{"2026-11-22T09:00:02Z a@x 550", "2026-11-22T09:00:02Z b@x 450", "2026-11-22T09:00:02Z a@x 550", "2026-11-22T09:00:02Z b@x 450", "2026-11-22T09:00:02Z a@x 550"}},
		{"semicolons", []string{strings.ReplaceAll(head, ",", ";"), strings.ReplaceAll(row("22.11.2026 10:00:02", "a@x", "550 no"), ",", ";")},
			[]string{"2026-11-22T09:00:02Z a@x 550"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			sample := parsers.Sample{Head: test.rows[0]}
			for _, row := range test.rows {
				sample.Lines = append(sample.Lines, parsers.Line{Raw: row, Text: row})
			}
			if Format().Sniff(sample) != 100 {
				t.Error("not sniffed")
			}
			p, err := Format().Open(sample, parsers.Options{Location: time.FixedZone("", 3600)})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for i := range sample.Lines {
				evs, err := p.AppendEvents(nil, &sample.Lines[i])
				if err != nil {
					t.Errorf("%s: %v", sample.Lines[i].Text, err)
				}
				for _, ev := range evs {
					got = append(got, strings.TrimSuffix(ev.Time.String()+" "+ev.Attempt.Recipient+" "+ev.Attempt.Reply.Code.String(), " "))
				}
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("got  %q\nwant %q", got, test.want)
			}
		})
	}
}

func TestReadDate(t *testing.T) {
	for _, s := range []string{"", "11/22/2026", "11/22/26 10:00:02", "13/13/2026 10:00:02", "0/1/2026 10:00:02", "1/1/1999 10:00:02", "1/1.2026 10:00:02", "11/22/2026 25:00:02",
		"11/22/2026 10:60:02", "11/22/2026 10:00:60", "11/22/2026 13:00:02 PM", "11/22/2026 0:00:02 AM", "11/22/2026 10:00:02 Uhr", "11/22/2026 10:00", "11:22:2026 10:00:02", "11/22/20266 10:00:02"} {
		if d, ok := readDate(s); ok {
			t.Errorf("%q: %+v", s, d)
		}
	}
	if d, ok := readDate("11/22/2026 1:00:02\u202fPM"); !ok || d.hour != 13 {
		t.Errorf("narrow blank: %+v, %v", d, ok)
	}
}

func TestBadLines(t *testing.T) {
	for _, test := range []struct {
		head, text string
		column     int // zero: not a line of this format
	}{
		{header, `a,"b`, 3},
		{header, "2026-11-22T10:00:02.500Z,x", 27},
		{header, cells{"date-time": "22.11.2026 10:00:02"}.text(), 1},
		{header, cells{"recipient-address": "System.String[]"}.text(), 1},
		{header, cells{"recipient-address": strings.Repeat("a;", maxRecipients+1)}.text(), 1},
		{"#Fields: date-time,session-id,event", cells{}.text(), 0},
		{"#Software: Microsoft Exchange Server", cells{}.text(), 0},
		{`#Fields: "`, cells{}.text(), 0},
		{"", cells{}.text(), 0},
	} {
		parsertest.Refuses(t, parsertest.Open(t, Format(), test.head), test.text, test.column)
	}
}

func TestSniff(t *testing.T) {
	for head, want := range map[string]parsers.Score{
		header: 100, "#Fields: date-time,connector-id,session-id,event": 0, "Timestamp,EventId,Recipients": 100, "timestamp,event,email": 0, "#Software: x": 0, "": 0,
	} {
		if got := Format().Sniff(parsers.Sample{Head: head}); got != want {
			t.Errorf("%q: %d", head, got)
		}
	}
}

func FuzzAppendEvents(f *testing.F) {
	for line := range strings.Lines(parsertest.Log(f, "shapes.log")) {
		f.Add(header, strings.TrimSuffix(line, "\n"))
	}
	f.Add("#Fields: date-time,event-id,recipient-address,recipient-status", "2026-11-22T10:00:02Z,FAIL,a;b,[{LED=550 x;y};{IP=1}];550 z")
	f.Add("Timestamp;EventId;Recipients;RecipientStatus", "22.11.2026 10:00:02;DEFER;{a, b};{450 x, 450 y}")
	f.Fuzz(func(t *testing.T, head, text string) {
		parsertest.Check(t, parsertest.Open(t, Format(), head), parsers.Line{Text: text})
	})
}

func BenchmarkParser(b *testing.B) {
	parsertest.Benchmark(b, parsertest.Read(b, Format(), "shapes.log"))
}
