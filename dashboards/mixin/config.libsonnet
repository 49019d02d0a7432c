{
  _config+:: {
    // Selects the series of the exporter. It goes into every expression of the rules, so it can name only labels that
    // every series of the exporter has, `up` too: job, instance, and what your Prometheus adds.
    selector: 'job="magento_migration"',

    // Where people reach the exporter. Alerts and dashboards link to its pages.
    exporterURL: 'http://localhost:10102',

    // Where people read the documentation when the exporter, which serves it too, is down.
    runbookURL: 'https://docs.example.com/magento_migration_exporter',

    // Where people reach Grafana. Alerts link to the dashboard there.
    grafanaURL: 'http://localhost:3000',
  },
}
