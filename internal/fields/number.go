package fields

// Number returns the number of at most 18 decimal digits that s is, zero where it is none.
func Number(s string) (n int64) {
	if len(s) > 18 {
		return 0
	}
	for i := range len(s) {
		if !digit(s[i]) {
			return 0
		}
		n = n*10 + int64(s[i]-'0')
	}
	return n
}
