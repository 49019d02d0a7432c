package shoptest

import (
	"compress/gzip"
	"os"
	"os/exec"
)

// Dump makes a backup of one of the second server's databases with the real tool.
func (s *Shop) Dump(path, database string, compressed bool, options ...string) {
	s.T.Helper()
	args := []string{"--no-defaults", "--socket=" + s.Server2.Socket(), "--user=root", "--single-transaction"}
	args = append(args, options...)
	out, err := exec.CommandContext(s.T.Context(), "mariadb-dump", append(args, database)...).Output()
	if err != nil {
		s.T.Fatalf("mariadb-dump: %v", err)
	}
	f, err := os.Create(path)
	if err != nil {
		s.T.Fatal(err)
	}
	defer f.Close()
	if !compressed {
		_, err = f.Write(out)
	} else {
		z := gzip.NewWriter(f)
		if _, err = z.Write(out); err == nil {
			err = z.Close()
		}
	}
	if err != nil {
		s.T.Fatal(err)
	}
}
