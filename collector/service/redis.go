package service

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
)

// Redis asks Redis or Valkey at host:port or the path of a socket. A password is sent when it is not empty.
func Redis(ctx context.Context, node, password string) (Service, error) {
	var s Service
	err := converse(ctx, node, func(conn net.Conn) (err error) {
		r := bufio.NewReader(io.LimitReader(conn, maxAnswer))
		if password != "" {
			if _, err := redisCommand(conn, r, "AUTH", password); err != nil {
				return err
			}
		}
		info, err := redisCommand(conn, r, "INFO", "server")
		if err != nil {
			return err
		}
		s, err = redisService(info)
		return err
	})
	return s, err
}

// redisCommand sends a command in the RESP protocol and returns the text of its answer.
func redisCommand(conn net.Conn, r *bufio.Reader, words ...string) (string, error) {
	var request bytes.Buffer
	fmt.Fprintf(&request, "*%d\r\n", len(words))
	for _, w := range words {
		fmt.Fprintf(&request, "$%d\r\n%s\r\n", len(w), w)
	}
	if _, err := conn.Write(request.Bytes()); err != nil {
		return "", err
	}
	line, err := r.ReadString('\n')
	if err != nil {
		return "", err
	}
	line = strings.TrimRight(line, "\r\n")
	switch {
	case strings.HasPrefix(line, "-"):
		return "", redisError(words[0], line)
	case strings.HasPrefix(line, "+"):
		return line[1:], nil
	case !strings.HasPrefix(line, "$"):
		return "", errNoRedis()
	}
	size, err := strconv.Atoi(line[1:])
	if err != nil || size < 0 || size > maxAnswer {
		return "", errNoRedis()
	}
	body := make([]byte, size)
	_, err = io.ReadFull(r, body)
	return string(body), err
}

func errNoRedis() error { return becausef(OtherServer, "it is no Redis") }

// redisError keeps only the first word of an error: the rest can repeat what was sent, and with AUTH that is a
// password.
func redisError(command, line string) error {
	kind, _, _ := strings.Cut(line[1:], " ")
	switch {
	case kind == "NOAUTH":
		return becausef(LoginWanted, "it wants a login before it gives its version")
	case kind == "WRONGPASS", kind == "NOPERM", command == "AUTH":
		return becausef(LoginWanted, "it refuses the login or the command %s with the error %q", command, kind)
	case kind == "DENIED":
		return becausef(LoginWanted, "it is in protected mode: without a password it answers only its own host")
	}
	return becausef(NoVersion, "it answers %s with the error %q", command, kind)
}

// redisService reads the answer to INFO. Valkey keeps redis_version at the release that it was forked from.
func redisService(info string) (Service, error) {
	fields := map[string]string{}
	for line := range strings.Lines(info) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		fields[name] = value
	}
	if v := fields["valkey_version"]; v != "" {
		return Service{"valkey", v}, nil
	}
	if v := fields["redis_version"]; v != "" {
		return Service{"redis", v}, nil
	}
	return Service{}, becausef(NoVersion, "its answer to INFO has no version")
}
