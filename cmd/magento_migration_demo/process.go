package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"
)

const (
	// endLimit is how long a program has to end after SIGTERM.
	endLimit = 10 * time.Second
	// readyLimit is how long a program has to become ready.
	readyLimit = 5 * time.Minute
	// keptLog is how many bytes of a program's output are kept, to show why it ended.
	keptLog = 4 << 10
)

// start starts a program that runs until the demo ends. When the program ends earlier, the demo ends too.
func (d *demo) start(ctx context.Context, log *programLog, name string, cmd *exec.Cmd) error {
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = endLimit
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Pdeathsig: syscall.SIGKILL,
		// Ctrl-C must reach only the demo, which then ends its programs itself.
		Setpgid: true,
	}
	started := make(chan error)
	d.group.Go(func() error {
		// The kernel sends Pdeathsig when the thread that started the program ends.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			err = cmd.Wait()
		}
		if ctx.Err() != nil {
			return nil
		}
		if err == nil {
			err = errors.New("exit code 0")
		}
		return fmt.Errorf("%s ended (%w); its last output:\n%s", name, err, log.tail())
	})
	if err := <-started; err != nil {
		return fmt.Errorf("start %s: %w", name, err)
	}
	return nil
}

// programLog receives a program's output. It keeps the end, and after show it also writes the output to the screen.
type programLog struct {
	mu     sync.Mutex
	kept   []byte
	screen io.Writer
}

// Write implements io.Writer.
func (l *programLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.kept = append(l.kept, p...)
	l.kept = bytes.Clone(l.kept[max(0, len(l.kept)-keptLog):])
	if l.screen != nil {
		return l.screen.Write(p)
	}
	return len(p), nil
}

// show also writes everything from now on to w.
func (l *programLog) show(w io.Writer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.screen = w
}

func (l *programLog) tail() []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.kept
}

// waitReady returns when a URL answers 200.
func waitReady(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, readyLimit)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		err := get(ctx, url, io.Discard)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait until it is ready: %w", err)
		case <-tick.C:
		}
	}
}

// get writes the answer to w. Any status other than 200 is an error.
func get(ctx context.Context, url string, w io.Writer) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s: %s", url, response.Status)
	}
	if _, err := io.Copy(w, response.Body); err != nil {
		return fmt.Errorf("GET %s: %w", url, err)
	}
	return nil
}
