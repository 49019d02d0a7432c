-- What migrate:settings and migrate:data leave in the small Magento 2: Magento 1's rows in place of its own.
-- {{magento1}} and {{magento2}} stand for a database and the table prefix in it.

SET time_zone = '+00:00';
SET sql_mode = 'NO_AUTO_VALUE_ON_ZERO';

TRUNCATE {{magento2}}store_website;
INSERT INTO {{magento2}}store_website (website_id, code, name, sort_order, default_group_id, is_default)
SELECT website_id, code, name, sort_order, default_group_id, is_default FROM {{magento1}}core_website;

TRUNCATE {{magento2}}store_group;
INSERT INTO {{magento2}}store_group (group_id, website_id, name, root_category_id, default_store_id, code)
SELECT group_id, website_id, name, root_category_id, default_store_id, REPLACE(LOWER(name), ' ', '_') FROM {{magento1}}core_store_group;

TRUNCATE {{magento2}}store;
INSERT INTO {{magento2}}store (store_id, code, website_id, group_id, name, sort_order, is_active)
SELECT store_id, code, website_id, group_id, name, sort_order, is_active FROM {{magento1}}core_store;

-- The tool makes the sequences again, for each of Magento 1's stores, and lets them go on from Magento 1's numbers.
TRUNCATE {{magento2}}sales_sequence_profile;
CREATE TABLE {{magento2}}sequence_order_2 LIKE {{magento2}}sequence_order_1;
CREATE TABLE {{magento2}}sequence_invoice_2 LIKE {{magento2}}sequence_order_1;
CREATE TABLE {{magento2}}sequence_creditmemo_2 LIKE {{magento2}}sequence_order_1;
CREATE TABLE {{magento2}}sequence_shipment_2 LIKE {{magento2}}sequence_order_1;
INSERT INTO {{magento2}}sales_sequence_meta (entity_type, store_id, sequence_table)
SELECT entity_type, 2, CONCAT(LEFT(sequence_table, CHAR_LENGTH(sequence_table) - 1), '2')
FROM {{magento2}}sales_sequence_meta WHERE store_id = 1;
INSERT INTO {{magento2}}sales_sequence_profile (meta_id, prefix, suffix, max_value, warning_value, is_active)
SELECT meta_id, store_id, '', 4294967295, 4294966295, 1 FROM {{magento2}}sales_sequence_meta;
INSERT INTO {{magento2}}sequence_order_1 VALUES (2);
INSERT INTO {{magento2}}sequence_invoice_1 VALUES (1);
INSERT INTO {{magento2}}sequence_order_2 VALUES (1);

TRUNCATE {{magento2}}eav_attribute_set;
INSERT INTO {{magento2}}eav_attribute_set (attribute_set_id, entity_type_id, attribute_set_name, sort_order)
SELECT attribute_set_id, entity_type_id, attribute_set_name, sort_order FROM {{magento1}}eav_attribute_set;

-- Magento 2 keeps the attributes it has, under its own ids, and gets those that only Magento 1 has.
INSERT INTO {{magento2}}eav_attribute (entity_type_id, attribute_code, backend_type, frontend_input, frontend_label, is_required, is_user_defined)
SELECT a.entity_type_id, a.attribute_code, a.backend_type, a.frontend_input, a.frontend_label, a.is_required, a.is_user_defined
FROM {{magento1}}eav_attribute a
LEFT JOIN {{magento2}}eav_attribute b ON b.entity_type_id = a.entity_type_id AND b.attribute_code = a.attribute_code
WHERE b.attribute_id IS NULL;

TRUNCATE {{magento2}}catalog_category_entity;
INSERT INTO {{magento2}}catalog_category_entity (entity_id, attribute_set_id, parent_id, created_at, updated_at, path, position, level, children_count)
SELECT entity_id, attribute_set_id, parent_id, created_at, updated_at, path, position, level, children_count FROM {{magento1}}catalog_category_entity;

TRUNCATE {{magento2}}catalog_product_entity;
INSERT INTO {{magento2}}catalog_product_entity (entity_id, attribute_set_id, type_id, sku, has_options, required_options, created_at, updated_at)
SELECT entity_id, attribute_set_id, type_id, sku, has_options, required_options, created_at, updated_at FROM {{magento1}}catalog_product_entity;

TRUNCATE {{magento2}}customer_group;
INSERT INTO {{magento2}}customer_group (customer_group_id, customer_group_code, tax_class_id)
SELECT customer_group_id, customer_group_code, tax_class_id FROM {{magento1}}customer_group;

TRUNCATE {{magento2}}customer_entity;
INSERT INTO {{magento2}}customer_entity (entity_id, website_id, email, group_id, increment_id, store_id, created_at, updated_at, is_active)
SELECT entity_id, website_id, email, group_id, increment_id, store_id, created_at, updated_at, is_active FROM {{magento1}}customer_entity;

TRUNCATE {{magento2}}customer_address_entity;
INSERT INTO {{magento2}}customer_address_entity (entity_id, increment_id, parent_id, created_at, updated_at, is_active)
SELECT entity_id, increment_id, parent_id, created_at, updated_at, is_active FROM {{magento1}}customer_address_entity;

TRUNCATE {{magento2}}sales_order;
INSERT INTO {{magento2}}sales_order (entity_id, state, status, store_id, customer_id, base_grand_total, grand_total, increment_id, base_currency_code, customer_email, created_at, updated_at)
SELECT entity_id, state, status, store_id, customer_id, base_grand_total, grand_total, increment_id, base_currency_code, customer_email, created_at, updated_at FROM {{magento1}}sales_flat_order;

TRUNCATE {{magento2}}sales_order_grid;
INSERT INTO {{magento2}}sales_order_grid (entity_id, status, store_id, customer_id, base_grand_total, grand_total, increment_id, created_at, updated_at)
SELECT entity_id, status, store_id, customer_id, base_grand_total, grand_total, increment_id, created_at, updated_at FROM {{magento1}}sales_flat_order_grid;

TRUNCATE {{magento2}}sales_invoice;
INSERT INTO {{magento2}}sales_invoice (entity_id, store_id, base_grand_total, order_id, increment_id, created_at, updated_at)
SELECT entity_id, store_id, base_grand_total, order_id, increment_id, created_at, updated_at FROM {{magento1}}sales_flat_invoice;

TRUNCATE {{magento2}}quote;
INSERT INTO {{magento2}}quote (entity_id, store_id, created_at, updated_at, is_active, items_count, grand_total, customer_id)
SELECT entity_id, store_id, created_at, updated_at, is_active, items_count, grand_total, customer_id FROM {{magento1}}sales_flat_quote;

TRUNCATE {{magento2}}cms_page;
INSERT INTO {{magento2}}cms_page (page_id, title, page_layout, identifier, content, creation_time, update_time, is_active)
SELECT page_id, title, '1column', identifier, content, creation_time, update_time, is_active FROM {{magento1}}cms_page;

TRUNCATE {{magento2}}cms_block;
INSERT INTO {{magento2}}cms_block (block_id, title, identifier, content, creation_time, update_time, is_active)
SELECT block_id, title, identifier, content, creation_time, update_time, is_active FROM {{magento1}}cms_block;

TRUNCATE {{magento2}}url_rewrite;
INSERT INTO {{magento2}}url_rewrite (entity_type, entity_id, request_path, target_path, store_id, is_autogenerated)
SELECT IF(product_id IS NULL, 'category', 'product'), COALESCE(product_id, category_id), request_path, target_path, store_id, is_system FROM {{magento1}}core_url_rewrite;
INSERT INTO {{magento2}}url_rewrite (entity_type, entity_id, request_path, target_path, store_id, is_autogenerated)
SELECT 'cms-page', page_id, identifier, CONCAT('cms/page/view/page_id/', page_id), 1, 1 FROM {{magento1}}cms_page;

TRUNCATE {{magento2}}review;
INSERT INTO {{magento2}}review (review_id, created_at, entity_id, entity_pk_value, status_id)
SELECT review_id, created_at, entity_id, entity_pk_value, status_id FROM {{magento1}}review;

TRUNCATE {{magento2}}salesrule;
INSERT INTO {{magento2}}salesrule (rule_id, name, from_date, to_date, is_active, simple_action, discount_amount)
SELECT rule_id, name, from_date, to_date, is_active, simple_action, discount_amount FROM {{magento1}}salesrule;

TRUNCATE {{magento2}}catalogrule;
INSERT INTO {{magento2}}catalogrule (rule_id, name, from_date, to_date, is_active, simple_action, discount_amount)
SELECT rule_id, name, from_date, to_date, is_active, simple_action, discount_amount FROM {{magento1}}catalogrule;

TRUNCATE {{magento2}}newsletter_subscriber;
INSERT INTO {{magento2}}newsletter_subscriber (subscriber_id, store_id, change_status_at, customer_id, subscriber_email, subscriber_status)
SELECT subscriber_id, store_id, change_status_at, customer_id, subscriber_email, subscriber_status FROM {{magento1}}newsletter_subscriber;
