// The program as its users meet it: the real binary, real databases, a real browser. A module of its own keeps out of the product's
// go.mod what only these tests need.
module magento_migration_exporter/cmd/acceptance

go 1.26.8

replace magento_migration_exporter => ../..

require (
	github.com/chromedp/cdproto v0.160.2
	github.com/chromedp/chromedp v0.23.1
	github.com/yuin/goldmark v1.8.7
	magento_migration_exporter v0.0.0-00010101000000-000000000000
)

require (
	filippo.io/edwards25519 v1.2.0 // indirect
	github.com/go-json-experiment/json v0.0.0-20260213210345-44df1a37e875 // indirect
	github.com/go-sql-driver/mysql v1.10.1 // indirect
	golang.org/x/sys v0.49.0 // indirect
)
