package fields

import (
	"math"
	"net/netip"
	"strings"

	"bouncelog/parsers"
)

// Address cuts an IP address and its port, zero where there is none: `192.0.2.1:25`, `[2001:db8::1]:25`, `2001:db8::1`,
// `[IPv6:2001:db8::1]`. What is no address, a name or the path of a socket, is empty.
func Address(s string) (ip string, port uint16) {
	number := ""
	if inside, ok := strings.CutPrefix(s, "["); ok {
		s, number, _ = strings.Cut(inside, "]")
		number = strings.TrimPrefix(number, ":")
	} else if i := strings.IndexByte(s, ':'); i >= 0 && strings.IndexByte(s[i+1:], ':') < 0 {
		s, number = s[:i], s[i+1:]
	}
	if len(s) > len(tagIPv6) && strings.EqualFold(s[:len(tagIPv6)], tagIPv6) {
		s = s[len(tagIPv6):]
	}
	if !IsAddress(s) {
		return "", 0
	}
	return s, Port(number)
}

// Port returns the number of a port, zero where s is none.
func Port(s string) uint16 {
	if n := Number(s); n <= math.MaxUint16 {
		return uint16(n)
	}
	return 0
}

// IsAddress reports whether s is an IP address. That of IPv4 is read here: many lines have two, and netip takes five times as
// long.
func IsAddress(s string) bool {
	if strings.IndexByte(s, ':') >= 0 {
		_, err := netip.ParseAddr(s)
		return err == nil
	}
	return isIPv4(s)
}

// isIPv4 reports whether s is four numbers up to 255, without leading zeros, with dots between them.
func isIPv4(s string) bool {
	numbers, n, size := 1, 0, 0
	for i := range len(s) {
		switch c := s[i]; {
		case digit(c):
			if size > 0 && n == 0 {
				return false
			}
			if n = n*10 + int(c-'0'); n > 255 {
				return false
			}
			size++
		case c == '.' && size > 0:
			numbers, n, size = numbers+1, 0, 0
		default:
			return false
		}
	}
	return numbers == 4 && size > 0
}

const tagIPv6 = "IPv6:" // RFC 5321 4.1.3

// Inside reports whether a delivery to this server stays inside the house: the server is on this host, or the user said so
// (--internal-relay).
func Inside(o *parsers.Options, host, ip string) bool {
	if strings.HasPrefix(ip, "127.") || ip == "::1" {
		return true
	}
	if host != "" {
		for _, h := range o.InternalHosts {
			if strings.EqualFold(h, host) {
				return true
			}
		}
	}
	if len(o.InternalRelays) == 0 {
		return false
	}
	addr, err := netip.ParseAddr(ip)
	if err != nil {
		return false
	}
	addr = addr.Unmap()
	for _, r := range o.InternalRelays {
		if r.Contains(addr) {
			return true
		}
	}
	return false
}
