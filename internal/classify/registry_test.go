package classify

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"bouncelog/parsers"
)

// knownReplyCodes are those that mail logs are known to hold, by where they come from.
var knownReplyCodes = map[Standing][]parsers.ReplyCode{
	Standard: {
		211, 214, 220, 221, 250, 251, 252, 354, 421, 450, 451, 452, 455, 500, 501, 502, 503, 504, 550, 551, 552, 553, 554, 555, // RFC 5321
		235, 334, 432, 454, 530, 534, 535, // AUTH, STARTTLS
		521, 556, // RFC 7504
	},
	Associated: {422, 430, 523, 524, 525, 533},
	Obsolete:   {253, 453, 456, 458, 459, 520, 538, 557},
	Vendor: {
		240, 420, 431, 441, 442, 446, 447, 449, 471, 498, 505, 510, 511, 512, 513, 515, 517, 522, 540, 541, 542, 543, 546,
		559, 571, 573, 577, 585, 591,
	},
}

func TestReplyCodes(t *testing.T) {
	total := 0
	for standing, codes := range knownReplyCodes {
		total += len(codes)
		for _, c := range codes {
			r, ok := LookupReplyCode(c)
			if !ok || r.Code != c || r.Standing != standing {
				t.Errorf("%d: %+v, %v; want a code that is %v", c, r, ok, standing)
			}
		}
	}
	if len(replyCodes) != total {
		t.Errorf("%d rows, want %d", len(replyCodes), total)
	}
	if !slices.IsSortedFunc(replyCodes, func(a, b ReplyCodeInfo) int { return 2*int(a.Code) - 2*int(b.Code) + 1 }) {
		t.Error("not sorted, or a code twice")
	}
	for _, r := range replyCodes {
		if r.Meaning == "" || r.Source == "" || strings.HasSuffix(r.Meaning, ".") {
			t.Errorf("%d: meaning %q, source %q", r.Code, r.Meaning, r.Source)
		}
		if official := strings.HasPrefix(r.Source, "RFC ") || strings.HasPrefix(r.Source, "IANA "); r.Registered != official {
			t.Errorf("%d: registered %v with source %q", r.Code, r.Registered, r.Source)
		}
		if r.Registered == (r.Standing == Vendor) && r.Standing != Obsolete {
			t.Errorf("%d: registered %v, %v", r.Code, r.Registered, r.Standing)
		}
	}
	if r, ok := LookupReplyCode(599); ok || r != (ReplyCodeInfo{}) {
		t.Errorf("599: %+v, %v", r, ok)
	}
}

func TestDescribeReplyCode(t *testing.T) {
	for c, want := range map[parsers.ReplyCode]string{
		0:     "",
		7:     "not three digits",
		199:   "RFC 821",
		299:   "success; outside",
		354:   "send the message now",
		399:   "go on; outside",
		498:   "no MX",
		499:   "transient failure; outside",
		429:   "transient failure, connection",
		531:   "permanent failure, authentication",
		558:   "permanent failure, mail system",
		571:   "spam",
		605:   "not an SMTP reply code",
		999:   "not an SMTP reply code",
		65535: "not three digits",
	} {
		if got := DescribeReplyCode(c); !strings.Contains(got, want) || want == "" && got != "" {
			t.Errorf("%d: %q, want something with %q", c, got, want)
		}
	}
	for c := range parsers.ReplyCode(1000) {
		if c > 0 && DescribeReplyCode(c) == "" {
			t.Errorf("%d has no description", c)
		}
	}
}

func TestEnhancedCodes(t *testing.T) {
	// By subject, the last of the details that are registered without a gap.
	last := [...]uint16{0, 10, 4, 6, 7, 6, 10, 30}
	rows := 1 // X.4.8, which is not registered
	for subject, last := range last {
		for detail := range last + 1 {
			rows++
			for _, class := range []uint16{2, 4, 5} {
				e := parsers.EnhancedCode{class, uint16(subject), detail}
				info, ok := LookupEnhancedCode(e)
				if !ok || !info.Registered || info.Text == "" || info.Class == "" || info.Subject == "" ||
					!strings.HasPrefix(info.Source, "RFC ") && e != (parsers.EnhancedCode{class, 7, 28}) {
					t.Errorf("%v: %+v, %v", e, info, ok)
				}
			}
		}
	}
	if len(enhancedCodes) != rows {
		t.Errorf("%d rows, want %d", len(enhancedCodes), rows)
	}
	texts := make(map[string]bool)
	for i, r := range enhancedCodes {
		if i > 0 {
			if p := enhancedCodes[i-1]; p.subject > r.subject || p.subject == r.subject && p.detail >= r.detail {
				t.Errorf("X.%d.%d is not in order", r.subject, r.detail)
			}
		}
		if r.source == "" || texts[r.text] {
			t.Errorf("X.%d.%d: source %q, text %q", r.subject, r.detail, r.source, r.text)
		}
		texts[r.text] = true
	}
}

// TestAssociatedCodes holds the two registries together: every code that is there for an enhanced code's sake names one that
// names it.
func TestAssociatedCodes(t *testing.T) {
	for _, r := range replyCodes {
		name, ok := strings.CutPrefix(r.Source, "IANA enhanced status codes X.")
		if !ok {
			continue
		}
		e := parsers.EnhancedCode{5}
		if _, err := fmt.Sscanf(name, "%d.%d", &e[1], &e[2]); err != nil {
			t.Fatal(err)
		}
		if info, _ := LookupEnhancedCode(e); !strings.Contains(info.Basic, fmt.Sprint(r.Code)) {
			t.Errorf("%d cites X.%s, which has %q", r.Code, name, info.Basic)
		}
	}
}

func TestLookupEnhancedCode(t *testing.T) {
	for _, tt := range []struct {
		code parsers.EnhancedCode
		want EnhancedCodeInfo
		ok   bool
	}{
		{parsers.EnhancedCode{5, 1, 1}, EnhancedCodeInfo{"permanent failure", "addressing", "Bad destination mailbox address", "451, 550", "RFC 3463 3.2", true}, true},
		{parsers.EnhancedCode{4, 4, 8}, EnhancedCodeInfo{"persistent transient failure", "network and routing", "MTA-STS validation failed, or try again over IPv4", "", "field use: Microsoft, draft-martin", false}, true},
		{parsers.EnhancedCode{5, 7, 509}, EnhancedCodeInfo{Class: "permanent failure", Subject: "security or policy"}, false},
		{parsers.EnhancedCode{2, 9, 1}, EnhancedCodeInfo{Class: "success"}, false},
		{parsers.EnhancedCode{3, 1, 1}, EnhancedCodeInfo{}, false},
		{parsers.EnhancedCode{}, EnhancedCodeInfo{}, false},
	} {
		if got, ok := LookupEnhancedCode(tt.code); got != tt.want || ok != tt.ok {
			t.Errorf("%v: %+v, %v", tt.code, got, ok)
		}
	}
}
