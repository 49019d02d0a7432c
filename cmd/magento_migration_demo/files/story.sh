== delta: migrate:settings and migrate:data make the delta log and copy the data, which takes a second here
{{.Demo.Root2}}/bin/magento migrate:settings
{{.Demo.Root2}}/bin/magento migrate:data

== delta: migrate:delta delivers what Magento 1 sells from now on
{{.Demo.Root2}}/bin/magento migrate:delta

== cutover: close Magento 1, and say that it is the time; then wait until delta_backlog passes
touch {{.Demo.Root1}}/maintenance.flag
sed -i "/name: demo$/,/phase:/s|phase: .*|phase: cutover\n    cutover: $(date -u +%Y-%m-%dT%H:%M:%SZ)|" {{.Config}}
{{.Reload}}

== cutover: stop the delta, and let Magento 2 index and run its cron
rm {{.Demo.Running}}
{{.Demo.Root2}}/bin/magento indexer:reindex
{{.Demo.Root2}}/bin/magento cron:install
{{.Demo.Root2}}/bin/magento config:set --scope=websites --scope-code=wholesale web/unsecure/base_url http://wholesale.m2.example.com/

== done: Magento 2 sells, and nobody looks at Magento 1 any more
sed -i "/name: demo$/,/phase:/s|phase: .*|phase: done|" {{.Config}}
{{.Reload}}
