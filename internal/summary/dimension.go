package summary

// A Dimension is something that attempts and outcomes are counted by.
type Dimension uint8

// The dimensions.
const (
	ByDomain       Dimension = iota + 1 // of the recipient
	ByProvider                          // whoever runs its servers
	ByRelay                             // the server talked to
	BySender                            // the envelope sender
	BySenderDomain                      // its domain
	ByCampaign                          // the mailing, as Options.Campaign tells them apart
	BySourceIP                          // our end of the connection
	ByHost                              // whose log it is
	ByInstance                          // which of several MTAs of a host
	ByTransport                         // the MTA's program that delivers
	ByCategory                          // of the cause of failure; empty where nothing failed
	ByCode                              // the reply code and the enhanced code
	ByHour                              // UTC
	ByDay                               // UTC
	numDimensions
)

var dimensionNames = [numDimensions]string{"", "domain", "provider", "relay", "sender", "sender-domain", "campaign", "source-ip", "host",
	"instance", "transport", "category", "code", "hour", "day"}

// String returns the name of d as --by takes it.
func (d Dimension) String() string { return dimensionNames[d] }

// Dimensions returns every dimension.
func Dimensions() (all []Dimension) {
	for d := ByDomain; d < numDimensions; d++ {
		all = append(all, d)
	}
	return all
}

// By is the one or two dimensions of a breakdown; the second zero where it has one.
type By [2]Dimension

func (b By) names() []string {
	if b[1] == 0 {
		return []string{b[0].String()}
	}
	return []string{b[0].String(), b[1].String()}
}
