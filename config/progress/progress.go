// Package progress reads the Data Migration Tool's var/migration-tool-progress.lock, in which it notes what it has
// done.
//
// The tool takes a lock file that it cannot read for an empty one and does not say so: then it starts from the
// beginning.
package progress

import (
	"bytes"
	"slices"

	"magento_migration_exporter/config/phparray"
	"magento_migration_exporter/config/sourcefile"
)

// MaxSize is the largest lock file that is read, in bytes. That of a finished migration has about 10 kB.
const MaxSize = phparray.MaxSize

// Format is how a lock file is written.
type Format string

const (
	// Empty is what --reset leaves, or a tool that has not done anything yet.
	Empty Format = "empty"
	// JSON is what newer releases of the tool write.
	JSON Format = "json"
	// Serialized is what older releases write; the newer ones read it too.
	Serialized Format = "php"
)

// Lock is what the tool has done.
type Lock struct {
	File   string `json:"file"`
	Format Format `json:"format"`
	// Steps are in the order in which the tool first noted them.
	Steps []Step `json:"steps"`
}

// Step is a class of the tool, such as Migration\Step\Map\Data, with its stages.
type Step struct {
	Place  sourcefile.Place `json:"place"`
	Class  string           `json:"class"`
	Stages []Stage          `json:"stages"`
}

// Stage is one thing that a class does, such as "data migration".
type Stage struct {
	Name string `json:"name"`
	// Done is set when the tool will skip the stage.
	Done bool `json:"done"`
	// Process are the documents that the stage has been through.
	Process []string `json:"process"`
}

// Read reads a lock file of at most MaxSize bytes.
func Read(path string) (*Lock, error) {
	data, err := sourcefile.Read(path, MaxSize)
	if err != nil {
		return nil, err
	}
	return Parse(path, data)
}

// Parse reads the text of a lock file. It fails when the tool could not read that either.
func Parse(file string, data []byte) (*Lock, error) {
	if err := sourcefile.CheckSize(file, len(data), MaxSize); err != nil {
		return nil, err
	}
	lock := &Lock{File: file, Format: Empty}
	if slices.Contains([]string{"", "0", "[]", "a:0:{}", "{}"}, string(bytes.TrimSpace(data))) {
		return lock, nil
	}
	root, err := parseArray(file, data, lock)
	if err != nil {
		return nil, err
	}
	for class, stages := range root.Entries() {
		step := Step{Place: stages.Place(), Class: class}
		if stages.Kind() != phparray.Array {
			return nil, &sourcefile.Error{
				File: file, Place: step.Place, Problem: "the entry of a class is not an array of stages",
			}
		}
		for name, stage := range stages.Entries() {
			step.Stages = append(step.Stages, readStage(name, stage))
		}
		lock.Steps = append(lock.Steps, step)
	}
	return lock, nil
}

// parseArray reads the array that the file consists of: JSON if the first byte is a brace, as in the tool, else PHP's
// serialize format.
func parseArray(file string, data []byte, lock *Lock) (*phparray.Value, error) {
	lock.Format = JSON
	if data[0] == '{' {
		if _, err := sourcefile.JSONFields(file, data); err != nil {
			return nil, err
		}
		root, err := phparray.FromJSON(data)
		if err != nil {
			return nil, &sourcefile.Error{File: file, Problem: err.Error()}
		}
		return root, nil
	}
	lock.Format = Serialized
	root, err := phparray.Unserialize(file, data)
	if err == nil && root.Kind() != phparray.Array {
		err = &sourcefile.Error{File: file, Place: root.Place(), Problem: "the lock file does not hold an array"}
	}
	return root, err
}

func readStage(name string, v *phparray.Value) Stage {
	stage := Stage{Name: name}
	if result := v.Get("result"); result != nil {
		stage.Done, _ = result.Truth()
	}
	if process := v.Get("process"); process != nil {
		for _, document := range process.Entries() {
			if text, ok := document.Text(); ok {
				stage.Process = append(stage.Process, text)
			}
		}
	}
	return stage
}

// Done reports whether the tool will skip a stage of a class.
func (l *Lock) Done(class, stage string) bool {
	s := l.stage(class, stage)
	return s != nil && s.Done
}

// Noted reports whether the tool has begun a stage of a class, or ended it.
func (l *Lock) Noted(class, stage string) bool { return l.stage(class, stage) != nil }

func (l *Lock) stage(class, stage string) *Stage {
	for i := range l.Steps {
		stages := l.Steps[i].Stages
		if at := slices.IndexFunc(stages, func(s Stage) bool { return s.Name == stage }); l.Steps[i].Class == class &&
			at >= 0 {
			return &stages[at]
		}
	}
	return nil
}
