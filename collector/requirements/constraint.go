package requirements

import (
	"fmt"
	"strings"
)

// Satisfies reports whether a version meets a Composer constraint. It knows the forms that Magento's own packages use:
// alternatives (||), several conditions at once (a space or comma), ~, ^, comparisons, wildcards and plain versions;
// anything else is an error.
func Satisfies(version, constraint string) (bool, error) {
	got, ok := parseVersion(version)
	if !ok {
		return false, fmt.Errorf("%q is no version", version)
	}
	for alternative := range strings.SplitSeq(strings.ReplaceAll(constraint, "||", "|"), "|") {
		all := true
		conditions := strings.FieldsFunc(alternative, func(r rune) bool { return r == ' ' || r == ',' })
		if len(conditions) == 0 {
			return false, fmt.Errorf("%q is no constraint", constraint)
		}
		for _, c := range conditions {
			met, err := meets(got, c)
			if err != nil {
				return false, fmt.Errorf("reading the constraint %q: %w", constraint, err)
			}
			all = all && met
		}
		if all {
			return true, nil
		}
	}
	return false, nil
}

func meets(got []int, condition string) (bool, error) {
	operator := condition[:len(condition)-len(strings.TrimLeft(condition, "~^<>=!"))]
	text := strings.TrimSuffix(strings.TrimSuffix(condition[len(operator):], ".*"), ".x")
	wildcard := text != condition[len(operator):]
	if text == "*" {
		return true, nil
	}
	want, ok := parseVersion(text)
	if !ok || strings.TrimLeft(text, "v0123456789.") != "" {
		return false, fmt.Errorf("%q is not understood", condition)
	}
	order := compareVersions(got, want)
	switch operator {
	case "~": // the last number may grow
		return order >= 0 && samePrefix(got, want, max(1, len(want)-1)), nil
	case "^": // the first number that is not zero may not grow
		fixed := 1
		for fixed < len(want) && want[fixed-1] == 0 {
			fixed++
		}
		return order >= 0 && samePrefix(got, want, fixed), nil
	case ">=":
		return order >= 0, nil
	case ">":
		return order > 0, nil
	case "<=":
		return order <= 0, nil
	case "<":
		return order < 0, nil
	case "!=":
		return order != 0, nil
	case "", "=", "==":
		if wildcard {
			return samePrefix(got, want, len(want)), nil
		}
		return order == 0, nil
	}
	return false, fmt.Errorf("%q is not understood", condition)
}

func compareVersions(a, b []int) int {
	for i := range max(len(a), len(b)) {
		x, y := number(a, i), number(b, i)
		if x != y {
			if x < y {
				return -1
			}
			return 1
		}
	}
	return 0
}

func samePrefix(a, b []int, n int) bool {
	for i := range n {
		if number(a, i) != number(b, i) {
			return false
		}
	}
	return true
}

func number(v []int, i int) int {
	if i < len(v) {
		return v[i]
	}
	return 0
}
