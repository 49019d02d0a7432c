package service

import (
	"context"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

func TestRealRabbitMQ(t *testing.T) {
	t.Parallel()
	dir, port, epmd := t.TempDir(), strconv.Itoa(freePort(t)), strconv.Itoa(freePort(t))
	cmd := exec.Command("/usr/lib/rabbitmq/bin/rabbitmq-server")
	cmd.Env = append(os.Environ(),
		"RABBITMQ_NODENAME=test"+port+"@localhost", "RABBITMQ_NODE_PORT="+port,
		"RABBITMQ_DIST_PORT="+strconv.Itoa(freePort(t)), "RABBITMQ_NODE_IP_ADDRESS=127.0.0.1",
		"RABBITMQ_BASE="+dir, "RABBITMQ_MNESIA_BASE="+dir, "RABBITMQ_LOG_BASE="+dir, "RABBITMQ_PID_FILE="+dir+"/pid",
		"RABBITMQ_ENABLED_PLUGINS_FILE="+dir+"/plugins", "RABBITMQ_CONF_ENV_FILE="+dir+"/none",
		"HOME="+dir, "ERL_EPMD_ADDRESS=127.0.0.1", "ERL_EPMD_PORT="+epmd)
	// The broker would start the port mapper as a daemon, which stays.
	start(t, exec.Command("epmd", "-port", epmd, "-address", "127.0.0.1"))
	start(t, cmd)
	s := eventually(t, func(ctx context.Context) (Service, error) { return RabbitMQ(ctx, "127.0.0.1:"+port) })
	if s.Product != "rabbitmq" || !strings.Contains(s.Version, ".") {
		t.Errorf("%s", s)
	}
}

func FuzzStartProperties(f *testing.F) {
	f.Add([]byte("\x00\x0a\x00\x0a\x00\x09\x00\x00\x00\x10\x07versionS\x00\x00\x00\x03" + "1.2"))
	f.Fuzz(func(_ *testing.T, frame []byte) { _, _ = startProperties(frame) })
}
