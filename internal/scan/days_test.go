package scan

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"bouncelog/internal/source"
	"bouncelog/parsers/all"

	"github.com/google/go-cmp/cmp"
)

// A log is cut where its days are, plain or compressed, whatever of it was read before.
func TestDays(t *testing.T) {
	zone := time.FixedZone("", 3600)
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 1))
		at := time.Date(2026, 11, 1, 20, 0, 0, 0, time.UTC)
		var text strings.Builder
		var want []Day
		start := int64(-1)
		for i := range 200 + r.IntN(4000) {
			line := ""
			date := ""
			if r.IntN(20) > 0 {
				at = at.Add(time.Duration(r.IntN(400)) * time.Second)
				stamp := at
				if r.IntN(50) == 0 {
					stamp = at.Add(-time.Duration(r.IntN(30)) * time.Second)
				}
				date = stamp.In(zone).Format(time.DateOnly)
				line = stamp.Format("2006-01-02T15:04:05Z") + fmt.Sprintf(" mx1 postfix/smtp[%d]: %s", i, strings.Repeat("x", r.IntN(300)))
			} else {
				line = strings.Repeat("y", r.IntN(200))
			}
			if r.IntN(400) == 0 {
				line += strings.Repeat("z", window+r.IntN(window))
			}
			if start < 0 && r.IntN(100) == 0 {
				start = int64(text.Len())
				want = []Day{{From: start}}
			}
			if n := len(want); n > 0 && date != "" {
				switch now := &want[n-1]; {
				case now.Date == "":
					now.Date = date
				case date > now.Date:
					now.Till = int64(text.Len())
					want = append(want, Day{From: now.Till, Date: date})
				}
			}
			text.WriteString(line + "\n")
		}
		if start < 0 {
			continue
		}
		var packed bytes.Buffer
		z := gzip.NewWriter(&packed)
		z.Write([]byte(text.String()))
		z.Close()
		for _, data := range []string{text.String(), packed.String()} {
			path := write(t, "mail.log", []byte(data))
			inputs, _, errs := source.Expand([]string{path}, nil)
			if len(errs) > 0 {
				t.Fatal(errs)
			}
			b, err := inputs[0].Beginning()
			if err != nil {
				t.Fatal(err)
			}
			span := b.Span(start)
			got, err := Days(t.Context(), Config{Inputs: []*source.Input{inputs[0].Part(span)}, Formats: all.Formats(), Now: at.Add(time.Hour)}, zone)
			if err != nil {
				t.Fatal(err)
			}
			want[len(want)-1].Till = span.Till
			if d := cmp.Diff(want, got); d != "" {
				t.Fatalf("seed %d, %d bytes (-want +got):\n%s", seed, len(data), d)
			}
			os.Remove(path)
		}
	}
}
