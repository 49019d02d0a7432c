package collector

import "context"

// evaluateExtensions will compare Magento 1's third-party modules with Magento 2's and the decisions.
func evaluateExtensions(_ context.Context, _ *Evidence) Verdict {
	v := Verdict{}
	v.unknown("", "Magento 1's extensions are not looked at", "",
		"Set magento1.root and magento2.root, and write down what becomes of each extension under preconditions.extensions.decisions; until this can be told, check by hand and waive.")
	return v
}
