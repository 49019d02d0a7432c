package service

import (
	"context"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

func TestRealRedis(t *testing.T) {
	t.Parallel()
	port := strconv.Itoa(freePort(t))
	socket := filepath.Join(t.TempDir(), "r.sock")
	start(t, exec.Command("redis-server", "--port", port, "--bind", "127.0.0.1", "--unixsocket", socket,
		"--save", "", "--dir", t.TempDir(), "--requirepass", "pa55"))
	s := eventually(t, func(ctx context.Context) (Service, error) { return Redis(ctx, "127.0.0.1:"+port, "pa55") })
	if s.Product != "redis" && s.Product != "valkey" || !strings.Contains(s.Version, ".") {
		t.Errorf("%s", s)
	}
	if again, err := Redis(limited(t), socket, "pa55"); err != nil || again != s {
		t.Errorf("over the socket: %s %v", again, err)
	}
	for _, password := range []string{"", "wrong"} {
		_, err := Redis(limited(t), "127.0.0.1:"+port, password)
		if CauseOf(err) != LoginWanted || !strings.Contains(err.Error(), "login") {
			t.Errorf("password %q: %v has the cause %q", password, err, CauseOf(err))
		}
	}
}

// A Redis whose AUTH was renamed away repeats the command's arguments in its error.
func TestRedisErrorsDoNotShowThePassword(t *testing.T) {
	t.Parallel()
	port := strconv.Itoa(freePort(t))
	start(t, exec.Command("redis-server", "--port", port, "--bind", "127.0.0.1", "--save", "", "--dir", t.TempDir(),
		"--rename-command", "AUTH", ""))
	eventually(t, func(ctx context.Context) (Service, error) { return Redis(ctx, "127.0.0.1:"+port, "") })
	_, err := Redis(limited(t), "127.0.0.1:"+port, "canary")
	if err == nil || strings.Contains(err.Error(), "canary") {
		t.Errorf("%v", err)
	}
}

func TestRedisServiceOfValkey(t *testing.T) {
	t.Parallel()
	s, err := redisService("# Server\r\nredis_version:7.2.4\r\nserver_name:valkey\r\nvalkey_version:8.1.0\r\n")
	if err != nil || s != (Service{"valkey", "8.1.0"}) {
		t.Errorf("%s %v", s, err)
	}
	if _, err := redisService("nothing"); CauseOf(err) != NoVersion {
		t.Errorf("accepted nothing: %v", err)
	}
}

func FuzzRedisService(f *testing.F) {
	f.Add("# Server\r\nredis_version:7.0.15\r\n")
	f.Fuzz(func(_ *testing.T, info string) { _, _ = redisService(info) })
}
