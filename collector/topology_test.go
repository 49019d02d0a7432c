package collector

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"magento_migration_exporter/config"
)

// node is a web node; the shop is in maintenance.
func node(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }))
	t.Cleanup(s.Close)
	return strings.TrimPrefix(s.URL, "http://")
}

// deadPort is an address on which nothing listens.
func deadPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func nodes(addresses ...string) config.Nodes {
	return config.Nodes{Count: len(addresses), Addresses: addresses}
}

func TestTopologyUndeclared(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.wantFinding("topology", Unknown, "magento1.root")
	s.wantFinding("topology", Unknown, "nobody declared magento2's web nodes", "preconditions.topology.magento2.web")
}

func TestTopology(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	root1, root2 := s.withRoots()
	writeUnder(t, root2, "app/etc/env.php", s.envPHP(""))
	settings := &s.migration.Preconditions.Topology
	settings.Magento1 = map[string]config.Nodes{"web": {Count: 2}}
	settings.Magento2 = map[string]config.Nodes{"web": nodes(node(t), node(t))}
	s.want("topology", Pass)
	s.wantValue(2, topologyNodes, magento1, "web")
	s.wantValue(2, topologyNodes, magento2, "web")
	s.wantValue(1, topologyNodes, magento1, "database")
	s.wantValue(1, topologyNodes, magento2, "database")

	dead := deadPort(t)
	settings.Magento2["web"] = nodes(node(t), dead)
	s.wantFinding("topology", Warn, "Magento 2 has 1 web nodes that answer, Magento 1 has 2", dead)
	s.wantValue(1, topologyNodes, magento2, "web")
	settings.Magento2["web"] = nodes(dead)
	s.wantFinding("topology", Fail, "none of Magento 2's web nodes answers", dead)
	s.wantValue(0, topologyNodes, magento2, "web")
	settings.Magento2["web"] = config.Nodes{Count: 4}
	s.want("topology", Pass)

	// Magento 1 keeps its sessions in Redis: Magento 2 needs something for that too.
	writeUnder(t, root1, "app/etc/local.xml", strings.Replace(s.localXML("", s.db1), "<session_save><![CDATA[files]]></session_save>",
		"<session_save>db</session_save><redis_session><host>r1</host><port>6379</port></redis_session>", 1))
	s.wantFinding("topology", Fail, "Magento 2 has no session node, and Magento 1 has")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	writeUnder(t, root2, "app/etc/env.php", s.envPHP(fmt.Sprintf("'session' => ['save' => 'redis', 'redis' => ['host' => '127.0.0.1', 'port' => '%d']],", l.Addr().(*net.TCPAddr).Port)))
	s.want("topology", Pass)
	s.wantValue(1, topologyNodes, magento2, "session")
	writeUnder(t, root2, "app/etc/env.php", s.envPHP("'session' => ['save' => 'redis', 'redis' => ['host' => getenv('R')]],"))
	s.wantFinding("topology", Unknown, "address of Magento 2's session", "preconditions.topology.magento2.session")
	settings.Magento2["session"] = nodes(l.Addr().String())
	s.want("topology", Pass)
	// A role of the user's own.
	settings.Magento1["erp"] = config.Nodes{Count: 1}
	s.wantFinding("topology", Fail, "no erp node")
	settings.Magento2["erp"] = nodes(l.Addr().String())
	s.want("topology", Pass)
	writeUnder(t, root2, "app/etc/env.php", "")
	s.want("topology", Unknown)
}

func TestTopologyIsDeclaredWhole(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	settings := &s.migration.Preconditions.Topology
	settings.Magento1 = map[string]config.Nodes{"web": {Count: 4}, "session": {Count: 1}}
	settings.Magento2 = map[string]config.Nodes{"web": {Count: 4}}
	s.wantFinding("topology", Unknown, "nobody declared Magento 2's session nodes")
	settings.Magento2["session"] = config.Nodes{Count: 1}
	s.want("topology", Pass)
}

// TestTopologyShowsNoCredentials has them in an address that the configuration names.
func TestTopologyShowsNoCredentials(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	settings := &s.migration.Preconditions.Topology
	settings.Magento1 = map[string]config.Nodes{"web": {Count: 1}, "search": {Count: 1}}
	settings.Magento2 = map[string]config.Nodes{"web": {Count: 1}, "search": nodes("http://user:canary@" + deadPort(t) + "/?token=canary")}
	f := s.wantFinding("topology", Fail, "none of Magento 2's search nodes answers")
	if strings.Contains(fmt.Sprintf("%+v", s.board.Snapshot()[0].precondition("topology").Result), "canary") {
		t.Errorf("credentials are shown: %+v", f)
	}
	settings.Magento2["search"] = nodes("http://user:canary@" + node(t))
	s.want("topology", Pass)
	if strings.Contains(fmt.Sprintf("%+v", s.board.Snapshot()[0].precondition("topology").Result), "canary") {
		t.Error("credentials are shown")
	}
}

// TestTopologyAsksTheSocketOfLocalhost must not take a node for alive that nobody asked.
func TestTopologyAsksTheSocketOfLocalhost(t *testing.T) {
	t.Parallel()
	nowhere := filepath.Join(t.TempDir(), "mysqld.sock")
	if err := askSockets(t.Context(), []string{nowhere}); err == nil || !strings.Contains(err.Error(), nowhere) {
		t.Errorf("a socket that is not there: %v", err)
	}
	if err := askSockets(t.Context(), []string{nowhere, shared.magento2.Socket()}); err != nil {
		t.Error(err)
	}
}
