package evidence

import (
	"context"
	"errors"

	"magento_migration_exporter/config/toolmap"
)

// toolFiles are what the options of the tool's config.xml name, by option.
type toolFiles struct {
	maps   map[string]*toolmap.Map
	groups map[string]*toolmap.Groups
}

// toolFilesError is an error of reading the tool's files.
type toolFilesError struct{ err error }

// Error implements error.
func (e *toolFilesError) Error() string { return e.err.Error() }

// Unwrap implements errors.Unwrap.
func (e *toolFilesError) Unwrap() error { return e.err }

func (e *toolFilesError) remedy() string {
	if errors.Is(e.err, ErrHangs) {
		return HangRemedy
	}
	return "Let the exporter's user read config.xml and the files that it names; see the precondition migration_tool."
}

// readToolFiles reads the files of maps and groups that some options name, where they are there; the precondition
// migration_tool reports the others. What is for whom they are read. The error is a *toolFilesError.
func (e *Evidence) readToolFiles(ctx context.Context, what string, maps, groups []string) (toolFiles, error) {
	flight := Flight{e.Migration.Name, what}
	files, err := answered(ctx, e.flights, flight, e.Magento1.statementTimeout, func() (f toolFiles, err error) {
		if f.maps, err = e.readMaps(maps...); err == nil {
			f.groups, err = e.readGroups(groups...)
		}
		return f, err
	})
	if err != nil {
		return toolFiles{}, &toolFilesError{err}
	}
	return files, nil
}

func (e *Evidence) readGroups(options ...string) (map[string]*toolmap.Groups, error) {
	groups := map[string]*toolmap.Groups{}
	for _, option := range options {
		path := e.Tool.File(option, e.Migration.Magento2.Root)
		if path == "" {
			continue
		}
		read, err := toolmap.ReadGroups(path)
		if err != nil {
			return nil, err
		}
		groups[option] = read
	}
	return groups, nil
}
