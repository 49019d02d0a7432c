package service

import (
	"context"
	"regexp"
	"strings"
)

var varnishVia = regexp.MustCompile(`\(Varnish/(\d+(?:\.\d+)*)\)`)

// Varnish reads the version from the Via header of any answer that came through a Varnish cache.
func Varnish(ctx context.Context, endpoint string) (Service, error) {
	resp, err := get(ctx, endpoint)
	if err != nil {
		return Service{}, err
	}
	defer resp.Body.Close()
	m := varnishVia.FindStringSubmatch(strings.Join(resp.Header.Values("Via"), " "))
	if m == nil {
		const text = "the answers of %s do not name Varnish and its version (header Via)"
		return Service{}, becausef(NoVersion, text, Redacted(endpoint))
	}
	return Service{"varnish", m[1]}, nil
}
