package ses

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"bouncelog/parsers"
	"bouncelog/parsers/parsertest"
)

func TestExamples(t *testing.T) { parsertest.Examples(t, Format(), "ses") }

func TestGolden(t *testing.T) { parsertest.Golden(t, Format()) }

const mailObject = `"mail":{"timestamp":"2026-11-22T10:00:00.500Z","source":"News <news@example.net>","sourceIp":"198.51.100.4",` +
	`"messageId":"0102019a-77","destination":["eve@example.com","Bob <bob@example.org>"],"headers":[{"name":"Subject","value":"{\"mail\":1}"}],` +
	`"tags":{"ses:outgoing-ip":["203.0.113.9"],"campaign":["spring","x"]}}`

// attempt returns what every attempt of these tests has in common, changed by f.
func attempt(f func(*parsers.Attempt)) parsers.Event {
	ev := parsers.Event{Kind: parsers.Attempted, Time: 1795341602_000000, QueueID: "0102019a-77", Sender: "news@example.net",
		Attempt: parsers.Attempt{Recipient: "eve@example.com", Status: parsers.StatusBounced, Job: "spring", SourceIP: "203.0.113.9", Delay: parsers.Milliseconds(1500)}}
	f(&ev.Attempt)
	return ev
}

func reply(code parsers.ReplyCode, text string, enhanced ...uint16) parsers.Reply {
	r := parsers.Reply{Code: code, Text: text}
	copy(r.Enhanced[:], enhanced)
	return r
}

func TestAppendEvents(t *testing.T) {
	type attemptOf = func(*parsers.Attempt)
	delivery := func(members string) string {
		return `{"eventType":"Delivery",` + mailObject + `,"delivery":{"timestamp":"2026-11-22T10:00:02Z",` + members + `}}`
	}
	bounce := func(subType, recipients string) string {
		return `{"notificationType":"Bounce",` + mailObject + `,"bounce":{"bounceType":"Transient","bounceSubType":"` + subType +
			`","timestamp":"2026-11-22T10:00:02Z","remoteMtaIp":"192.0.2.25","bouncedRecipients":[` + recipients + `]}}`
	}
	one := func(members string) string { return `{"emailAddress":"eve@example.com"` + members + `}` }
	for _, test := range []struct {
		name, text string
		want       []attemptOf
	}{
		{"delivered to two", delivery(`"recipients":["eve@example.com","bob@example.org"],"smtpResponse":"250 2.6.0 Queued","remoteMtaIp":"192.0.2.25","processingTimeMillis":1234`), []attemptOf{
			func(a *parsers.Attempt) {
				a.Status, a.Origin, a.Reply, a.Diagnostic, a.RelayIP, a.Delay = parsers.StatusSent, parsers.OriginRemote, reply(250, "250 2.6.0 Queued", 2, 6, 0), "250 2.6.0 Queued", "192.0.2.25", parsers.Milliseconds(1234)
			},
			func(a *parsers.Attempt) {
				a.Recipient = "bob@example.org"
				a.Status, a.Origin, a.Reply, a.Diagnostic, a.RelayIP, a.Delay = parsers.StatusSent, parsers.OriginRemote, reply(250, "250 2.6.0 Queued", 2, 6, 0), "250 2.6.0 Queued", "192.0.2.25", parsers.Milliseconds(1234)
			},
		}},
		{"delivered without a word", delivery(`"recipients":["eve@example.com"]`), []attemptOf{
			func(a *parsers.Attempt) { a.Status = parsers.StatusSent },
		}},
		{"a reply of two lines", bounce("General", one(`,"status":"5.1.1","diagnosticCode":"smtp; 550-5.1.1 No such\n550 5.1.1 user"`)), []attemptOf{
			func(a *parsers.Attempt) {
				a.Origin, a.RelayIP, a.DSN = parsers.OriginRemote, "192.0.2.25", parsers.EnhancedCode{5, 1, 1}
				a.Diagnostic = "550-5.1.1 No such\n550 5.1.1 user"
				a.Reply = reply(550, a.Diagnostic, 5, 1, 1)
			},
		}},
		{"a local failure", bounce("General", one(`,"status":"5.4.4","diagnosticCode":"smtp; Unable to lookup DNS for example.com"`)), []attemptOf{
			func(a *parsers.Attempt) {
				a.Origin, a.RelayIP, a.DSN, a.Diagnostic = parsers.OriginLocal, "192.0.2.25", parsers.EnhancedCode{5, 4, 4}, "Unable to lookup DNS for example.com"
			},
		}},
		{"no word why", bounce("Undetermined", one("")), []attemptOf{
			func(a *parsers.Attempt) { a.Origin, a.RelayIP = parsers.OriginProvider, "192.0.2.25" },
		}},
		{"suppressed", bounce("Suppressed", one(`,"status":"5.1.1","diagnosticCode":"Amazon SES has suppressed sending to this address"`)), []attemptOf{
			func(a *parsers.Attempt) {
				a.Status, a.Kind, a.NotAttempted, a.Origin = parsers.StatusRejected, parsers.Suppressed, true, parsers.OriginProvider
				a.DSN, a.Diagnostic = parsers.EnhancedCode{5, 1, 1}, "Amazon SES has suppressed sending to this address"
			},
		}},
		{"a tenant's list", bounce("OnTenantSuppressionList", one("")), []attemptOf{
			func(a *parsers.Attempt) {
				a.Status, a.Kind, a.NotAttempted, a.Origin = parsers.StatusRejected, parsers.Suppressed, true, parsers.OriginProvider
			},
		}},
		{"expired", bounce("General", one(`,"status":"4.4.7","diagnosticCode":"smtp; 554 4.4.7 Message expired: unable to deliver in 840 minutes.<451 4.7.1 Greylisted>"`)), []attemptOf{
			func(a *parsers.Attempt) {
				a.Status, a.Kind, a.NotAttempted, a.Origin, a.DSN = parsers.StatusExpired, parsers.Final, true, parsers.OriginLocal, parsers.EnhancedCode{4, 4, 7}
				a.Diagnostic = "554 4.4.7 Message expired: unable to deliver in 840 minutes.<451 4.7.1 Greylisted>"
				a.Reply = reply(554, a.Diagnostic, 4, 4, 7)
			},
		}},
		{"the sender's time was up", bounce("CustomTimeoutExceeded", one(`,"status":"4.4.1","diagnosticCode":"smtp; 421 4.4.1 No answer"`)), []attemptOf{
			func(a *parsers.Attempt) {
				a.Status, a.Kind, a.NotAttempted, a.Origin, a.DSN = parsers.StatusExpired, parsers.Final, true, parsers.OriginRemote, parsers.EnhancedCode{4, 4, 1}
				a.Diagnostic = "421 4.4.1 No answer"
				a.Reply = reply(421, a.Diagnostic, 4, 4, 1)
			},
		}},
		{"a server that speaks of expiry", bounce("General", one(`,"status":"5.1.1","diagnosticCode":"smtp; 550 5.1.1 said: Message expired"`)), []attemptOf{
			func(a *parsers.Attempt) {
				a.Origin, a.RelayIP, a.DSN, a.Diagnostic = parsers.OriginRemote, "192.0.2.25", parsers.EnhancedCode{5, 1, 1}, "550 5.1.1 said: Message expired"
				a.Reply = reply(550, a.Diagnostic, 5, 1, 1)
			},
		}},
		{"delayed", `{"eventType":"DeliveryDelay",` + mailObject + `,"deliveryDelay":{"timestamp":"2026-11-22T10:00:02Z","delayType":"TransientCommunicationFailure","delayedRecipients":[` +
			one(`,"status":"4.4.1","diagnosticCode":"smtp; 421 4.4.1 Unable to connect to remote host"`) + `]}}`, []attemptOf{
			func(a *parsers.Attempt) {
				a.Status, a.Origin, a.DSN, a.Diagnostic = parsers.StatusDeferred, parsers.OriginRemote, parsers.EnhancedCode{4, 4, 1}, "421 4.4.1 Unable to connect to remote host"
				a.Reply = reply(421, a.Diagnostic, 4, 4, 1)
			},
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var want []parsers.Event
			for _, f := range test.want {
				want = append(want, attempt(f))
			}
			for _, text := range []string{test.text, sns(test.text), eventBridge(test.text), sns(eventBridge(test.text))} {
				got, err := parsertest.Open(t, Format(), "").AppendEvents(nil, &parsers.Line{Text: text})
				if err != nil {
					t.Fatal(err)
				}
				if d := cmp.Diff(want, got, cmp.AllowUnexported(parsers.Duration{})); d != "" {
					t.Errorf("%s\n-want +got\n%s", text, d)
				}
			}
		})
	}
}

// sns wraps an event as SNS does.
func sns(event string) string {
	quoted, _ := json.Marshal(event)
	return `{"Type":"Notification","MessageId":"5f2a","Message":` + string(quoted) + `,"Timestamp":"2026-11-22T10:00:05Z"}`
}

// eventBridge wraps an event as EventBridge does.
func eventBridge(event string) string {
	return `{"version":"0","detail-type":"Email Bounced","source":"aws.ses","time":"2026-11-22T10:00:06Z","detail":` + event + `}`
}

func TestAppendEvents_OtherEvents(t *testing.T) {
	p := parsertest.Open(t, Format(), "")
	f := func(text string, want error, kinds ...parsers.Kind) {
		t.Helper()
		got, err := p.AppendEvents(nil, &parsers.Line{Text: text})
		if err != want || len(got) != len(kinds) {
			t.Fatalf("%d events, %v of %s", len(got), err, text)
		}
		for i := range got {
			if got[i].Kind != kinds[i] || got[i].QueueID != "0102019a-77" || got[i].Sender != "news@example.net" {
				t.Errorf("%s", parsertest.Print(&got[i]))
			}
		}
	}
	event := func(name, rest string) string { return `{"eventType":"` + name + `",` + mailObject + rest + `}` }
	f(event("Send", `,"send":{}`), nil, parsers.Accepted)
	f(event("Reject", `,"reject":{"reason":"Bad content"}`), nil, parsers.Attempted, parsers.Attempted)
	f(event("Rendering Failure", `,"failure":{"errorMessage":"Attribute 'name' is not present","templateName":"t"}`), nil, parsers.Attempted, parsers.Attempted)
	for _, name := range []string{"Open", "Click", "Complaint", "Subscription", "Something New"} {
		f(event(name, ""), nil)
	}
	f(sns("Successfully validated SNS topic for Amazon SES event publishing."), nil)
	f(`{"notificationType":"AmazonSnsSubscriptionSucceeded","message":"You have successfully subscribed"}`, nil)

	for _, foreign := range []string{
		``, `x`, `{}`, `[]`, `{"eventType":"Bounce"}`, `{"eventType":"Bounce","mail":{}}`, `{"mail":{"messageId":"m"}}`,
		`{"source":"aws.ec2","detail":{}}`, `{"source":"aws.ses","detail":{}}`, sns("hello"), sns(`{}`),
		`{"Type":"SubscriptionConfirmation","Message":"You have chosen to subscribe"}`, sns(sns(sns(event("Send", "")))),
	} {
		f(foreign, parsers.ErrForeign)
	}
}

func TestAppendEvents_Reject(t *testing.T) {
	got, err := parsertest.Open(t, Format(), "").AppendEvents(nil, &parsers.Line{Text: `{"eventType":"Reject",` + mailObject + `,"reject":{"reason":"Bad content"}}`})
	if err != nil || len(got) != 2 {
		t.Fatal(len(got), err)
	}
	for i, recipient := range []string{"eve@example.com", "bob@example.org"} {
		want := attempt(func(a *parsers.Attempt) {
			a.Recipient, a.Status, a.Kind, a.NotAttempted = recipient, parsers.StatusRejected, parsers.Suppressed, true
			a.Origin, a.Diagnostic, a.Delay = parsers.OriginProvider, "Bad content", parsers.Milliseconds(0)
		})
		want.Time = 1795341600_500000
		if got[i] != want {
			t.Errorf("got %s", parsertest.Print(&got[i]))
		}
	}
}

func TestAppendEvents_Failure(t *testing.T) {
	text := `{"eventType":"Send",` + mailObject + `,"send":{}}`
	for _, cut := range []string{text[:len(text)-1], text[:len(text)-4], sns(text)[:len(sns(text))-3], sns(text[:len(text)-1])} {
		evs, err := parsertest.Open(t, Format(), "").AppendEvents(nil, &parsers.Line{Text: cut})
		if _, ok := err.(*parsers.SyntaxError); !ok || len(evs) != 0 {
			t.Errorf("%d events, %v of %s", len(evs), err, cut)
		}
	}
}

func TestSniff(t *testing.T) {
	event := `{"eventType":"Open",` + mailObject + `}`
	for _, test := range []struct {
		texts []string
		want  parsers.Score
	}{
		{[]string{event, sns(event), eventBridge(event), ""}, 100},
		{[]string{event, `{"type":"Bounce","id":"x","response":{}}`}, 50},
		{[]string{`{"Type":"Notification","Message":"hello"}`, "eventType"}, 0},
		{nil, 0},
	} {
		var s parsers.Sample
		for _, text := range test.texts {
			s.Lines = append(s.Lines, parsers.Line{Raw: text, Text: text})
		}
		if got := Format().Sniff(s); got != test.want {
			t.Errorf("score %d of %q, want %d", got, test.texts, test.want)
		}
	}
}

func TestAppendEvents_NoAllocation(t *testing.T) {
	p := parsertest.Open(t, Format(), "")
	line := parsers.Line{Text: `{"eventType":"Delivery",` + mailObject + `,"delivery":{"timestamp":"2026-11-22T10:00:02Z","recipients":["a@example.com","b@example.com"],"smtpResponse":"250 2.0.0 Ok"}}`}
	evs := make([]parsers.Event, 0, 8)
	if n := testing.AllocsPerRun(10, func() { evs, _ = p.AppendEvents(evs[:0], &line) }); n > 0 || len(evs) != 2 {
		t.Errorf("%v allocations, %d events", n, len(evs))
	}
}

func BenchmarkParser(b *testing.B) { parsertest.Benchmark(b, parsertest.Read(b, Format(), "ses.log")) }

func FuzzAppendEvents(f *testing.F) { parsertest.Fuzz(f, Format(), "ses.log") }
