package stalwart

import (
	"bouncelog/internal/fields"
	"bouncelog/parsers"
)

// The keys of JSON that matter, and where readJSON keeps them.
const (
	jsonTime = iota
	jsonType
	jsonGist
	jsonData
	jsonKeys
)

const (
	dataQueueID = iota
	dataFrom
	dataTo
	dataDomain
	dataHostname
	dataIP
	dataPort
	dataCode
	dataDetails
	dataReason
	dataCause
	dataElapsed
	dataKeys
)

var (
	jsonNames = [jsonKeys]string{"createdAt", "type", "text", "data"}
	dataNames = [dataKeys]string{"queueId", "from", "to", "domain", "hostname", "remoteIp", "remotePort", "code", "details", "reason", "causedBy", "elapsed"}
)

// readJSON takes an event in JSON apart. There, a key comes once: that of the event hides the delivery's.
func (r *record) readJSON(s string) bool {
	var v [jsonKeys]fields.Value
	if !fields.Object(s, jsonNames[:], v[:]) || !v[jsonTime].IsString() || !v[jsonType].IsString() || !v[jsonData].IsObject() {
		return false
	}
	var rest string
	if r.time, rest, _ = fields.Stamp(v[jsonTime].Text(), nil); r.time == 0 || rest != "" {
		return false
	}
	r.gist = v[jsonGist].Text()
	if r.name = v[jsonType].Text(); !r.wanted() {
		return true
	}
	var d [dataKeys]fields.Value
	fields.Object(v[jsonData].Raw, dataNames[:], d[:])
	if d[dataTo].IsArray() {
		r.all = list{d[dataTo].Raw, true}
	} else {
		r.to = d[dataTo].Text()
	}
	if d[dataFrom].IsString() {
		r.from = parsers.Sender(d[dataFrom].Text())
	}
	r.queueID, r.domain, r.hostname = d[dataQueueID].Text(), d[dataDomain].Text(), d[dataHostname].Text()
	r.ip, r.port, r.code, r.elapsed = d[dataIP].Text(), d[dataPort].Text(), d[dataCode].Text(), d[dataElapsed].Text()
	for _, v := range []fields.Value{d[dataDetails], d[dataReason], d[dataCause]} {
		if v.IsString() {
			r.text = v.Text()
		} else if v.IsObject() {
			r.cause = v.Get("type").Text()
			data := v.Get("data")
			if code := data.Get("code"); !code.IsZero() {
				r.code = code.Text()
			}
			r.about, r.text = data.Get("details").Text(), data.Get("reason").Text()
		}
	}
	return true
}
