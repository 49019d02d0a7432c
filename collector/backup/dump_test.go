package backup

import (
	"bytes"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"magento_migration_exporter/collector/baseline"
	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/collector/mysqltest"
)

// compressors are the programs that people pipe dumps through.
var compressors = []struct {
	name string
	kind Compression
	args []string
}{
	{"plain", CompressionNone, nil},
	{"gzip", CompressionGzip, []string{"gzip", "-c"}},
	{"pigz", CompressionGzip, []string{"pigz", "-c", "-p2", "-b128"}},
	{"zstd", CompressionZstd, []string{"zstd", "-c"}},
	{"zstd-19", CompressionZstd, []string{"zstd", "-19", "-c"}},
	{"xz", CompressionXz, []string{"xz", "-c"}},
	{"xz-9", CompressionXz, []string{"xz", "-9", "-c"}},
	{"xz-blocks", CompressionXz, []string{"xz", "-c", "-T2", "--block-size=64KiB", "--check=sha256"}},
	{"xz-crc32", CompressionXz, []string{"xz", "-c", "--check=crc32"}},
	{"bzip2", CompressionBzip2, []string{"bzip2", "-c"}},
	{"lz4", CompressionLZ4, []string{"lz4", "-c"}},
	{"lz4-linked", CompressionLZ4, []string{"lz4", "-c", "-BD", "-B4"}},
}

func compress(tb testing.TB, content []byte, args []string) []byte {
	tb.Helper()
	if args == nil {
		return content
	}
	return pipe(tb, content, args[0], args[1:]...)
}

// TestRealDumps reads dumps in all the forms that mariadb-dump writes.
func TestRealDumps(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{
		"usual":            {"m2"},
		"single":           {"--single-transaction", "--quick", "m2"},
		"routines":         {"--routines", "--events", "--triggers", "m2"},
		"one row a line":   {"--skip-extended-insert", "m2"},
		"column names":     {"--complete-insert", "m2"},
		"hexadecimal":      {"--hex-blob", "m2"},
		"no dump date":     {"--skip-dump-date", "m2"},
		"no locks":         {"--skip-add-locks", "--skip-add-drop-table", "--skip-disable-keys", "m2"},
		"databases":        {"--databases", "m2"},
		"two databases":    {"--databases", "other", "m2"},
		"whole server":     {"--all-databases", "--ignore-database=mysql"},
		"no quoted names":  {"--skip-quote-names", "--ignore-table=m2.acme;log", "m2"},
		"replace":          {"--replace", "m2"},
		"insert ignore":    {"--insert-ignore", "m2"},
		"server's zone":    {"--skip-tz-utc", "m2"},
		"compatible ansi":  {"--compatible=ansi", "m2"},
		"order by primary": {"--order-by-primary", "--add-drop-trigger", "m2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := report(t, write(t, "dump.sql", dump(t, args...)))
			wantWhole(t, r)
			if r.Kind != KindMariaDBDump && r.Kind != KindMysqldump {
				t.Errorf("kind %q", r.Kind)
			}
			db, ok := r.Database("m2")
			if !ok {
				t.Fatalf("no database m2, but %v", r.Databases)
			}
			wantFresh(t, db.Content(""))
			if utc := db.Content("").TimesUTC; utc == slices.Contains(args, "--skip-tz-utc") {
				t.Errorf("times in UTC: %v", utc)
			}
			if dated := !r.Finished.Time.IsZero(); dated == slices.Contains(args, "--skip-dump-date") {
				t.Errorf("finished %v", r.Finished)
			}
			if !r.Began.Time.IsZero() {
				t.Errorf("a start that no dump records: %v", r.Began)
			}
			if !strings.Contains(r.ServerVersion, "MariaDB") {
				t.Errorf("server version %q", r.ServerVersion)
			}
		})
	}
}

// wantFresh checks what the test's fresh Magento 2 holds.
func wantFresh(t *testing.T, c Content) {
	t.Helper()
	if c.System != finding.Magento2 || !c.Installed() || !c.RowsKnown {
		t.Errorf("system %q, installed %v, rows known %v", c.System, c.Installed(), c.RowsKnown)
	}
	if len(c.Patches) != 12 || len(c.Modules) != 7 || c.NamesCapped {
		t.Errorf("%d patches and %d modules, want 12 and 7", len(c.Patches), len(c.Modules))
	}
	if !slices.Contains(c.Patches, `Magento\Store\Setup\Patch\Data\DisableSid`) {
		t.Errorf("patches %q", c.Patches)
	}
	if !has(c.Views, "inventory_stock_1") || has(c.Tables, "inventory_stock_1") {
		t.Errorf("views %q", c.Views)
	}
	if c.Triggers < 2 {
		t.Errorf("%d triggers", c.Triggers)
	}
	for _, entity := range []string{
		"product", "category", "attribute", "attribute_set", "customer", "customer_group", "order",
		"cms_page", "cms_block", "cart_rule", "catalog_rule", "review", "url_rewrite", "store",
	} {
		if e, ok := c.Entities[entity]; !ok || e.New != 0 {
			t.Errorf("%s: %+v, %v", entity, e, ok)
		}
	}
	if e := c.Entities["category"]; e.Rows != 2 {
		t.Errorf("%d categories", e.Rows)
	}
	if len(c.AdminCreated) != 19 || len(c.RootCreated) != 19 {
		t.Errorf("administrator created %q, root category %q", c.AdminCreated, c.RootCreated)
	}
	if len(c.MigrationLeft) != 0 || len(c.DeltaLog) != 0 {
		t.Errorf("traces of a migration: %q %q", c.MigrationLeft, c.DeltaLog)
	}
}

func TestContent(t *testing.T) {
	t.Parallel()
	t.Run("new entities", func(t *testing.T) {
		t.Parallel()
		db, _ := report(t, write(t, "used.sql", dump(t, "used"))).Database("used")
		c := db.Content("")
		for entity, names := range map[string][]string{
			"product": {"test-1", "test-2"}, "attribute": {"brand"}, "cms_page": {"about-us"}, "attribute_set": nil,
		} {
			e := c.Entities[entity]
			if want := int64(max(1, len(names))); e.New != want || !slices.Equal(e.Names, names) {
				t.Errorf("%s: %d new, %q", entity, e.New, e.Names)
			}
		}
		if c.Products.Max < 2 || c.Products.Min != 1 {
			t.Errorf("product ids %v", c.Products)
		}
	})
	t.Run("prefix", func(t *testing.T) {
		t.Parallel()
		db, _ := report(t, write(t, "m2p.sql", dump(t, "m2p"))).Database("m2p")
		if p := db.Prefixes(); !slices.Equal(p, []string{"m2_"}) {
			t.Errorf("prefixes %q", p)
		}
		wantFresh(t, db.Content("m2_"))
		if c := db.Content(""); c.System != "" {
			t.Errorf("%q without the prefix", c.System)
		}
	})
	t.Run("Magento 1", func(t *testing.T) {
		t.Parallel()
		db, _ := report(t, write(t, "m1.sql", dump(t, "m1"))).Database("m1")
		c := db.Content("")
		if c.System != finding.Magento1 || c.Installed() || !slices.Contains(c.Modules, "core_setup") {
			t.Errorf("%q, modules %q", c.System, c.Modules)
		}
	})
	t.Run("a part of a Magento 1", func(t *testing.T) {
		t.Parallel()
		db, _ := report(t, write(t, "m1.sql", dump(t, "m1", "core_resource"))).Database("m1")
		if c := db.Content(""); c.System != finding.Magento1 || !slices.Equal(db.Prefixes(), []string{""}) {
			t.Errorf("%q, prefixes %q", c.System, db.Prefixes())
		}
	})
	t.Run("another database", func(t *testing.T) {
		t.Parallel()
		r := report(t, write(t, "other.sql", dump(t, "other")))
		wantWhole(t, r)
		db, ok := r.Database("other")
		if !ok || db.Content("").System != "" || db.RowCount != 2 {
			t.Errorf("%+v", r.Databases)
		}
		if _, ok := r.Database("m2"); ok {
			t.Error("it passes for m2")
		}
	})
	t.Run("without rows", func(t *testing.T) {
		t.Parallel()
		db, _ := report(t, write(t, "empty.sql", dump(t, "--no-data", "m2"))).Database("m2")
		if c := db.Content(""); c.System != finding.Magento2 || c.Installed() {
			t.Errorf("%q, installed %v", c.System, c.Installed())
		}
	})
	t.Run("missing tables", func(t *testing.T) {
		t.Parallel()
		db, _ := report(t, write(t, "part.sql", dump(t, "--ignore-table=m2.quote", "m2"))).Database("m2")
		got := db.Content("").
			Missing([]string{
				"store", "quote", "sequence_order_7", "x_cl", "catalog_category_product_index_store3", "inventory_stock_2",
			})
		if !slices.Equal(got, []string{"quote"}) {
			t.Errorf("missing %q", got)
		}
	})
}

// TestBaseline checks that a dump of an installation whose ids differ holds nothing new, and that what differs from the
// baseline only in case, in the type of entity or in its time is new.
func TestBaseline(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change string
		want   map[string]int64
	}{
		"galera": {change: `
UPDATE catalog_category_entity SET entity_id = 4, path = '1/4' WHERE entity_id = 2;
UPDATE eav_entity_type SET default_attribute_set_id = default_attribute_set_id * 3 + 100;
UPDATE eav_attribute_set SET attribute_set_id = attribute_set_id * 3 + 100 ORDER BY attribute_set_id DESC;
INSERT INTO eav_attribute (entity_type_id, attribute_code, is_user_defined) VALUES (4, 'merchant_center_category', 1);
INSERT INTO cms_block (title, identifier) VALUES ('Events', 'catalog_events_lister');`},
		"look_alikes": {change: `
DELETE FROM catalog_category_entity WHERE entity_id = 2;
INSERT INTO catalog_category_entity VALUES (5, 3, 1, '2025-07-01 10:00:00', '2025-07-01 10:00:00', '1/5', 1, 1, 0);
DELETE FROM eav_attribute WHERE attribute_code = 'color';
INSERT INTO eav_attribute (entity_type_id, attribute_code, is_user_defined) VALUES (4, 'COLOR', 1), (1, 'color', 1);
INSERT INTO cms_page (title, identifier) VALUES ('Home', 'Home');`,
			want: map[string]int64{"category": 1, "attribute": 2, "cms_page": 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			must(t, server.Exec(t.Context(), "CREATE DATABASE "+name))
			must(t, server.Load(t.Context(), name, mysqltest.Magento2("")+c.change))
			for _, args := range [][]string{{name}, {"--complete-insert", "--skip-extended-insert", name}} {
				db, _ := report(t, write(t, "dump.sql", dump(t, args...))).Database(name)
				content := db.Content("")
				for _, e := range baseline.Entities() {
					if got, ok := content.Entities[e.Name]; !ok || got.New != c.want[e.Name] {
						t.Errorf("%q: %s: %+v, want %d new", args, e.Name, got, c.want[e.Name])
					}
				}
			}
		})
	}
}

// TestAwkwardRows checks that rows full of SQL's own marks are one row each.
func TestAwkwardRows(t *testing.T) {
	t.Parallel()
	db, _ := report(t, write(t, "m2.sql", dump(t, "--hex-blob", "m2"))).Database("m2")
	if want := countRows(t, "m2"); db.RowCount != want {
		t.Errorf("%d rows, want %d", db.RowCount, want)
	}
	if n := db.rows["sales_order"].Count; n != 0 {
		t.Errorf("%d orders, which stand in a text", n)
	}
}

// TestDumpsWithoutAnEnd checks dumps of which nobody can tell where they end.
func TestDumpsWithoutAnEnd(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{
		"compact":     {"--compact", "m2"},
		"no comments": {"--skip-comments", "m2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := report(t, write(t, "dump.sql", dump(t, args...)))
			if r.Kind != KindMariaDBDump {
				t.Errorf("kind %q", r.Kind)
			}
			if r.State != StateUndetermined || !strings.Contains(r.Damage, "without comments") {
				t.Errorf("%s: %s", r.State, r.Damage)
			}
			wantFresh(t, r.Databases[0].Content(""))
		})
	}
}

// TestTwoDumpsInOne checks a structure dump followed by the rows.
func TestTwoDumpsInOne(t *testing.T) {
	t.Parallel()
	structure, rows := dump(t, "--no-data", "--skip-triggers", "m2"), dump(t, "--no-create-info", "--triggers", "m2")
	r := report(t, write(t, "dump.sql", slices.Concat(structure, rows)))
	wantWhole(t, r)
	wantFresh(t, r.Databases[0].Content(""))
	cut := structure[:bytes.LastIndex(structure, []byte("-- Dump completed"))]
	wantNotWhole(t, report(t, write(t, "dump.sql", slices.Concat(cut, rows))), "the first has no end")
}

// TestCompressedDumps reads a dump through every compressor, whole, cut at ten places, and with ten bytes changed.
func TestCompressedDumps(t *testing.T) {
	t.Parallel()
	plain := dump(t, "m2")
	for _, c := range compressors {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			content := compress(t, plain, c.args)
			r := report(t, write(t, "dump", content))
			wantWhole(t, r)
			if r.Compression != c.kind || r.Bytes != int64(len(plain)) {
				t.Errorf("compression %q, %d bytes, want %q, %d", r.Compression, r.Bytes, c.kind, len(plain))
			}
			wantFresh(t, r.Databases[0].Content(""))
			wantAllDamaged(t, content, c.args != nil)
			again := report(t, write(t, "dump", slices.Concat(content, []byte("more"))))
			wantNotWhole(t, again, "something behind the end")
		})
	}
}

// wantAllDamaged cuts a whole backup at ten places, and changes a byte at ten.
func wantAllDamaged(t *testing.T, content []byte, flips bool) {
	t.Helper()
	for i := range 10 {
		cut := len(content) * i / 10
		if i == 9 {
			cut = len(content) - 2 // within the last line, or the last checksum
		}
		r := report(t, write(t, "cut", content[:cut]))
		wantNotWhole(t, r, fmt.Sprintf("cut at byte %d of %d", cut, len(content)))
		if r.State == StateDamaged && !r.Truncated && i > 0 {
			t.Errorf("cut at byte %d: %s is not reported as a cut", cut, r.Damage)
		}
	}
	if !flips {
		return
	}
	for i := range 10 {
		at := 12 + (len(content)-16)*i/9 // behind gzip's time and name, which no checksum covers
		changed := bytes.Clone(content)
		changed[at] ^= 0x41
		if harmless(t, content, changed) {
			continue
		}
		wantNotWhole(t, report(t, write(t, "changed", changed)), fmt.Sprintf("byte %d of %d changed", at, len(content)))
	}
}

// harmless reports whether a changed gzip file holds the same all the same: a deflate stream describes codes that it does
// not use.
func harmless(t *testing.T, content, changed []byte) bool {
	t.Helper()
	if sniffCompression(content) != CompressionGzip {
		return false
	}
	var got bytes.Buffer
	cmd := exec.CommandContext(t.Context(), "gzip", "-dc")
	cmd.Stdin, cmd.Stdout = bytes.NewReader(changed), &got
	return cmd.Run() == nil && bytes.Equal(got.Bytes(), pipe(t, content, "gzip", "-dc"))
}

// TestTwoStreams reads compressed files of two streams, as parallel compressors and cat make them, and such with only
// half of the second.
func TestTwoStreams(t *testing.T) {
	t.Parallel()
	plain := dump(t, "m2")
	half := len(plain) / 2
	for _, c := range compressors[1:] {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			first, second := compress(t, plain[:half], c.args), compress(t, plain[half:], c.args)
			wantWhole(t, report(t, write(t, "dump", slices.Concat(first, second))))
			wantNotWhole(t, report(t, write(t, "dump", first)), "the second stream is missing")
			wantNotWhole(t, report(t, write(t, "dump", slices.Concat(first, second[:len(second)/2]))),
				"half of the second stream")
		})
	}
}

// TestChangedStructure changes bytes of a plain dump that are not row data.
func TestChangedStructure(t *testing.T) {
	t.Parallel()
	plain := dump(t, "m2")
	for name, change := range map[string][2]string{
		"a verb":                   {"INSERT INTO `store` ", "INSURT INTO `store` "},
		"the word VALUES":          {"INSERT INTO `store` VALUES", "INSERT INTO `store` VALUFS"},
		"a quoted name":            {"CREATE TABLE `store` (", "CREATE TABLE `store( ("},
		"a parenthesis of a table": {"CREATE TABLE `store` (", "CREATE TABLE `store` ["},
		"a comma between values":   {"(0,'admin',0", "(0.'admin',0"},
		"a comma that is lost":     {"(0,'admin',0", "(0,'admin'00"},
		"an opening parenthesis":   {"(0,'admin',0", "[0,'admin',0"},
		"an opening quote":         {"(0,'admin',0", "(0,admin ',0"},
		"a closing quote":          {"(0,'admin',0", "(0,'admin ,0"},
		"NULL":                     {",NULL", ",NVLL"},
		"the end of a comment":     {"DISABLE KEYS */;", "DISABLE KEYS *?;"},
		"the beginning of one":     {"/*!40000 ALTER TABLE `store` DIS", "?*!40000 ALTER TABLE `store` DIS"},
		"a semicolon":              {"UNLOCK TABLES;", "UNLOCK TABLES:"},
		"a command of the client":  {"DELIMITER ;;", "DELIM1TER ;;"},
		"a hole of NUL bytes":      {"INSERT INTO `store` ", "\x00\x00\x00\x00\x00\x00 INTO `store` "},
		"a NUL byte in a text":     {"'admin'", "'ad\x00in'"},
		"the last line":            {"-- Dump completed on", "-- Dump completod on"},
		"the last line's comment":  {"-- Dump completed on", "+- Dump completed on"},
		"a statement behind": {
			"\n-- Dump completed on", "\n-- Dump completed on 2026-01-01 10:00:00\nDROP TABLE store;\n-- Dump completed on",
		},
		"a message of the program":  {"-- MariaDB dump", "mysqldump: [Warning] Using a password\n-- MariaDB dump"},
		"a row too many":            {"(0,'admin',0", "(0,0,'admin',0"},
		"the time in the last line": {"-- Dump completed on 2", "-- Dump completed on x"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			changed := bytes.ReplaceAll(plain, []byte(change[0]), []byte(change[1]))
			if bytes.Equal(changed, plain) {
				t.Fatalf("%q is not in the dump", change[0])
			}
			r := report(t, write(t, "dump.sql", changed))
			wantNotWhole(t, r, name)
		})
	}
}

// TestEveryCut cuts a small dump at many of its bytes, and at each near its end.
func TestEveryCut(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"other"}, {"--skip-dump-date", "other"}, {"--skip-comments", "other"}, {"--compact", "other"},
	} {
		plain := dump(t, args...)
		path := write(t, "dump.sql", plain)
		end := len(plain)
		for end > 0 && plain[end-1] == '\n' && !slices.Contains(args, "--skip-dump-date") {
			end-- // without its last line feed a dump restores as well
		}
		for cut := range end {
			if cut%(7*less()) != 0 && cut < end-150 {
				continue
			}
			rewrite(t, path, plain[:cut])
			if r := report(t, path); r.State == StateWhole {
				t.Errorf("%q cut at byte %d of %d is whole", args, cut, len(plain))
			}
		}
	}
}

func TestMagentoBackup(t *testing.T) {
	t.Parallel()
	// As bin/magento setup:backup --db of 2.3 to 2.4.8 writes it: int columns
	// are quoted, triggers come between lower-case delimiters, and no line feed
	// ends the file.
	const text = `-- Magento DB backup
--
-- Host: db    Database: shop
-- ------------------------------------------------------
-- Server version: 10.6.18-MariaDB

/*!40101 SET @OLD_CHARACTER_SET_CLIENT=@@CHARACTER_SET_CLIENT */;
/*!40111 SET @OLD_SQL_NOTES=@@SQL_NOTES, SQL_NOTES=0 */;

--
-- Table structure for table ` + "`catalog_category_entity`" + `
--

DROP TABLE IF EXISTS ` + "`catalog_category_entity`" + `;
CREATE TABLE ` + "`catalog_category_entity`" + ` (
  ` + "`entity_id`" + ` int(10) unsigned NOT NULL,
  ` + "`created_at`" + ` timestamp NOT NULL
) ENGINE=InnoDB;

--
-- Dumping data for table ` + "`catalog_category_entity`" + `
--

LOCK TABLES ` + "`catalog_category_entity`" + ` WRITE;
INSERT INTO ` + "`catalog_category_entity`" + ` VALUES ('1','2026-11-23 00:04:26'),('2','2026-11-23 00:04:27'),
 ('3','2026-11-24 00:00:00');
UNLOCK TABLES;
--
-- Triggers structure for table ` + "`catalog_category_entity`" + `
--
delimiter ;;
CREATE TRIGGER trg AFTER INSERT ON catalog_category_entity FOR EACH ROW
BEGIN
INSERT IGNORE INTO x VALUES (NEW.entity_id);
END
;;
delimiter ;

/*!40111 SET SQL_NOTES=@OLD_SQL_NOTES */;

-- Dump completed on 2026-11-23 10:11:12 GMT`
	r := report(t, write(t, "1700000000_db.sql", []byte(text)))
	wantWhole(t, r)
	db, _ := r.Database("shop")
	c := db.Content("")
	if r.Kind != KindMagento || db.Triggers != 1 || c.RootCreated != "2026-11-23 00:04:26" ||
		c.Entities["category"].New != 1 ||
		!c.TimesUTC {
		t.Errorf("%s, %d triggers, %+v", r.Kind, db.Triggers, c)
	}
	want := Moment{Time: time.Date(2026, 11, 23, 10, 11, 12, 0, time.UTC), Source: SourceTrailer}
	if r.Finished != want || r.When() != want {
		t.Errorf("finished %v", r.Finished)
	}
	for cut := 0; cut < len(text); cut += 3 {
		wantNotWhole(t, report(t, write(t, "cut.sql", []byte(text[:cut]))), fmt.Sprint("cut at ", cut))
	}
}

func TestZones(t *testing.T) {
	t.Parallel()
	wall := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	for name, c := range map[string]struct {
		modified  time.Time
		want      time.Time
		uncertain bool
	}{
		"UTC":               {wall.Add(2 * time.Second), wall, false},
		"two hours east":    {wall.Add(-2*time.Hour + time.Second), wall.Add(-2 * time.Hour), false},
		"five and a half":   {wall.Add(-5*time.Hour - 30*time.Minute), wall.Add(-5*time.Hour - 30*time.Minute), false},
		"eight hours west":  {wall.Add(8 * time.Hour), wall.Add(8 * time.Hour), false},
		"copied later":      {wall.Add(8*time.Hour + 7*time.Minute), wall, true},
		"copied soon":       {wall.Add(20 * time.Second), wall, true},
		"earlier":           {wall.Add(8*time.Hour - 5*time.Second), wall, true},
		"copied days later": {wall.Add(72 * time.Hour), wall, true},
	} {
		m := inferZone(wall, c.modified).moment(wall, SourceTrailer)
		if !m.Time.Equal(c.want) || m.Uncertain != c.uncertain {
			t.Errorf("%s: %v", name, m)
		}
	}
}

// TestForeign checks that what is no dump is named.
func TestForeign(t *testing.T) {
	t.Parallel()
	sql := string(dump(t, "other"))
	for name, c := range map[string]struct{ content, want string }{
		"nothing":    {"", "empty"},
		"blanks":     {" \n\n \t", "empty"},
		"UTF-16":     {"\xff\xfe-\x00-\x00 \x00", "UTF-16"},
		"tar":        {strings.Repeat("x", 257) + "ustar\x0000" + strings.Repeat("y", 300), "tar archive"},
		"ZIP":        {"PK\x03\x04abcdefgh", "ZIP"},
		"PostgreSQL": {"--\n-- PostgreSQL database dump\n--\n", "PostgreSQL"},
		"XML":        {"<?xml version=\"1.0\"?>\n<mysqldump>", "XML"},
		"a log":      {"2026-11-23 10:00:00 backup started\n", "no backup"},
		"a message":  {"mysqldump: Got error: 1045: Access denied", "message of the program"},
		"twice": {
			string(compress(t, compress(t, []byte(sql), []string{"gzip", "-c"}), []string{"zstd", "-c"})), "compressed twice",
		},
		"only lines": {"-- MariaDB dump 10.19\n-- Dump completed on 2026-11-23  1:00:00\n", "no statement"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := report(t, write(t, "file.sql", []byte(c.content)))
			if r.State != StateDamaged || !strings.Contains(r.Damage, c.want) {
				t.Errorf("%s: %s, want %q", r.State, r.Damage, c.want)
			}
		})
	}
}
