package main

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"magento_migration_exporter/config"
)

func TestShardForm(t *testing.T) {
	t.Parallel()
	file := writeConfig(t, "migrations: [{name: a}]")
	for _, text := range []string{"", "1", "0/3", "4/3", "-1/3", "1/0", "a/b", "1/2/3", "1.5/2", " 1/2", "1/99999"} {
		for _, command := range []string{"serve", "check"} {
			var out bytes.Buffer
			if code := run(t.Context(), []string{command, "--config.file=" + file, "--shard=" + text}, &out, &out); code != exitError ||
				!strings.Contains(out.String(), "shard") {
				t.Errorf("%s --shard=%q: exit code %d: %s", command, text, code, out.String())
			}
		}
	}
}

func TestEachMigrationIsInOneShard(t *testing.T) {
	t.Parallel()
	const migrations, shards = 2000, 5
	moved := 0
	inShard := map[int]int{}
	for i := range migrations {
		name := fmt.Sprintf("shop-%04d", i)
		in, inMore := shardOf(t, name, shards), shardOf(t, name, shards+1)
		inShard[in]++
		if in != inMore {
			moved++
			if inMore != shards+1 {
				t.Errorf("%s moved from shard %d to %d, which was there before", name, in, inMore)
			}
		}
	}
	for number := 1; number <= shards; number++ {
		if n := inShard[number]; n < 320 || n > 480 {
			t.Errorf("shard %d has %d of %d migrations", number, n, migrations)
		}
	}
	if moved < 250 || moved > 420 {
		t.Errorf("a sixth shard moved %d of %d migrations", moved, migrations)
	}
	// The places are a promise: two releases side by side must agree.
	for name, want := range map[string]int{"acme": 5, "shop-0001": 4, "b.c-d": 3} {
		if got := shardOf(t, name, 5); got != want {
			t.Errorf("%s is in shard %d, want %d", name, got, want)
		}
	}
}

// shardOf fails when not exactly one shard has the migration.
func shardOf(t *testing.T, name string, count int) int {
	t.Helper()
	in := 0
	for number := 1; number <= count; number++ {
		s := shard{number, count}
		c := &config.Config{Migrations: []config.Migration{{Name: name}}}
		if s.keep(c); len(c.Migrations) == 1 {
			if in != 0 {
				t.Errorf("%s is in the shards %d and %d", name, in, number)
			}
			in = number
		}
	}
	if in == 0 {
		t.Errorf("%s is in none of %d shards", name, count)
	}
	return in
}

func TestShardsServeAndCheckTheirPart(t *testing.T) {
	t.Parallel()
	file := writeConfig(t, "migrations: [{name: a}, {name: b}, {name: c}]")
	for _, count := range []int{2, 40} {
		served := map[string]int{}
		ranNone := false
		for number := 1; number <= count && (count == 2 || !ranNone); number++ {
			d := startDaemon(t, file, fmt.Sprintf("--shard=%d/%d", number, count), "--web.enable-lifecycle")
			d.ready() // an empty shard is ready too
			d.want("POST", "/-/reload", 200)
			d.ready()
			body := d.want("GET", "/metrics", 200, "exporter_build_info")
			mine := 0
			for _, name := range []string{"a", "b", "c"} {
				if strings.Contains(body, fmt.Sprintf("magento_migration_ready{migration=%q}", name)) {
					served[name]++
					mine++
				}
			}
			ranNone = ranNone || mine == 0
			var out bytes.Buffer
			code := run(
				t.Context(),
				[]string{
					"check",
					"--config.file=" + file,
					fmt.Sprintf("--shard=%d/%d", number, count),
					"--format=json",
				},
				&out,
				&bytes.Buffer{},
			)
			if want := map[bool]int{true: exitReady, false: exitUnknown}[mine == 0]; code != want ||
				strings.Count(out.String(), `"phase_reason"`) != mine {
				t.Errorf(
					"shard %d of %d: check exits %d with %d migrations, serve has %d",
					number,
					count,
					code,
					strings.Count(out.String(), `"phase_reason"`),
					mine,
				)
			}
			d.stop()
		}
		if count == 2 && (served["a"] != 1 || served["b"] != 1 || served["c"] != 1) {
			t.Errorf("served by both shards together: %v", served)
		}
		if count == 40 && !ranNone {
			t.Error("no shard was empty")
		}
	}
}

// TestReloadOfAFolder lets a file be read while it is half written.
func TestReloadOfAFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	rewrite(t, dir+"/a.yml", "migrations: [{name: a}]\n")
	rewrite(t, dir+"/b.yml", "migrations: [{name: b}]\n")
	d := startDaemon(t, dir, "--web.enable-lifecycle")
	d.ready()
	for _, half := range []string{"", "migrations: [{name: b}, {na", "migr"} {
		rewrite(t, dir+"/b.yml", half)
		d.want("POST", "/-/reload", 500, dir+"/b.yml")
		d.want("GET", "/metrics", 200, `magento_migration_ready{migration="b"}`, "config_last_reload_successful 0")
	}
	rewrite(t, dir+"/c.yml", "migrations: [{name: c}]\n")
	rewrite(t, dir+"/b.yml", "migrations: [{name: b2}]\n")
	d.want("POST", "/-/reload", 200)
	d.eventually("the new files are served", func() bool {
		_, body := d.do("GET", "/metrics")
		return strings.Contains(body, `ready{migration="b2"}`) && strings.Contains(body, `ready{migration="c"}`) &&
			!strings.Contains(body, `ready{migration="b"}`)
	})
}
