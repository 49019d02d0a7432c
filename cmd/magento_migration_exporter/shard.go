package main

import (
	"fmt"
	"hash/fnv"
	"regexp"
	"strconv"

	"magento_migration_exporter/config"
)

// shard is the part of the migrations that this process evaluates: number of count, from 1. The zero value is all
// migrations.
type shard struct{ number, count int }

var shardForm = regexp.MustCompile(`^([1-9]\d{0,3})/([1-9]\d{0,3})$`)

// Set implements kingpin.Value.
func (s *shard) Set(text string) error {
	m := shardForm.FindStringSubmatch(text)
	if m == nil {
		return fmt.Errorf("%q: expected the number of the shard and of all shards, like 2/5", text)
	}
	s.number, _ = strconv.Atoi(m[1]) // the form allows nothing else
	s.count, _ = strconv.Atoi(m[2])
	if s.number > s.count {
		return fmt.Errorf("%q: there is no shard %d of %d", text, s.number, s.count)
	}
	return nil
}

// String implements kingpin.Value.
func (s *shard) String() string {
	if s.count == 0 {
		return ""
	}
	return fmt.Sprintf("%d/%d", s.number, s.count)
}

// has reports whether the migration with this name is in the shard. With rendezvous hashing each migration is in
// exactly one shard, and adding or removing a shard moves no migration between two others.
func (s *shard) has(name string) bool {
	best, winner := uint64(0), s.number
	for number := 1; number <= s.count; number++ {
		if score := score(number, name); score > best {
			best, winner = score, number
		}
	}
	return winner == s.number
}

// score is an FNV-1a hash whose bits are mixed by MurmurHash3's finalizer: without that, the high bits depend too
// little on the last letters.
func score(number int, name string) uint64 {
	h := fnv.New64a()
	fmt.Fprintf(h, "%d/%s", number, name)
	x := h.Sum64()
	x = (x ^ x>>33) * 0xff51afd7ed558ccd
	x = (x ^ x>>33) * 0xc4ceb9fe1a85ec53
	return x ^ x>>33
}

// keep leaves only the shard's migrations in the configuration. There may be none.
func (s *shard) keep(c *config.Config) {
	var kept []config.Migration
	for _, m := range c.Migrations {
		if s.has(m.Name) {
			kept = append(kept, m)
		}
	}
	c.Migrations = kept
}
