package service

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

var versionText = regexp.MustCompile(`^\d{1,5}(\.\d{1,5}){0,3}`)

// Search asks Elasticsearch or OpenSearch over HTTP.
func Search(ctx context.Context, endpoint string) (Service, error) {
	resp, err := get(ctx, endpoint)
	if err != nil {
		return Service{}, err
	}
	defer resp.Body.Close()
	if err := searchStatus(resp, endpoint); err != nil {
		return Service{}, err
	}
	var answer searchAnswer
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxAnswer)).Decode(&answer); err != nil {
		if cause := causeOfSystemError(err); cause == TimedOut {
			return Service{}, becausef(cause, "reading the answer of %s: %w", Redacted(endpoint), err)
		}
		return Service{}, becausef(OtherServer, "%s is no search engine: its answer is not JSON", Redacted(endpoint))
	}
	s, err := answer.service()
	if err != nil {
		return Service{}, fmt.Errorf("%s: %w", Redacted(endpoint), err)
	}
	return s, nil
}

func searchStatus(resp *http.Response, endpoint string) error {
	cause, code := OtherServer, resp.StatusCode
	switch {
	case code == http.StatusOK:
		return nil
	case code == http.StatusUnauthorized, code == http.StatusForbidden, code == http.StatusProxyAuthRequired:
		return becausef(LoginWanted, "%s wants a login before it gives its version", Redacted(endpoint))
	case code >= http.StatusInternalServerError:
		cause = Failing
	}
	return becausef(cause, "%s answers %d %s", Redacted(endpoint), code, http.StatusText(code))
}

// searchAnswer is what both products answer to GET /.
type searchAnswer struct {
	ClusterName string `json:"cluster_name"`
	Tagline     string `json:"tagline"`
	Version     struct{ Number, Distribution string }
}

func (a searchAnswer) service() (Service, error) {
	switch {
	case versionText.MatchString(a.Version.Number):
	case a.ClusterName != "" || a.Tagline != "":
		return Service{}, becausef(NoVersion, "its answer has no version")
	default:
		return Service{}, becausef(OtherServer, "it is no search engine: its answer has no version")
	}
	product := "elasticsearch"
	if a.Version.Distribution == "opensearch" {
		product = "opensearch"
	}
	return Service{product, a.Version.Number}, nil
}

// SearchIndex is an alias of the search engine, with the documents of the index that it leads to.
type SearchIndex struct {
	Alias     string
	Documents int
}

// SearchIndexes returns the aliases that begin with a prefix, which Magento 2 makes for each store. The prefix has only
// letters, digits, dots, dashes and underscores.
func SearchIndexes(ctx context.Context, endpoint, prefix string) ([]SearchIndex, error) {
	if !indexPrefix.MatchString(prefix) {
		return nil, becausef(InvalidAddress, "%s is no prefix of an index", printable(prefix))
	}
	var aliases map[string]struct{ Aliases map[string]struct{} }
	if err := searchJSON(ctx, endpoint, "/"+prefix+"*/_alias", &aliases); err != nil {
		return nil, err
	}
	var counts []struct {
		Index string
		Count string `json:"docs.count"`
	}
	list := "/_cat/indices/" + prefix + "*?format=json&h=index,docs.count"
	if err := searchJSON(ctx, endpoint, list, &counts); err != nil {
		return nil, err
	}
	var all []SearchIndex
	for _, index := range counts {
		n, err := strconv.Atoi(index.Count)
		if err != nil {
			continue // a closed index has no count
		}
		for alias := range aliases[index.Index].Aliases {
			all = append(all, SearchIndex{alias, n})
		}
	}
	return all, nil
}

var indexPrefix = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$`)

// searchJSON reads the answer to a request. Without any index the engine answers 404, which leaves the answer empty.
func searchJSON(ctx context.Context, endpoint, path string, answer any) error {
	resp, err := get(ctx, strings.TrimSuffix(endpoint, "/")+path)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusNotFound {
		return nil
	}
	if err := searchStatus(resp, endpoint); err != nil {
		return err
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxIndexAnswer)).Decode(answer); err != nil {
		if cause := causeOfSystemError(err); cause == TimedOut {
			return becausef(cause, "reading the answer of %s: %w", Redacted(endpoint), err)
		}
		return becausef(OtherServer, "%s is no search engine: its answer is not the list of "+
			"indexes", Redacted(endpoint))
	}
	return nil
}

// maxIndexAnswer is above the answer for a thousand stores, in bytes.
const maxIndexAnswer = 1 << 20

// What Magento's own config.xml files set for each of its search engines where core_config_data has no row.
const (
	defaultSearchHost = "localhost"
	defaultSearchPort = "9200"
)

// OwnSearchEngines are the names of the engines that come with any release of Magento 2 from 2.0 on, but mysql.
func OwnSearchEngines() []string {
	return []string{
		"elasticsearch", "elasticsearch5", "elasticsearch6", "elasticsearch7", "elasticsearch8", "opensearch",
	}
}

// SearchEndpoint returns the URL of the search engine that Magento 2 uses. Settings are the rows of core_config_data
// below catalog/search, without that prefix: engine, <engine>_server_hostname and <engine>_server_port. Of what the
// database says, the URL has scheme, host and port, and nothing else: a path, query or login in it is never sent
// anywhere. The URL is empty for the engine mysql and where no engine is set. Settings that name no server are an error
// with the cause InvalidAddress.
func SearchEndpoint(settings map[string]string) (string, error) {
	engine := settings["engine"]
	if engine == "" || engine == "mysql" {
		return "", nil
	}
	hostname, found := settings[engine+"_server_hostname"]
	own := slices.Contains(OwnSearchEngines(), engine)
	switch {
	case found:
	case own:
		hostname = defaultSearchHost
	default:
		return "", becausef(InvalidAddress, "the search engine %s is that of another module, which keeps the address "+
			"of its server in settings of its own", printable(engine))
	}
	endpoint, problem := searchURL(strings.TrimSpace(hostname), strings.TrimSpace(settings[engine+"_server_port"]))
	if problem != "" {
		return "", becausef(InvalidAddress, "catalog/search/%s_server_hostname %s", printable(engine), problem)
	}
	return endpoint, nil
}

// searchURL puts the URL together, or says what is wrong. As in Magento, the host name may begin with http:// or
// https://.
func searchURL(hostname, port string) (endpoint, problem string) {
	if hostname == "" {
		return "", "is not set"
	}
	scheme, rest := "http", hostname
	if found := urlScheme.FindString(hostname); found != "" {
		scheme, rest = strings.ToLower(strings.TrimSuffix(found, "://")), hostname[len(found):]
	}
	if scheme != "http" && scheme != "https" {
		return "", "begins with a scheme that is neither http nor https"
	}
	host, ownPort, ok := splitHost(rest)
	switch {
	case !ok:
		return "", "is not the name or address of a host"
	case ownPort != "" && port != "" && ownPort != port:
		return "", "has another port than the setting beside it: Magento writes both into one URL, which is not valid"
	}
	n, err := strconv.ParseUint(cmp.Or(port, ownPort, defaultSearchPort), 10, 16)
	if err != nil || n == 0 {
		return "", "has no valid port: it is a number from 1 to 65535"
	}
	return scheme + "://" + net.JoinHostPort(host, strconv.FormatUint(n, 10)), ""
}

// splitHost takes host and port out of what follows the scheme of a URL: what stands before the path, query and
// fragment, behind the login.
func splitHost(rest string) (host, port string, ok bool) {
	if i := strings.IndexAny(rest, `/?#\`); i >= 0 {
		rest = rest[:i]
	}
	rest = rest[strings.LastIndexByte(rest, '@')+1:]
	host = strings.TrimSuffix(strings.TrimPrefix(rest, "["), "]")
	if ip, err := netip.ParseAddr(host); err == nil && ip.Zone() == "" {
		return host, "", true
	}
	host = rest
	if h, p, err := net.SplitHostPort(rest); err == nil {
		host, port = h, p
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		return host, port, ip.Zone() == ""
	}
	return host, port, hostName.MatchString(host)
}

// hostName is the form of host names. Underscores are not allowed in them, and in use all the same.
var hostName = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_.-]{0,251}[A-Za-z0-9_.])?$`)

// printable is the beginning of a name from a database, in which a ? stands for every character that such names do not
// have.
func printable(text string) string {
	const most = 40
	text = strings.Map(func(r rune) rune {
		if r == '_' || r == '-' || r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' {
			return r
		}
		return '?'
	}, text)
	return text[:min(len(text), most)]
}
