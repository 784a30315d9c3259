package report

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"bouncelog/internal/classify"
	"bouncelog/internal/suppress"
	"bouncelog/parsers"

	"github.com/google/go-cmp/cmp"
)

func suppressRows() []suppress.Row {
	at := parsers.StampOf(time.Date(2026, 11, 20, 10, 0, 1, 0, time.UTC))
	return []suppress.Row{
		{Address: "=cmd|x@example.org", Category: classify.BadMailbox, Suppress: "yes", ReplyCode: 550, Hits: 1, First: at, Last: at, File: "mail.log", Line: 1},
		{Address: "ann@example.org", Category: classify.InactiveMailbox, Sub: "moved", Suppress: "yes", ReplyCode: 551, EnhancedCode: parsers.EnhancedCode{5, 1, 6},
			Diagnostic: "551 5.1.6 \"moved\", ask <bob>\x1b[31m", Rule: "some-rule", Confidence: "high", Hits: 2, First: at, Last: at.Add(time.Hour), Provider: "example.org", File: "=mail.log", Line: 12},
		{Address: "b\nann@example.net", Category: classify.BadDomain, Suppress: "yes", Diagnostic: "+1", Hits: 1, File: "mail.log", Line: 3},
	}
}

func TestSuppressGolden(t *testing.T) {
	left := map[string][]string{"csv": {"=cmd|x@example.org"}, "txt": {`b\nann@example.net`}, "ndjson": nil}
	for _, format := range SuppressFormats() {
		var b bytes.Buffer
		l, err := WriteSuppress(format, &b, suppressRows(), false)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(Left{int64(len(left[format])), left[format]}, l); diff != "" {
			t.Errorf("%s: left out: want (-), got (+):\n%s", format, diff)
		}
		golden(t, "suppress."+format, b.Bytes())
		switch format {
		case "csv":
			rows, err := csv.NewReader(&b).ReadAll()
			if err != nil || len(rows) != 3 {
				t.Errorf("csv: %d rows, %v", len(rows), err)
			}
		case "ndjson":
			for line := range bytes.Lines(b.Bytes()) {
				if !json.Valid(line) {
					t.Errorf("ndjson: not valid: %s", line)
				}
			}
		}
	}
}

func TestSuppressOfNone(t *testing.T) {
	for format, want := range map[string]string{
		"csv":    "domain,category,sub,suppress,reply_code,enhanced_code,diagnostic,rule,confidence,hits,first_seen,last_seen,provider,file,line\n",
		"txt":    "",
		"ndjson": "",
	} {
		var b strings.Builder
		if _, err := WriteSuppress(format, &b, nil, true); err != nil || b.String() != want {
			t.Errorf("%s: %q, %v, want %q", format, b.String(), err, want)
		}
	}
	if _, err := WriteSuppress("xml", nil, nil, false); err == nil || err.Error() != `unknown format "xml": want csv, txt or ndjson` {
		t.Errorf("xml: %v", err)
	}
	full := errors.New("full")
	if _, err := WriteSuppress("csv", fullDisk{full}, nil, false); !errors.Is(err, full) {
		t.Errorf("a full disk: %v", err)
	}
}

type fullDisk struct{ err error }

func (d fullDisk) Write([]byte) (int, error) { return 0, d.err }
