package collector

import (
	"strings"
	"testing"

	"magento_migration_exporter/config"
)

func TestExtensionsFromTheDatabaseAlone(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	f := s.wantFinding("extensions", Fail, "what becomes of amshopby_setup")
	s.wantFinding("extensions", Fail, "    decisions:\n      acme_giftcard_setup: {replaced_by", "\n      amshopby_setup: {")
	if f.Subject != "amshopby_setup" || !strings.Contains(f.Remedy, "amshopby_setup: {replaced_by: Vendor_Module}") {
		t.Errorf("%+v", f)
	}
	s.wantValue(2, extensionsState, "undecided")
	s.wantValue(0, extensionsState, "dropped")
	s.migration.Preconditions.Extensions.Decisions = map[string]config.Decision{"amshopby_setup": {Dropped: "unused"}, "acme_giftcard_setup": {Dropped: "unused"}}
	// The database does not know the modules without a setup.
	s.wantFinding("extensions", Unknown, "without a setup resource", "magento1.root")
	s.wantValue(2, extensionsState, "dropped")
	s.on1("INSERT INTO core_resource (code, version) VALUES ('enterprise_new_setup', '1'), ('backup_setup', '1')")
	s.want("extensions", Unknown)
	s.migration.Magento1.Database.Host = "no-such-host.invalid"
	s.wantFinding("extensions", Unknown, "network")
	s.wantAbsent(extensionsState, "dropped")
}

func TestExtensionsFromTheFiles(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	root1, root2 := s.withRoots()
	s.want("extensions", Pass)
	for _, m := range []struct {
		name, pool string
		active     bool
	}{{"Phoenix_Moneybookers", "community", true}, {"Cm_RedisSession", "community", true}, {"Old_Thing", "local", false}, {"Mage_Extra", "core", true}} {
		writeUnder(t, root1, "app/etc/modules/"+m.name+".xml", module(m.name, m.pool, m.active))
	}
	s.want("extensions", Pass)
	s.wantValue(0, extensionsState, "undecided")

	writeUnder(t, root1, "app/etc/modules/Amasty_Shopby.xml", module("Amasty_Shopby", "local", true))
	writeUnder(t, root1, "app/code/local/Amasty/Shopby/etc/config.xml", moduleConfig("Amasty_Shopby", "amshopby_setup"))
	f := s.wantFinding("extensions", Fail, "Amasty_Shopby (amshopby_setup)")
	if f.Subject != "amshopby_setup" {
		t.Errorf("subject %q", f.Subject)
	}
	// A module of the same name in Magento 2 is the migrated one.
	writeUnder(t, root2, "app/etc/config.php", configPHP("Magento_Store", "Amasty_Shopby"))
	s.wantFinding("extensions", Pass, "is migrated")
	s.wantValue(1, extensionsState, "migrated")
	writeUnder(t, root2, "app/etc/config.php", configPHP("Magento_Store", "Amasty_Shopby=0"))
	s.want("extensions", Fail)
	// The decision can go by the code or by the name.
	for _, key := range []string{"amshopby_setup", "Amasty_Shopby"} {
		s.migration.Preconditions.Extensions.Decisions = map[string]config.Decision{key: {ReplacedBy: "Amasty_ShopbyNew"}}
		s.wantFinding("extensions", Fail, "Amasty_ShopbyNew", "is not enabled", "module:enable Amasty_ShopbyNew")
		writeUnder(t, root2, "app/etc/config.php", configPHP("Amasty_ShopbyNew"))
		s.wantFinding("extensions", Pass, "is replaced by Amasty_ShopbyNew")
		s.wantValue(1, extensionsState, "replaced")
		writeUnder(t, root2, "app/etc/config.php", configPHP("Magento_Store"))
	}
	writeUnder(t, root2, "app/etc/config.php", "")
	s.wantFinding("extensions", Unknown, "cannot be told", "config.php")
	// The database is not needed.
	writeUnder(t, root2, "app/etc/config.php", configPHP("Amasty_ShopbyNew"))
	s.migration.Magento1.Database.Host = "no-such-host.invalid"
	s.want("extensions", Pass)
	writeUnder(t, root1, "app/etc/modules/Mage_All.xml", module("Mage_Other", "core", true))
	s.wantFinding("extensions", Unknown, "no whole Magento 1")
	writeUnder(t, root1, "app/etc/modules/Mage_All.xml", module("Mage_Core", "core", true))
	writeUnder(t, root1, "app/etc/modules/Broken.xml", "<config><modules>")
	s.wantFinding("extensions", Unknown, "cannot be read", "Broken.xml")
}

func TestExtensionsWaivedByCode(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	root1, _ := s.withRoots()
	writeUnder(t, root1, "app/etc/modules/AW_Blog.xml", module("AW_Blog", "community", true))
	writeUnder(t, root1, "app/code/community/AW/Blog/etc/config.xml", moduleConfig("AW_Blog", "aw_blog_setup"))
	s.want("extensions", Fail)
	s.migration.Waivers = []config.Waiver{{Precondition: "extensions", Subject: "aw_blog_setup", Reason: "WordPress", Expires: config.Expiry{Time: s.now().AddDate(1, 0, 0)}}}
	s.want("extensions", Waived)
}
