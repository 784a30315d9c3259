package kerio

import "bouncelog/parsers"

// joined is the format with a joiner behind its parser, and what later stages know of senders, so that lines are to be read
// in their order.
func joined() parsers.Format {
	f := Format()
	open := f.Open
	f.Open = func(s parsers.Sample, o parsers.Options) (parsers.Parser, error) {
		p, err := open(s, o)
		return &inOrder{p, f.Join(o), map[string]string{}}, err
	}
	return f
}

type inOrder struct {
	parsers.Parser
	parsers.Joiner
	senders map[string]string
}

func (p *inOrder) AppendEvents(dst []parsers.Event, line *parsers.Line) ([]parsers.Event, error) {
	told, err := p.Parser.AppendEvents(nil, line)
	for i := range told {
		ev := &told[i]
		if ev.Kind != parsers.Part {
			p.senders[ev.QueueID] = ev.Sender
			dst = append(dst, *ev)
			continue
		}
		ev.Sender = p.senders[ev.QueueID]
		dst = p.Join(dst, line.Host, line, ev)
	}
	return dst, err
}
