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

// sources are the files that make one configuration. Their lines are counted through, so that a node's line tells its
// file too, also after nodes of several files were put together.
type sources struct {
	files []source
	lines int
}

type source struct {
	path string
	// before is how many lines the files before it have.
	before int
}

// listFiles returns the files that path stands for: itself, those of a folder, or those that match a pattern. They are
// sorted.
func listFiles(path string) ([]string, error) {
	info, err := os.Stat(path)
	switch {
	case err == nil && info.IsDir():
		return filesOf(path)
	case err == nil || !strings.ContainsAny(path, "*?["):
		return []string{path}, nil // a file that is not there is reported when it is read
	}
	files, err := filepath.Glob(path)
	if err != nil {
		return nil, &FileError{File: path, Message: "this is no pattern: " + err.Error()}
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

// LastChange returns when one of the files that path stands for was changed last, or, where they can be several, a
// folder that they are in: a file may have come or gone. What cannot be told is left out; Load says why.
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

// isHidden tells the files that editors and Kubernetes leave behind.
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

// add takes a file in and moves the lines of its nodes behind those of the files before it.
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

// at makes an error that stands at a node.
func (s *sources) at(node *yaml.Node, message string) error {
	path, line := s.of(node.Line)
	return &FileError{File: path, Line: line, Column: node.Column, Message: message}
}

// place is where a node stands, for people.
func (s *sources) place(node *yaml.Node) string {
	path, line := s.of(node.Line)
	return fmt.Sprintf("%s:%d:%d", path, line, node.Column)
}
