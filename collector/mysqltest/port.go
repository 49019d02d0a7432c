package mysqltest

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strconv"
)

// The ports that FreePort chooses from are below those that Linux gives to outgoing connections, so that none of them
// takes the port of a server that is restarting.
const (
	firstPort = 15_000
	lastPort  = 32_000
)

// FreePort returns a TCP port of 127.0.0.1 on which nothing listens, for a server that a test starts. It is not the
// port of a server of this package that is down for a moment.
func FreePort() (int, error) {
	port, hold, err := holdPort()
	if err != nil {
		return 0, err
	}
	return port, hold.Close()
}

// holdPort is FreePort, which chooses the port for nobody else, in this and other processes, until it is closed.
func holdPort() (int, io.Closer, error) {
	var err error
	for range 100 {
		port := firstPort + rand.IntN(lastPort-firstPort+1)
		// A name without a file: the kernel forgets it with the process.
		var hold net.PacketConn
		if hold, err = net.ListenPacket("unixgram", fmt.Sprintf("@mysqltest-port-%d", port)); err != nil {
			continue
		}
		var l net.Listener
		if l, err = net.Listen("tcp4", net.JoinHostPort(loopback, strconv.Itoa(port))); err == nil {
			return port, hold, l.Close()
		}
		err = errors.Join(err, hold.Close())
	}
	return 0, nil, fmt.Errorf("find a free port: %w", err)
}
