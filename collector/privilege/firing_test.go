package privilege

import "testing"

func TestMatchHost(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		pattern, host string
		want          bool
	}{
		{"%", "10.0.0.1", true}, {"10.%", "10.0.0.1", true}, {"10.%", "192.168.0.1", false},
		{"10.0.0.1", "10.0.0.1", true}, {"10.0.0._", "10.0.0.1", true}, {"LOCAL%", "localhost", true},
		{"10.%", "%", false}, {"%", "%", true},
		{"10.0.0.0/255.0.0.0", "10.1.2.3", true}, {"10.0.0.0/255.255.0.0", "10.1.2.3", false},
		{"10.0.0.0/8", "10.1.2.3", true}, {"10.0.0.0/8", "11.1.2.3", false}, {"10.0.0.0/8", "localhost", false},
		{"10.0.0.0/255.0.0", "10.1.2.3", false}, {"fe80::/255.0.0.0", "10.1.2.3", false}, {"/", "10.1.2.3", false},
		{"10.0.0.0/255.0.0.0", "fe80::1", false},
	} {
		if got := matchHost(test.pattern, test.host); got != test.want {
			t.Errorf("%s matches %s: %t", test.pattern, test.host, got)
		}
	}
}
