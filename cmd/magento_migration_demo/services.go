package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
)

// What the demo's search engine answers: its version, and one index for each of Magento 2's two stores.
const (
	searchVersion = `{"cluster_name": "demo", "version": {"distribution": "opensearch", "number": "2.19.1"}}`
	searchIndexes = `[{"index": "demo_1", "docs.count": "3"}, {"index": "demo_2", "docs.count": "3"}]`
	searchAliases = `{"demo_1": {"aliases": {"magento2_product_1": {}}}, ` +
		`"demo_2": {"aliases": {"magento2_product_2": {}}}}`
)

// serveShop serves the stand-ins for a web node of Magento 2 and for its search engine, and returns their addresses.
func (d *demo) serveShop(ctx context.Context) (web, search string, err error) {
	page := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "The demo's stand-in for a web node of Magento 2.\n")
	})
	if web, err = d.serve(ctx, page); err != nil {
		return "", "", err
	}
	search, err = d.serve(ctx, http.HandlerFunc(answerSearch))
	return web, search, err
}

// answerSearch answers as OpenSearch what the exporter asks: its version, and the index of the products.
func answerSearch(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	switch {
	case r.URL.Path == "/":
		_, _ = io.WriteString(w, searchVersion)
	case strings.HasPrefix(r.URL.Path, "/_cat/indices/"):
		_, _ = io.WriteString(w, searchIndexes)
	case strings.HasSuffix(r.URL.Path, "/_alias"):
		_, _ = io.WriteString(w, searchAliases)
	default:
		http.NotFound(w, r)
	}
}

// serve serves until the demo ends, and returns the address.
func (d *demo) serve(ctx context.Context, handler http.Handler) (string, error) {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: endLimit}
	d.group.Go(func() error {
		<-ctx.Done()
		return server.Close()
	})
	d.group.Go(func() error {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serve a stand-in: %w", err)
		}
		return nil
	})
	return listener.Addr().String(), nil
}
