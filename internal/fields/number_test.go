package fields_test

import (
	"testing"

	"bouncelog/internal/fields"
)

func TestNumber(t *testing.T) {
	for s, want := range map[string]int64{
		"0": 0, "7": 7, "007": 7, "378": 378, "999999999999999999": 999999999999999999,
		"": 0, "1000000000000000000": 0, "-1": 0, "+1": 0, "1x": 0, "x1": 0, "1 ": 0, "1.5": 0,
	} {
		if got := fields.Number(s); got != want {
			t.Errorf("Number(%q) = %d, want %d", s, got, want)
		}
	}
}

func TestPort(t *testing.T) {
	for s, want := range map[string]uint16{"25": 25, "65535": 65535, "65536": 0, "0": 0, "": 0, "smtp": 0, "-25": 0} {
		if got := fields.Port(s); got != want {
			t.Errorf("Port(%q) = %d, want %d", s, got, want)
		}
	}
}
