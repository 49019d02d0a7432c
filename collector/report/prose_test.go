package report

import "testing"

func TestProse(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ text, want string }{
		{"Start it.", "Start it."},
		{"See the precondition network, which says why.", `See the precondition <a href="#acme-network">network</a>, which says why.`},
		{"Fix the precondition delta_log. Then the precondition <b>.", `Fix the precondition <a href="#acme-delta_log">delta_log</a>. ` +
			`Then the precondition &lt;b&gt;.`},
		{"this precondition goes on", "this precondition goes on"},
		{"Set magento2.root", "Set magento2.root"},
		{"Set migrations[a].preconditions.x_y", "Set migrations[a].<wbr>preconditions.<wbr>x_<wbr>y"},
		{"in /srv/www/magento2/app/etc <&", "in /<wbr>srv/<wbr>www/<wbr>magento2/<wbr>app/<wbr>etc &lt;&amp;"},
		{"a\x00\x1b", "a\uFFFD\uFFFD"},
	} {
		if got := string(newAdvice("", "#acme-").Prose(tc.text)); got != tc.want {
			t.Errorf("%q:\ngot  %s\nwant %s", tc.text, got, tc.want)
		}
	}
}
