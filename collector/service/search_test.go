package service

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

func TestSearch(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		status     int
		body, want string
	}{
		{200, `{"version": {"distribution": "opensearch", "number": "2.12.0"}}`, "{opensearch 2.12.0}"},
		{200, `{"version": {"number": "8.11.1"}}`, "{elasticsearch 8.11.1}"},
		{401, `{}`, "wants a login"},
		{500, `{}`, "500"},
		{200, `{}`, "no search engine"},
		{200, `<html>`, "is not JSON"},
		{302, ``, "302"},
	} {
		got, err := Search(limited(t), answering(t, tc.status, "", tc.body))
		if text := fmt.Sprint(got, err); !strings.Contains(text, tc.want) {
			t.Errorf("%d %s: %s, want %s", tc.status, tc.body, text, tc.want)
		}
	}
	_, err := Search(limited(t), "http://user:canary@127.0.0.1:1/?token=canary")
	if err == nil || strings.Contains(err.Error(), "canary") {
		t.Errorf("%v", err)
	}
	for _, endpoint := range []string{"redis:6379", "ftp://x/", "://", ""} {
		if _, err := Search(limited(t), endpoint); CauseOf(err) != InvalidAddress {
			t.Errorf("%q: %v", endpoint, err)
		}
	}
}

func engineSettings(engine, hostname, port string) map[string]string {
	return map[string]string{
		"engine": engine, engine + "_server_hostname": hostname, engine + "_server_port": port,
	}
}

func TestSearchEndpoint(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ engine, hostname, port, want string }{
		{"", "os", "9200", ""},
		{"mysql", "os", "9200", ""},
		{"opensearch", "os.example", "9201", "http://os.example:9201"},
		{"elasticsearch7", "127.0.0.1", "", "http://127.0.0.1:9200"},
		{"elasticsearch8", "https://os.example", "443", "https://os.example:443"},
		{"opensearch", "HTTP://os.example/", "9200", "http://os.example:9200"},
		{"elasticsearch", " os ", " 9200 ", "http://os:9200"},
		{"opensearch", "es_1.internal.", "9200", "http://es_1.internal.:9200"},
		{"opensearch", "2001:db8::1", "9200", "http://[2001:db8::1]:9200"},
		{"opensearch", "[2001:db8::1]", "9200", "http://[2001:db8::1]:9200"},
		{"opensearch", "[2001:db8::1]:9300", "", "http://[2001:db8::1]:9300"},
		{"opensearch", "os:9300", "", "http://os:9300"},
		{"opensearch", "os:9300", "9300", "http://os:9300"},
		// What a database can say to make somebody fetch something else.
		{"opensearch", "http://os/admin/delete?all=1", "9200", "http://os:9200"},
		{"opensearch", "http://user:canary@os/", "9200", "http://os:9200"},
		{"opensearch", "os/path", "9200", "http://os:9200"},
		{"opensearch", "os?x=1", "9200", "http://os:9200"},
		{"opensearch", "os#x", "9200", "http://os:9200"},
		{"opensearch", `os\@evil`, "9200", "http://os:9200"},
		{"opensearch", "a@b@os", "9200", "http://os:9200"},
		{"opensearch", "os:9300", "9200", "error: catalog/search/opensearch_server_hostname has another port"},
		{"opensearch", "os", "9200/../../admin", "error: catalog/search/opensearch_server_hostname has no valid port"},
		{"opensearch", "os", "0", "error: catalog/search/opensearch_server_hostname has no valid port"},
		{"opensearch", "os", "65536", "error: catalog/search/opensearch_server_hostname has no valid port"},
		{"opensearch", "os", "-1", "error: catalog/search/opensearch_server_hostname has no valid port"},
		{"opensearch", "file:///etc/passwd", "9200", "error: begins with a scheme"},
		{"opensearch", "gopher://os", "9200", "error: begins with a scheme"},
		{"opensearch", "https://", "9200", "error: is not the name"},
		{"opensearch", "os canary", "9200", "error: is not the name"},
		{"opensearch", "os\r\nHost: canary", "9200", "error: is not the name"},
		{"opensearch", "os\x00", "9200", "error: is not the name"},
		{"opensearch", "fe80::1%eth0", "9200", "error: is not the name"},
		{"opensearch", "a:b:c", "9200", "error: is not the name"},
		{"opensearch", strings.Repeat("a", 300), "9200", "error: is not the name"},
		{"opensearch", "-os", "9200", "error: is not the name"},
		{"opensearch", "", "9200", "error: is not set"},
		{"opensearch", "  ", "9200", "error: is not set"},
		{"canary\nengine", "os:1", "2", "error: catalog/search/canary?engine_server_hostname"},
	} {
		got, err := SearchEndpoint(engineSettings(tc.engine, tc.hostname, tc.port))
		if err != nil {
			got = "error: " + err.Error()
			if CauseOf(err) != InvalidAddress || strings.Contains(got, "canary\n") {
				t.Errorf("%q: %v has the cause %q", tc.hostname, err, CauseOf(err))
			}
			if want, ok := strings.CutPrefix(tc.want, "error: "); ok && strings.Contains(got, want) {
				continue
			}
		}
		if got != tc.want {
			t.Errorf("%q %q %q: %s, want %s", tc.engine, tc.hostname, tc.port, got, tc.want)
		}
	}
}

// Magento's own engines have a host name and a port without any row; those of extensions do not.
func TestSearchEndpointDefaults(t *testing.T) {
	t.Parallel()
	for engine, want := range map[string]string{
		"opensearch": "http://localhost:9200", "elasticsearch7": "http://localhost:9200",
		"elasticsearch": "http://localhost:9200", "amasty_elastic": "", "elasticsearch77": "",
	} {
		got, err := SearchEndpoint(map[string]string{"engine": engine})
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%s: %s %v", engine, got, err)
		}
	}
}

// TestSearchEndpointOfAnotherModule names no setting that the module does not have.
func TestSearchEndpointOfAnotherModule(t *testing.T) {
	t.Parallel()
	for _, engine := range []string{"elasticsuite", "algolia", "livesearch", "Elasticsearch7"} {
		_, err := SearchEndpoint(map[string]string{"engine": engine})
		want := "the search engine " + engine + " is that of another module"
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "catalog/search") {
			t.Errorf("%s: %v", engine, err)
		}
	}
}

// TestSearchEndpointIsAskedForNothingElse shows it at a real server: whatever stands in the database, the request is
// GET / without a login.
func TestSearchEndpointIsAskedForNothingElse(t *testing.T) {
	t.Parallel()
	var seen []string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen = append(seen, r.Method+" "+r.RequestURI+" "+r.Header.Get("Authorization"))
		fmt.Fprint(w, `{"version": {"number": "7.17.0"}}`)
	}))
	t.Cleanup(s.Close)
	address := strings.TrimPrefix(s.URL, "http://")
	host, port, _ := strings.Cut(address, ":")
	hostnames := []string{
		host, "http://" + host + "/_shutdown?x=1", "http://u:p@" + host, host + "/_all", address + "#x",
	}
	for _, hostname := range hostnames {
		endpoint, err := SearchEndpoint(engineSettings("elasticsearch7", hostname, port))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Search(limited(t), endpoint); err != nil {
			t.Fatal(err)
		}
	}
	if got := strings.Join(seen, "\n"); got != strings.TrimSpace(strings.Repeat("GET / \n", len(hostnames)))+" " {
		t.Errorf("asked for\n%s", got)
	}
}

func FuzzSearchEndpoint(f *testing.F) {
	f.Add("opensearch", "https://u:p@os.example:9200/path?q#f", "9200")
	f.Add("elasticsearch7", "[::1]:9200", "")
	f.Fuzz(func(t *testing.T, engine, hostname, port string) {
		endpoint, err := SearchEndpoint(engineSettings(engine, hostname, port))
		if err != nil || endpoint == "" {
			return
		}
		u, err := url.Parse(endpoint)
		if err != nil || u.User != nil || u.Path+u.RawQuery+u.Fragment != "" || u.Port() == "" || u.Hostname() == "" {
			t.Errorf("%q and %q give %q: %v", hostname, port, endpoint, err)
		}
	})
}

// searchAnswers answers as OpenSearch does with the indexes of two stores, and one that no alias leads to.
func searchAnswers(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/magento2_product*/_alias":
		fmt.Fprint(w, `{"magento2_product_1_v2": {"aliases": {"magento2_product_1": {}}},
			"magento2_product_2_v1": {"aliases": {"magento2_product_2": {}}}, "magento2_product_1_v1": {"aliases": {}}}`)
	case "/_cat/indices/magento2_product*":
		fmt.Fprint(w, `[{"index": "magento2_product_1_v2", "docs.count": "120"}, {"index": "magento2_product_2_v1",
			"docs.count": "0"}, {"index": "magento2_product_1_v1", "docs.count": null}]`)
	case "/broken*/_alias":
		fmt.Fprint(w, `[]`)
	default:
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprint(w, `{"error": {}, "status": 404}`)
	}
}

func TestSearchIndexes(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(searchAnswers))
	t.Cleanup(server.Close)
	for prefix, want := range map[string]string{
		"magento2_product": "[{magento2_product_1 120} {magento2_product_2 0}] <nil>",
		"other":            "[] <nil>",
		"broken":           "not the list of indexes",
		"../_all":          "no prefix of an index",
		"":                 "no prefix of an index",
	} {
		got, err := SearchIndexes(limited(t), server.URL+"/", prefix)
		if text := fmt.Sprint(got, err); !strings.Contains(text, want) {
			t.Errorf("%q: %s, want %s", prefix, text, want)
		}
	}
	if _, err := SearchIndexes(limited(t), answering(t, 401, "", "{}"), "magento2"); CauseOf(err) != LoginWanted {
		t.Errorf("%v", err)
	}
}
