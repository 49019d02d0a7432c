package backup

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
)

// tarOf archives a directory's files with the program tar.
func tarOf(t *testing.T, files tree, args ...string) []byte {
	t.Helper()
	names := slices.Sorted(maps.Keys(files))
	return tool(t, "tar", slices.Concat([]string{"-C", files.put(t), "-cf", "-"}, args, names)...)
}

// zipOf archives a directory's files with the program zip, in the order of their names.
func zipOf(t *testing.T, files tree, args ...string) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "a.zip")
	cmd := exec.CommandContext(
		t.Context(),
		"zip",
		slices.Concat([]string{"-q"}, args, []string{path}, slices.Sorted(maps.Keys(files)))...)
	cmd.Dir = files.put(t)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("zip: %v: %s", err, out)
	}
	content, err := os.ReadFile(path)
	must(t, err)
	return content
}

// archived is a report of an archive that a test names.
func archived(t *testing.T, name string, content []byte) Report {
	t.Helper()
	return report(t, write(t, name, content))
}

// TestArchives reads whole dumps in archives of all sorts.
func TestArchives(t *testing.T) {
	t.Parallel()
	m2, other := dump(t, "m2"), dump(t, "other")
	gz := compress(t, m2, []string{"gzip", "-c"})
	one := tree{"m2.sql": m2}
	// What hosting panels pack: everything of an account.
	account := tree{
		"backup-u/mysql/m2.sql": m2, "backup-u/mysql/wordpress.sql": other, "backup-u/homedir/README": []byte("-- read me\n"),
		"backup-u/homedir/theme.css": []byte(
			"/* style */"), "backup-u/homedir/pic.jar": []byte("PK\x03\x04abc"), "backup-u/version": []byte("11"),
		"backup-u/homedir/" + strings.Repeat("long/", 40) + "name.txt": []byte("x"),
	}
	for name, content := range map[string][]byte{
		"a.tar":            tarOf(t, one),
		"a.tar.gz":         tarOf(t, one, "-z"),
		"a.tar.xz":         tarOf(t, one, "-J"),
		"a.tar.zst":        tarOf(t, one, "--zstd"),
		"a.tar.bz2":        tarOf(t, one, "-j"),
		"v7.tar":           tarOf(t, one, "--format=v7"),
		"ustar.tar":        tarOf(t, one, "--format=ustar"),
		"pax.tar":          tarOf(t, one, "--format=pax"),
		"sparse.tar":       tarOf(t, one, "--sparse"),
		"account.tar.gz":   tarOf(t, account, "-z"),
		"compressed.tar":   tarOf(t, tree{"db/m2.sql.gz": gz, "notes.txt": []byte("x")}),
		"no-extension.tar": tarOf(t, tree{"db": gz, "LICENSE": []byte("Free.")}),
		"archives.tar":     tarOf(t, tree{"inner.tar.gz": tarOf(t, tree{"inner/most.tar": tarOf(t, one)}, "-z")}),
		"structure-rows.tar": tarOf(
			t, tree{"1.sql": dump(t, "--no-data", "m2"), "2.sql": dump(t, "--no-create-info", "--skip-triggers", "m2")},
		),
		"a.zip":          zipOf(t, one),
		"stored.zip":     zipOf(t, one, "-0"),
		"bzip2.zip":      zipOf(t, one, "-Z", "bzip2"),
		"account.zip":    zipOf(t, account, "-9"),
		"compressed.zip": zipOf(t, tree{"db/m2.sql.gz": gz}),
		"tar.zip":        zipOf(t, tree{"db.tar": tarOf(t, one)}),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := archived(t, name, content).Of("m2")
			wantWhole(t, r)
			if isZip := r.Container == ContainerZip; isZip != strings.HasSuffix(name, ".zip") ||
				r.Container == ContainerNone {
				t.Errorf("container %q", r.Container)
			}
			db, ok := r.Database("m2")
			if !ok {
				t.Fatalf("databases %v", r.Databases)
			}
			wantFresh(t, db.Content(""))
			if r.Kind != KindMariaDBDump || r.Finished.Time.IsZero() {
				t.Errorf("kind %q, finished %v", r.Kind, r.Finished)
			}
		})
	}
}

// TestArchivesAreCut cuts archives and changes bytes in them.
func TestArchivesAreCut(t *testing.T) {
	t.Parallel()
	files := tree{"m2.sql": dump(t, "m2"), "readme.txt": []byte("x")}
	for name, c := range map[string]struct {
		content []byte
		flips   bool
	}{
		"tar": {tarOf(t, files), false},
		"tgz": {tarOf(t, files, "-z"), true},
		"zip": {zipOf(t, tree{"m2.sql": files["m2.sql"]}), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			content := c.content
			if name == "tar" {
				content = bytes.TrimRight(content, "\x00") // tar fills its last record with zeros
				content = append(content, make([]byte, 2*tarBlock+tarBlock-len(content)%tarBlock)...)
				wantWhole(t, archived(t, "a.tar", content))
				content = content[:len(content)-2*tarBlock+100]
			}
			wantAllDamaged(t, content, c.flips)
		})
	}
	zipped := zipOf(t, tree{"m2.sql": files["m2.sql"]})
	for i := range 10 {
		changed := bytes.Clone(zipped)
		changed[100+(len(zipped)-300)*i/10] ^= 0x41 // behind the name and its times
		wantNotWhole(t, archived(t, "a.zip", changed), fmt.Sprint("changed at tenth ", i))
	}
}

// TestArchivesOfSeveral checks which of several backups in an archive is found.
func TestArchivesOfSeveral(t *testing.T) {
	t.Parallel()
	m2, other := dump(t, "m2"), dump(t, "other")
	cut := m2[:len(m2)/2]
	old := bytes.ReplaceAll(m2, []byte("-- Dump completed on 20"), []byte("-- Dump completed on 19"))
	for name, c := range map[string]struct {
		files    tree
		of       string
		state    State
		damage   string
		database bool
	}{
		"the one asked for":    {tree{"m2.sql": m2, "other.sql": other}, "other", StateWhole, "", true},
		"a Magento first":      {tree{"a.sql": other, "b.sql": m2}, "nowhere", StateWhole, "", false},
		"the other one is cut": {tree{"m2.sql": m2, "other.sql": other[:300]}, "m2", StateWhole, "", true},
		"the one asked for is cut": {
			tree{"m2.sql": cut, "other.sql": other}, "m2", StateDamaged, "m2.sql: it ends", true,
		},
		"the one asked for is cut early": {tree{"a.sql": other, "m2.sql": m2[:60]}, "m2", StateDamaged, "m2.sql", false},
		"an older one beside it":         {tree{"a.sql": old, "b.sql": m2}, "m2", StateWhole, "", true},
		"an older one that is cut":       {tree{"a.sql": old[:len(old)/2], "b.sql": m2}, "m2", StateWhole, "", true},
		"scripts of programs beside it": {
			tree{"m2.sql": m2, "lib/install.sql": []byte("SELECT 1;\n"), "lib/x.sql": []byte("nonsense")}, "m2", StateWhole, "",
			true,
		},
		"rows of many dumps": {perTable(t), "m2", StateUndetermined, "dumps, made one after the other", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for kind, content := range map[string][]byte{"a.tgz": tarOf(t, c.files, "-z"), "a.zip": zipOf(t, c.files)} {
				r := archived(t, kind, content).Of(c.of)
				if r.State != c.state || !strings.Contains(r.Damage, c.damage) {
					t.Errorf("%s: %s: %s, want %s, %q", kind, r.State, r.Damage, c.state, c.damage)
				}
				if _, ok := r.Database(c.of); ok != c.database {
					t.Errorf("%s: databases %v", kind, r.Databases)
				}
			}
		})
	}
}

// TestArchiveNamesTwice packs two files under one name: unpacking the archive leaves the last one.
func TestArchiveNamesTwice(t *testing.T) {
	t.Parallel()
	m2 := dump(t, "m2")
	cut := m2[:len(m2)/2]
	link := &tar.Header{Typeflag: tar.TypeSymlink, Name: "m2.sql", Linkname: "/backup/m2.sql"}
	for name, c := range map[string]struct {
		first, last []byte
		names       [2]string
		link        *tar.Header
		want        State
	}{
		"the last is cut":              {m2, cut, [2]string{"m2.sql", "m2.sql"}, nil, StateDamaged},
		"the first is cut":             {cut, m2, [2]string{"m2.sql", "m2.sql"}, nil, StateWhole},
		"the last is cut, with a dot":  {m2, cut, [2]string{"./m2.sql", "m2.sql"}, nil, StateDamaged},
		"the last is cut, with two":    {m2, cut, [2]string{"m2.sql", "db/../m2.sql"}, nil, StateDamaged},
		"the last is encrypted":        {m2, []byte("Salted__xxxxxxxx"), [2]string{"m2.sql", "m2.sql"}, nil, StateOpaque},
		"an encrypted one is replaced": {[]byte("Salted__xxxxxxxx"), m2, [2]string{"m2.sql", "m2.sql"}, nil, StateWhole},
		"the last is a link":           {cut, m2, [2]string{"a.txt", "m2.sql"}, link, StateDamaged},
	} {
		var packed, zipped bytes.Buffer
		w, z := tar.NewWriter(&packed), zip.NewWriter(&zipped)
		for i, content := range [][]byte{c.first, c.last} {
			must(t, w.WriteHeader(&tar.Header{Name: c.names[i], Size: int64(len(content)), Mode: 0o600}))
			_, err := w.Write(content)
			must(t, err)
			file, err := z.Create(c.names[i])
			must(t, err)
			_, err = file.Write(content)
			must(t, err)
		}
		if c.link != nil {
			must(t, w.WriteHeader(c.link))
			header := &zip.FileHeader{Name: c.link.Name}
			header.SetMode(os.ModeSymlink | 0o777)
			file, err := z.CreateHeader(header)
			must(t, err)
			_, err = file.Write([]byte(c.link.Linkname))
			must(t, err)
		}
		must(t, errors.Join(w.Close(), z.Close()))
		for kind, content := range map[string][]byte{"a.tar": packed.Bytes(), "a.zip": zipped.Bytes()} {
			if r := archived(t, kind, content); r.State != c.want {
				t.Errorf("%s, %s: %s: %s, want %s", name, kind, r.State, r.Damage, c.want)
			}
		}
	}
}

// TestArchiveNames checks what is shown of names in archives, which may hold anything.
func TestArchiveNames(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	name := strings.Repeat("long/", 1000) + "line\nfeed \x1b[31m.sql"
	must(t, w.WriteHeader(&tar.Header{Name: name, Size: 4, Mode: 0o600}))
	_, err := w.Write([]byte("oops"))
	must(t, errors.Join(err, w.Close()))
	r := archived(t, "a.tar", b.Bytes())
	for _, text := range append(r.Notes, r.Damage, r.Place) {
		if len(text) > 2*maxArchiveName || strings.ContainsFunc(text, unicode.IsControl) {
			t.Errorf("%d bytes: %q", len(text), text)
		}
	}
	if r.State != StateDamaged || !strings.Contains(r.Place, "feed") {
		t.Errorf("%s: %s in %s", r.State, r.Damage, r.Place)
	}
}

// perTable are dumps of the single tables of m2.
func perTable(t *testing.T) tree {
	t.Helper()
	root, err := server.Root(t.Context())
	must(t, err)
	rows, err := root.QueryContext(t.Context(),
		"SELECT table_name FROM information_schema.tables WHERE table_schema = 'm2'")
	must(t, err)
	defer func() { must(t, rows.Close()) }()
	files := tree{}
	for rows.Next() {
		var table string
		must(t, rows.Scan(&table))
		if table != "acme;log" {
			files[table+".sql"] = nil
		}
	}
	must(t, rows.Err())
	for name := range files {
		files[name] = dump(t, "m2", strings.TrimSuffix(name, ".sql"))
	}
	return files
}

// TestArchivesNotLookedInto checks what is in archives, or is one, and is not looked into.
func TestArchivesNotLookedInto(t *testing.T) {
	t.Parallel()
	m2 := dump(t, "other")
	mydumper := readTree(t, mydumped(t, true))
	inner := tree{"root": []byte("x")}
	for name, content := range mydumper {
		inner["dump/"+name] = content
	}
	deep := tarOf(t, tree{"m2.sql": m2})
	for range maxNesting {
		deep = tarOf(t, tree{"in.tar": deep})
	}
	password := []string{"-P", "x"}
	encrypted := pipe(t, m2, "openssl", "enc", "-aes-256-cbc", "-pbkdf2", "-pass", "pass:x")
	for name, c := range map[string]struct {
		content []byte
		text    string
		advice  string
	}{
		"m2.tar.gz":    {tarOf(t, inner, "-z"), "directory of mydumper (dump/)", "Unpack the archive"},
		"deep.tar":     {deep, "archives are in each other", "Unpack"},
		"password.zip": {zipOf(t, tree{"m2.sql": m2}, password...), "encrypted by a password", "with its password"},
		"zip.zip":      {zipOf(t, tree{"m2.zip": zipOf(t, tree{"m2.sql": m2})}), "ZIP archive within", "unzip"},
		"zip.tar":      {tarOf(t, tree{"m2.zip": zipOf(t, tree{"m2.sql": m2})}), "ZIP archive within", "unzip"},
		"m2.zip.gz":    {compress(t, zipOf(t, tree{"m2.sql": m2}), []string{"gzip", "-c"}), "ZIP archive within", "unzip"},
		"encrypted.tar": {
			tarOf(t, tree{"m2.sql.enc": encrypted, "readme": nil}), "m2.sql.enc: it is encrypted by openssl", "Decrypt",
		},
		"m2.sql.enc": {encrypted, "encrypted by openssl", "Decrypt a copy (openssl enc -d)"},
		"m2.enc.b64": {
			pipe(t, m2, "openssl", "enc", "-aes-256-cbc", "-pbkdf2", "-a", "-pass", "pass:x"), "encrypted by openssl", "-a",
		},
		"m2.sql.gpg":      {gpg(t, m2), "encrypted by PGP", "gpg -d"},
		"m2.sql.asc":      {gpg(t, m2, "--armor"), "encrypted by PGP", "gpg -d"},
		"m2.gpg.gz":       {compress(t, gpg(t, m2), []string{"gzip", "-c"}), "encrypted by PGP", "gpg -d"},
		"m2.7z":           {[]byte("7z\xbc\xaf\x27\x1c\x00\x04 and so on"), "7z archive", "7z x"},
		"m2.rar":          {[]byte("Rar!\x1a\x07\x01\x00 and so on"), "RAR archive", "unrar"},
		"m2.age":          {[]byte("age-encryption.org/v1\n-> X25519 abc\n"), "encrypted by age", "age -d"},
		"key.gpg":         {[]byte("\x85\x01\x0c\x03\x9d and so on"), "encrypted by PGP", "gpg -d"},
		"signed.gpg":      {[]byte("\xa3\x01\x01\x12\x03\xed and so on"), "encrypted by PGP", "gpg -d"},
		"plain.gpg":       {[]byte("\x90\x0d\x03\x00\x08\x16 and so on"), "encrypted by PGP", "gpg -d"},
		"newer.gpg":       {[]byte("\xc1\xc0\x4c\x06\x9d and so on"), "encrypted by PGP", "gpg -d"},
		"stored":          {[]byte("\xae\x00\x03\x0d\x4cb\x06in.sql and so on"), "encrypted by PGP", "gpg -d"},
		"stored in parts": {[]byte("\xcb\xe9b\x06in.sql and so on"), "encrypted by PGP", "gpg -d"},
		"marked":          {[]byte("\xca\x03PGP\xc1\x4c\x03 and so on"), "encrypted by PGP", "gpg -d"},
		"compressed":      {[]byte("\xc8\xed\x01\x9d\x12 and so on"), "encrypted by PGP", "gpg -d"},
		"session":         {[]byte("\xd2\xc0\x4c\x01\x9d and so on"), "encrypted by PGP", "gpg -d"},
		"m2.cms": {
			[]byte("\x30\x80\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x03\xa0\x80 and so on"), "CMS message", "cms",
		},
		"m2.sql.lzo":   {[]byte("\x89LZO\x00\r\n\x1a\n and so on"), "compressed by lzop", "lzop"},
		"m2.sql.vault": {[]byte("$ANSIBLE_VAULT;1.1;AES256\n6663\n"), "encrypted by Ansible Vault", "ansible-vault"},
		"m2.scrypt":    {[]byte("scrypt\x00\x0e and so on"), "encrypted by scrypt", "scrypt dec"},
		"m2.bin":       {[]byte("RCLONE\x00\x00 and so on"), "encrypted by rclone", "rclone copy"},
		"m2.sql.cpt":   {[]byte("\x9f\x12\xab\x02 and so on"), "no text, and its name ends in .cpt", "Decrypt or unpack"},
		"m2.sql.br":    {[]byte("\x1b\x0f\x00\xf8 and so on"), "no text, and its name ends in .br", "Decrypt or unpack"},
		"m2.SQL.AES":   {[]byte("\x00\x12\xab\x02 and so on"), "no text, and its name ends in .aes", "Decrypt or unpack"},
		"disk.qcow2":   {[]byte("QFI\xfb and so on"), "image of a disk", "dump the database there"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := archived(t, name, c.content)
			if r.State != StateOpaque || !strings.Contains(r.Damage, c.text) || !strings.Contains(r.Advice, c.advice) {
				t.Errorf("%s: %s: %s", r.State, r.Damage, r.Advice)
			}
		})
	}
}

// gpg encrypts by a password.
func gpg(t *testing.T, content []byte, args ...string) []byte {
	t.Helper()
	home, err := os.MkdirTemp("", "gpg") // its socket's path must be short
	must(t, err)
	t.Cleanup(func() { must(t, os.RemoveAll(home)) })
	return pipe(t, content, "gpg", slices.Concat([]string{
		"--homedir", home, "--batch", "--quiet", "--no-options", "--pinentry-mode", "loopback", "--passphrase", "x",
		"--s2k-count", "65536",
	}, args, []string{"-c"})...)
}

// TestArchivesWithoutADump checks archives that hold none: that is certain, so they fail.
func TestArchivesWithoutADump(t *testing.T) {
	t.Parallel()
	link := t.TempDir()
	must(t, os.Symlink("/etc/passwd", filepath.Join(link, "m2.sql")))
	line := []byte("-- x\n")
	several := tree{"a.css": []byte("/* x */"), "b.txt": line, "LICENSE": line, "m.bak": line}
	dangling := tool(t, "tar", "-C", link, "-cf", "-", "m2.sql")
	for name, c := range map[string]struct {
		content []byte
		want    string
	}{
		"files":       {tarOf(t, several), "holds no dump: 4 files, such as LICENSE, a.css, b.txt"},
		"a link":      {dangling, "tar archive is empty"},
		"zip":         {zipOf(t, tree{"a.css": []byte("/* x */")}), "holds no dump: 1 file,"},
		"empty zip":   {[]byte("PK\x05\x06" + strings.Repeat("\x00", 18)), "ZIP archive is empty"},
		"empty dump":  {tarOf(t, tree{"m2.sql": []byte("\n")}), "m2.sql: it is empty"},
		"bad header":  {append([]byte("x"), tarOf(t, tree{"m2.sql": dump(t, "other")})[:1000]...), "no backup|corrupt"},
		"a bad end":   {tarOf(t, tree{"a.txt": []byte("x")})[:tarBlock*2], "has no end"},
		"a cut ZIP":   {zipOf(t, tree{"m2.sql": dump(t, "other")})[:200], "directory of the ZIP archive"},
		"only a part": {[]byte("PK\x03\x04abcdefgh"), "ZIP"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := archived(t, "a", c.content)
			if r.State != StateDamaged || !containsAny(r.Damage, strings.Split(c.want, "|")) {
				t.Errorf("%s: %s, want %q", r.State, r.Damage, c.want)
			}
		})
	}
}

// TestArchiveBombs reads archives out of which much more comes than they are.
func TestArchiveBombs(t *testing.T) {
	t.Parallel()
	blanks := append([]byte("SET a = 1;"), bytes.Repeat([]byte("\n"), 1<<20)...)
	hundred := func(l *limits) { l.ratio, l.free = 100, 1<<20 }
	for name, c := range map[string]struct {
		content []byte
		lim     func(*limits)
		want    string
	}{
		"ratio, zip":  {goZip(t, 1, zip.Deflate, blanks, 30), hundred, "100 times its size"},
		"output, zip": {goZip(t, 1, zip.Deflate, blanks, 20), func(l *limits) { l.output = 1 << 20 }, "come out of it"},
		"many files":  {goZip(t, 150_000, zip.Store, nil, 0), nil, "directory of the ZIP archive has more than"},
		"many dumps":  {goZip(t, maxMembers+1, zip.Store, []byte("SELECT 1;\n"), 1), nil, "more than 5000 dumps"},
		"ratio, tgz": {
			compress(t, goTar(t, blanks, 30), []string{"gzip", "-c"}), hundred, "100 times its size",
		},
		"a hole": {goTar(t, make([]byte, 1<<20), 64), nil, "NUL"},
		"compressed tar": {
			tarOf(t, tree{"m2.sql.gz": compress(t, bytes.Repeat(blanks, 30), []string{"gzip", "-c"})}),
			hundred, "100 times its size",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			j := unlimited()
			if c.lim != nil {
				c.lim(&j.limits)
			}
			r, err := j.read(t.Context(), candidate(t, write(t, "bomb", c.content)))
			must(t, err)
			if r.State == StateWhole || !strings.Contains(r.Damage, c.want) {
				t.Errorf("%s: %s, want %q", r.State, r.Damage, c.want)
			}
		})
	}
}

// goZip makes an archive of files that hold a piece so many times.
func goZip(t *testing.T, files int, method uint16, piece []byte, times int) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i := range files {
		f, err := z.CreateHeader(
			&zip.FileHeader{Name: fmt.Sprintf("dump-%0100d.sql", i), Method: method, Modified: time.Now()})
		must(t, err)
		for range times {
			_, err := f.Write(piece)
			must(t, err)
		}
	}
	must(t, z.Close())
	return b.Bytes()
}

// goTar makes an archive of one file that holds a piece so many times.
func goTar(t *testing.T, piece []byte, times int) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	must(t, w.WriteHeader(&tar.Header{Name: "m2.sql", Size: int64(len(piece) * times), Mode: 0o600}))
	for range times {
		_, err := w.Write(piece)
		must(t, err)
	}
	must(t, w.Close())
	return b.Bytes()
}

// BenchmarkArchive reads dumps in archives, and the same dump without one.
func BenchmarkArchive(b *testing.B) {
	content, err := io.ReadAll(bigDump(b, 64<<20, nil))
	must(b, err)
	plain := filepath.Join(b.TempDir(), "dump.sql")
	must(b, os.WriteFile(plain, content, 0o600))
	for name, args := range map[string][]string{
		"plain": {"cat"}, "tar": {"tar", "-cf", "-"}, "gz": {"gzip", "-1c"}, "tgz": {"tar", "-I", "gzip -1", "-cf", "-"},
		"zip": {"zip", "-q1", "-"}, "stored zip": {"zip", "-q0", "-"},
	} {
		b.Run(name, func(b *testing.B) {
			path := filepath.Join(b.TempDir(), "dump")
			if args[0] == "cat" {
				path = plain
			} else {
				must(b, os.WriteFile(path, tool(b, args[0], append(args[1:], plain)...), 0o600))
			}
			b.SetBytes(int64(len(content)))
			for b.Loop() {
				if r := report(b, path); r.State != StateWhole {
					b.Fatal(r.Damage)
				}
			}
		})
	}
}
