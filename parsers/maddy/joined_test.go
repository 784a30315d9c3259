package maddy

import "bouncelog/parsers"

// joined is the format with a joiner behind its parser, so that lines are to be read in their order.
func joined() parsers.Format {
	f := Format()
	open := f.Open
	f.Open = func(s parsers.Sample, o parsers.Options) (parsers.Parser, error) {
		p, err := open(s, o)
		return &inOrder{p, f.Join(o)}, err
	}
	return f
}

type inOrder struct {
	parsers.Parser
	parsers.Joiner
}

func (p *inOrder) AppendEvents(dst []parsers.Event, line *parsers.Line) ([]parsers.Event, error) {
	told, err := p.Parser.AppendEvents(nil, line)
	for i := range told {
		if ev := &told[i]; ev.Kind == parsers.Part {
			dst = p.Join(dst, line.Host, line, ev)
		} else {
			dst = append(dst, *ev)
		}
	}
	return dst, err
}
