package main

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/exporter-toolkit/web"

	"magento_migration_exporter/collector/mysqltest"
	"magento_migration_exporter/config"
)

// certificateOf makes a certificate for 127.0.0.1 and its key, as PEM.
func certificateOf(t *testing.T) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(
			1,
		), Subject: pkix.Name{CommonName: program}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{
			net.IPv4(127, 0, 0, 1),
		}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalECPrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return string(
			pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		), string(
			pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: keyDER}),
		)
}

// clientOf trusts one certificate, and speaks HTTP/2 or only HTTP/1.1.
func clientOf(t *testing.T, cert string, http2 bool) *http.Client {
	t.Helper()
	trusted := x509.NewCertPool()
	if !trusted.AppendCertsFromPEM([]byte(cert)) {
		t.Fatal("this is no certificate")
	}
	return &http.Client{
		Timeout: patience,
		Transport: &http.Transport{
			TLSClientConfig:   &tls.Config{RootCAs: trusted, MinVersion: tls.VersionTLS12},
			ForceAttemptHTTP2: http2,
		},
	}
}

// routesOf is every route there is, with each wildcard filled in: one that nobody has filled in here fails the test.
func routesOf(t *testing.T) map[string]string {
	t.Helper()
	h := &handler{handlerOptions: handlerOptions{telemetryPath: "/metrics", pprof: true}}
	paths := map[string]string{}
	for _, r := range h.routes() {
		method, path, found := strings.Cut(r.pattern, " ")
		if !found {
			method, path = "", r.pattern
		}
		for wildcard, value := range map[string]string{"{$}": "", "{name}": "acme", "{page}": "preconditions", "{file}": "style.css"} {
			path = strings.ReplaceAll(path, wildcard, value)
		}
		if strings.Contains(path, "{") {
			t.Fatalf("%s: say here what to ask for", r.pattern)
		}
		switch path {
		case "/probe":
			path += "?target=acme"
		case "/debug/pprof/profile", "/debug/pprof/trace":
			path += "?seconds=1"
		}
		paths[path] = method
	}
	if len(paths) < 20 {
		t.Fatalf("only %d routes", len(paths))
	}
	return paths
}

// rawRequest sends bytes and returns all answers until the server ends the connection, or has not said anything more
// for a while.
func rawRequest(t *testing.T, address, request string) string {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(conn, request) // the server may have ended it before all was sent
	answer, err := io.ReadAll(io.LimitReader(conn, 4<<20))
	if err != nil && len(answer) == 0 {
		t.Errorf("%.100q: no answer: %v", request, err)
	}
	return string(answer)
}

func statusOf(t *testing.T, answer string) int {
	t.Helper()
	resp, err := http.ReadResponse(bufio.NewReader(strings.NewReader(answer)), nil)
	if err != nil {
		t.Errorf("no answer of HTTP: %.200q", answer)
		return 0
	}
	_ = resp.Body.Close()
	return resp.StatusCode
}

// TestLoginIsAskedForEverywhere asks a real daemon with TLS and a login for every route, over both versions of HTTP.
func TestLoginIsAskedForEverywhere(t *testing.T) {
	t.Parallel()
	cert, key := certificateOf(t)
	webConfig := writeConfig(
		t,
		"tls_server_config:\n  cert: |\n"+indented(
			cert,
		)+"  key: |\n"+indented(
			key,
		)+"basic_auth_users:\n  prom: $2a$04$.wj.4NwZ/AIYBgBhi17LBeU5rMhvqgaKNRNB8r5VJybS1pPD62.di\n",
	)
	d := startDaemon(
		t,
		writeConfig(t, once+entry("acme", "pa55", waived)),
		"--web.config.file="+webConfig,
		"--web.enable-lifecycle",
		"--web.enable-pprof",
	)
	address := strings.TrimPrefix(d.base, "http://")
	paths := routesOf(t)
	paths["/nowhere"], paths["/docs/nowhere"], paths["/-/quit"] = "GET", "GET", "POST"
	for _, http2 := range []bool{true, false} {
		client := clientOf(t, cert, http2)
		t.Cleanup(client.CloseIdleConnections)
		ask := func(path, authorization string) (int, string) {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+address+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			if paths[path] == "" || paths[path] == "POST" {
				req.Method = http.MethodPost
			}
			if authorization != "" {
				req.Header.Set("Authorization", authorization)
			}
			resp, err := client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			body, err := io.ReadAll(resp.Body)
			if err != nil {
				t.Fatal(err)
			}
			if want := map[bool]int{true: 2, false: 1}[http2]; resp.ProtoMajor != want {
				t.Errorf("%s was answered in %s", path, resp.Proto)
			}
			return resp.StatusCode, string(body)
		}
		for path := range paths {
			for name, authorization := range map[string]string{
				"none": "", "wrong password": "Basic cHJvbTp3cm9uZw==", "wrong user": "Basic eDp0ZXN0", "empty": "Basic Og==", "no base64": "Basic test", "another scheme": "Bearer test", "user alone": "Basic cHJvbQ==",
			} {
				if code, body := ask(path, authorization); code != http.StatusUnauthorized ||
					strings.TrimSpace(body) != "Unauthorized" {
					t.Errorf("%s with %s is answered by %d %.80q", path, name, code, body)
				}
			}
			if code, body := ask(path, "Basic cHJvbTp0ZXN0"); code == http.StatusUnauthorized ||
				code >= 500 && path != "/-/ready" &&
					!strings.HasPrefix(path, "/debug/pprof/") { // only one profile can be made at a time
				t.Errorf("%s with a login is answered by %d %.80q", path, code, body)
			}
		}
	}
	if code := statusOf(t, rawRequest(t, address, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")); code != http.StatusBadRequest {
		t.Errorf("without TLS: %d", code)
	}
	conn, err := tls.Dial(
		"tcp",
		address,
		&tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10},
	)
	if err == nil {
		_ = conn.Close()
		t.Error("TLS 1.1 is spoken")
	}
}

// TestMethods asks for every route with every method.
func TestMethods(t *testing.T) {
	t.Parallel()
	d := startDaemon(t, writeConfig(t, once+entry("acme", "pa55", waived)), "--web.enable-pprof")
	d.ready()
	address := strings.TrimPrefix(d.base, "http://")
	loaded := regexp.MustCompile(`config_last_reload_success_timestamp_seconds \S+`)
	before := loaded.FindString(d.want("GET", "/metrics", 200))
	for path, method := range routesOf(t) {
		for _, asked := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "get"} {
			if strings.Contains(path, "seconds=") && (asked == "GET" || asked == "HEAD") {
				continue // it takes a second each
			}
			resp, err := http.ReadResponse(
				bufio.NewReader(
					strings.NewReader(
						rawRequest(
							t,
							address,
							asked+" "+path+" HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
						),
					),
				),
				&http.Request{Method: asked},
			)
			if err != nil {
				t.Errorf("%s %s: %v", asked, path, err)
				continue
			}
			body, _ := io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			want, allow := http.StatusMethodNotAllowed, "GET, HEAD"
			switch {
			case method == "": // the one that is off, whatever the method
				want, allow = http.StatusForbidden, ""
			case asked == "GET", asked == "HEAD":
				want, allow = http.StatusOK, ""
			}
			if resp.StatusCode != want || resp.Header.Get("Allow") != allow || asked == "HEAD" && len(body) > 0 ||
				asked == "TRACE" && strings.Contains(string(body), "TRACE") {
				t.Errorf(
					"%s %s: %d with Allow %q, want %d and %q: %.60q",
					asked,
					path,
					resp.StatusCode,
					resp.Header.Get("Allow"),
					want,
					allow,
					body,
				)
			}
		}
	}
	for _, path := range []string{"/-/quit", "/-/stop", "/quitquitquit"} {
		for _, method := range []string{"GET", "POST", "PUT"} {
			d.want(method, path, http.StatusNotFound)
		}
	}
	if after := loaded.FindString(d.want("GET", "/metrics", 200)); before == "" || after != before {
		t.Errorf("the configuration was reloaded: %q, %q", before, after)
	}
}

// TestOffMeansOff has neither flag: no profile and no reload by any way to write the path.
func TestOffMeansOff(t *testing.T) {
	t.Parallel()
	s := newSite(t, config.Migration{Name: "acme"})
	for path := range routesOf(t) {
		if !strings.HasPrefix(path, "/debug/") {
			continue
		}
		for _, variant := range []string{path, "/." + path, "/docs/.." + path, "//" + path[1:], strings.Replace(path, "pprof", "%70prof", 1), strings.ToUpper(path)} {
			resp, err := s.server.Client().Get(s.server.URL + variant)
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			if resp.StatusCode != http.StatusNotFound {
				t.Errorf("%s: %d", variant, resp.StatusCode)
			}
		}
	}
}

// TestPathsLeadNowhereElse tries to get out of the folders that the program serves, all of which are within it.
func TestPathsLeadNowhereElse(t *testing.T) {
	t.Parallel()
	s := newSite(t, config.Migration{Name: "acme"})
	address := strings.TrimPrefix(s.server.URL, "http://")
	for _, path := range []string{
		"/docs/../../etc/passwd", "/docs/../../../../../../etc/passwd", "/docs/%2e%2e/%2e%2e/etc/passwd", "/docs/..%2f..%2f..%2fetc%2fpasswd", "/docs/..%252f..%252fetc%252fpasswd", `/docs/..\..\etc\passwd`, "/docs/..%5c..%5cetc%5cpasswd",
		"/docs/preconditions%00", "/docs/%00/etc/passwd", "/docs/preconditions%00.md", "/docs//etc/passwd", "/docs/.", "/docs/..", "/docs/%2e%2e", "/docs/%c0%ae%c0%ae/etc/passwd", "/docs/....//....//etc/passwd", "/docs/preconditions.md", "/docs/docs.go",
		"/static/../../etc/passwd", "/static/..%2f..%2fetc%2fpasswd", "/static/%2e%2e%2fpages.go", "/static/..%5cpages.go", "/static/", "/static/.", "/static/style.css%00", "/static/style.css/..%2foverview.html", "/static/overview.html",
		"/migrations/..%2f..%2fetc%2fpasswd", "/migrations/../../etc/passwd", "/migrations/acme/../../etc/passwd", "/migrations/%00", "/migrations/acme%2freport.html", "//etc/passwd", "///etc/passwd", "/etc/passwd", "/%2e%2e/%2e%2e/etc/passwd",
		"//evil.example/docs/..", "//evil.example/%2e%2e", `/\evil.example`, "/%5cevil.example/..", "http://evil.example/docs/..", "file:///etc/passwd", "/docs/preconditions/", "/metrics/", "/metrics/../etc/passwd",
	} {
		answer := rawRequest(t, address, "GET "+path+" HTTP/1.1\r\nHost: "+address+"\r\nConnection: close\r\n\r\n")
		resp, err := http.ReadResponse(bufio.NewReader(strings.NewReader(answer)), nil)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		location := resp.Header.Get("Location")
		if !slices.Contains([]int{301, 307, 308, 400, 404}, resp.StatusCode) || strings.Contains(answer, "root:") ||
			strings.Contains(answer, "package ") {
			t.Errorf("%s: %.300s", path, answer)
		}
		if location != "" &&
			(!strings.HasPrefix(location, "/") || strings.HasPrefix(location, "//") || strings.HasPrefix(location, `/\`)) {
			t.Errorf("%s leads to %s", path, location)
		}
		_ = resp.Body.Close()
	}
}

// TestHostileParametersAreHarmless has every parameter, and the Host header, say what a page must not.
func TestHostileParametersAreHarmless(t *testing.T) {
	t.Parallel()
	s := newSite(t, config.Migration{Name: "acme"})
	s.publish(0, time.Now())
	for _, text := range hostile {
		value := url.QueryEscape(text)
		for _, path := range []string{
			"/?search=" + value, "/?status=" + value, "/?page=" + value, "/?sort=" + value, "/?" + value + "=x", "/probe?target=" + value, "/metrics?scope=" + value, "/api/v1/readiness?migration=" + value,
			"/report.html?migration=" + value, "/report.json?migration=" + value, "/migrations/" + url.PathEscape(text), "/migrations/" + url.PathEscape(text) + "/report.html", "/docs/" + url.PathEscape(text), "/static/" + url.PathEscape(text), "/" + url.PathEscape(text),
		} {
			resp, err := s.server.Client().Get(s.server.URL + path)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			kind := resp.Header.Get("Content-Type")
			switch {
			case err != nil, resp.StatusCode >= 500:
				t.Errorf("%.80s: %d %v", path, resp.StatusCode, err)
			case strings.HasPrefix(kind, "text/html") && (strings.Contains(string(body), "<script>document") || strings.Contains(string(body), "<img src=x") || strings.Contains(string(body), "<b>")):
				t.Errorf("%.80s is in the page as it is", path)
			case resp.Header.Get("X-Content-Type-Options") != "nosniff" || !strings.HasPrefix(resp.Header.Get("Content-Security-Policy"), "default-src 'none'") || resp.Header.Get("Referrer-Policy") != "no-referrer":
				t.Errorf("%.80s: %v", path, resp.Header)
			case len(resp.Header.Values("Set-Cookie"))+len(resp.Header.Values("Refresh")) > 0:
				t.Errorf("%.80s: %v", path, resp.Header)
			}
		}
	}
	address := strings.TrimPrefix(s.server.URL, "http://")
	for _, host := range []string{`"><script>alert(1)</script>`, "evil.example\\@x", "evil.example/x", "a b"} {
		answer := rawRequest(t, address, "GET /sd HTTP/1.1\r\nHost: "+host+"\r\nConnection: close\r\n\r\n")
		if statusOf(t, answer) != http.StatusBadRequest &&
			(!strings.Contains(answer, "application/json") || strings.Contains(answer, "<script>")) {
			t.Errorf("Host %q: %.300s", host, answer)
		}
	}
	for _, path := range []string{"/", "/docs/", "/docs/preconditions", "/migrations/acme", "/report.html"} {
		answer := rawRequest(
			t,
			address,
			"GET "+path+" HTTP/1.1\r\nHost: evil.example\r\nX-Forwarded-Host: evil.example\r\nX-Forwarded-Prefix: //evil.example\r\nConnection: close\r\n\r\n",
		)
		if statusOf(t, answer) != http.StatusOK || strings.Contains(answer, "evil.example") {
			t.Errorf("%s repeats the Host header", path)
		}
	}
}

// TestEveryRouteHasTheHeaders asks for all of them, and for what is not there.
func TestEveryRouteHasTheHeaders(t *testing.T) {
	t.Parallel()
	d := startDaemon(
		t,
		writeConfig(t, once+entry("acme", "pa55", waived)),
		"--web.enable-pprof",
		"--web.enable-lifecycle",
	)
	d.ready()
	for path := range routesOf(t) {
		for _, method := range []string{"GET", "DELETE"} {
			req, err := http.NewRequestWithContext(t.Context(), method, d.base+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := d.client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			policy := resp.Header.Get("Content-Security-Policy")
			if resp.Header.Get("X-Content-Type-Options") != "nosniff" ||
				resp.Header.Get("Referrer-Policy") != "no-referrer" ||
				!strings.Contains(policy, "frame-ancestors 'none'") ||
				strings.Contains(policy, "unsafe") ||
				resp.Header.Get("Server")+resp.Header.Get("X-Powered-By") != "" {
				t.Errorf("%s %s: %v", method, path, resp.Header)
			}
		}
	}
}

// TestRequestsThatTwoReadersTakeDifferently are refused, or answered once.
func TestRequestsThatTwoReadersTakeDifferently(t *testing.T) {
	t.Parallel()
	d := startDaemon(t, writeConfig(t, once+entry("acme", "pa55", waived)), "--web.enable-lifecycle")
	d.ready()
	address := strings.TrimPrefix(d.base, "http://")
	const hidden = "GET /-/healthy HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
	for name, tc := range map[string]struct {
		head string
		code int
	}{
		"two lengths":            {"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nContent-Length: 62\r\n\r\n", 400},
		"a list of lengths":      {"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 0, 62\r\n\r\n", 400},
		"a length with a sign":   {"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: +0\r\n\r\n", 400},
		"a negative length":      {"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400},
		"an unknown encoding":    {"POST /metrics HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n", 501},
		"two encodings":          {"POST /metrics HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, identity\r\n\r\n", 501},
		"a blank before a colon": {"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length : 0\r\n\r\n", 400},
		"a bad chunk":            {"POST /metrics HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 405},
		"two hosts":              {"GET /metrics HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", 400},
		"no host":                {"GET /metrics HTTP/1.1\r\n\r\n", 400},
		"a NUL":                  {"GET /metrics HTTP/1.1\r\nHost: x\r\nA: \x00\r\n\r\n", 400},
		"HTTP/9":                 {"GET /metrics HTTP/9.9\r\nHost: x\r\n\r\n", 505},
		"no HTTP":                {"hello\r\n\r\n", 400},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			answer := rawRequest(t, address, tc.head+hidden)
			if code := statusOf(t, answer); code != tc.code || strings.Count(answer, "HTTP/1.1 ") > 1 ||
				strings.Contains(answer, "healthy") {
				t.Errorf("%d, want %d, alone: %.300q", code, tc.code, answer)
			}
		})
	}
	// Length and chunks together: RFC 9112 lets the chunks win, and the connection end. What looks like a second
	// request is the body.
	t.Run("length and chunks", func(t *testing.T) {
		t.Parallel()
		answer := rawRequest(
			t,
			address,
			"POST /-/reload HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"+fmt.Sprintf(
				"%x\r\n%s\r\n0\r\n\r\n",
				len(hidden),
				hidden,
			),
		)
		if statusOf(t, answer) >= 500 || strings.Contains(answer, "healthy") {
			t.Errorf("%.300q", answer)
		}
	})
}

// TestHugeRequests has more of everything than is taken.
func TestHugeRequests(t *testing.T) {
	t.Parallel()
	d := startDaemon(t, writeConfig(t, once+entry("acme", "pa55", waived)), "--web.enable-lifecycle")
	d.ready()
	address := strings.TrimPrefix(d.base, "http://")
	huge := strings.Repeat("x", 1<<20)
	for name, tc := range map[string]struct {
		request string
		code    int
	}{
		"a header":          {"GET /metrics HTTP/1.1\r\nHost: x\r\nA: " + huge + "\r\n\r\n", 431},
		"many headers":      {"GET /metrics HTTP/1.1\r\nHost: x\r\n" + strings.Repeat("A: x\r\n", 1<<16) + "\r\n", 431},
		"a header's name":   {"GET /metrics HTTP/1.1\r\nHost: x\r\n" + huge + ": x\r\n\r\n", 431},
		"a path":            {"GET /" + huge + " HTTP/1.1\r\nHost: x\r\n\r\n", 431},
		"a query":           {"GET /?search=" + huge + " HTTP/1.1\r\nHost: x\r\n\r\n", 431},
		"a method":          {huge + " / HTTP/1.1\r\nHost: x\r\n\r\n", 431},
		"many parameters":   {"GET /?" + strings.Repeat("a&", 25<<10) + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 200},
		"half a query":      {"GET /?search=" + huge[:48<<10] + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 400},
		"a body, not sent":  {"POST /-/reload HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000000\r\n\r\n", 200},
		"a body, for a GET": {"GET /metrics?scope=exporter HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000000\r\n\r\n" + huge, 200},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if code := statusOf(t, rawRequest(t, address, tc.request)); code != tc.code {
				t.Errorf("%d, want %d", code, tc.code)
			}
		})
	}
}

// hastyServer is the program's own server and handler, with limits that a test can wait for.
func hastyServer(t *testing.T, migrations int, webConfig string) (address string, open func() int) {
	t.Helper()
	var all []config.Migration
	for i := range migrations {
		all = append(all, config.Migration{Name: fmt.Sprintf("m%d", i)})
	}
	s := newSiteAt(t, "", all...)
	for i := range all {
		s.publish(i, time.Now())
	}
	server := newServer(s.handler, slog.New(slog.DiscardHandler))
	for name, limit := range map[string]time.Duration{"header": server.ReadHeaderTimeout, "read": server.ReadTimeout, "write": server.WriteTimeout, "idle": server.IdleTimeout} {
		if limit <= 0 || limit > 2*time.Minute {
			t.Errorf("the %s limit is %s", name, limit)
		}
	}
	const hasty = 500 * time.Millisecond
	server.ReadHeaderTimeout, server.ReadTimeout, server.WriteTimeout, server.IdleTimeout = hasty, 2*hasty, hasty, hasty
	var mu sync.Mutex
	began, ended := 0, 0
	server.ConnState = func(_ net.Conn, state http.ConnState) {
		mu.Lock()
		defer mu.Unlock()
		switch state {
		case http.StateNew:
			began++
		case http.StateClosed:
			ended++
		}
	}
	port, err := mysqltest.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	address = fmt.Sprintf("127.0.0.1:%d", port)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	systemd := false
	go func() {
		done <- listen(ctx, &flags{web: &web.FlagConfig{WebListenAddresses: &[]string{address}, WebSystemdSocket: &systemd, WebConfigFile: &webConfig}}, server, slog.New(slog.DiscardHandler))
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	for deadline := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			_ = conn.Close()
			break
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
	return address, func() int { mu.Lock(); defer mu.Unlock(); return began - ended }
}

// TestSlowClientsAreLeft has clients that send or take one byte at a time, or nothing: each loses its connection.
func TestSlowClientsAreLeft(t *testing.T) {
	t.Parallel()
	address, open := hastyServer(t, 200, "")
	for name, client := range map[string]struct{ request, drip string }{
		"nothing":              {"", ""},
		"a header":             {"GET /metrics HTTP/1.1\r\nHost: x\r\n", "A"},
		"headers":              {"GET /metrics HTTP/1.1\r\nHost: x\r\n", "A: x\r\n"},
		"a request line":       {"GET /", "x"},
		"a body":               {"POST /-/reload HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n", "x"},
		"chunks":               {"POST /-/reload HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\nx\r\n"},
		"idle after a request": {"GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n", ""},
		"answers not taken":    {strings.Repeat("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", 500), "-"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn, err := net.Dial("tcp", address)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if err := conn.(*net.TCPConn).SetReadBuffer(4096); err != nil {
				t.Fatal(err)
			}
			if err := conn.SetWriteDeadline(time.Now().Add(patience)); err != nil {
				t.Fatal(err)
			}
			// What takes long to send, the server may end before all of it is sent.
			if _, err := io.WriteString(conn, client.request); errors.Is(err, os.ErrDeadlineExceeded) {
				t.Fatal("the server waits for as long as the client likes")
			} else if err != nil {
				return
			}
			ended := make(chan struct{})
			if client.drip != "-" {
				go func() { _, _ = io.Copy(io.Discard, conn); close(ended) }()
			}
			for deadline := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
				select {
				case <-ended:
					return
				default:
				}
				_, err := io.WriteString(conn, client.drip)
				if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
					return // the server has ended it
				}
				if err != nil || time.Now().After(deadline) {
					t.Fatal("the server waits for as long as the client likes")
				}
			}
		})
	}
	t.Cleanup(func() {
		for deadline := time.Now().Add(patience); open() > 0; time.Sleep(20 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Errorf("%d connections are still open", open())
				return
			}
		}
	})
}

// TestSlowClientsOfTLSAreLeft has clients that stop before, in and behind the handshake, the last of them in HTTP/2.
func TestSlowClientsOfTLSAreLeft(t *testing.T) {
	t.Parallel()
	cert, key := certificateOf(t)
	address, _ := hastyServer(
		t,
		1,
		writeConfig(t, "tls_server_config:\n  cert: |\n"+indented(cert)+"  key: |\n"+indented(key)),
	)
	for name, begin := range map[string]func(net.Conn) (net.Conn, error){
		"nothing": func(c net.Conn) (net.Conn, error) { return c, nil },
		"half a hello": func(c net.Conn) (net.Conn, error) {
			_, err := io.WriteString(c, "\x16\x03\x01\x02\x00\x01\x00")
			return c, err
		},
		"no request":     handshake("http/1.1", ""),
		"half a request": handshake("http/1.1", "GET /metrics HTTP/1.1\r\nHost: x\r\n"),
		"no preface":     handshake("h2", ""),
		"no stream":      handshake("h2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00"),
		"half a stream":  handshake("h2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00\x00\x00\x01\x01\x00\x00\x00\x00\x01\x82"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := io.Copy(io.Discard, begun(t, address, begin)); errors.Is(err, os.ErrDeadlineExceeded) {
				t.Error("the server waits for as long as the client likes")
			}
		})
	}
}

// begun returns a connection that was begun in some way. It tries again when the server did not wait for that, as for a
// handshake on a busy machine.
func begun(t *testing.T, address string, begin func(net.Conn) (net.Conn, error)) net.Conn {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
			t.Fatal(err)
		}
		began, err := begin(conn)
		if err == nil {
			return began
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

// handshake begins TLS with one version of HTTP, and sends a text in it.
func handshake(version, text string) func(net.Conn) (net.Conn, error) {
	return func(conn net.Conn) (net.Conn, error) {
		secure := tls.Client(conn, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{version}})
		_, err := io.WriteString(secure, text)
		if err == nil {
			err = secure.Handshake()
		}
		return secure, err
	}
}

// TestAPanicEndsOneRequest keeps the panic's value, which can be anything, out of the log.
func TestAPanicEndsOneRequest(t *testing.T) {
	t.Parallel()
	var logs lockedBuffer
	logger := slog.New(slog.NewTextHandler(&logs, &slog.HandlerOptions{Level: slog.LevelDebug}))
	password := config.Secret("k4n4r1")
	server := httptest.NewUnstartedServer(nil)
	server.Config = newServer(secured(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		panic(fmt.Sprintf("%s %+v", password, config.Database{Host: "k4n4r1"}))
	}), logger), logger)
	server.Start()
	defer server.Close()
	if resp, err := server.Client().Get(server.URL + "/x"); err == nil {
		_ = resp.Body.Close()
		t.Errorf("a panic is answered by %d", resp.StatusCode)
	}
	server.Close()
	if text := logs.String(); strings.Contains(text, "k4n4r1") ||
		!strings.Contains(text, "answering a request panicked") ||
		!strings.Contains(text, "web_test.go") {
		t.Errorf("log: %s", text)
	}
}

func bodyOf(t *testing.T, client *http.Client, address string) string {
	t.Helper()
	resp, err := client.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// TestCertificatesAreReadAgain rotates the certificate of a daemon that runs, and breaks it.
func TestCertificatesAreReadAgain(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(cert, key string) {
		for name, text := range map[string]string{"cert.pem": cert, "key.pem": key} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	ask := func(cert, address string) error {
		client := clientOf(t, cert, true)
		defer client.CloseIdleConnections()
		resp, err := client.Get("https://" + address + "/-/healthy")
		if err == nil {
			_ = resp.Body.Close()
		}
		return err
	}
	cert, key := certificateOf(t)
	write(cert, key)
	webConfig := filepath.Join(dir, "web.yml")
	rewrite(t, webConfig, "tls_server_config: {cert_file: cert.pem, key_file: key.pem}\n")
	d := startDaemon(
		t,
		writeConfig(t, once+entry("acme", "pa55", waived)),
		"--web.config.file="+webConfig,
		"--log.level=debug",
	)
	address := strings.TrimPrefix(d.base, "http://")
	if err := ask(cert, address); err != nil {
		t.Fatal(err)
	}
	cert2, key2 := certificateOf(t)
	write(cert2, key2)
	if err := ask(cert2, address); err != nil {
		t.Errorf("the new certificate is not used: %v", err)
	}
	client := clientOf(t, cert2, true)
	defer client.CloseIdleConnections()
	want := fmt.Sprintf("magento_migration_exporter_tls_certificate_expiry_timestamp_seconds %v\n",
		float64(certificateEnd([]byte(cert2)).Unix()))
	if text := bodyOf(t, client, "https://"+address+"/metrics?scope=exporter"); !strings.Contains(text, want) {
		t.Errorf("no %s in %s", want, text)
	}
	write(cert2, strings.ReplaceAll(key2, "\n", "x\n"))
	if err := ask(cert2, address); err == nil {
		t.Error("a broken key makes no difference")
	}
	if log := d.logs.String(); strings.Contains(log, strings.Split(key2, "\n")[1]) {
		t.Error("the key is in the log")
	}
	write(cert2, key2)
	if err := ask(cert2, address); err != nil {
		t.Errorf("the daemon does not recover: %v", err)
	}
}
