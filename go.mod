module magento_migration_exporter

go 1.26.8
