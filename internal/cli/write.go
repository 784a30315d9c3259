package cli

import (
	"bufio"
	"context"
	"errors"
	"io"

	"bouncelog/report"
)

// A printer writes documents of one kind in one format.
type printer[D any] struct {
	write    func(io.Writer, *D, report.WriteOptions) error
	passedOn bool                // the format is meant to be: it is redacted where nothing else is asked for
	options  report.WriteOptions // but for those that only stdout has
}

// writeAll writes to all outputs what of returns for what is passed on, or not. Where one output fails, as written tells, the
// others are written all the same.
func writeAll[D any](ctx context.Context, o IO, outputs []output, color bool, find func(format string) (printer[D], error), of func(passedOn bool) (*D, error)) (written, err error) {
	for _, out := range outputs {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		p, err := find(out.format)
		if err != nil {
			return nil, err
		}
		doc, err := of(p.passedOn)
		if err != nil {
			return nil, err
		}
		if out.path == "" {
			p.options.Color, p.options.Width = color, o.Width
		}
		written = errors.Join(written, out.write(o, func(to io.Writer) error {
			b := bufio.NewWriter(to)
			if err := p.write(b, doc, p.options); err != nil {
				return err
			}
			return b.Flush()
		}))
	}
	return written, nil
}

// redacting returns a function that gives a document for what is passed on, or not: as it is, or a copy with pseudonyms, which
// redact makes once.
func redacting[D any](f *redactFlags, doc *D, redact func(report.Redaction) (*D, error)) func(passedOn bool) (*D, error) {
	var redacted *D
	return func(passedOn bool) (*D, error) {
		level := f.of(passedOn)
		if level == report.RedactNone {
			return doc, nil
		}
		if redacted == nil {
			var err error
			if redacted, err = redact(level); err != nil {
				return nil, err
			}
		}
		return redacted, nil
	}
}
