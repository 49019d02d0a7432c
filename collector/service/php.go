package service

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"time"
)

// PHP is what a php binary says of itself.
type PHP struct {
	Version string `json:"version"`
	// Extensions are the names of all loaded extensions in lower case.
	Extensions []string `json:"extensions"`
	// MemoryLimit is php.ini's text, like 2G or -1.
	MemoryLimit string `json:"memory_limit"`
}

const phpProgram = `echo json_encode(["version" => PHP_VERSION, ` +
	`"extensions" => array_map("strtolower", get_loaded_extensions()), "memory_limit" => ini_get("memory_limit")]);`

// AskPHP runs a php binary, without a shell and within the context's time. The binary is somebody else's program: of
// the exporter's environment, which can hold passwords, it gets PATH, HOME and LANG.
func AskPHP(ctx context.Context, binary string) (PHP, error) {
	cmd := exec.CommandContext(ctx, binary, "-r", phpProgram) //nolint:gosec // the user names the binary
	cmd.Env = phpEnvironment()
	cmd.WaitDelay = time.Second
	out := limitedBuffer{left: maxAnswer}
	cmd.Stdout = &out
	if err := cmd.Run(); err != nil {
		return PHP{}, phpError(ctx, binary, err)
	}
	p, ok := phpAnswer(out.Bytes())
	if !ok {
		return PHP{}, becausef(OtherServer, "%s is no php: its answer has no version", binary)
	}
	return p, nil
}

// phpEnvironment is never nil, which would stand for the whole environment.
func phpEnvironment() []string {
	environ := []string{}
	for _, name := range []string{"PATH", "HOME", "LANG"} {
		if value, ok := os.LookupEnv(name); ok {
			environ = append(environ, name+"="+value)
		}
	}
	return environ
}

func phpError(ctx context.Context, binary string, err error) error {
	text := fmt.Errorf("running %s: %w", binary, err)
	_, exited := errors.AsType[*exec.ExitError](err)
	switch {
	case ctx.Err() != nil:
		return because(TimedOut, text)
	case exited:
		return because(Failing, text)
	}
	return classified(text)
}

// phpAnswer reads what phpProgram prints. Warnings that php.ini sends to standard output come before it.
func phpAnswer(text []byte) (p PHP, ok bool) {
	if i := bytes.IndexByte(text, '{'); i > 0 {
		text = text[i:]
	}
	err := json.Unmarshal(text, &p)
	return p, err == nil && p.Version != ""
}

// limitedBuffer keeps the beginning and drops the rest.
type limitedBuffer struct {
	bytes.Buffer
	left int
}

// Write implements io.Writer.
func (b *limitedBuffer) Write(p []byte) (int, error) {
	keep := p[:min(len(p), b.left)]
	b.left -= len(keep)
	b.Buffer.Write(keep)
	return len(p), nil
}
