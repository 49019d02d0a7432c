package acceptance_test

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"syscall"
	"testing"

	"github.com/chromedp/chromedp"
)

// TestPictures makes the pictures of the README, of the demo, when it is told to. Else it only looks whether they are
// there and small.
func TestPictures(t *testing.T) {
	dir := filepath.Join(repository, "docs", "images")
	if *update {
		base, b := startDemo(t), openTab(t, startBrowser(t))
		b.draw(base+"/", filepath.Join(dir, "overview.png"), 690)
		first := evaluate[string](b, `document.querySelector(".row h2 a").pathname`)
		b.draw(base+first, filepath.Join(dir, "migration.png"), 960)
	}
	for _, name := range []string{"overview.png", "migration.png"} {
		picture, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.HasPrefix(picture, []byte("\x89PNG")) || len(picture) > 200<<10 {
			t.Errorf("%s has %d bytes", name, len(picture))
		}
	}
}

// startDemo returns the URL of the exporter that the demo starts.
func startDemo(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "magento_migration_demo")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, "./cmd/magento_migration_demo")
	build.Dir = repository
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the demo: %v\n%s", err, output)
	}
	cmd := exec.CommandContext(t.Context(), program, "--exporter="+exporter)
	cmd.Dir = repository
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	output := &lockedBuffer{}
	cmd.Stdout, cmd.Stderr = output, io.Discard
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait() // it was told to end
	})
	address := regexp.MustCompile(`(?m)^\S.*\s+(http://\S+)/$`)
	eventually(t, "the demo runs", func() bool { return address.MatchString(output.String()) })
	return address.FindStringSubmatch(output.String())[1]
}

// draw writes a picture of the top of a page.
func (b *tab) draw(page, file string, height int64) {
	b.t.Helper()
	b.do(chromedp.EmulateViewport(1000, height))
	b.scheme("light")
	b.open(page)
	picture, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(file, picture, 0o644); err != nil {
		b.t.Fatal(err)
	}
}
