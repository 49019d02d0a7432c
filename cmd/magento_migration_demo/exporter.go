package main

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
)

//go:embed files/exporter.yml
var exporterConfig string

// exporterPort is the exporter's default.
const exporterPort = 10102

// runningExporter is the real exporter, which watches the two shops.
type runningExporter struct {
	binary string
	// Config is its configuration file, Address where it listens.
	Config, Address string
	log             *programLog
}

// startExporter returns when the exporter has evaluated everything once.
func (d *demo) startExporter(ctx context.Context, s *shops) (*runningExporter, error) {
	listener, err := listen()
	if err != nil {
		return nil, err
	}
	defer listener.Close()
	socket, err := listener.File()
	if err != nil {
		return nil, fmt.Errorf("pass the exporter's socket on: %w", err)
	}
	defer socket.Close()
	e := &runningExporter{
		binary:  d.exporter,
		Config:  filepath.Join(d.dir, "exporter.yml"),
		Address: listener.Addr().String(),
		log:     &programLog{},
	}
	if err := writeTemplate(e.Config, exporterConfig, []*site{s.Demo, s.Window}); err != nil {
		return nil, err
	}
	d.step("Starting the exporter ...")
	// The socket is the exporter's from its start on, so that no other program gets the port in between.
	cmd := exec.CommandContext(ctx, "sh", "-c", `LISTEN_FDS=1 LISTEN_PID=$$ exec "$0" "$@"`, e.binary,
		"--config.file="+e.Config, "--web.systemd-socket", "--web.enable-lifecycle")
	cmd.ExtraFiles = []*os.File{socket}
	if err := d.start(ctx, e.log, filepath.Base(e.binary), cmd); err != nil {
		return nil, err
	}
	if err := waitReady(ctx, "http://"+e.Address+"/-/ready"); err != nil {
		return nil, fmt.Errorf("start the exporter: %w", err)
	}
	return e, nil
}

// Reload is the shell command after a change of the configuration.
func (e *runningExporter) Reload() string {
	return "curl --silent --show-error --fail -X POST http://" + e.Address + "/-/reload"
}

// check runs the exporter's own check of the first migration, which prints its table.
func (e *runningExporter) check(ctx context.Context, stdout, stderr io.Writer) error {
	// It waits for the backup until only evaluation_timeout is left of its own.
	cmd := exec.CommandContext(ctx, e.binary, "check", "--config.file="+e.Config, "--migration=demo", "--timeout=5m")
	cmd.Stdout, cmd.Stderr = stdout, stderr
	// An exit code of 2 or 3 means that something fails or is unknown, as expected here.
	err := cmd.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.ExitCode() > 1 {
		return nil
	}
	if err != nil {
		return fmt.Errorf("run the exporter's check: %w", err)
	}
	return nil
}

// readiness is the part of the exporter's document that the demo needs.
type readiness struct {
	Migrations []struct {
		Preconditions []precondition `json:"preconditions"`
	} `json:"migrations"`
}

type precondition struct {
	ID       string    `json:"id"`
	Status   string    `json:"status"`
	Findings []finding `json:"findings"`
}

type finding struct {
	Status  string `json:"status"`
	Subject string `json:"subject"`
	Summary string `json:"summary"`
	Remedy  string `json:"remedy"`
}

// readiness asks the exporter for its document.
func (e *runningExporter) readiness(ctx context.Context) (*readiness, error) {
	var body bytes.Buffer
	if err := get(ctx, "http://"+e.Address+"/api/v1/readiness", &body); err != nil {
		return nil, err
	}
	var r readiness
	if err := json.Unmarshal(body.Bytes(), &r); err != nil {
		return nil, fmt.Errorf("read the exporter's readiness document: %w", err)
	}
	return &r, nil
}

// listen listens on the exporter's default port, or on any free one when it is taken.
func listen() (*net.TCPListener, error) {
	loopback := net.IPv4(127, 0, 0, 1)
	listener, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: loopback, Port: exporterPort})
	if err != nil {
		listener, err = net.ListenTCP("tcp4", &net.TCPAddr{IP: loopback})
	}
	if err != nil {
		return nil, fmt.Errorf("find a free port: %w", err)
	}
	return listener, nil
}
