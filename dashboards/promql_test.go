package dashboards_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

// selector is a metric in an expression, with the labels that its matchers name.
type selector struct {
	metric string
	labels []string
	// rated is true inside rate() or increase().
	rated bool
}

// expression is what an expression names. That it is valid is for Prometheus to say, which runs each one.
type expression struct {
	selectors []selector
	// labels are those in by, on and group_left lists, and in arguments of label_replace.
	labels []string
}

var (
	promqlToken = regexp.MustCompile(
		"\"[^\"]*\"|\\[[^\\]]*\\]|\\$?[a-zA-Z_:][a-zA-Z0-9_:]*|[0-9.]+[a-z]*|[(){},]|[=!]~|!=|[^\\s]",
	)
	promqlName   = regexp.MustCompile(`^[a-zA-Z_:]`)
	promqlWords  = []string{"and", "or", "unless", "bool", "offset", "Inf"}
	promqlLabels = []string{"by", "without", "on", "ignoring", "group_left", "group_right"}
)

func parseExpression(text string) expression {
	var e expression
	tokens := promqlToken.FindAllString(text, -1)
	at := func(i int) string {
		if i < len(tokens) {
			return tokens[i]
		}
		return ""
	}
	var calls []string
	for i := 0; i < len(tokens); i++ {
		token := tokens[i]
		switch {
		case token == ")" && len(calls) > 0:
			calls = calls[:len(calls)-1]
		case token == "(":
			calls = append(calls, "")
		case !promqlName.MatchString(token) || slices.Contains(promqlWords, token):
		case slices.Contains(promqlLabels, token) && at(i+1) == "(":
			for i += 2; at(i) != ")" && i < len(tokens); i++ {
				if at(i) != "," {
					e.labels = append(e.labels, at(i))
				}
			}
		case at(i+1) == "(":
			calls = append(calls, token)
			i++
		case slices.Contains([]string{"sum", "min", "max", "count"}, token):
		default:
			s := selector{metric: token, rated: slices.Contains(calls, "rate") || slices.Contains(calls, "increase")}
			if at(i+1) == "{" {
				for i += 2; at(i) != "}" && i < len(tokens); i++ {
					if promqlName.MatchString(at(i)) && at(i-1) != "=" {
						s.labels = append(s.labels, at(i))
					}
				}
			}
			e.selectors = append(e.selectors, s)
		}
	}
	return e
}

func TestParseExpression(t *testing.T) {
	t.Parallel()
	e := parseExpression(
		`time() - max by (job, precondition) (a_b{job=~"$job",status="x{y}"} offset 5m) > on (job) group_left () 5 * rate(c_total[$__rate_interval]) unless min_over_time(level:d:op[6h:1m]) == bool 1`,
	)
	var got []string
	for _, s := range e.selectors {
		got = append(got, s.metric+"{"+strings.Join(s.labels, ",")+"}")
		if s.rated != (s.metric == "c_total") {
			t.Errorf("%s: rated is %t", s.metric, s.rated)
		}
	}
	if want := []string{"a_b{job,status}", "c_total{}", "level:d:op{}"}; !slices.Equal(got, want) {
		t.Errorf("selectors %v, want %v", got, want)
	}
	if want := []string{"job", "precondition", "job"}; !slices.Equal(e.labels, want) {
		t.Errorf("labels %v, want %v", e.labels, want)
	}
}
