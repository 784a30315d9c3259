package classify

import "bouncelog/parsers"

// A Verdict is what bouncelog makes of an attempt.
type Verdict struct {
	// Class is the class of what was done: the `class` of the attempt record. Our MTA's status has the last word on
	// it, as it alone says whether there will be another try.
	Class parsers.Class
	// ReplyClass is the class of what the server said. ClassUnknown where nobody answered, or not in SMTP.
	ReplyClass parsers.Class
	// Rule is what Class rests on: one of the Rule constants, empty where nothing told.
	Rule string
	// Conflict: reply code and enhanced code of the same reply are of different classes (RFC 2034 4 wants them equal).
	Conflict bool
	// Overridden: our MTA did not do what the reply's class asks for. Postfix: soft_bounce, smtp_skip_5xx_greeting,
	// smtp_sasl_auth_soft_bounce, a delivery_status_filter; a 354 where 250 was due is none, it has no class.
	Overridden bool
}

// The evidence that a class can rest on, in the order in which it is asked.
const (
	RuleReplyCode    = "reply-code"    // first digit of the reply code, RFC 5321 4.2.1
	RuleEnhancedCode = "enhanced-code" // class of the reply's enhanced code, RFC 3463 2
	RuleDSN          = "dsn"           // class of the MTA's own code
	RuleStatus       = "status"        // the MTA's status, for want of a code or against it
)

// ClassOf returns the class of an attempt by its codes and its status.
//
// The first evidence of reply code, enhanced code and dsn that has a class gives the rule. The status then confirms it or
// overrules it: what was sent is a success, what is deferred is transient, what was given up is permanent, whatever
// anybody said. So the class of a 550 under soft_bounce is transient, its reply class permanent, and it is overridden. An
// expiry overrules, but overrides nothing: the server's 4xx was obeyed for as long as the queue lifetime lasts.
//
// A refusal of our own (StatusRejected) is as final as the code that we gave, permanent where we gave none.
//
// Note: RFC 5321 4.2 would have the reply code decide alone. A log is read to learn whether an address is still being
// tried, and Postfix's status tells that against the code in eight documented cases; both classes are in the verdict, so
// neither reading is lost.
func ClassOf(a *parsers.Attempt) Verdict {
	var v Verdict
	code, enhanced := replyClass(a.Reply.Code), enhancedClass(a.Reply.Enhanced)
	v.Conflict = code != enhanced && code != parsers.ClassUnknown && enhanced != parsers.ClassUnknown &&
		!(code == parsers.Permanent && a.Reply.Enhanced == deliveryTimeExpired)

	said := code
	switch {
	case code != parsers.ClassUnknown:
		v.Class, v.Rule = code, RuleReplyCode
	case enhanced != parsers.ClassUnknown:
		v.Class, v.Rule = enhanced, RuleEnhancedCode
		said = enhanced
	default:
		if dsn := enhancedClass(a.DSN); dsn != parsers.ClassUnknown {
			v.Class, v.Rule = dsn, RuleDSN
		}
	}
	if a.Origin != parsers.OriginLocal { // our MTA quotes itself in the shape of a reply
		v.ReplyClass = said
	}

	done := statusClass(a, v.Class)
	if done != parsers.ClassUnknown && done != v.Class {
		v.Overridden = v.ReplyClass != parsers.ClassUnknown && a.Status != parsers.StatusExpired
		v.Class, v.Rule = done, RuleStatus
	}
	return v
}

// deliveryTimeExpired with a 5xx is how a relay reports that it gave up: no contradiction.
var deliveryTimeExpired = parsers.EnhancedCode{4, 4, 7}

// statusClass is the class of what our MTA did; evidence is the class of the codes. ClassUnknown where there is no status:
// one of several servers tried.
func statusClass(a *parsers.Attempt, evidence parsers.Class) parsers.Class {
	switch a.Status {
	case parsers.StatusSent:
		return parsers.Success
	case parsers.StatusDeferred:
		return parsers.Transient
	case parsers.StatusBounced, parsers.StatusExpired:
		return parsers.Permanent
	case parsers.StatusRejected:
		if evidence == parsers.Transient && a.Kind != parsers.Suppressed {
			return parsers.Transient
		}
		return parsers.Permanent
	}
	return parsers.ClassUnknown
}

// replyClass goes by the first digit alone: RFC 5321 4.3.2 wants unlisted codes treated so. 1yz and 3yz settle nothing, and
// what is above 599 is not SMTP.
func replyClass(c parsers.ReplyCode) parsers.Class {
	switch {
	case c < 200 || c > 599:
		return parsers.ClassUnknown
	case c < 300:
		return parsers.Success
	case c < 400:
		return parsers.ClassUnknown
	case c < 500:
		return parsers.Transient
	}
	return parsers.Permanent
}

// enhancedClass goes by the class digit, RFC 3463 2.
func enhancedClass(e parsers.EnhancedCode) parsers.Class {
	switch e[0] {
	case 2:
		return parsers.Success
	case 4:
		return parsers.Transient
	case 5:
		return parsers.Permanent
	}
	return parsers.ClassUnknown
}
