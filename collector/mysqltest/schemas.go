package mysqltest

import (
	_ "embed"
	"strings"
)

var (
	//go:embed schema/magento1.sql
	magento1SQL string
	//go:embed schema/magento2.sql
	magento2SQL string
)

// Magento1 returns an SQL script that makes a small Magento 1.9.4.5 shop with a few rows and two third-party modules.
// The prefix is put before each table's name, as Magento's table_prefix is; Load runs the script.
func Magento1(prefix string) string { return render(magento1SQL, prefix) }

// Magento2 returns an SQL script that makes a small Magento 2.4.7 as its installer leaves it.
// The prefix is put before each table's and view's name and into the triggers' names; Load runs the script.
func Magento2(prefix string) string { return render(magento2SQL, prefix) }

func render(script, prefix string) string {
	return strings.ReplaceAll(script, "{{prefix}}", prefix)
}
