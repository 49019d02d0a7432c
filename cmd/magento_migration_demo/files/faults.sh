== demo network: a DBA locks the tool's account
{{.Demo.Client1}} -e "ALTER USER {{.Demo.Account}} ACCOUNT LOCK"
== undo
{{.Demo.Client1}} -e "ALTER USER {{.Demo.Account}} ACCOUNT UNLOCK"

== demo privileges: somebody takes TRIGGER away from the tool's account
{{.Demo.Client1}} -e "REVOKE TRIGGER ON magento1.* FROM {{.Demo.Account}}"
== undo
{{.Demo.Client1}} -e "GRANT TRIGGER ON magento1.* TO {{.Demo.Account}}"

== demo binlog_trust: Magento 1's server starts again without the setting
{{.Demo.Client1}} -e "SET GLOBAL log_bin_trust_function_creators = 0"
== undo
{{.Demo.Client1}} -e "SET GLOBAL log_bin_trust_function_creators = 1"

== demo cron_stopped: somebody starts Magento 2's cron
{{.Demo.Root2}}/bin/magento cron:install
== undo
{{.Demo.Root2}}/bin/magento cron:remove

== demo backup: the disk was full, and the backup ends in the middle
mv {{.Demo.Backup}} {{.Demo.Backup}}.whole
head -c 5000 {{.Demo.Backup}}.whole >{{.Demo.Backup}}
== undo
mv {{.Demo.Backup}}.whole {{.Demo.Backup}}

== demo m2_entities: a tester adds a product in Magento 2
{{.Demo.Client2}} -e "INSERT INTO catalog_product_entity (attribute_set_id, type_id, sku) VALUES (4, 'simple', 'tester-2')"
== undo
{{.Demo.Client2}} -e "DELETE FROM catalog_product_entity WHERE sku = 'tester-2'"

== demo system_requirements: an upgrade moves the search engine to another port
{{.Demo.Client2}} -e "UPDATE core_config_data SET value = value - 1 WHERE path = 'catalog/search/opensearch_server_port'"
== undo
{{.Demo.Client2}} -e "UPDATE core_config_data SET value = value + 1 WHERE path = 'catalog/search/opensearch_server_port'"

== demo extensions: Magento 1 gets a new extension
cd {{.Demo.Root1}}/app/etc/modules
sed s/GiftCard/Points/g Acme_GiftCard.xml >Acme_Points.xml
== undo
rm {{.Demo.Root1}}/app/etc/modules/Acme_Points.xml

== demo migration_tool: that extension adds a column, which the map file does not have
{{.Demo.Client1}} -e "ALTER TABLE sales_flat_order ADD COLUMN acme_points INT"
== undo
{{.Demo.Client1}} -e "ALTER TABLE sales_flat_order DROP COLUMN acme_points"

== demo increment_ids: Magento 1's order numbers get too long for Magento 2
{{.Demo.Client1}} -e "UPDATE eav_entity_store SET increment_last_id = CONCAT(increment_last_id, '0000000000') WHERE store_id = 1"
== undo
{{.Demo.Client1}} -e "UPDATE eav_entity_store SET increment_last_id = SUBSTRING(increment_last_id, 1, LENGTH(increment_last_id) - 10) WHERE store_id = 1"

== window reconciliation: somebody edits an order in Magento 2 by hand
{{.Window.Client2}} -e "UPDATE sales_order SET grand_total = grand_total + 1 WHERE entity_id = 1"
== undo
{{.Window.Client2}} -e "UPDATE sales_order SET grand_total = grand_total - 1 WHERE entity_id = 1"

== window delta_backlog: the delta stops
rm {{.Window.Running}}
== undo
touch {{.Window.Running}}

== window delta_log: a trigger is gone, and changed orders no longer reach Magento 2 (what is lost stays lost: no undo)
{{.Window.Client1}} -e "DROP TRIGGER trg_sales_flat_order_after_update"

== window delta_log: a tool for online changes swaps a table, and the triggers stay with the old one (no undo)
{{.Window.Client1}} -e "CREATE TABLE customer_entity_new LIKE customer_entity"
{{.Window.Client1}} -e "INSERT INTO customer_entity_new SELECT * FROM customer_entity"
{{.Window.Client1}} -e "RENAME TABLE customer_entity TO customer_entity_old, customer_entity_new TO customer_entity"
