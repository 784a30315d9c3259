package summary

// Wants reports whether o asks for a record: whether it is in the window, and of the domain, job, campaign and sender.
func (o *Options) Wants(r *Record) bool {
	return o.within(r.Time) &&
		(o.Domain == "" || matches(o.Domain, r.Domain)) &&
		(o.Job == "" || matches(o.Job, r.Job)) &&
		(o.Campaign == "" || matches(o.Campaign, o.campaign(r.Sender, r.MessageID, r.Job, r.campaign))) &&
		(o.Sender == "" || r.Sender != "" && matches(o.Sender, r.Sender))
}
