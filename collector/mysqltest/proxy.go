package mysqltest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"time"
)

// Fault is what a Proxy does to the connections through it.
type Fault int

const (
	// NoFault passes everything.
	NoFault Fault = iota
	// BlackHole accepts connections and lets nothing arrive.
	BlackHole
	// Reset passes what the server sends until the client has sent something, and then resets the connection.
	Reset
	// Drip passes one byte a second.
	Drip
)

// toxic is a fault in toxiproxy's terms: https://github.com/Shopify/toxiproxy#toxics.
type toxic struct {
	Type       string         `json:"type"`
	Stream     string         `json:"stream"`
	Attributes map[string]int `json:"attributes"`
}

func (f Fault) toxic() toxic {
	return [...]toxic{
		BlackHole: {Type: "timeout", Stream: "downstream", Attributes: map[string]int{"timeout": 0}},
		// A reset that comes while the client still connects would be another fault.
		Reset: {Type: "reset_peer", Stream: "upstream", Attributes: map[string]int{"timeout": 0}},
		Drip: {
			Type: "slicer", Stream: "downstream", Attributes: map[string]int{"average_size": 1, "delay": 1_000_000},
		},
	}[f]
}

// toxiproxyPath is where the Makefile builds toxiproxy, below the project's directory.
const toxiproxyPath = ".cache/tools/toxiproxy"

// Proxy is a TCP proxy on a free loopback port, a toxiproxy process of its own. It can be made to disturb what it
// passes, and to lead to another server. Its methods are not for use by several goroutines at once.
type Proxy struct {
	name, address, api string
	client             *http.Client
	process            *process
}

// StartProxy starts a proxy to a TCP address, host:port, and returns when it listens. The context limits the start, not
// the life of the proxy: Stop ends it.
func StartProxy(ctx context.Context, upstream string) (*Proxy, error) {
	p, err := startProxy(ctx, upstream)
	if err != nil {
		return nil, fmt.Errorf("start a proxy to %s: %w", upstream, err)
	}
	return p, nil
}

func startProxy(ctx context.Context, upstream string) (*Proxy, error) {
	root, err := projectRoot()
	if err != nil {
		return nil, err
	}
	program := filepath.Join(root, toxiproxyPath)
	if _, err := exec.LookPath(program); err != nil {
		return nil, fmt.Errorf("%w: run make %s in the project's directory", err, toxiproxyPath)
	}
	dir, err := os.MkdirTemp("", "mysqltest-proxy-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	// The directory's name is nobody else's.
	p := &Proxy{name: filepath.Base(dir), client: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}}
	for attempt := 1; ; attempt++ {
		err := p.run(ctx, program, dir, upstream)
		if err == nil {
			return p, nil
		}
		p.process.kill()
		if !errors.Is(err, errPortTaken) || attempt == portAttempts {
			return nil, err
		}
	}
}

// run starts toxiproxy with the proxy in its configuration. What answers and does not know that name is another program
// that took the port, or a toxiproxy that could not have the address to listen on.
func (p *Proxy) run(ctx context.Context, program, dir, upstream string) error {
	port, err := FreePort()
	if err != nil {
		return err
	}
	listen, err := FreePort()
	if err != nil {
		return err
	}
	p.api = "http://" + net.JoinHostPort(loopback, strconv.Itoa(port))
	p.address = net.JoinHostPort(loopback, strconv.Itoa(listen))
	config, err := json.Marshal([]map[string]any{p.settings(upstream, true)})
	if err != nil {
		return err
	}
	file := filepath.Join(dir, "proxies.json")
	if err := os.WriteFile(file, config, 0o600); err != nil {
		return err
	}
	var log safeBuffer
	// Not bound to a context: the proxy outlives the call that starts it.
	cmd := exec.Command(program, "-host="+loopback, "-port="+strconv.Itoa(port), "-config="+file)
	cmd.Stdout, cmd.Stderr = &log, &log
	if p.process, err = startProcess(cmd); err != nil {
		return err
	}
	if err := p.waitReady(ctx); err != nil {
		return fmt.Errorf("%w; its log:\n%s", err, log.String())
	}
	return nil
}

func (p *Proxy) waitReady(ctx context.Context) error {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		err := p.call(ctx, http.MethodGet, "/proxies/"+p.name, nil)
		if err == nil {
			return nil
		}
		if status := statusError(0); errors.As(err, &status) {
			return fmt.Errorf("%w: %w", errPortTaken, err)
		}
		select {
		case <-p.process.done:
			return fmt.Errorf("toxiproxy ended while starting (%s)", p.process.cmd.ProcessState)
		case <-ctx.Done():
			return fmt.Errorf("wait for toxiproxy to answer: %w (last answer: %w)", context.Cause(ctx), err)
		case <-tick.C:
		}
	}
}

// statusError is an HTTP status that is no success.
type statusError int

func (s statusError) Error() string { return "HTTP status " + strconv.Itoa(int(s)) }

// settings describe the proxy in toxiproxy's terms.
func (p *Proxy) settings(upstream string, enabled bool) map[string]any {
	return map[string]any{"name": p.name, "listen": p.address, "upstream": upstream, "enabled": enabled}
}

// call asks toxiproxy's HTTP API.
func (p *Proxy) call(ctx context.Context, method, path string, body any) error {
	content, err := json.Marshal(body)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, method, p.api+path, bytes.NewReader(content))
	if err != nil {
		return err
	}
	response, err := p.client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return fmt.Errorf("read the answer to %s %s: %w", method, path, err)
	}
	if response.StatusCode >= http.StatusBadRequest {
		return fmt.Errorf("%s %s: %w: %s", method, path, statusError(response.StatusCode), answer)
	}
	return nil
}

// Addr returns host:port, which stays the same.
func (p *Proxy) Addr() string { return p.address }

// Set leads what connects from now on to a TCP address, with a fault. All connections are cut, so that none keeps the
// old fault.
func (p *Proxy) Set(ctx context.Context, upstream string, f Fault) error {
	path := "/proxies/" + p.name
	for _, step := range []struct {
		method, path string
		body         any
		skip         bool
	}{
		// A new proxy, because toxiproxy waits for connections in the middle of a fault before it changes the fault.
		{http.MethodDelete, path, nil, false},
		{http.MethodPost, "/proxies", p.settings(upstream, false), false},
		{http.MethodPost, path + "/toxics", f.toxic(), f == NoFault},
		{http.MethodPost, path, map[string]any{"enabled": true}, false},
	} {
		if step.skip {
			continue
		}
		if err := p.call(ctx, step.method, step.path, step.body); err != nil {
			return fmt.Errorf("set the proxy to %s: %w", upstream, err)
		}
	}
	return nil
}

// Stop ends the proxy and all connections through it. Calling it again does nothing.
func (p *Proxy) Stop() { p.process.kill() }

// safeBuffer is written by a child's output and read while the child runs.
type safeBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *safeBuffer) Write(text []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(text)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
