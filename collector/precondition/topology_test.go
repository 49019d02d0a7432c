package precondition_test

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/collector/mysqltest"
	"magento_migration_exporter/collector/precondition"
	"magento_migration_exporter/collector/shoptest"
)

// node is a web node; the shop is in maintenance.
func node(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(
		http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }))
	t.Cleanup(s.Close)
	return strings.TrimPrefix(s.URL, "http://")
}

// deadPort is an address on which nothing listens.
func deadPort(t *testing.T) string {
	t.Helper()
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(mysqltest.ClosedPort(t)))
}

// openPort is an address at which each connection is taken, and ended at once: who wants more than that does not wait.
func openPort(t *testing.T) *net.TCPAddr {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for conn, err := l.Accept(); err == nil; conn, err = l.Accept() {
			conn.Close()
		}
	}()
	return l.Addr().(*net.TCPAddr)
}

func nodes(addresses ...string) []string { return addresses }

func TestTopologyUndeclared(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.WantFinding("topology", finding.Unknown, "magento1.root")
	s.WantFinding("topology", finding.Unknown, "Magento 2's web nodes are unknown",
		"preconditions.topology.magento2.web")
}

func TestTopology(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	root1, root2 := s.WithRoots()
	shoptest.WriteUnder(t, root2, "app/etc/env.php", s.EnvPHP(""))
	one, two := map[string]any{"web": 2}, map[string]any{"web": nodes(node(t), node(t))}
	set := func() { s.Set("topology", map[string]any{"magento1": one, "magento2": two}) }
	set()
	s.Want("topology", finding.Pass)
	s.WantValue(2, "topology_nodes", "magento1", "web")
	s.WantValue(2, "topology_nodes", "magento2", "web")
	s.WantValue(1, "topology_nodes", "magento1", "database")
	s.WantValue(1, "topology_nodes", "magento2", "database")

	dead := deadPort(t)
	two["web"] = nodes(node(t), dead)
	set()
	s.WantFinding("topology", finding.Warn, "Magento 2 has 1 web node that answers, Magento 1 has 2", dead)
	s.WantValue(1, "topology_nodes", "magento2", "web")
	two["web"] = nodes(dead)
	set()
	s.WantFinding("topology", finding.Fail, "none of Magento 2's web nodes answers", dead)
	s.WantValue(0, "topology_nodes", "magento2", "web")
	two["web"] = 4
	set()
	s.Want("topology", finding.Pass)

	// Magento 1 keeps its sessions in Redis: Magento 2 needs something for that too.
	shoptest.WriteUnder(t, root1, "app/etc/local.xml",
		strings.Replace(s.LocalXML("", s.DB1), "<session_save><![CDATA[files]]></session_save>",
			"<session_save>db</session_save><redis_session><host>r1</host><port>6379</port></redis_session>", 1))
	s.WantFinding("topology", finding.Fail, "Magento 2 has no session node, but Magento 1 has")
	open := openPort(t)
	shoptest.WriteUnder(t, root2, "app/etc/env.php", s.EnvPHP(fmt.Sprintf(
		"'session' => ['save' => 'redis', 'redis' => ['host' => '127.0.0.1', 'port' => '%d']],", open.Port)))
	s.Want("topology", finding.Pass)
	s.WantValue(1, "topology_nodes", "magento2", "session")
	shoptest.WriteUnder(t, root2, "app/etc/env.php",
		s.EnvPHP("'session' => ['save' => 'redis', 'redis' => ['host' => getenv('R')]],"))
	s.WantFinding("topology", finding.Unknown, "address of Magento 2's session",
		"preconditions.topology.magento2.session")
	two["session"] = nodes(open.String())
	set()
	s.Want("topology", finding.Pass)
	// A role of the user's own.
	one["erp"] = 1
	set()
	s.WantFinding("topology", finding.Fail, "no erp node")
	two["erp"] = nodes(open.String())
	set()
	s.Want("topology", finding.Pass)
	shoptest.WriteUnder(t, root2, "app/etc/env.php", "")
	s.Want("topology", finding.Unknown)
}

func TestTopologyIsDeclaredWhole(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	one, two := map[string]any{"web": 4, "session": 1}, map[string]any{"web": 4}
	set := func() { s.Set("topology", map[string]any{"magento1": one, "magento2": two}) }
	set()
	s.WantFinding("topology", finding.Unknown, "Magento 2's session nodes are unknown")
	two["session"] = 1
	set()
	s.Want("topology", finding.Pass)
}

// TestTopologyShowsNoCredentials has them in an address that the configuration names.
func TestTopologyShowsNoCredentials(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	one, two := map[string]any{
		"web":    1,
		"search": 1,
	}, map[string]any{
		"web":    1,
		"search": nodes("http://user:canary@" + deadPort(t) + "/?token=canary"),
	}
	set := func() { s.Set("topology", map[string]any{"magento1": one, "magento2": two}) }
	set()
	f := s.WantFinding("topology", finding.Fail, "none of Magento 2's search nodes answers")
	if strings.Contains(fmt.Sprintf("%+v", s.State("topology").Result), "canary") {
		t.Errorf("credentials are shown: %+v", f)
	}
	two["search"] = nodes("http://user:canary@" + node(t))
	set()
	s.Want("topology", finding.Pass)
	if strings.Contains(fmt.Sprintf("%+v", s.State("topology").Result), "canary") {
		t.Error("credentials are shown")
	}
}

// TestTopologyAsksTheSocketOfLocalhost must not take a node for alive that nobody asked.
func TestTopologyAsksTheSocketOfLocalhost(t *testing.T) {
	t.Parallel()
	nowhere := filepath.Join(t.TempDir(), "mysqld.sock")
	if err := precondition.AskSockets(t.Context(), []string{nowhere}); err == nil ||
		!strings.Contains(err.Error(), nowhere) {
		t.Errorf("a socket that is not there: %v", err)
	}
	if err := precondition.AskSockets(t.Context(), []string{nowhere, shared.Magento2.Socket()}); err != nil {
		t.Error(err)
	}
}

// withRedisSession is Magento 1's local.xml with sessions in Redis, or behind sentinels.
func (s *shop) withRedisSession(servers string) string {
	return strings.Replace(
		s.LocalXML(s.Prefix1, s.DB1),
		"<session_save><![CDATA[files]]></session_save>",
		"<session_save><![CDATA[db]]></session_save><redis_session><host>"+servers+"</host><port>6379</port></redis_session>",
		1,
	)
}

// TestTopologyRolesThatMagento1Lacks must not keep a migration from being ready.
func TestTopologyRolesThatMagento1Lacks(t *testing.T) {
	t.Parallel()
	for name, session := range map[string]string{
		"an address that only PHP knows": "['save' => 'redis', 'redis' => ['host' => getenv('MAGENTO_REDIS_HOST'), 'port' => '6379']]",
		"a dead address":                 "['save' => 'redis', 'redis' => ['host' => '127.0.0.1', 'port' => '1']]",
		"an empty list of sentinels":     "['save' => 'redis', 'redis' => ['host' => '127.0.0.1', 'port' => '1', 'sentinel_servers' => '']]",
		"dead sentinels":                 "['save' => 'redis', 'redis' => ['sentinel_servers' => '127.0.0.1:1,127.0.0.1:2', 'sentinel_master' => 'm']]",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t)
			root1, root2 := s.WithRoots()
			s.Configure("topology", "{magento1: {web: 1}, magento2: {web: 1}}")
			shoptest.WriteUnder(t, root2, "app/etc/env.php", s.EnvPHP("'session' => "+session+","))
			s.Want("topology", finding.Pass)
			// As soon as Magento 1 has the role, it counts.
			shoptest.WriteUnder(t, root1, "app/etc/local.xml", s.withRedisSession(node(t)))
			if got := shoptest.Precondition(s.Evaluate(),
				"topology").Result.Status; got != finding.Fail && got != finding.Unknown {
				t.Errorf("%s although Magento 1 keeps its sessions in Redis", got)
			}
		})
	}
}

// TestTopologySentinels has lists of sentinels, which lead to one Redis however many they are.
func TestTopologySentinels(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	root1, root2 := s.WithRoots()
	s.Configure("topology", "{magento1: {web: 1}, magento2: {web: 1}}")
	alive := node(t)
	sentinels := func(servers string) {
		shoptest.WriteUnder(t, root2, "app/etc/env.php", s.EnvPHP(
			"'session' => ['save' => 'redis', 'redis' => ['sentinel_servers' => '"+servers+"', 'sentinel_master' => 'm']],",
		))
	}
	shoptest.WriteUnder(t, root1, "app/etc/local.xml",
		s.withRedisSession("tcp://r1:26379,tcp://r2:26379,tcp://r3:26379"))
	sentinels(alive)
	s.Want("topology", finding.Pass)
	s.WantValue(1, "topology_nodes", "magento1", "session")
	sentinels(alive + "," + node(t) + ",127.0.0.1:1")
	s.Want("topology", finding.Pass)
	s.WantValue(1, "topology_nodes", "magento2", "session")
	sentinels("127.0.0.1:1,127.0.0.1:2")
	s.WantFinding("topology", finding.Fail, "none of Magento 2's session nodes answers")
	// Two nodes are two nodes: Memcached's clients spread over them.
	shoptest.WriteUnder(t, root1, "app/etc/local.xml", strings.Replace(
		s.LocalXML(s.Prefix1, s.DB1),
		"<session_save><![CDATA[files]]></session_save>",
		"<session_save><![CDATA[memcache]]></session_save><session_save_path>tcp://m1:11211,tcp://m2:11211</session_save_path>",
		1,
	))
	sentinels(alive)
	s.WantFinding("topology", finding.Warn, "1 session node", "Magento 1 has 2")
}

// TestTopologyWithoutDatabase stops Magento 2's database: network fails, and nothing else.
func TestTopologyWithoutDatabase(t *testing.T) {
	t.Parallel()
	s := newShop(t, shoptest.With(precondition.All().IDs()...))
	_, root2 := s.WithRoots()
	s.Set("topology", map[string]any{"magento1": map[string]any{"web": 1}, "magento2": map[string]any{"web": 1}})
	dead := deadPort(t)
	_, port, err := net.SplitHostPort(dead)
	if err != nil {
		t.Fatal(err)
	}
	env := strings.Replace(s.EnvPHP(""), fmt.Sprintf(":%d'", s.Server2.Port()), ":"+port+"'", 1)
	shoptest.WriteUnder(t, root2, "app/etc/env.php", env)
	if _, err := fmt.Sscan(port, &s.Migration.Magento2.Database.Port); err != nil {
		t.Fatal(err)
	}
	s.Want("network", finding.Fail)
	s.Want("topology", finding.Unknown)
	s.WantFinding("topology", finding.Unknown, "Magento 2's database does not answer", dead, "precondition network")
}
