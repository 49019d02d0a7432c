package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/google/renameio/v2"
	"github.com/prometheus/common/expfmt"

	"magento_migration_exporter/collector"
	"magento_migration_exporter/collector/exposition"
)

// prometheusFormat is the only --format that is not made from the document.
const prometheusFormat = "prometheus"

// printMetrics writes what /metrics has of the migrations, in Prometheus's text format and without timestamps, which
// is what node_exporter's textfile collector reads. The exporter's own metrics are left out: those of its process
// would collide with node_exporter's.
func printMetrics(w io.Writer, expositor *exposition.Expositor, states []*collector.MigrationState) error {
	metrics, err := expositor.New(expfmt.NewFormat(expfmt.TypeTextPlain), nil, states)
	if err != nil {
		return err
	}
	_, err = metrics.WriteTo(w)
	return err
}

// outputFile returns the file that --output names, at the end of its symbolic links, or an error when there cannot be
// one: renaming would replace a device by a file. Without --output it is empty.
func outputFile(path string) (string, error) {
	if path == "" {
		return "", nil
	}
	file, err := filepath.EvalSymlinks(path)
	if errors.Is(err, fs.ErrNotExist) {
		file, err = path, nil // it is made; its folder has to be there
		if _, err := os.Stat(filepath.Dir(path)); err != nil {
			return "", fmt.Errorf("--output=%s: the folder does not exist: make it first", path)
		}
	}
	if err != nil {
		return "", fmt.Errorf("--output=%s: %w", path, err)
	}
	if info, err := os.Stat(file); err == nil && !info.Mode().IsRegular() {
		return "", fmt.Errorf("--output=%s: this is no regular file; leave --output out to print the results", path)
	}
	return file, nil
}

// writeOutput lets write print to a file, or to stdout without one. The file appears under its name when it is whole,
// and keeps its permissions: nobody reads a part of it, and an error leaves the last one in place.
func writeOutput(path string, stdout io.Writer, write func(io.Writer) error) error {
	if path == "" {
		return write(stdout)
	}
	file, err := renameio.NewPendingFile(path, renameio.WithTempDir(filepath.Dir(path)),
		renameio.WithPermissions(0o644), renameio.WithExistingPermissions())
	if err != nil {
		return fmt.Errorf("making a file beside %s: %w", path, err)
	}
	defer func() { _ = file.Cleanup() }()
	if err := write(file); err != nil {
		return fmt.Errorf("writing the file that is to replace %s: %w", path, err)
	}
	if err := file.CloseAtomicallyReplace(); err != nil {
		return fmt.Errorf("replacing %s: %w", path, err)
	}
	return nil
}
