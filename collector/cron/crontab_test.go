package cron

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"magento_migration_exporter/collector/finding"
)

// TestCrontabs reads whole crontabs.
func TestCrontabs(t *testing.T) {
	t.Parallel()
	const root = "/home/shop/www"
	h := newHost(t)
	block := func(hash, path string) string {
		return "#~ MAGENTO START " + hash + "\n* * * * * /usr/bin/php " + path +
			"/bin/magento cron:run 2>&1\n#~ MAGENTO END " + hash + "\n"
	}
	for _, test := range []struct {
		name, file, text string
		want             string
		// note must be in the first entry's note or reason, and remedy in its remedy.
		note, remedy string
	}{
		{
			name: "SHA-256 marker", file: "spool/cron/shop", text: "# mine\n" + block(hash256(h.magento2), h.magento2),
			want:   ":3 * * * * *|shop|magento2 certain armed cron:run|" + root + "/bin/magento cron:run",
			remedy: "run crontab -u shop -e and comment out line 3; or run bin/magento cron:remove as shop",
		},
		{
			name: "MD5 marker of a root that the command does not name", file: "spool/cron/shop",
			text: block(hash128(h.magento2), "/app"),
			want: ":2 * * * * *|shop|magento2 certain armed cron:run|/app/bin/magento cron:run", remedy: "cron:remove",
		},
		{
			name: "marker in capitals", file: "spool/cron/shop", text: block(strings.ToUpper(hash256(h.magento2)),
				"/app"),
			want: ":2 * * * * *|shop|magento2 certain armed cron:run|/app/bin/magento cron:run",
		},
		{
			name: "marker of another root", file: "spool/cron/shop", text: block(hash256("/srv/x"),
				"/srv/x") + strings.ReplaceAll(block(hash256("/srv/x"), "$X"), "/usr/bin/php ", "php "),
			want: "",
		},
		{
			name: "another root's marker around our command", file: "spool/cron/shop", text: block(hash256("/srv/x"),
				h.magento2),
			want:   ":2 * * * * *|shop|magento2 certain armed cron:run|" + root + "/bin/magento cron:run",
			remedy: "line 2",
		},
		{
			name: "marker without a hash", file: "spool/cron/shop",
			text: "#~ MAGENTO START\n* * * * * php {ROOT}/bin/magento cron:run\n#~ MAGENTO END\n* * * * * cd $X " +
				"&& php bin/magento cron:run\n",
			want: ":2 * * * * *|shop|magento2 certain armed cron:run|" + root +
				"/bin/magento cron:run\n:4 * * * * *|shop|magento2 possible armed cron:run|bin/magento cron:run",
		},
		{
			name: "marker that does not end, of a root whose shell knows the rest", file: "spool/cron/shop",
			text: "#~ MAGENTO START " + hash256(h.magento2) + "\n@hourly cd $X && bin/magento setup:cron:run\n",
			want: ":2 @hourly|shop|magento2 certain armed setup:cron:run|bin/magento setup:cron:run",
		},
		{
			name: "a block commented out", file: "spool/cron/shop", text: "#~ MAGENTO START " + hash256(h.magento2) +
				"\n#* * * * * php {ROOT}/bin/magento cron:run\n #\t* * * * * php {ROOT}/bin/magento cron:run\n",
		},
		{
			name: "schedules", file: "spool/cron/shop",
			text: "\t*/5  0-6,22\t1 jan-dec/2 MON php {ROOT}/bin/magento cron:run\n@reboot\tphp {ROOT}/bin/magento " +
				"cron:run\n@Every_Minute php {ROOT}/bin/magento cron:run\n-*/5 * * * 1#2 php {ROOT}/bin/magento " +
				"cron:run\n0~59 * * * * php {ROOT}/bin/magento cron:run\n",
			want: ":1 */5 0-6,22 1 jan-dec/2 MON|shop|magento2 certain armed cron:run|" + root +
				"/bin/magento cron:run\n" +
				":2 @reboot|shop|magento2 certain armed cron:run|" + root + "/bin/magento cron:run\n" +
				":3 @Every_Minute|shop|magento2 certain armed cron:run|" + root + "/bin/magento cron:run\n" +
				":4 */5 * * * 1#2|shop|magento2 certain armed cron:run|" + root + "/bin/magento cron:run\n" +
				":5 0~59 * * * *|shop|magento2 certain armed cron:run|" + root + "/bin/magento cron:run",
		},
		{
			name: "no schedule", file: "spool/cron/shop",
			text: "php {ROOT}/bin/magento cron:run\n* * * php {ROOT}/bin/magento cron:run\n",
			want: ":1 |shop|magento2 certain dormant cron:run|" + root +
				"/bin/magento cron:run\n:2 |shop|magento2 certain dormant cron:run|" + root + "/bin/magento cron:run",
			note: "does not accept this line",
		},
		{
			name: "variables", file: "spool/cron/shop", text: "SHELL=/bin/bash\nMAILTO=\"\"\n M = '{ROOT}' \n" +
				"\"Q\"=x\n* * * * * php $M/bin/magento cron:run\nM={OTHER}\n* * * * * php $M/bin/magento " +
				"cron:run\nHOME={ROOT}\n* * * * * php bin/magento cron:run\n",
			want: ":5 * * * * *|shop|magento2 certain armed cron:run|" + root +
				"/bin/magento cron:run\n:9 * * * * *|shop|magento2 certain armed cron:run|" + root +
				"/bin/magento cron:run",
		},
		{
			name: "user whose home directory is not known", file: "spool/cron/somebody",
			text: "* * * * * php www/bin/magento cron:run\n* * * * * php ~/www/bin/magento cron:run\n",
			want: ":1 * * * * *|somebody|magento2 possible armed cron:run|www/bin/magento cron:run\n:2 * * * * " +
				"*|somebody|magento2 possible armed cron:run|www/bin/magento cron:run",
			note: "is not known",
		},
		{
			name: "percent", file: "spool/cron/shop", text: "* * * * * mail -s x y%php {ROOT}/bin/magento cron:run\n" +
				"* * * * * date +\\%s; php {ROOT}/bin/magento cron:run%input\n",
			want: ":2 * * * * *|shop|magento2 certain armed cron:run|" + root + "/bin/magento cron:run",
		},
		{
			name: "backslash at the end", file: "spool/cron/shop",
			text: "* * * * * cd {ROOT} && \\\n  php {ROOT}/bin/magento \\\n  cron:run\n* * * * * true\n",
			want: ":1 * * * * *|shop|magento2 certain armed cron:run|" + root + "/bin/magento cron:run",
			note: "joins no lines",
		},
		{
			name: "backslash before a line of its own", file: "spool/cron/shop",
			text: "* * * * * true \\\n* * * * * php {ROOT}/bin/magento cron:run\n",
			want: ":2 * * * * *|shop|magento2 certain armed cron:run|" + root + "/bin/magento cron:run",
		},
		{
			name: "backslash behind a comment", file: "spool/cron/shop",
			text: "# off \\\n* * * * * php {ROOT}/bin/magento cron:run\n",
			want: ":2 * * * * *|shop|magento2 certain armed cron:run|" + root + "/bin/magento cron:run",
		},
		{
			name: "backslash at the very end", file: "spool/cron/shop",
			text: "* * * * * php {ROOT}/bin/magento cron:run \\",
			want: ":1 * * * * *|shop|magento2 certain armed cron:run|" + root + "/bin/magento cron:run",
			note: "no line feed",
		},
		{
			name: "carriage returns", file: "spool/cron/shop",
			text: "A=b\r\n# x\r\n\r\n* * * * * php {ROOT}/bin/magento cron:run\r\n",
			want: ":4 * * * * *|shop|magento2 certain armed cron:run|" + root + "/bin/magento cron:run",
			note: "carriage return",
		},
		{
			name: "no final line feed", file: "spool/cron/shop",
			text: "\xef\xbb\xbf* * * * * php {ROOT}/bin/magento cron:run",
			want: ":1 * * * * *|shop|magento2 certain armed cron:run|" + root + "/bin/magento cron:run",
			note: "no line feed",
		},
		{
			name: "cron.d", file: "etc/cron.d/magento", text: "* * * * *\tshop\tcd www && php bin/magento cron:run\n" +
				"@daily root php {ROOT}/bin/magento cron:run\n* * * * * unknown cd && php bin/magento cron:run\n",
			want: ":1 * * * * *|shop|magento2 certain armed cron:run|" + root +
				"/bin/magento cron:run\n:2 @daily|root|magento2 certain armed cron:run|" + root +
				"/bin/magento cron:run\n:3 * * * * *|unknown|magento2 possible armed cron:run|bin/magento cron:run",
			remedy: "comment out line 1 of {DIR}/etc/cron.d/magento",
		},
		{
			name: "/etc/crontab", file: "etc/crontab", text: "* * * * * shop php {ROOT}/bin/magento cron:run\n",
			want: ":1 * * * * *|shop|magento2 certain armed cron:run|" + root + "/bin/magento cron:run",
		},
		{
			name: "a file called crontab, without users", file: "home/shop/crontab",
			text: "* * * * * cd {ROOT} && php bin/magento cron:run\n* * * * * bash -c 'php {ROOT}/bin/magento cron:run'\n",
			want: ":1 * * * * *||magento2 certain armed cron:run|" + root +
				"/bin/magento cron:run\n:2 * * * * *||magento2 certain armed cron:run|" + root + "/bin/magento cron:run",
		},
		{
			name: "a file called crontab, with users", file: "copy/crontab",
			text: "* * * * * deploy sh -c 'php {ROOT}/bin/magento cron:run'\n* * * * * shop php {ROOT}/bin/magento cron:run\n" +
				"* * * * * echo php {ROOT}/bin/magento cron:run\n",
			want: ":1 * * * * *||magento2 certain armed cron:run|" + root +
				"/bin/magento cron:run\n:2 * * * * *|shop|magento2 certain armed cron:run|" + root + "/bin/magento cron:run",
		},
		{
			name: "a copy of cron.d", file: "deploy/cron.d/shop",
			text: "* * * * * www-data-2 cd {ROOT} && php bin/magento cron:run\n* * * * * php {ROOT}/bin/magento cron:run\n",
			want: ":1 * * * * *|www-data-2|magento2 certain armed cron:run|" + root +
				"/bin/magento cron:run\n:2 * * * * *||magento2 certain armed cron:run|" + root + "/bin/magento cron:run",
		},
		{
			name: "another place, with users", file: "backup/crons",
			text: "* * * * * shop cd www && php bin/magento cron:run\n* * * * * cd {ROOT} && php bin/magento " +
				"cron:run\n",
			want: ":1 * * * * *|shop|magento2 certain armed cron:run|" + root +
				"/bin/magento cron:run\n:2 * * * * *||magento2 certain armed cron:run|" + root +
				"/bin/magento cron:run",
		},
		{
			name: "Red Hat's and cronie's name for a file that was set aside", file: "etc/cron.d/magento.rpmsave",
			text: "* * * * * shop php {ROOT}/bin/magento cron:run\n",
			want: ":1 * * * * *|shop|magento2 certain dormant cron:run|" + root + "/bin/magento cron:run",
			note: "passes over",
		},
		{
			name: "name with a dot", file: "etc/cron.d/magento.disabled",
			text: "* * * * * shop php {ROOT}/bin/magento cron:run\n",
			want: ":1 * * * * *|shop|magento2 certain armed cron:run|" + root + "/bin/magento cron:run",
			note: "Debian's cron would pass over",
		},
		{
			name: "name with a dot on Debian", file: "debian/etc/cron.d/magento.disabled",
			text: "* * * * * shop php {ROOT}/bin/magento cron:run\n",
			want: ":1 * * * * *|shop|magento2 certain dormant cron:run|" + root + "/bin/magento cron:run",
			note: "Debian's cron passes over",
		},
		{
			name: "escape sequences", file: "spool/cron/shop",
			text: "* * * * * php $X/'\x1b]0;\xff\r'/bin/magento cron:run\n",
			want: `:1 * * * * *|shop|magento2 possible armed cron:run|\x1b]0;\xff\r/bin/magento cron:run`,
		},
		{
			name: "both systems", file: "spool/cron/shop",
			text: "* * * * * {OLD}/cron.sh; php {ROOT}/bin/magento cron:run\n",
			want: ":1 * * * * *|shop|magento1 certain armed cron.sh|/srv/old/cron.sh\n:1 * * * * *|shop|magento2 " +
				"certain armed cron:run|" + root + "/bin/magento cron:run",
		},
		{name: "empty", file: "spool/cron/shop"},
		{name: "binary", file: "spool/cron/shop", text: "\x00\xff\x7fELF\n\x00* * * * * \x00"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			h := host{dir: t.TempDir(), magento1: h.magento1, magento2: h.magento2}
			h.write(t, "debian/etc/debian_version", "12.11\n")
			path := h.write(t, test.file, test.text)
			if filepath.Base(filepath.Dir(path)) == "cron.d" {
				if err := os.Chmod(path, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			l := newLook(h.options(), "/nonexistent")
			l.accounts = accounts{"shop": {name: "shop", home: filepath.Dir(h.magento2)}, "root": {name: "root",
				home: "/root"}}
			l.files(t.Context(), []string{path})
			e := l.evidence
			want := ""
			if test.want != "" {
				want = "/" + test.file + strings.ReplaceAll(test.want, "\n", "\n/"+test.file)
			}
			got := strings.ReplaceAll(h.short(e.Entries), strings.TrimSuffix(h.magento2, root), "")
			if got != want {
				t.Errorf("got:\n%s\nwant:\n%s", got, want)
			}
			if test.note != "" && (len(e.Entries) == 0 || !strings.Contains(e.Entries[0].Note+e.Entries[0].Dormant,
				test.note)) {
				t.Errorf("no note %q: %+v", test.note, e.Entries)
			}
			if test.remedy != "" && (len(e.Entries) == 0 || !strings.Contains(e.Entries[0].Remedy,
				h.fill(test.remedy))) {
				t.Errorf("no remedy %q: %+v", test.remedy, e.Entries)
			}
			if len(e.Problems) > 0 {
				t.Errorf("problems: %v", e.Problems)
			}
		})
	}
}

// TestCrontabModes reads files whose mode keeps Debian's cron from reading them: they are armed as soon as somebody
// repairs that.
func TestCrontabModes(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	for name, mode := range map[string]os.FileMode{"etc/cron.d/a": 0o664, "spool/cron/shop": 0o644} {
		path := h.write(t, name, "* * * * * shop php {ROOT}/bin/magento cron:run\n")
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		e := h.files(t, h.options(), []string{name})
		if len(e.Entries) != 1 || !strings.Contains(e.Entries[0].Note, "Debian's cron refuses it") ||
			!e.Entries[0].Armed() {
			t.Errorf("%s: %+v", name, e.Entries)
		}
	}
}

// TestArmed counts what certainly starts Magento 2's cron, by kind: cron.enabled = 0 in env.php stops cron:run alone.
func TestArmed(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, crontab, kinds string }{
		{"nothing", "", ""},
		{"cron:run", "* * * * * php {ROOT}/bin/magento cron:run\n", "cron:run"},
		{"Magento 1 and another root beside",
			"* * * * * php {ROOT}/bin/magento cron:run\n* * * * * sh {OLD}/cron.sh\n" +
				"* * * * * {OTHER}/bin/magento setup:cron:run\n", "cron:run"},
		{
			"possible ones beside",
			"* * * * * php {ROOT}/bin/magento cron:run\n* * * * * curl shop.example/cron.php\n", "cron:run",
		},
		{"only possible ones", "* * * * * cd $X && php bin/magento cron:run\n", ""},
		{"dormant ones beside", "* * * * * php {ROOT}/bin/magento cron:run\nphp {ROOT}/pub/cron.php\n", "cron:run"},
		{"setup:cron:run",
			"* * * * * php {ROOT}/bin/magento cron:run\n* * * * * php {ROOT}/bin/magento setup:cron:run\n",
			"cron:run setup:cron:run"},
		{"consumers", "* * * * * php {ROOT}/bin/magento queue:consumers:start async\n", "queue:consumers:start"},
		{"pub/cron.php", "* * * * * php {ROOT}/pub/cron.php\n", "pub/cron.php"},
		{"update/cron.php", "* * * * * php {ROOT}/update/cron.php\n", "update/cron.php"},
		{"magerun", "* * * * * n98-magerun2 --root-dir {ROOT} sys:cron:run x\n", "sys:cron:run"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			h := newHost(t)
			h.write(t, "spool/cron/shop", test.crontab)
			e := h.files(t, h.options(), []string{"spool/cron/*"})
			var kinds []string
			for _, entry := range e.Armed(finding.Magento2) {
				kinds = append(kinds, string(entry.Kind))
			}
			if got := strings.Join(kinds, " "); got != test.kinds {
				t.Errorf("armed %q, want %q", got, test.kinds)
			}
		})
	}
}
