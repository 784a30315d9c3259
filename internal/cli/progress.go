package cli

import (
	"io"
	"time"

	"bouncelog/internal/source"

	"github.com/schollz/progressbar/v3"
)

// progress draws how much of the inputs was dealt with, counted in bytes on disk so that the total is known.
type progress struct {
	bar *progressbar.ProgressBar
}

func newProgress(w io.Writer, inputs []*source.Input) *progress {
	total := int64(0)
	for _, in := range inputs {
		if in.Size < 0 {
			total = -1
			break
		}
		total += in.Size
	}
	return &progress{progressbar.NewOptions64(total,
		progressbar.OptionSetWriter(w),
		progressbar.OptionShowBytes(true),
		progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionClearOnFinish(),
		progressbar.OptionSetDescription("reading"))}
}

func (p *progress) add(n int64) { _ = p.bar.Add64(n) }

// finish takes the bar away. A nil progress has none.
func (p *progress) finish() {
	if p != nil {
		_ = p.bar.Finish()
	}
}
