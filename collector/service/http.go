package service

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
)

// get sends a GET request to an http:// or https:// URL, without following redirects.
func get(ctx context.Context, endpoint string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, endpoint, nil)
	if err != nil {
		return nil, becausef(InvalidAddress, "%s is no URL", Redacted(endpoint))
	}
	if req.URL.Scheme != "http" && req.URL.Scheme != "https" {
		return nil, becausef(InvalidAddress, "%s is no URL that begins with http:// or https://", Redacted(endpoint))
	}
	resp, err := Ask(req, true)
	if err != nil {
		return nil, fmt.Errorf("asking %s: %w", Redacted(endpoint), err)
	}
	return resp, nil
}

// Ask sends a request with a client of its own: Magento does not use a proxy from the environment, and no connection
// stays open. The errors hold nothing of the URL, whose login and query can be secret, and have a Cause where one is
// known. Without verify, any certificate is accepted.
func Ask(req *http.Request, verify bool) (*http.Response, error) {
	client := &http.Client{
		Transport: &http.Transport{
			DisableKeepAlives:      true,
			MaxResponseHeaderBytes: maxAnswer,
			TLSClientConfig:        &tls.Config{InsecureSkipVerify: !verify}, //nolint:gosec // the caller's choice
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, askError(err)
	}
	return resp, nil
}

// askError leaves out what the other side sent: a server that repeats the request in its answer would show login and
// query.
func askError(err error) error {
	cause := causeOfSystemError(err)
	_, dial := errors.AsType[*net.OpError](err)
	if cause == "" && !dial {
		return becausef(OtherServer, "what answers there does not speak HTTP")
	}
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	if cause == "" {
		return err
	}
	return because(cause, err)
}
