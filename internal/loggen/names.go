package loggen

import "strconv"

var (
	firstNames = [...]string{
		"ada", "ben", "cleo", "dora", "emil", "fay", "gus", "hana", "ivo", "jo", "kim", "lena", "mats", "nora", "otto", "pia",
		"quin", "rosa", "sam", "tess", "uwe", "vera", "wim", "yara",
	}
	lastNames = [...]string{
		"abel", "berg", "costa", "dahl", "eder", "ford", "grau", "holm", "ito", "jung", "klee", "lund", "mora", "nagy", "olin",
		"perl", "quist", "rey", "sand", "tamm", "ulm", "voss", "wolf", "zorn",
	}
	firstWords = [...]string{
		"amber", "birch", "copper", "delta", "ember", "fern", "granite", "harbour", "iris", "juniper", "kestrel", "lark",
		"maple", "north", "orchard", "pine", "quartz", "river", "stone", "timber", "upland", "violet", "willow", "yellow",
	}
	lastWords = [...]string{
		"bakery", "books", "clinic", "design", "estates", "farm", "garage", "hotel", "institute", "joinery", "kitchen",
		"legal", "motors", "news", "optics", "press", "radio", "school", "tools", "union", "valley", "works", "yoga", "zoo",
	}
	senderDomains = [...]string{
		"news.example.com", "lists.example.org", "billing.example.net", "shop.example.com", "alerts.example.org",
		"mail.example.net", "club.example.com", "press.example.org",
	}
	// ownAgents are the delivery agents of this host, each with its own domain: tag and relay.
	ownAgents = [...][2]string{{"postfix/local", "local"}, {"postfix/virtual", "virtual"}, {"postfix/pipe", "dovecot"}}

	// hostileUsers are local parts that try to be more. The log has them quoted where RFC 5321 asks for it; those with
	// spaces and no quotes are as info_log_address_format=internal writes them.
	hostileUsers = [...]string{
		`"x>, relay=mx.example.com[192.0.2.1]:25, delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent (250 2.0.0 Ok)"`,
		`"y, status=bounced (511 5.1.1 gone"`,
		`"z>, orig_to=<q"`,
		`"quoted \"quotes\" and \\ backslash"`,
		`john q. public`,
		`=cmd|'/c calc'!A1`,
		`"<script>alert(1)</script>"`,
		`"a@b"`,
		`+1-550`,
		`%0a%0d::error::`,
		`nobody??[31m`,
		`δοκιμή`,
		`o'brien;drop`,
		`"]: 0123456789: removed"`,
	}
)

// maxUser is how many names there are for appendUser.
const maxUser = uint32(len(firstNames)*len(lastNames)) * 9000

// appendUser appends the local part that user stands for. Different users have different ones.
func appendUser(b []byte, user uint32) []byte {
	b = append(b, firstNames[user%uint32(len(firstNames))]...)
	user /= uint32(len(firstNames))
	b = append(b, '.')
	b = append(b, lastNames[user%uint32(len(lastNames))]...)
	return strconv.AppendUint(b, uint64(1000+user/uint32(len(lastNames))), 10)
}

// newDomains makes n recipient domains, then one for each of our own agents, then those of the senders.
func newDomains(n int) []domain {
	domains := make([]domain, 0, n+len(ownAgents)+len(senderDomains))
	for i := range n {
		name := firstWords[i%len(firstWords)]
		rest := i / len(firstWords)
		name += "-" + lastWords[rest%len(lastWords)]
		if rest /= len(lastWords); rest > 0 {
			name += strconv.Itoa(rest)
		}
		name += ".test"
		switch i {
		case 0:
			name = "example.com"
		case 1:
			name = "example.net"
		case 2:
			name = "example.org"
		}
		domains = append(domains, newDomain(name, i))
	}
	for i, a := range ownAgents {
		d := domain{name: a[1] + ".mx.example.com", mx: a[1], tag: a[0], ok: uint8(i), ownAgent: true}
		domains = append(domains, d)
	}
	for i, name := range senderDomains {
		domains = append(domains, newDomain(name, i))
	}
	return domains
}

// newDomain makes the i-th remote domain. Every fifth has its mail at a hosting provider, every seventh on IPv6.
func newDomain(name string, i int) domain {
	mx := "mx1." + name
	if i%5 == 4 {
		mx = "in" + strconv.Itoa(i%3) + ".hosting" + strconv.Itoa(i%17) + ".test"
	}
	nets := [...]string{"192.0.2.", "203.0.113."}
	address := nets[i%2] + strconv.Itoa(1+i/2%254)
	if i%7 == 6 {
		address = "2001:db8::" + strconv.FormatInt(int64(i%0xffff+1), 16)
	}
	d := domain{
		name: name, mx: mx + "[" + address + "]", backup: "mx2." + name + "[198.51.100." + strconv.Itoa(100+i%150) + "]",
		tag: "postfix/smtp", ok: uint8(i % 7), habit: uint8(i * 31 % 251),
	}
	if i%16 == 15 {
		d.tag = "postfix/slow/smtp" // a service of its own in master.cf
	}
	return d
}
