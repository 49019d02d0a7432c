package precondition_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"magento_migration_exporter/collector/precondition"
)

// preconditionOf returns the precondition to which a file belongs: ID.go, or a part of it, ID_part.go.
func preconditionOf(ids []string, file string) string {
	name := strings.TrimSuffix(file, ".go")
	belongs := ""
	for _, id := range ids {
		if (name == id || strings.HasPrefix(name, id+"_")) && len(id) > len(belongs) {
			belongs = id
		}
	}
	return belongs
}

// TestNoPreconditionUsesAnother reads the files of the preconditions: what one of them declares, no other may use.
func TestNoPreconditionUsesAnother(t *testing.T) {
	t.Parallel()
	ids := precondition.All().IDs()
	owner, files := map[string]string{}, map[string]*ast.File{}
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		name := entry.Name()
		if filepath.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") || name == "catalogue.go" {
			continue
		}
		if preconditionOf(ids, name) == "" {
			t.Errorf("%s is neither the catalogue nor a precondition's file", name)
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = file
		for identifier := range file.Scope.Objects {
			owner[identifier] = name
		}
	}
	for _, id := range ids {
		if files[id+".go"] == nil {
			t.Errorf("the precondition %s has no file of its own", id)
		}
		if _, err := os.Stat(id + "_test.go"); err != nil {
			t.Errorf("the precondition %s has no test file: %v", id, err)
		}
	}
	for name, file := range files {
		for _, used := range file.Unresolved {
			if other := owner[used.Name]; other != "" && preconditionOf(ids, other) != preconditionOf(ids, name) {
				t.Errorf("%s uses %s of %s", name, used.Name, other)
			}
		}
	}
}
