package config

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"
)

// sources are the files of one configuration. Their lines have consecutive numbers: a node's line identifies its file,
// also when the nodes of several files are combined.
type sources struct {
	files []source
	lines int
	// keys are those that the files can have.
	keys keyTable
}

type source struct {
	path string
	// before is the number of lines of the files before it.
	before int
}

// listFiles returns the files of path, sorted: the path itself, the files of a folder, or those that match a pattern.
func listFiles(path string) ([]string, error) {
	info, err := os.Stat(path)
	switch {
	case err == nil && info.IsDir():
		return filesOf(path)
	case err == nil || !strings.ContainsAny(path, "*?["):
		return []string{path}, nil // reading it reports a missing file
	}
	files, err := filepath.Glob(path)
	if err != nil {
		return nil, &FileError{File: path, Message: "this is not a valid pattern: " + err.Error()}
	}
	if !isHidden(path) {
		files = slices.DeleteFunc(files, isHidden)
	}
	if len(files) == 0 {
		return nil, &FileError{File: path, Message: "no file matches"}
	}
	slices.Sort(files)
	return files, nil
}

// LastChange returns the latest modification time of the files of path. When path is a folder or a pattern, it includes
// their folders, because a file may have been added or removed. It ignores files that it cannot read; Load reports
// them.
func LastChange(path string) time.Time {
	files, _ := listFiles(path)
	for _, file := range files {
		if file != path {
			files = append(files, filepath.Dir(file))
		}
	}
	slices.Sort(files)
	var last time.Time
	for _, file := range slices.Compact(files) {
		if info, err := os.Stat(file); err == nil && info.ModTime().After(last) {
			last = info.ModTime()
		}
	}
	return last
}

// isHidden reports whether a file is one that editors and Kubernetes leave behind.
func isHidden(path string) bool { return strings.HasPrefix(filepath.Base(path), ".") }

func filesOf(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("reading the configuration: %w", err)
	}
	var files []string
	for _, e := range entries {
		extension := filepath.Ext(e.Name())
		if !isHidden(e.Name()) && (extension == ".yml" || extension == ".yaml") {
			files = append(files, filepath.Join(dir, e.Name()))
		}
	}
	if len(files) == 0 {
		return nil, &FileError{File: dir, Message: "the folder has no file that ends in .yml or .yaml"}
	}
	return files, nil
}

// add adds a file and shifts the lines of its nodes behind those of the files before it.
func (s *sources) add(path string, data []byte, document *yaml.Node) {
	s.files = append(s.files, source{path, s.lines})
	move(document, s.lines)
	s.lines += strings.Count(string(data), "\n") + 1
}

func move(node *yaml.Node, lines int) {
	node.Line += lines
	for _, child := range node.Content {
		move(child, lines)
	}
}

// of returns the file of a line, and the line's number in it.
func (s *sources) of(line int) (path string, lineInFile int) {
	for _, f := range slices.Backward(s.files) {
		if line > f.before {
			return f.path, line - f.before
		}
	}
	return s.files[0].path, line
}

// at makes an error with the place of a node.
func (s *sources) at(node *yaml.Node, message string) error {
	path, line := s.of(node.Line)
	return &FileError{File: path, Line: line, Column: node.Column, Message: message}
}

// place is the place of a node, for people.
func (s *sources) place(node *yaml.Node) string {
	path, line := s.of(node.Line)
	return fmt.Sprintf("%s:%d:%d", path, line, node.Column)
}
