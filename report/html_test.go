package report

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"reflect"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// A node is an element of a page, or a text (then name is empty).
type node struct {
	name   string
	attr   map[string]string
	text   string
	parent *node
	kids   []*node
}

// parsePage reads a page, which is well-formed XML so that a test can tell what is an element and what is text.
func parsePage(t testing.TB, page []byte) *node {
	t.Helper()
	root := &node{}
	at := root
	d := xml.NewDecoder(bytes.NewReader(page))
	for {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("not well-formed: %v", err)
		}
		switch tok := tok.(type) {
		case xml.StartElement:
			n := &node{name: tok.Name.Local, attr: make(map[string]string), parent: at}
			for _, a := range tok.Attr {
				n.attr[a.Name.Local] = a.Value
			}
			at.kids = append(at.kids, n)
			at = n
		case xml.EndElement:
			at = at.parent
		case xml.CharData:
			at.kids = append(at.kids, &node{text: string(tok), parent: at})
		}
	}
	return root
}

// walk calls f for n and all below it, until f returns false for one.
func (n *node) walk(f func(*node) bool) {
	if f(n) {
		for _, k := range n.kids {
			k.walk(f)
		}
	}
}

func (n *node) hasClass(class string) bool {
	return slices.Contains(strings.Fields(n.attr["class"]), class)
}

// words returns all that a page says, to the eye, to the pointer and to a screen reader, but for its scales.
func words(root *node) string {
	var b strings.Builder
	root.walk(func(n *node) bool {
		if n.name == "style" || n.hasClass("ys") || n.hasClass("xs") {
			return false
		}
		b.WriteString(n.text + n.attr["aria-label"])
		if n.name != "i" && n.name != "bdi" && n.name != "b" && n.name != "time" {
			b.WriteByte(' ')
		}
		return true
	})
	return b.String()
}

// shape writes the elements and the names of their attributes, without what they say.
func shape(root *node) string {
	var b strings.Builder
	root.walk(func(n *node) bool {
		if n.name != "" {
			fmt.Fprintf(&b, "%s", n.name)
			for _, a := range slices.Sorted(maps.Keys(n.attr)) {
				b.WriteString(" " + a)
			}
			b.WriteByte('\n')
		}
		return true
	})
	return b.String()
}

var numeral = regexp.MustCompile(`[0-9][0-9,.]*[0-9]|[0-9]`)

// numerals are the numbers that a model's value may be written with.
func numerals(v reflect.Value, into map[string]bool) {
	add := func(s string) {
		for _, n := range numeral.FindAllString(s, -1) {
			into[n] = true
		}
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			numerals(v.Field(i), into)
		}
	case reflect.Slice:
		add(count(int64(v.Len())))
		for i := range v.Len() {
			numerals(v.Index(i), into)
		}
	case reflect.Pointer:
		if !v.IsNil() {
			numerals(v.Elem(), into)
		}
	case reflect.Int, reflect.Int64:
		add(count(v.Int()))
		add(strconv.FormatInt(v.Int(), 10)) // codes and lines
	case reflect.Float64:
		f := v.Float()
		add(percent(&f))
		add(took(&f))
	case reflect.String:
		add(Visible(v.String()))
		add(when(v.String()))
		add(minute(v.String()))
	}
}

// TestHTMLNumbers: whatever number is on the page is in the model.
func TestHTMLNumbers(t *testing.T) {
	var filled Report
	next := int64(1000)
	want := make(map[string]string)
	fill(reflect.ValueOf(&filled).Elem(), "Report", &next, want)
	for name, r := range map[string]*Report{"filled": &filled, "full": fullReport(t, Options{}), "newsletter": newsletterReport(t, 30), "empty": emptyReport(t)} {
		model := map[string]bool{
			"100": true, "50": true, "50th": true, "90": true, "99": true, "60": true, "0": true, // words of the page
		}
		numerals(reflect.ValueOf(*r), model)
		model[count(int64(len(r.Hints)-min(len(r.Hints), htmlFirst)))] = true // in what stands behind a click
		text := words(parsePage(t, write(t, "html", r, WriteOptions{})))
		seen := 0
		for _, n := range numeral.FindAllString(text, -1) {
			if seen++; !model[n] {
				i := strings.Index(text, n)
				t.Errorf("%s: %s is not in the model: %q", name, n, text[max(0, i-40):min(len(text), i+40)])
			}
		}
		if seen < 4 {
			t.Errorf("%s: only %d numbers on the page", name, seen)
		}
	}
}

// TestHTMLHasEveryCount: what the page is there for is on it.
func TestHTMLHasEveryCount(t *testing.T) {
	var r Report
	next := int64(1000)
	want := make(map[string]string)
	fill(reflect.ValueOf(&r).Elem(), "Report", &next, want)
	r.Totals.BounceRate, r.Totals.DeferralRate = &[]float64{0.123456}[0], &[]float64{0.654321}[0]
	text := words(parsePage(t, write(t, "html", &r, WriteOptions{})))
	found := make(map[string]bool)
	for _, n := range numeral.FindAllString(text, -1) {
		found[n] = true
	}
	// What only JSON has: outcomes of a row beside those that make up its rates, and what a total says already.
	absent := regexp.MustCompile(`Domains\[0\]\.Tally\.Outcomes\.(Delivered|Bounced|Lost)$|Senders\[0\]\.Tally\.Outcomes\.(Delivered|Bounced|Lost)$|` +
		`Rows\[0\]\.Tally\.Outcomes\.(Delivered|Bounced|Lost)$|TopReply\.Share|Total$`)
	listed := regexp.MustCompile(`^Report\.(Totals\.(Attempts|Overridden|Conflicts|Notifications|Internal|Probes|Suspended|Discarded|Unattempted|Suppressed|Async|Connects|Inbound|Origins)|` +
		`Coverage\.(Lines|Delivery|Context|Ignored|Unrecognised|Malformed|Overlong|Skipped|Dropped|Repeats|Gaps)|Outcomes\.Delivered|Outcomes\.Outcomes|Classes\[0\]\.Count|` +
		`Replies\[0\]\.(ReplyCode|Count)|Categories\[0\]\.(Attempts|Deferred|Bounced|Recipients|Outcomes\.(Bounced|Expired|Pending|Lost))|Providers\[0\]\.(Tally\.Attempts|Categories\[0\]\.Attempts)|Domains|Senders|Timeline\[0\]\.(Sent|Deferred|Bounced|Classes|Outcomes)|` +
		`Templates\[0\]\.(Count|ReplyCode)|Hints\[0\]\.Attempts|Inputs\[0\]\.(Lines|Bytes)|DeliveryTimes\[0\]\.(Delivered|Retries)|Breakdowns\[0\]\.Rows)`)
	seen := 0
	for n, path := range want {
		i, _ := strconv.ParseInt(n, 10, 64)
		f := float64(i)
		if !listed.MatchString(path) || absent.MatchString(path) {
			continue
		}
		seen++
		rate := strings.TrimSuffix(percent(&f), "%")
		if !found[n] && !found[count(i)] && !found[rate] && !strings.HasSuffix(path, "Rates.BounceRate") && !strings.HasSuffix(path, "Rates.DeferralRate") {
			t.Errorf("%s is not on the page", path)
		}
	}
	if seen < 60 {
		t.Errorf("only %d numbers were looked for", seen)
	}
}

// elements are all that a page is made of.
var elements = strings.Fields("html head meta link title style body a header h1 h2 h3 p time bdi nav ul li main section dl div dt dd svg g rect path " +
	"ol b small code span i table caption thead tbody tr th td details summary footer")

// TestHTMLIsSafe: a page is what it says, whatever a log says.
func TestHTMLIsSafe(t *testing.T) {
	for name, r := range map[string]*Report{"full": fullReport(t, Options{}), "hostile": hostileReport(t, 0), "empty": emptyReport(t), "newsletter": newsletterReport(t, 700)} {
		page := write(t, "html", r, WriteOptions{})
		if i := bytes.IndexFunc(page, func(r rune) bool { return r != '\n' && !unicode.IsGraphic(r) }); i >= 0 || !utf8.Valid(page) {
			t.Errorf("%s: unsafe at %d", name, i)
		}
		if !bytes.Contains(page, []byte(`<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:"/>`)) {
			t.Errorf("%s: no policy", name)
		}
		if bytes.Contains(page, []byte("ZgotmplZ")) {
			t.Errorf("%s: html/template refused something", name)
		}
		parsePage(t, page).walk(func(n *node) bool {
			if n.name != "" && !slices.Contains(elements, n.name) {
				t.Errorf("%s: element %s", name, n.name)
			}
			for a, v := range n.attr {
				switch {
				case strings.HasPrefix(a, "on") || a == "src" || a == "srcset" || a == "action":
					t.Errorf("%s: %s has %s", name, n.name, a)
				case a == "href" && !strings.HasPrefix(v, "#") && v != "data:,":
					if n.name != "a" || !strings.HasPrefix(v, "https://") || !strings.Contains(n.attr["rel"], "noopener") {
						t.Errorf("%s: %s leads to %s", name, n.name, v)
					}
				case a == "style" && !regexp.MustCompile(`^(left|bottom):[0-9.]+%$`).MatchString(v):
					t.Errorf("%s: style %q", name, v)
				}
			}
			return true
		})
		if strings.Contains(htmlStyle, "url(") || strings.Contains(htmlStyle, "@import") {
			t.Error("the style sheet fetches something")
		}
		if len(page) > 1_500_000 {
			t.Errorf("%s: %d bytes", name, len(page))
		}
	}
}

// say puts s wherever the model has a text.
func say(v reflect.Value, s string) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			say(v.Field(i), s)
		}
	case reflect.Slice:
		for i := range v.Len() {
			say(v.Index(i), s)
		}
	case reflect.Pointer:
		say(v.Elem(), s)
	case reflect.String:
		v.SetString(s)
	}
}

// shapeOf returns what a page is made of that has s wherever the model has a text.
func shapeOf(t testing.TB, s string) string {
	t.Helper()
	var r Report
	next := int64(1)
	fill(reflect.ValueOf(&r).Elem(), "Report", &next, make(map[string]string))
	say(reflect.ValueOf(&r).Elem(), s)
	return shape(parsePage(t, write(t, "html", &r, WriteOptions{})))
}

// TestHTMLShape: no text changes what a page is made of.
func TestHTMLShape(t *testing.T) {
	want := shapeOf(t, "x")
	for _, s := range append(hostileTexts, `"><img src=x onerror=alert(1)>`, `</style><script>`, `'--><!--`, `]]>`, `&lt;b&gt;`, "javascript:alert(1)", "data:text/html,x", "#1") {
		if diff := cmp.Diff(want, shapeOf(t, s)); diff != "" {
			t.Errorf("%q changes the page:\n%s", s, diff)
		}
	}
}

func FuzzHTML(f *testing.F) {
	for _, s := range hostileTexts {
		f.Add(s)
	}
	want := shapeOf(f, "x")
	f.Fuzz(func(t *testing.T, s string) {
		// What is empty, or is as a time, is left out; an address is a link.
		if strings.TrimSpace(when(s)) == "" || strings.HasPrefix(s, "http") || len(s) > 1<<12 {
			return
		}
		if _, err := time.Parse(time.RFC3339, s); err == nil { // a time has a place in the charts
			return
		}
		if got := shapeOf(t, s); got != want {
			t.Errorf("%q changes the page:\n%s", s, cmp.Diff(want, got))
		}
	})
}

// TestHTMLStructure checks what a screen reader goes by.
func TestHTMLStructure(t *testing.T) {
	for name, r := range map[string]*Report{"full": fullReport(t, Options{}), "hostile": hostileReport(t, 0), "empty": emptyReport(t), "newsletter": newsletterReport(t, 20)} {
		root := parsePage(t, write(t, "html", r, WriteOptions{}))
		count, ids, links, labels := make(map[string]int), make(map[string]bool), []string{}, make(map[string]int)
		level := 0
		root.walk(func(n *node) bool {
			if n.name != "title" || n.parent.name == "head" {
				count[n.name]++
			}
			if id := n.attr["id"]; id != "" {
				if ids[id] {
					t.Errorf("%s: id %s twice", name, id)
				}
				ids[id] = true
			}
			for _, a := range []string{"href", "aria-labelledby"} {
				if v, ok := n.attr[a]; ok && (a != "href" || strings.HasPrefix(v, "#")) {
					links = append(links, strings.TrimPrefix(v, "#"))
				}
			}
			if len(n.name) == 2 && n.name[0] == 'h' && n.name[1] >= '1' && n.name[1] <= '6' {
				if now := int(n.name[1] - '0'); now > level+1 {
					t.Errorf("%s: heading of level %d after %d", name, now, level)
				} else {
					level = now
				}
			}
			switch n.name {
			case "section":
				if n.attr["aria-labelledby"] == "" && n.attr["aria-label"] == "" {
					t.Errorf("%s: a section without a name", name)
				}
				labels[n.attr["aria-labelledby"]+n.attr["aria-label"]]++
			case "svg":
				if n.attr["aria-hidden"] != "true" && (n.attr["role"] != "img" || n.attr["aria-label"] == "") {
					t.Errorf("%s: a drawing without a name", name)
				}
			case "th":
				if n.attr["scope"] == "" {
					t.Errorf("%s: a head without a scope", name)
				}
			case "tr":
				columns := 0
				for _, k := range n.kids {
					if k.name != "" {
						columns++
					}
				}
				head := n.parent.parent.kids[slices.IndexFunc(n.parent.parent.kids, func(k *node) bool { return k.name == "thead" })].kids[0]
				if columns != len(head.kids) {
					t.Errorf("%s: a row of %d cells under %d heads", name, columns, len(head.kids))
				}
			case "table":
				if n.kids[0].name != "caption" || n.parent.attr["tabindex"] != "0" {
					t.Errorf("%s: a table without a caption, or not to be scrolled by keys", name)
				}
			}
			return true
		})
		for _, id := range links {
			if !ids[id] {
				t.Errorf("%s: nothing is called %s", name, id)
			}
		}
		for label, n := range labels {
			if n > 1 {
				t.Errorf("%s: %d sections are called %s", name, n, label)
			}
		}
		for _, one := range []string{"h1", "header", "nav", "main", "footer", "title"} {
			if count[one] != 1 {
				t.Errorf("%s: %d of %s", name, count[one], one)
			}
		}
		if i := slices.IndexFunc(root.kids, func(k *node) bool { return k.name == "html" }); i < 0 || root.kids[i].attr["lang"] != "en" {
			t.Errorf("%s: no language", name)
		}
	}
}

// TestHTMLContrast computes the contrasts of WCAG 2.2, 1.4.3 (text, 4.5) and 1.4.11 (drawings, 3), in every palette.
func TestHTMLContrast(t *testing.T) {
	palettes := regexp.MustCompile(`(?s):root \{(.*?)\}`).FindAllStringSubmatch(htmlStyle, -1)
	if len(palettes) != 3 {
		t.Fatalf("%d palettes, want light, dark and print", len(palettes))
	}
	color := regexp.MustCompile(`--([a-z0-9-]+): #([0-9a-f]{3}|[0-9a-f]{6});`)
	for i, p := range palettes {
		vars := make(map[string]string)
		for _, m := range color.FindAllStringSubmatch(p[1], -1) {
			vars[m[1]] = m[2]
		}
		check := func(fore, back string, least float64) {
			if vars[fore] == "" || vars[back] == "" {
				t.Errorf("palette %d: no %s or %s", i, fore, back)
			} else if c := contrast(vars[fore], vars[back]); c < least {
				t.Errorf("palette %d: %s on %s: contrast %.2f, want %.1f", i, fore, back, c, least)
			}
		}
		for _, fore := range []string{"ink", "dim", "link"} {
			for _, back := range []string{"page", "card", "code", "warn"} {
				check(fore, back, 4.5)
			}
		}
		for _, fore := range []string{"sent", "later", "deferred", "bounced", "expired", "pending", "lost", "unclear", "warn-line"} {
			check(fore, "card", 3)
		}
		for _, h := range []string{"h1", "h2", "h3", "h4"} {
			check("hi", h, 4.5)
		}
		check("lo", "h5", 4.5)
		check("lo", "h6", 4.5)
	}
}

func contrast(a, b string) float64 {
	x, y := luminance(a), luminance(b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

// luminance is the relative luminance of WCAG 2.2.
func luminance(hex string) float64 {
	if len(hex) == 3 {
		hex = string([]byte{hex[0], hex[0], hex[1], hex[1], hex[2], hex[2]})
	}
	var l float64
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		n, _ := strconv.ParseUint(hex[2*i:2*i+2], 16, 8)
		c := float64(n) / 255
		if c <= 0.04045 {
			c /= 12.92
		} else {
			c = math.Pow((c+0.055)/1.055, 2.4)
		}
		l += weight * c
	}
	return l
}

// TestHTMLLimits: the page says what it leaves out, and --top decides.
func TestHTMLLimits(t *testing.T) {
	r := newsletterReport(t, 5000)
	page := string(write(t, "html", r, WriteOptions{}))
	if !strings.Contains(page, "The first 500 of 5,000 domains; a larger --top shows more, and -f json has them all.") {
		t.Error("the page does not say that domains are missing")
	}
	for top, want := range map[int]int{0: htmlDomains, 3: 3, 5000: 5000} {
		page := string(write(t, "html", r, WriteOptions{Top: top}))
		_, page, _ = strings.Cut(page, `<section id="domains"`)
		page, _, _ = strings.Cut(page, "</section>")
		if got := strings.Count(page, "<tr>") - 1; got != want {
			t.Errorf("top %d: %d rows, want %d", top, got, want)
		}
		if got := strings.Contains(page, "The first "); got != (want < 5000) {
			t.Errorf("top %d: says that rows are missing: %v", top, got)
		}
	}
}

// TestHTMLCost: 100 000 domains take two seconds and 300 MiB at most.
func TestHTMLCost(t *testing.T) {
	r := newsletterReport(t, 100_000)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := time.Now()
	page := write(t, "html", r, WriteOptions{})
	took := time.Since(start)
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > 300<<20 {
		t.Errorf("%d bytes allocated", n)
	}
	if took > 2*time.Second {
		t.Errorf("took %v", took)
	}
	if len(page) > 1_500_000 {
		t.Errorf("%d bytes", len(page))
	}
}

func TestRollUp(t *testing.T) {
	start := time.Date(2024, 2, 27, 21, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		hours int
		unit  string
	}{{1, "hour"}, {168, "hour"}, {169, "6 hours"}, {24 * 41, "6 hours"}, {24 * 60, "day"}, {24 * 167, "day"}, {24 * 300, "week"}, {24 * 365 * 5, "month"}, {24 * 365 * 40, "year"}} {
		var hours []Hour
		for i := 0; i < c.hours; i += 1 + c.hours/2000 {
			hours = append(hours, filledHour(start.Add(time.Duration(i)*time.Hour), int64(i)))
		}
		if last := start.Add(time.Duration(c.hours-1) * time.Hour); hours[len(hours)-1].Start != last.Format(time.RFC3339) {
			hours = append(hours, filledHour(last, 5))
		}
		hours = append(hours, Hour{Sent: 7})
		unit, all, rest := rollUp(hours, maxBuckets)
		if unit.name != c.unit || unit.name != "year" && all[len(all)-1].at >= maxBuckets {
			t.Errorf("%d hours: %d places of a %s each, want %s", c.hours, all[len(all)-1].at+1, unit.name, c.unit)
		}
		var want, got Hour
		for i := range hours {
			addAll(reflect.ValueOf(&want).Elem(), reflect.ValueOf(hours[i]))
		}
		for i := range all {
			addAll(reflect.ValueOf(&got).Elem(), reflect.ValueOf(all[i].Hour))
			if at, err := time.Parse(time.RFC3339, all[i].Start); err != nil || unit.index(at) != all[i].index || unit.index(at.Add(-time.Second)) == all[i].index {
				t.Errorf("%d hours: a %s begins at %s", c.hours, unit.name, all[i].Start)
			}
			if i > 0 && all[i].at <= all[i-1].at {
				t.Errorf("%d hours: not in order", c.hours)
			}
		}
		for i := range rest {
			addAll(reflect.ValueOf(&got).Elem(), reflect.ValueOf(rest[i]))
		}
		if diff := cmp.Diff(want, got); diff != "" || len(rest) != 1 {
			t.Errorf("%d hours: the sums differ (-want +got):\n%s", c.hours, diff)
		}
	}
}

// filledHour has a different number in every count.
func filledHour(start time.Time, seed int64) Hour {
	h := Hour{}
	next := seed * 1000
	fill(reflect.ValueOf(&h).Elem(), "Hour", &next, make(map[string]string))
	h.Start, h.Rates = start.Format(time.RFC3339), Rates{}
	return h
}

// addAll adds every integer of from to that of to.
func addAll(to, from reflect.Value) {
	switch to.Kind() {
	case reflect.Struct:
		for i := range to.NumField() {
			addAll(to.Field(i), from.Field(i))
		}
	case reflect.Int64:
		to.SetInt(to.Int() + from.Int())
	}
}

func TestScales(t *testing.T) {
	for n, want := range map[int64]int64{1: 1, 2: 2, 3: 4, 5: 6, 7: 8, 9: 10, 11: 20, 401: 600, 80_000: 80_000, math.MaxInt64: math.MaxInt64 - 1} {
		if got := roundUp(n); got != want {
			t.Errorf("roundUp(%d) = %d, want %d", n, got, want)
		}
	}
	for n, want := range map[int64]string{0: "0", 1: "1", 500: "500", 20_000: "20k", 4_000_000: "4M", 1_500: "1,500"} {
		if got := roundName(n); got != want {
			t.Errorf("roundName(%d) = %q, want %q", n, got, want)
		}
	}
	for n, want := range map[int64]int{729: 6, 244: 6, 243: 5, 81: 4, 28: 4, 27: 3, 9: 2, 4: 2, 3: 1, 1: 1} {
		if got := shade(n, 729); got != want {
			t.Errorf("shade(%d, 729) = %d, want %d", n, got, want)
		}
	}
	list := stack(100, piece{"sent", 97}, piece{"deferred", 0}, piece{"bounced", 3})
	if len(list) != 2 || list[0].X != "0" || list[1].Class != "bounced" {
		t.Errorf("%+v", list)
	}
	end := 0.0
	for _, p := range list {
		x, _ := strconv.ParseFloat(p.X, 64)
		width, _ := strconv.ParseFloat(p.Width, 64)
		if math.Abs(x-end) > 0.2 {
			t.Errorf("a gap at %v", x)
		}
		end = x + width
	}
	if math.Abs(end-barWidth) > 0.2 {
		t.Errorf("a bar ends at %v", end)
	}
}
