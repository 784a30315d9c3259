package classify

import (
	"testing"

	"bouncelog/parsers"
)

func TestClassOf(t *testing.T) {
	const (
		unknown   = parsers.ClassUnknown
		success   = parsers.Success
		transient = parsers.Transient
		permanent = parsers.Permanent
	)
	reply := func(status parsers.Status, code parsers.ReplyCode, enhanced, dsn parsers.EnhancedCode) parsers.Attempt {
		return parsers.Attempt{Status: status, Origin: parsers.OriginRemote, Reply: parsers.Reply{Code: code, Enhanced: enhanced}, DSN: dsn}
	}
	type code = parsers.EnhancedCode
	local := reply(parsers.StatusRejected, 550, code{}, code{})
	local.Origin = parsers.OriginLocal
	suppressed := reply(parsers.StatusRejected, 450, code{}, code{})
	suppressed.Kind = parsers.Suppressed

	tests := []struct {
		name    string
		attempt parsers.Attempt
		want    Verdict
	}{
		{"nothing said, nothing done", parsers.Attempt{}, Verdict{}},
		{"sent", reply(parsers.StatusSent, 250, code{2, 0, 0}, code{2, 0, 0}), Verdict{Class: success, ReplyClass: success, Rule: RuleReplyCode}},
		{"bounced", reply(parsers.StatusBounced, 550, code{5, 1, 1}, code{5, 1, 1}), Verdict{Class: permanent, ReplyClass: permanent, Rule: RuleReplyCode}},
		{"deferred", reply(parsers.StatusDeferred, 451, code{}, code{4, 0, 0}), Verdict{Class: transient, ReplyClass: transient, Rule: RuleReplyCode}},
		{"second digit beyond the grammar", reply(parsers.StatusBounced, 571, code{}, code{5, 0, 0}), Verdict{Class: permanent, ReplyClass: permanent, Rule: RuleReplyCode}},
		{"enhanced code only", reply(parsers.StatusBounced, 0, code{5, 7, 1}, code{}), Verdict{Class: permanent, ReplyClass: permanent, Rule: RuleEnhancedCode}},
		{"nobody answered", reply(parsers.StatusDeferred, 0, code{}, code{4, 4, 1}), Verdict{Class: transient, Rule: RuleDSN}},
		{"status only", reply(parsers.StatusBounced, 0, code{}, code{}), Verdict{Class: permanent, Rule: RuleStatus}},
		{"dsn only", reply(0, 0, code{}, code{4, 4, 1}), Verdict{Class: transient, Rule: RuleDSN}},
		{"one of several servers", reply(0, 421, code{}, code{}), Verdict{Class: transient, ReplyClass: transient, Rule: RuleReplyCode}},

		{"soft_bounce", reply(parsers.StatusDeferred, 550, code{5, 1, 1}, code{4, 1, 1}), Verdict{Class: transient, ReplyClass: permanent, Rule: RuleStatus, Overridden: true}},
		{"greeting of 5xx", reply(parsers.StatusDeferred, 554, code{5, 7, 1}, code{4, 7, 1}), Verdict{Class: transient, ReplyClass: permanent, Rule: RuleStatus, Overridden: true}},
		{"status filter", reply(parsers.StatusBounced, 451, code{4, 7, 1}, code{5, 7, 1}), Verdict{Class: permanent, ReplyClass: transient, Rule: RuleStatus, Overridden: true}},
		{"protocol error", reply(parsers.StatusBounced, 250, code{}, code{5, 5, 0}), Verdict{Class: permanent, ReplyClass: success, Rule: RuleStatus, Overridden: true}},
		{"expired", reply(parsers.StatusExpired, 452, code{4, 2, 2}, code{}), Verdict{Class: permanent, ReplyClass: transient, Rule: RuleStatus}},
		{"dsn against status", reply(parsers.StatusDeferred, 0, code{}, code{5, 4, 4}), Verdict{Class: transient, Rule: RuleStatus}},

		{"codes contradict, reply code wins", reply(parsers.StatusBounced, 552, code{4, 2, 2}, code{5, 0, 0}), Verdict{Class: permanent, ReplyClass: permanent, Rule: RuleReplyCode, Conflict: true}},
		{"codes contradict, transient", reply(parsers.StatusDeferred, 450, code{5, 1, 1}, code{4, 0, 0}), Verdict{Class: transient, ReplyClass: transient, Rule: RuleReplyCode, Conflict: true}},
		{"relay gave up", reply(parsers.StatusBounced, 550, code{4, 4, 7}, code{5, 0, 0}), Verdict{Class: permanent, ReplyClass: permanent, Rule: RuleReplyCode}},

		{"354 where 250 was due", reply(parsers.StatusBounced, 354, code{}, code{5, 5, 0}), Verdict{Class: permanent, Rule: RuleDSN}},
		{"not SMTP", reply(parsers.StatusBounced, 650, code{}, code{}), Verdict{Class: permanent, Rule: RuleStatus}},
		{"199", reply(parsers.StatusDeferred, 199, code{}, code{}), Verdict{Class: transient, Rule: RuleStatus}},
		{"class of no meaning", reply(0, 0, code{3, 1, 1}, code{9, 0, 0}), Verdict{}},

		{"refused at our door", reply(parsers.StatusRejected, 450, code{4, 3, 2}, code{}), Verdict{Class: transient, ReplyClass: transient, Rule: RuleReplyCode}},
		{"refused at our door, enhanced code only", reply(parsers.StatusRejected, 0, code{5, 7, 1}, code{}), Verdict{Class: permanent, ReplyClass: permanent, Rule: RuleEnhancedCode}},
		{"our own words", local, Verdict{Class: permanent, Rule: RuleReplyCode}},
		{"suppression list", suppressed, Verdict{Class: permanent, ReplyClass: transient, Rule: RuleStatus, Overridden: true}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := ClassOf(&tt.attempt); got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

func BenchmarkClassOf(b *testing.B) {
	a := parsers.Attempt{Status: parsers.StatusDeferred, Origin: parsers.OriginRemote, DSN: parsers.EnhancedCode{4, 1, 1}}
	a.Reply = parsers.Reply{Code: 550, Enhanced: parsers.EnhancedCode{5, 1, 1}}
	b.ReportAllocs()
	for b.Loop() {
		ClassOf(&a)
	}
}
