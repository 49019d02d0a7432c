package service

import (
	"context"
	"net"
	"regexp"
	"strings"
	"time"

	"magento_migration_exporter/config/address"
)

var urlScheme = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]*://`)

// Redacted leaves out what can be secret in an address or URL, be it well-formed or not: login, path and query.
func Redacted(endpoint string) string {
	scheme := urlScheme.FindString(endpoint)
	rest := address.WithoutLogin(strings.TrimPrefix(endpoint, scheme))
	if scheme == "" && strings.HasPrefix(rest, "/") {
		return rest // the path of a socket
	}
	if i := strings.IndexAny(rest, "/?#"); i >= 0 && rest[i:] != "/" {
		rest = rest[:i] + "/…"
	}
	return scheme + rest
}

// CheckAddress refuses what is neither host:port nor the path of a socket. Its message shows no login; that of dialling
// would show all.
func CheckAddress(text string) error {
	if strings.HasPrefix(text, "/") && Redacted(text) == text {
		return nil
	}
	host, port, err := net.SplitHostPort(text)
	if err != nil || strings.ContainsAny(host+port, "@/?#") {
		return becausef(InvalidAddress, "%s is neither host:port nor the path of a socket", Redacted(text))
	}
	return nil
}

// converse connects to host:port or the path of a socket and runs talk, which ends with the context.
func converse(ctx context.Context, node string, talk func(net.Conn) error) error {
	if err := CheckAddress(node); err != nil {
		return err
	}
	var dialer net.Dialer
	network := "tcp"
	if strings.HasPrefix(node, "/") {
		network = "unix"
	}
	conn, err := dialer.DialContext(ctx, network, node)
	if err != nil {
		return classified(err)
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	return classified(talk(conn))
}
