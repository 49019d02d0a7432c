// Package address reads the ways in which Magento's files name a server: a host setting of its database adapters, or
// the server of a cache, session or queue.
package address

import (
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// MySQLPort is the port that PHP uses when none is named.
const MySQLPort = 3306

// Address is where PHP connects to.
type Address struct {
	// Host is a name or an IP address, empty for a Unix socket.
	Host string `json:"host,omitempty"`
	Port int    `json:"port,omitempty"`
	// Socket is the path of a Unix socket.
	Socket string `json:"socket,omitempty"`
	// DefaultSocket says that the Unix socket compiled into PHP or set in php.ini is meant: what PHP makes of
	// localhost.
	DefaultSocket bool `json:"default_socket,omitempty"`
	// TLS says that the address asks for TLS itself, as tls:// does.
	TLS bool `json:"tls,omitempty"`
}

// String writes host:port or the path of the socket, without a login in them.
func (a Address) String() string {
	switch {
	case a.DefaultSocket:
		return "PHP's default Unix socket"
	case a.Socket != "":
		return WithoutLogin(a.Socket)
	}
	return net.JoinHostPort(WithoutLogin(a.Host), strconv.Itoa(a.Port))
}

// WithoutLogin hides what stands before the last @ of a text, as in a whole URL or DSN where only a host was expected.
// A leading @ is no login: that is how abstract Unix sockets are written.
func WithoutLogin(text string) string {
	if i := strings.LastIndexByte(text, '@'); i > 0 {
		return "…" + text[i:]
	}
	return text
}

// Magento2 returns where Magento 2's database adapter, which is the migration tool's too, connects to for a host
// setting, and what the setting does not do although it looks so. A port may follow the host; there is no form for
// IPv6. (Magento\Framework\DB\Adapter\Pdo\Mysql::_connect: a slash makes it a socket, else it is split at every colon.)
func Magento2(host string) (Address, []string) {
	if strings.Contains(host, "/") {
		return socket(host)
	}
	name, rest, hasPort := strings.Cut(host, ":")
	port, dropped, hasMore := strings.Cut(rest, ":")
	var problems []string
	switch {
	case isIPv6(host):
		problems = append(
			problems,
			"an IPv6 address is split at its colons, so that another host is meant: use a name or an IPv4 address",
		)
	case hasMore:
		problems = append(
			problems,
			"what follows the second colon ("+strconv.Itoa(len(dropped))+" characters) is dropped",
		)
	}
	a, more := tcp(name, port, hasPort)
	return a, append(problems, more...)
}

// Magento1 returns where Magento 1's database adapter connects to for a host setting, and what the setting does not do.
// (Varien_Db_Adapter_Pdo_Mysql::_getHostInfo: as Magento 2's, with IPv6 addresses, in brackets when a port follows.)
func Magento1(host string) (Address, []string) {
	if strings.Contains(host, "/") {
		return socket(host)
	}
	if isIPv6(host) {
		return Address{Host: host, Port: MySQLPort}, nil
	}
	if inner, ok := strings.CutPrefix(host, "["); ok {
		name, rest, _ := strings.Cut(inner, "]")
		if port, hasPort := strings.CutPrefix(rest, ":"); isIPv6(name) && (hasPort || rest == "") {
			return tcp(name, port, hasPort)
		}
	}
	return Magento2(host)
}

func socket(path string) (Address, []string) {
	a := Address{Socket: path}
	if !strings.HasPrefix(path, "/") {
		return a, []string{"a host with a slash is taken for the path of a Unix socket"}
	}
	if _, last, found := strings.Cut(path, ":"); found && isNumber(last) {
		return a, []string{"a port behind the path of a Unix socket becomes part of the path"}
	}
	return a, nil
}

func tcp(host, port string, hasPort bool) (Address, []string) {
	var problems []string
	number := MySQLPort
	if n, ok := parsePort(port); ok {
		number = n
	} else if hasPort {
		problems = append(problems, "the port is not a number from 1 to 65535")
	}
	switch {
	case host == "":
		return Address{DefaultSocket: true}, append(problems, "an empty host means PHP's default Unix socket")
	case strings.EqualFold(host, "localhost") && hasPort:
		return Address{DefaultSocket: true}, append(problems,
			"PHP takes localhost for its default Unix socket and ignores the port: write 127.0.0.1 to use the port")
	case strings.EqualFold(host, "localhost"):
		return Address{DefaultSocket: true}, problems
	case strings.ContainsAny(host, " \t\r\n"):
		problems = append(problems, "there is white space in the host")
	}
	return Address{Host: host, Port: number}, problems
}

// Server reads the address of a cache, session, queue or search server: a path, host, host:port, or a URL. It is false
// when the text is no address. A user and password in it are left out.
func Server(text string, defaultPort int) (Address, bool) {
	text = strings.TrimSpace(text)
	scheme, rest, hasScheme := strings.Cut(text, "://")
	switch {
	case strings.HasPrefix(text, "/"):
		return Address{Socket: text}, true
	case strings.HasPrefix(text, "unix:"):
		path, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(text, "unix:"), "//"), "?")
		return Address{Socket: path}, strings.HasPrefix(path, "/")
	case !hasScheme:
		scheme, rest = "", text
	}
	rest, _, _ = strings.Cut(rest, "?")
	rest, _, _ = strings.Cut(rest, "/")
	rest = rest[strings.LastIndex(rest, "@")+1:]
	a := Address{Host: rest, Port: defaultPort}
	switch strings.ToLower(scheme) {
	case "tls", "ssl", "rediss", "https", "amqps":
		a.TLS = true
	}
	if host, port, err := net.SplitHostPort(rest); err == nil {
		n, ok := parsePort(port)
		if !ok {
			return Address{}, false
		}
		a.Host, a.Port = host, n
	} else if bare := strings.TrimSuffix(strings.TrimPrefix(rest, "["), "]"); isIPv6(bare) {
		a.Host = bare
	}
	return a, isHost(a.Host)
}

// Servers reads a list of addresses that are separated by commas. It is false when one of them is none.
func Servers(list string, defaultPort int) ([]Address, bool) {
	var addresses []Address
	for text := range strings.SplitSeq(list, ",") {
		a, ok := Server(text, defaultPort)
		if !ok {
			return nil, false
		}
		addresses = append(addresses, a)
	}
	return addresses, true
}

func isIPv6(host string) bool {
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Is6()
}

func isHost(host string) bool {
	if isIPv6(host) {
		return true
	}
	for _, c := range host {
		if c != '-' && c != '.' && c != '_' && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') &&
			c < 0x80 {
			return false
		}
	}
	return host != ""
}

func isNumber(text string) bool {
	_, err := strconv.ParseUint(text, 10, 64)
	return err == nil
}

func parsePort(text string) (int, bool) {
	n, err := strconv.ParseUint(text, 10, 16)
	return int(n), err == nil && n > 0
}
