{{.MigrateDataSQL}}
