package cli

import (
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"
)

// However the entries come in, the cursor is that of the last one.
func TestTail(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 1))
		var text strings.Builder
		want := ""
		for i := range r.IntN(30) {
			want = fmt.Sprint("i=", i)
			fmt.Fprintf(&text, "{\"__CURSOR\":%q,\"MESSAGE\":%q}\n", want, strings.Repeat("x", r.IntN(300)))
		}
		if want == "" {
			text.WriteString("-- No entries --\n")
		}
		tail := &tail{r: strings.NewReader(text.String()), atEnd: func() error { return nil }}
		from := io.Reader(tail)
		switch r.IntN(3) {
		case 0:
			from = iotest.OneByteReader(tail)
		case 1:
			from = iotest.HalfReader(tail)
		}
		got, err := io.ReadAll(from)
		if err != nil || string(got) != text.String() {
			t.Fatalf("seed %d: %d bytes came through, %v", seed, len(got), err)
		}
		if cursor, err := tail.cursor(); cursor != want || err != nil {
			t.Fatalf("seed %d: cursor %q, %v; want %q", seed, cursor, err, want)
		}
	}
	long := &tail{r: strings.NewReader("{" + strings.Repeat(" ", 2*maxEntry) + "\"__CURSOR\":\"x\"}\n"), atEnd: func() error { return nil }}
	if _, err := io.Copy(io.Discard, long); err != nil {
		t.Fatal(err)
	}
	if _, err := long.cursor(); err == nil || len(long.last) > maxEntry+64<<10 {
		t.Errorf("an endless entry: %d bytes kept, error %v", len(long.last), err)
	}
}
