package loggen

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"io"
	"strings"
	"testing"
)

func TestWriteOther(t *testing.T) {
	for _, name := range OtherLogs() {
		t.Run(name, func(t *testing.T) {
			var a, b bytes.Buffer
			counts, err := WriteOther(&a, name, 1<<20, 7)
			if err != nil {
				t.Fatal(err)
			}
			if again, err := WriteOther(&b, name, 1<<20, 7); err != nil || again != counts || !bytes.Equal(a.Bytes(), b.Bytes()) {
				t.Error("the same arguments gave another log")
			}
			if n := a.Len(); n < 1<<20 || n > 3<<20 {
				t.Errorf("got %d bytes, want about %d", n, 1<<20)
			}
			if counts.Sent < 400 || counts.Deferred < 50 || counts.Bounced < 20 {
				t.Errorf("got %+v, want some of each", counts)
			}
			var sent, deferred, bounced int64
			switch name {
			case EximLog:
				sent, deferred, bounced = count(&a, " => "), count(&a, " == "), count(&a, " ** ")
			case AcmeLog:
				sent, deferred, bounced = count(&a, " res=ok "), count(&a, " res=soft "), count(&a, " res=hard ")
			case PowerMTALog:
				rows, err := csv.NewReader(&a).ReadAll()
				if err != nil {
					t.Fatal(err)
				}
				for _, row := range rows[1:] {
					switch row[0] {
					case "d":
						sent++
					case "t":
						deferred++
					case "b":
						bounced++
					}
				}
			default:
				before := make(map[string]int)
				for d := json.NewDecoder(&a); ; {
					var v struct {
						Type, EventType, ID string
						NumAttempts         int `json:"num_attempts"`
					}
					if err := d.Decode(&v); err == io.EOF {
						break
					} else if err != nil {
						t.Fatal(err)
					}
					if v.Type != "" && v.Type != "Reception" {
						if v.NumAttempts != before[v.ID] {
							t.Fatalf("%s %s: %d attempts before it, want %d", v.Type, v.ID, v.NumAttempts, before[v.ID])
						}
						before[v.ID]++
					}
					switch v.Type + v.EventType {
					case "Delivery":
						sent++
					case "TransientFailure", "DeliveryDelay":
						deferred++
					case "Bounce":
						bounced++
					}
				}
			}
			if got := (Attempts{Sent: sent, Deferred: deferred, Bounced: bounced}); got != counts {
				t.Errorf("got %+v in the log, want %+v", got, counts)
			}
		})
	}
	if _, err := WriteOther(io.Discard, "mine", 1, 1); err == nil || !strings.Contains(err.Error(), "exim") {
		t.Errorf("got error %v, want one that names the formats", err)
	}
}

func count(b *bytes.Buffer, s string) int64 { return int64(bytes.Count(b.Bytes(), []byte(s))) }
