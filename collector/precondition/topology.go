package precondition

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"go.yaml.in/yaml/v4"

	"magento_migration_exporter/collector/database"
	"magento_migration_exporter/collector/evidence"
	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/collector/service"
	"magento_migration_exporter/config"
	"magento_migration_exporter/config/address"
	"magento_migration_exporter/config/composer"
	"magento_migration_exporter/config/envphp"
	"magento_migration_exporter/config/localxml"
)

// The roles that Magento's own files have. The configuration can have others.
const (
	roleWeb       = "web"
	roleDatabase  = "database"
	roleReplica   = "replica"
	roleCache     = "cache"
	rolePageCache = "page_cache"
	roleSession   = "session"
	roleSearch    = "search"
	roleQueue     = "queue"
)

// topologyNodes is the metric family of topology.
const topologyNodes = "topology_nodes"

const topologyID = "topology"

// topology checks that Magento 2 has at least the nodes that Magento 1 has.
func topology() Precondition {
	return Precondition{
		ID: topologyID, Title: "Topology", Needs: []Need{Magento2Database, LocalFiles},
		Families: []finding.Family{{
			Name: topologyNodes, Labels: []string{"system", "role"},
			Help: "Nodes with the role; for magento2 those that answer.",
		}},
		Settings: func() config.Settings { return &topologySettings{} },
		Evaluate: evaluateTopology,
	}
}

// topologySettings declare the nodes of both systems by role.
type topologySettings struct {
	config.Judgment `yaml:",inline"`
	Magento1        map[string]nodes `yaml:"magento1"`
	Magento2        map[string]nodes `yaml:"magento2"`
}

// Validate implements config.Validator.
func (t *topologySettings) Validate(fail func(message string, path ...any)) {
	check := func(system string, roles map[string]nodes) {
		for _, role := range slices.Sorted(maps.Keys(roles)) {
			if !roleName.MatchString(role) {
				fail(fmt.Sprintf("role %q: only letters, digits and '_' are allowed", config.Clip(role)), system, role)
			}
		}
	}
	check("magento1", t.Magento1)
	check("magento2", t.Magento2)
}

var roleName = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]{0,62}$`)

// nodes are the nodes with one role: their addresses, or only their number.
type nodes struct {
	Count     int
	Addresses []string
}

// maxNodes is far above any shop; it protects memory and network from a typing error.
const maxNodes = 1000

// UnmarshalYAML implements yaml.Unmarshaler.
func (n *nodes) UnmarshalYAML(node *yaml.Node) error {
	switch node.Kind {
	case yaml.ScalarNode:
		if err := node.Load(&n.Count); err != nil || n.Count < 0 || n.Count > maxNodes {
			return fmt.Errorf("expected a number of nodes from 0 to %d, or a list of addresses", maxNodes)
		}
	case yaml.SequenceNode:
		if err := node.Load(&n.Addresses); err != nil {
			return err
		}
		if len(n.Addresses) > maxNodes {
			return fmt.Errorf("more than %d addresses", maxNodes)
		}
		n.Count = len(n.Addresses)
	default:
		return errors.New("expected a number of nodes or a list of addresses")
	}
	return nil
}

// roleNodes are the nodes of one system with one role.
type roleNodes struct {
	// count is how many there are; for Magento 2 how many answer.
	count     int
	addresses []string
	// source is where they were found.
	source string
	// silent are addresses that do not answer, each with the reason.
	silent []string
	// unknown is why the address of a node is unknown; empty when all are known.
	unknown string
	// sentinels are the addresses of Redis sentinels: all together count as one node.
	sentinels map[string]bool
}

// counted returns the number of nodes behind the addresses, without those that do not answer.
func (n *roleNodes) counted(silent map[string]bool) int {
	count, bySentinel := 0, 0
	for _, a := range n.addresses {
		switch {
		case silent[a]:
		case n.sentinels[a]:
			bySentinel = 1
		default:
			count++
		}
	}
	return count + bySentinel
}

func evaluateTopology(ctx context.Context, e *evidence.Evidence) finding.Verdict {
	v := finding.Verdict{Summary: "Magento 2 has at least the nodes that Magento 1 has"}
	settings := topologySettingsOf(e)
	roles1 := map[string]roleNodes{}
	magento1Roles(&v, e, roles1)
	declare(roles1, settings.Magento1)
	roles2 := map[string]roleNodes{}
	magento2Roles(ctx, &v, e, roles2)
	declare(roles2, settings.Magento2)
	askNodes(ctx, roles2)
	for _, role := range slices.Sorted(maps.Keys(roles1)) {
		v.Sample(topologyNodes, float64(roles1[role].count), string(finding.Magento1), role)
	}
	for _, role := range slices.Sorted(maps.Keys(roles2)) {
		if n := roles2[role]; n.unknown == "" {
			v.Sample(topologyNodes, float64(n.count), string(finding.Magento2), role)
		}
	}
	judgeWeb(&v, e, roles1, roles2)
	for _, role := range slices.Sorted(maps.Keys(roles1)) {
		judgeRole(&v, e, role, roles1[role], roles2)
	}
	compareDatabases(ctx, &v, e)
	return v
}

// declare replaces nodes from the files by those of the configuration.
func declare(roles map[string]roleNodes, declared map[string]nodes) {
	for role, n := range declared {
		roles[role] = roleNodes{count: n.Count, addresses: n.Addresses, source: "the configuration"}
	}
}

// add adds addresses to a role.
func add(roles map[string]roleNodes, role, source string, addresses ...string) {
	n := roles[role]
	n.source = source
	for _, a := range addresses {
		if !slices.Contains(n.addresses, a) {
			n.addresses = append(n.addresses, a)
		}
	}
	n.count = n.counted(nil)
	roles[role] = n
}

// addSentinel adds the address of a Redis sentinel.
func addSentinel(roles map[string]roleNodes, role, source, node string) {
	n := roles[role]
	if n.sentinels == nil {
		n.sentinels = map[string]bool{}
	}
	n.sentinels[node] = true
	roles[role] = n
	add(roles, role, source, node)
}

// magento1Roles reads local.xml. Without it only what the configuration declares is known.
func magento1Roles(v *finding.Verdict, e *evidence.Evidence, roles map[string]roleNodes) {
	local, err := e.Files.Local()
	if err != nil {
		if len(topologySettingsOf(e).Magento1) == 0 || !errors.Is(err, evidence.ErrNoRoot) {
			e.Magento1.Unreadable(v, "magento1", "Magento 1's nodes are unknown", err)
		}
		return
	}
	const source = "local.xml"
	if c, ok := local.Connection("default_setup"); ok {
		add(roles, roleDatabase, source, c.Address.String())
		if read, ok := local.Connection("default_read"); ok && read.Active && read.Address != c.Address {
			add(roles, roleReplica, source, read.Address.String())
		}
	}
	for _, s := range []struct {
		role  string
		store localxml.Store
	}{{roleSession, local.Session}, {roleCache, local.Cache}, {rolePageCache, local.FullPageCache}} {
		for _, server := range s.store.Servers {
			if s.store.Sentinel {
				addSentinel(roles, s.role, source, server.String())
				continue
			}
			add(roles, s.role, source, server.String())
		}
	}
}

// magento2Roles reads env.php, and the search engine's address from the database.
func magento2Roles(ctx context.Context, v *finding.Verdict, e *evidence.Evidence, roles map[string]roleNodes) {
	env, err := e.Files.Env()
	if err != nil {
		if len(topologySettingsOf(e).Magento2) == 0 || !errors.Is(err, evidence.ErrNoRoot) {
			e.Magento2.Unreadable(v, "magento2", "Magento 2's nodes are unknown", err)
		}
		return
	}
	const source = "env.php"
	server := func(role string, sentinel bool, s envphp.Setting[address.Address]) {
		switch {
		case s.State == envphp.Known && sentinel:
			addSentinel(roles, role, source, dialable(s.Value))
		case s.State == envphp.Known:
			add(roles, role, source, dialable(s.Value))
		case s.State == envphp.Unknown:
			n := roles[role]
			n.unknown, n.source = s.Reason, source
			roles[role] = n
		}
	}
	server(roleDatabase, false, env.Connection("default").Address)
	for _, c := range env.SlaveConnections {
		server(roleReplica, false, c.Address)
	}
	stores := []envphp.Store{env.Session}
	roleOf := []string{roleSession}
	for _, c := range env.Caches {
		stores, roleOf = append(stores, c), append(roleOf, cacheRole(c.Name))
	}
	for _, q := range env.Queues {
		stores, roleOf = append(stores, q), append(roleOf, roleQueue)
	}
	for i, store := range stores {
		for _, s := range store.Servers {
			server(roleOf[i], store.Sentinel, s)
		}
	}
	if search, err := e.SearchServer(ctx); err == nil && search.Endpoint != "" {
		add(roles, roleSearch, "Magento 2's search settings", search.Endpoint)
	}
}

func cacheRole(name string) string {
	if name == rolePageCache {
		return rolePageCache
	}
	return roleCache
}

// dialable is the address in the form that askNodes expects.
func dialable(a address.Address) string {
	if a.DefaultSocket {
		return "localhost"
	}
	return a.String()
}

// nodeLimit is how long a node has to answer. A shop's first page after its cache was emptied takes seconds.
const nodeLimit = 5 * time.Second

// mostDials is how many nodes are asked at the same time.
const mostDials = 16

// askNodes checks that every address of Magento 2 answers. A plain number of nodes cannot be checked.
func askNodes(ctx context.Context, roles map[string]roleNodes) {
	places := make(chan struct{}, mostDials)
	var all sync.WaitGroup
	var mu sync.Mutex
	silent := map[string]map[string]string{}
	for role, n := range roles {
		for _, a := range n.addresses {
			all.Go(func() {
				places <- struct{}{}
				defer func() { <-places }()
				if err := ask(ctx, role, a); err != nil {
					mu.Lock()
					if silent[role] == nil {
						silent[role] = map[string]string{}
					}
					silent[role][a] = service.Redacted(a) + ": " + err.Error()
					mu.Unlock()
				}
			})
		}
	}
	all.Wait()
	for role, why := range silent {
		n := roles[role]
		quiet := map[string]bool{}
		for a := range why {
			quiet[a] = true
		}
		n.silent, n.count = slices.Sorted(maps.Values(why)), n.counted(quiet)
		roles[role] = n
	}
}

// ask connects. A web node must answer HTTP too: a load balancer accepts connections even when its nodes are down.
func ask(ctx context.Context, role, node string) error {
	ctx, cancel := context.WithTimeout(ctx, nodeLimit)
	defer cancel()
	if strings.Contains(node, "://") || role == roleWeb {
		return askHTTP(ctx, node)
	}
	switch {
	case node == "localhost":
		return askSockets(ctx, database.SocketPlaces())
	case strings.HasPrefix(node, "/") && service.CheckAddress(node) == nil:
		return connect(ctx, "unix", node)
	}
	if err := service.CheckAddress(node); err != nil {
		return err
	}
	return connect(ctx, "tcp", node)
}

// askSockets succeeds when any of the places answers: PHP's localhost is one of them.
func askSockets(ctx context.Context, places []string) error {
	for _, place := range places {
		if connect(ctx, "unix", place) == nil {
			return nil
		}
	}
	return fmt.Errorf("no Unix socket answers: %s", strings.Join(places, ", "))
}

func connect(ctx context.Context, network, node string) error {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, network, node)
	if err != nil {
		return err
	}
	return conn.Close()
}

// askHTTP accepts any answer: a shop in maintenance mode answers 503.
func askHTTP(ctx context.Context, node string) error {
	if !strings.Contains(node, "://") {
		scheme := "http://"
		if strings.HasSuffix(node, ":443") {
			scheme = "https://"
		}
		node = scheme + node
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, node, nil)
	if err != nil || req.URL.Scheme != "http" && req.URL.Scheme != "https" {
		return errors.New("not a valid address")
	}
	// The certificate is not checked: this is only about an answer, and a node behind a load balancer has another name.
	resp, err := service.Ask(req, false)
	if err != nil {
		return err
	}
	return resp.Body.Close()
}

// judgeWeb asks for the one role that no file has.
func judgeWeb(v *finding.Verdict, e *evidence.Evidence, roles1, roles2 map[string]roleNodes) {
	check := func(system finding.System, roles map[string]roleNodes) {
		if _, ok := roles[roleWeb]; !ok {
			v.Unknown(string(system)+" web", system.Label()+"'s web nodes are unknown", "",
				"Declare them: "+nodesKey(e, system, roleWeb)+", as a number or a list of addresses.")
		}
	}
	check(finding.Magento1, roles1)
	check(finding.Magento2, roles2)
}

func topologySettingsOf(e *evidence.Evidence) *topologySettings {
	return config.SettingsOf[topologySettings](&e.Migration.Preconditions, topologyID)
}

// nodesKey is the path of the setting that declares a role's nodes, from the configuration's root.
func nodesKey(e *evidence.Evidence, system finding.System, role string) string {
	return e.Migration.Key("preconditions." + topologyID + "." + string(system) + "." + role)
}

func judgeRole(v *finding.Verdict, e *evidence.Evidence, role string, one roleNodes, roles2 map[string]roleNodes) {
	two, there := roles2[role]
	evidence := fmt.Sprintf("Magento 1: %s; Magento 2: %s", nodesText(one), nodesText(two))
	remedy := "Add the nodes to Magento 2, or declare them: " + nodesKey(e, finding.Magento2, role)
	switch {
	case one.count == 0:
	case two.unknown != "":
		v.Unknown(role, "env.php does not have the address of Magento 2's "+role, two.unknown,
			"Declare it: "+nodesKey(e, finding.Magento2, role))
	case !there && role == roleWeb:
		// judgeWeb reports it.
	case !there && role == roleReplica && !isCommerce(e):
		v.Note(role, "Magento 2 Open Source has no replica connections", evidence, "")
	case !there && !hasEnvironment(e):
		v.Unknown(role, "Magento 2's "+role+" nodes are unknown", evidence, remedy)
	case !there:
		v.Fail(role, "Magento 2 has no "+role+" node, but Magento 1 has", evidence, remedy)
	case two.count == 0 && role == roleDatabase && e.Magento2.Err != nil:
		// One cause is one failure: that of network.
		v.Unknown(role, "Magento 2's database does not answer", evidence+"; "+strings.Join(two.silent, "; "),
			"See the precondition network, which says why and how to fix it.")
	case two.count == 0:
		v.Fail(role, "none of Magento 2's "+role+" nodes answers", evidence+"; "+strings.Join(two.silent, "; "),
			"Start them, or open the firewall between the exporter and them.")
	case two.count < one.count:
		v.Warn(role, fmt.Sprintf("Magento 2 has %s, Magento 1 has %d",
			finding.Counted(two.count, role+" node that answers", role+" nodes that answer"), one.count),
			strings.Join(append([]string{evidence}, two.silent...), "; "), remedy)
	default:
		v.Note(role, fmt.Sprintf("Magento 2 has %s, Magento 1 has %d",
			finding.Counted(two.count, role+" node", role+" nodes"), one.count), evidence, "")
	}
}

// hasEnvironment reports whether env.php can be read: then a role that is not in it does not exist in Magento 2.
func hasEnvironment(e *evidence.Evidence) bool {
	_, err := e.Files.Env()
	return err == nil
}

func isCommerce(e *evidence.Evidence) bool {
	lock, err := e.Files.Lock()
	if err != nil {
		return false
	}
	return composer.Release(lock).Edition == composer.EditionCommerce
}

func nodesText(n roleNodes) string {
	switch {
	case n.source == "":
		return "none"
	case len(n.addresses) == 0:
		return fmt.Sprintf("%d (%s)", n.count, n.source)
	}
	var shown []string
	for _, a := range n.addresses[:min(len(n.addresses), 20)] {
		shown = append(shown, service.Redacted(a))
	}
	return strings.Join(shown, ", ") + " (" + n.source + ")"
}

// compareDatabases shows both servers side by side. It does not judge: a new server may well have other sizes.
func compareDatabases(ctx context.Context, v *finding.Verdict, e *evidence.Evidence) {
	const query = "SELECT (SELECT COALESCE(SUM(DATA_LENGTH + INDEX_LENGTH), 0) FROM information_schema.TABLES " +
		"WHERE TABLE_SCHEMA = DATABASE()), @@innodb_buffer_pool_size, @@max_connections"
	var texts []string
	for _, s := range e.Systems() {
		if s.Err != nil {
			return
		}
		var size, pool, connections int64
		if err := s.Session.Row(ctx, query, nil, &size, &pool, &connections); err != nil {
			return
		}
		texts = append(texts, fmt.Sprintf("%s: %d MiB of data, buffer pool %d MiB, max_connections %d",
			s.Label(), size>>20, pool>>20, connections))
	}
	v.Note("databases", "the database servers side by side", strings.Join(texts, "; "), "")
}
