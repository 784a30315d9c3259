package classify

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// A Provider is whoever runs the servers of many domains.
type Provider struct {
	Name  string `toml:"name"`
	Title string `toml:"title"` // as people call it
	URL   string `toml:"url"`   // its page for senders

	// How it is recognised, the first first: a suffix of the relay's name (`.google.com`), a text that its servers alone
	// write, a recipient domain of its own.
	MX      []string `toml:"mx"`
	Text    []string `toml:"text"`
	Domains []string `toml:"domains"`
}

// providers finds a provider.
type providers struct {
	list   []Provider
	mx     map[string]int // suffix without its dot; the longest counts
	domain map[string]int
	byName map[string]int
}

// parseProviders reads a table of providers from TOML.
func parseProviders(name string, text []byte) ([]Provider, error) {
	var file struct {
		Provider []Provider `toml:"provider"`
	}
	if err := toml.NewDecoder(bytes.NewReader(text)).DisallowUnknownFields().Decode(&file); err != nil {
		return nil, tomlError(name, err)
	}
	var errs []error
	for i := range file.Provider {
		p := &file.Provider[i]
		if p.Name == "" || p.Title == "" || len(p.MX)+len(p.Text)+len(p.Domains) == 0 {
			errs = append(errs, fmt.Errorf("%s: provider %q: want a name, a title, and mx, text or domains", name, p.Name))
		}
		for j, s := range p.Text {
			if p.Text[j] = foldText(s); len(p.Text[j]) < minLiteral {
				errs = append(errs, fmt.Errorf("%s: provider %q: the text %q is shorter than %d bytes", name, p.Name, s, minLiteral))
			} else if len(p.Text[j]) > maxText {
				errs = append(errs, fmt.Errorf("%s: provider %q: the text %.20q… is longer than the %d bytes of a reply that are looked at", name, p.Name, s, maxText))
			}
		}
	}
	return file.Provider, errors.Join(errs...)
}

// newProviders makes the table. Of two with the same suffix or domain, the first in the list has it.
func newProviders(list []Provider) *providers {
	p := &providers{list: list, mx: make(map[string]int), domain: make(map[string]int), byName: make(map[string]int)}
	put := func(m map[string]int, key string, i int) {
		if _, ok := m[key]; !ok {
			m[key] = i
		}
	}
	for i := range list {
		put(p.byName, list[i].Name, i)
		for _, s := range list[i].MX {
			put(p.mx, strings.Trim(strings.ToLower(s), "."), i)
		}
		for _, s := range list[i].Domains {
			put(p.domain, strings.ToLower(s), i)
		}
	}
	return p
}

// ofRelay returns the provider whose servers bear this name, -1 where there is none: the longest suffix counts.
func (p *providers) ofRelay(host string) int {
	host = strings.TrimSuffix(lowerASCII(host), ".")
	for host != "" {
		if i, ok := p.mx[host]; ok {
			return i
		}
		_, rest, ok := strings.Cut(host, ".")
		if !ok {
			break
		}
		host = rest
	}
	return -1
}

// ofDomain returns the provider whose own domain this is, -1 where there is none.
func (p *providers) ofDomain(domain string) int {
	if i, ok := p.domain[lowerASCII(domain)]; ok {
		return i
	}
	return -1
}
