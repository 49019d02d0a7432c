package service

import "testing"

func TestVarnish(t *testing.T) {
	t.Parallel()
	got, err := Varnish(limited(t), answering(t, 503, "1.1 web (Varnish/7.5)", ""))
	if err != nil || got != (Service{"varnish", "7.5"}) {
		t.Errorf("%s %v", got, err)
	}
	if got, err := Varnish(limited(t), answering(t, 200, "1.1 nginx", "")); CauseOf(err) != NoVersion {
		t.Errorf("%s %v", got, err)
	}
}
