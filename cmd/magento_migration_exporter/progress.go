package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/term"

	"magento_migration_exporter/collector"
)

const (
	// progressAfter is how long a check runs before it shows its progress.
	progressAfter = time.Second
	// progressEvery is how often the progress is updated.
	progressEvery = 250 * time.Millisecond
)

// statusLine is the last line of a terminal, which is rewritten in place. Other output, like the log, goes above it.
type statusLine struct {
	w     io.Writer
	mu    sync.Mutex
	shown bool
}

// Write implements io.Writer.
func (l *statusLine) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.erase()
	return l.w.Write(p)
}

func (l *statusLine) show(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.erase()
	fmt.Fprint(l.w, text)
	l.shown = true
}

func (l *statusLine) clear() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.erase()
}

func (l *statusLine) erase() {
	if l.shown {
		fmt.Fprint(l.w, "\r\x1b[K")
		l.shown = false
	}
}

// watch shows the progress of an evaluation on a terminal, until the returned function is called.
func (l *statusLine) watch(board *collector.Board, total int) (stop func()) {
	if !isTerminal(l.w) {
		return func() {}
	}
	done := make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() {
		started := time.Now()
		wait := time.NewTimer(progressAfter)
		defer wait.Stop()
		for {
			select {
			case <-done:
				l.clear()
				return
			case <-wait.C:
				l.show(progress(board, total, time.Since(started)))
				wait.Reset(progressEvery)
			}
		}
	})
	return func() { close(done); watching.Wait() }
}

func progress(board *collector.Board, total int, elapsed time.Duration) string {
	evaluated := 0
	for _, state := range board.Snapshot() {
		if state.Evaluated {
			evaluated++
		}
	}
	return fmt.Sprintf("evaluating %d of %d … %d s", min(evaluated+1, total), total, int(elapsed.Seconds()))
}

// isTerminal reports whether w is a terminal that can erase a line.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd())) && os.Getenv("TERM") != "dumb"
}
