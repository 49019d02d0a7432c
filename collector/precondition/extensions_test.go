package precondition_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"magento_migration_exporter/collector/finding"
	"magento_migration_exporter/collector/shoptest"
	"magento_migration_exporter/config"
)

func TestExtensionsFromTheDatabaseAlone(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	f := s.WantFinding("extensions", finding.Fail, "no decision recorded for extension amshopby_setup")
	s.WantFinding("extensions", finding.Fail, "    decisions:\n      acme_giftcard_setup: {replaced_by")
	if f.Subject != "amshopby_setup" || !strings.Contains(f.Remedy, "amshopby_setup: {replaced_by: Vendor_Module}") {
		t.Errorf("%+v", f)
	}
	s.WantValue(2, "extensions", "undecided")
	s.WantValue(0, "extensions", "dropped")
	s.Configure("extensions",
		"{decisions: {amshopby_setup: {dropped: unused}, acme_giftcard_setup: {dropped: unused}}}")
	// The database does not know the modules without a setup.
	s.WantFinding("extensions", finding.Unknown, "without a setup resource", "magento1.root")
	s.WantValue(2, "extensions", "dropped")
	s.On1("INSERT INTO core_resource (code, version) VALUES ('enterprise_new_setup', '1'), ('backup_setup', '1')")
	s.Want("extensions", finding.Unknown)
	s.Migration.Magento1.Database.Host = "no-such-host.invalid"
	s.WantFinding("extensions", finding.Unknown, "network")
	s.WantAbsent("extensions", "dropped")
}

func TestExtensionsFromTheFiles(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	root1, root2 := s.WithRoots()
	s.On1("DELETE FROM core_resource WHERE code IN ('amshopby_setup', 'acme_giftcard_setup')")
	s.Want("extensions", finding.Pass)
	for _, m := range []struct {
		name, pool string
		active     bool
	}{
		{"Phoenix_Moneybookers", "community", true}, {"Cm_RedisSession", "community", true},
		{"Old_Thing", "local", false}, {"Mage_Extra", "core", true},
	} {
		shoptest.WriteUnder(t, root1, "app/etc/modules/"+m.name+".xml", shoptest.Module(m.name, m.pool, m.active))
	}
	s.Want("extensions", finding.Pass)
	s.WantValue(0, "extensions", "undecided")

	shoptest.WriteUnder(t, root1, "app/etc/modules/Amasty_Shopby.xml", shoptest.Module("Amasty_Shopby", "local", true))
	shoptest.WriteUnder(t, root1, "app/code/local/Amasty/Shopby/etc/config.xml",
		shoptest.ModuleConfig("Amasty_Shopby", "amshopby_setup"))
	f := s.WantFinding("extensions", finding.Fail, "Amasty_Shopby (amshopby_setup)")
	if f.Subject != "amshopby_setup" {
		t.Errorf("subject %q", f.Subject)
	}
	// A module of the same name in Magento 2 is the migrated one.
	shoptest.WriteUnder(t, root2, "app/etc/config.php", shoptest.ConfigPHP("Magento_Store", "Amasty_Shopby"))
	s.WantFinding("extensions", finding.Pass, "is migrated")
	s.WantValue(1, "extensions", "migrated")
	shoptest.WriteUnder(t, root2, "app/etc/config.php", shoptest.ConfigPHP("Magento_Store", "Amasty_Shopby=0"))
	s.Want("extensions", finding.Fail)
	// The decision can go by the code or by the name.
	for _, key := range []string{"amshopby_setup", "Amasty_Shopby"} {
		s.Set("extensions",
			map[string]any{"decisions": map[string]any{key: map[string]string{"replaced_by": "Amasty_ShopbyNew"}}})
		s.WantFinding("extensions", finding.Fail, "Amasty_ShopbyNew", "is not enabled",
			"module:enable Amasty_ShopbyNew")
		shoptest.WriteUnder(t, root2, "app/etc/config.php", shoptest.ConfigPHP("Amasty_ShopbyNew"))
		s.WantFinding("extensions", finding.Pass, "is replaced by Amasty_ShopbyNew")
		s.WantValue(1, "extensions", "replaced")
		shoptest.WriteUnder(t, root2, "app/etc/config.php", shoptest.ConfigPHP("Magento_Store"))
	}
	shoptest.WriteUnder(t, root2, "app/etc/config.php", "")
	s.WantFinding("extensions", finding.Unknown, "config.php")
	// The database is not needed.
	shoptest.WriteUnder(t, root2, "app/etc/config.php", shoptest.ConfigPHP("Amasty_ShopbyNew"))
	s.Migration.Magento1.Database.Host = "no-such-host.invalid"
	s.Want("extensions", finding.Pass)
	shoptest.WriteUnder(t, root1, "app/etc/modules/Mage_All.xml", shoptest.Module("Mage_Other", "core", true))
	s.WantFinding("extensions", finding.Unknown, "not a complete Magento 1")
	shoptest.WriteUnder(t, root1, "app/etc/modules/Mage_All.xml", shoptest.Module("Mage_Core", "core", true))
	shoptest.WriteUnder(t, root1, "app/etc/modules/Broken.xml", "<config><modules>")
	s.WantFinding("extensions", finding.Unknown, "cannot be read", "Broken.xml")
}

func TestExtensionsWaivedByCode(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	root1, _ := s.WithRoots()
	s.On1("DELETE FROM core_resource WHERE code IN ('amshopby_setup', 'acme_giftcard_setup')")
	shoptest.WriteUnder(t, root1, "app/etc/modules/AW_Blog.xml", shoptest.Module("AW_Blog", "community", true))
	shoptest.WriteUnder(t, root1, "app/code/community/AW/Blog/etc/config.xml",
		shoptest.ModuleConfig("AW_Blog", "aw_blog_setup"))
	s.Want("extensions", finding.Fail)
	s.Migration.Waivers = []config.Waiver{
		{
			Precondition: "extensions",
			Subject:      "aw_blog_setup",
			Reason:       "WordPress",
			Expires:      config.Expiry{Time: s.Now().AddDate(1, 0, 0)},
		},
	}
	s.Want("extensions", finding.Waived)
}

// TestExtensionsWhoseFilesAreGone has setups in the database that no module under the root declares.
func TestExtensionsWhoseFilesAreGone(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	root1, _ := s.WithRoots()
	f := s.WantFinding("extensions", finding.Warn, "belong to no module", "acme_giftcard_setup, amshopby_setup",
		"magento1.root")
	if f.Subject != "core_resource" {
		t.Errorf("subject %q", f.Subject)
	}
	s.Configure("extensions", "{decisions: {amshopby_setup: {dropped: gone since 2019}}}")
	if f := s.WantFinding("extensions", finding.Warn, "acme_giftcard_setup"); strings.Contains(f.Evidence, "amshopby") {
		t.Errorf("a decision is ignored: %s", f.Evidence)
	}
	// Its module is there and switched off: the setup is not left behind.
	shoptest.WriteUnder(t, root1, "app/etc/modules/Acme_Giftcard.xml", shoptest.Module("Acme_Giftcard", "local", false))
	shoptest.WriteUnder(t, root1, "app/code/local/Acme/Giftcard/etc/config.xml",
		shoptest.ModuleConfig("Acme_Giftcard", "acme_giftcard_setup"))
	s.Want("extensions", finding.Pass)
	// A module that is loaded without its config.xml being readable can be the owner of anything.
	s.Configure("extensions", "{decisions: {Old_Thing: {dropped: unused}}}")
	shoptest.WriteUnder(t, root1, "app/etc/modules/Old_Thing.xml", shoptest.Module("Old_Thing", "community", true))
	s.WantFinding("extensions", finding.Pass, "no module whose config.xml can be read", "amshopby_setup")
}

// TestExtensionsOneBrokenFile leaves the others' modules known.
func TestExtensionsOneBrokenFile(t *testing.T) {
	t.Parallel()
	for name, content := range map[string]string{
		"empty": " ", "cut off": "<config><modules>", "no XML": "hello", "an entity": "<!DOCTYPE c [<!ENTITY a SYSTEM '/etc/passwd'>]><config>&a;</config>",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t)
			root1, _ := s.WithRoots()
			s.On1("DELETE FROM core_resource WHERE code IN ('amshopby_setup', 'acme_giftcard_setup')")
			shoptest.WriteUnder(t, root1, "app/etc/modules/Acme_A1.xml", shoptest.Module("Acme_A1", "local", true))
			shoptest.WriteUnder(t, root1, "app/etc/modules/Broken.xml", content)
			s.WantFinding("extensions", finding.Fail, "Acme_A1")
			found := false
			for _, f := range s.State("extensions").Result.Findings {
				found = found || f.Status == finding.Unknown && f.Subject == "Broken.xml"
			}
			if !found {
				t.Errorf("%+v", s.State("extensions").Result.Findings)
			}
			s.WantValue(1, "extensions", "undecided")
		})
	}
}

// TestExtensionsOfOddFiles has files that Magento 1 reads although they look odd, and one that leads nowhere.
func TestExtensionsOfOddFiles(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	root1, _ := s.WithRoots()
	s.On1("DELETE FROM core_resource WHERE code IN ('amshopby_setup', 'acme_giftcard_setup')")
	const declaration = `<?xml version="1.0"?>`
	module := func(name string) string { return shoptest.Module(name, "community", true) }
	for name, content := range map[string]string{
		"Acme_Mark":    "\xef\xbb\xbf" + module("Acme_Mark"),
		"Acme_Latin":   strings.Replace(module("Acme_Latin"), declaration, `<?xml version="1.0" encoding="ISO-8859-1"?><!-- gr\xfc\xdfe -->`, 1),
		"Acme_Comment": strings.Replace(module("Acme_Comment"), ">true<", "><!-- & -->true<", 1),
		"Acme_Data":    strings.Replace(module("Acme_Data"), ">true<", "><![CDATA[true]]><", 1),
	} {
		shoptest.WriteUnder(t, root1, "app/etc/modules/"+name+".xml", content)
	}
	shoptest.WriteUnder(t, root1, ".modman/acme/Acme_Linked.xml", module("Acme_Linked"))
	shoptest.WriteUnder(
		t,
		root1,
		".modman/acme/code/etc/config.xml",
		shoptest.ModuleConfig("Acme_Linked", "acme_linked_setup"),
	)
	shoptest.WriteUnder(t, root1, "app/code/community/Acme/Other/etc/config.xml", "<config/>")
	for link, to := range map[string]string{
		"app/etc/modules/Acme_Linked.xml": "../../../.modman/acme/Acme_Linked.xml",
		"app/etc/modules/Acme_Gone.xml":   "../../../.modman/gone/Acme_Gone.xml",
		"app/code/community/Acme/Linked":  "../../../../.modman/acme/code",
	} {
		if err := os.Symlink(to, filepath.Join(root1, link)); err != nil {
			t.Fatal(err)
		}
	}
	s.WantFinding("extensions", finding.Fail, "Acme_Linked (acme_linked_setup)")
	s.WantValue(5, "extensions", "undecided")
	for _, f := range s.State("extensions").Result.Findings {
		if f.Status == finding.Unknown && f.Subject != "Acme_Gone.xml" {
			t.Errorf("%+v", f)
		}
	}
	s.HasAnyFinding("extensions", finding.Unknown, "Acme_Gone.xml")
}

// TestExtensionsOfEnterprise has a module that is Magento's own in Enterprise alone.
func TestExtensionsOfEnterprise(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.On1("DELETE FROM core_resource WHERE code IN ('amshopby_setup', 'acme_giftcard_setup')",
		"INSERT INTO core_resource (code, version) VALUES ('ontap_merchandiser_setup', '1')")
	s.WantFinding("extensions", finding.Fail, "ontap_merchandiser_setup")
	s.On1("INSERT INTO core_resource (code, version) VALUES ('enterprise_cms_setup', '1')")
	s.Want("extensions", finding.Unknown) // modules without a setup resource
	s.WantValue(0, "extensions", "undecided")
	root1, _ := s.WithRoots()
	shoptest.WriteUnder(t, root1, "app/etc/modules/OnTap_Merchandiser.xml",
		shoptest.Module("OnTap_Merchandiser", "community", true))
	s.Want("extensions", finding.Pass)
	s.On1("DELETE FROM core_resource WHERE code = 'enterprise_cms_setup'")
	s.WantFinding("extensions", finding.Fail, "OnTap_Merchandiser")
	// The files show the edition, too.
	shoptest.WriteUnder(t, root1, "app/Mage.php", shoptest.MagePHP("1.14.4.2", "ENTERPRISE"))
	s.Want("extensions", finding.Pass)
	shoptest.WriteUnder(t, root1, "app/Mage.php", shoptest.MagePHP("1.9.4.5", "COMMUNITY"))
	s.WantFinding("extensions", finding.Fail, "OnTap_Merchandiser")
	shoptest.WriteUnder(t, root1, "app/etc/modules/Enterprise_Enterprise.xml",
		shoptest.Module("Enterprise_Enterprise", "core", true))
	s.Want("extensions", finding.Pass)
}

// TestExtensionsInUnusualPools has extensions that put themselves where Magento's own modules are, or say no pool.
func TestExtensionsInUnusualPools(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		module, pool string
		status       finding.Status
	}{
		"in the core pool":           {"Acme_Core", "core", finding.Fail},
		"without a pool":             {"Acme_Nowhere", "", finding.Fail},
		"Magento's own":              {"Mage_Bundle", "core", finding.Pass},
		"Magento's own without pool": {"Mage_Bundle", "", finding.Pass},
		"Enterprise's":               {"Enterprise_TargetRule", "core", finding.Pass},
		"with Magento's name":        {"Mage_Blog", "local", finding.Fail},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t)
			s.On1("DELETE FROM core_resource WHERE code IN ('amshopby_setup', 'acme_giftcard_setup')")
			root1, _ := s.WithRoots()
			shoptest.WriteUnder(t, root1, "app/etc/modules/X.xml", shoptest.Module(test.module, test.pool, true))
			r := s.Want("extensions", test.status)
			if test.status == finding.Fail && r.Findings[0].Subject != test.module {
				t.Errorf("%+v", r.Findings)
			}
		})
	}
}

// TestExtensionsThatAreOff are no excuse for setups whose module nobody finds.
func TestExtensionsThatAreOff(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	root1, _ := s.WithRoots()
	s.WantFinding("extensions", finding.Warn, "belong to no module under its root", "amshopby_setup")
	shoptest.WriteUnder(t, root1, "app/etc/modules/Acme_Off.xml", shoptest.Module("Acme_Off", "community", false))
	s.WantFinding("extensions", finding.Warn, "belong to no module under its root", "amshopby_setup")
	shoptest.WriteUnder(t, root1, "app/code/community/Amasty/Shopby/etc/config.xml",
		shoptest.ModuleConfig("Amasty_Shopby", "amshopby_setup"))
	shoptest.WriteUnder(t, root1, "app/etc/modules/Amasty_Shopby.xml",
		shoptest.Module("Amasty_Shopby", "community", false))
	f := s.WantFinding("extensions", finding.Warn, "belong to no module under its root", "acme_giftcard_setup")
	if strings.Contains(f.Evidence, "amshopby_setup") {
		t.Errorf("%+v", f)
	}
}
