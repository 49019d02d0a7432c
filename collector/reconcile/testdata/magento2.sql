-- The same tables of Magento 2: other names, scales, lengths, character sets and attribute ids, NOT NULL where Magento 1 has NULL.
CREATE TABLE eav_entity_type (entity_type_id smallint unsigned NOT NULL PRIMARY KEY, entity_type_code varchar(50) NOT NULL);
INSERT INTO eav_entity_type VALUES (5, 'catalog_product');
CREATE TABLE eav_attribute (attribute_id smallint unsigned NOT NULL PRIMARY KEY, entity_type_id smallint unsigned NOT NULL, attribute_code varchar(255), backend_type varchar(8) NOT NULL DEFAULT 'static', is_user_defined smallint unsigned NOT NULL DEFAULT 0, frontend_input varchar(50), frontend_label varchar(255));
INSERT INTO eav_attribute (attribute_id, entity_type_id, attribute_code) VALUES (171, 5, 'name'), (176, 5, 'price'), (175, 5, 'special_price'), (197, 5, 'url_path');

CREATE TABLE sales_order (
  entity_id int unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY, increment_id varchar(50), state varchar(32), status varchar(32),
  store_id smallint unsigned, customer_id int unsigned, base_grand_total decimal(20,4), grand_total decimal(20,6),
  customer_email varchar(128) CHARACTER SET utf8mb4, created_at timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
  updated_at timestamp NOT NULL DEFAULT '2016-01-01 00:00:00'
) DEFAULT CHARSET=utf8mb4;
INSERT INTO sales_order VALUES
(1, '100000001', 'new', 'pending', 1, NULL, 10, 10.5, 'Ann@Example.com', '2015-03-29 01:30:00', '2015-10-25 02:30:00'),
(2, '100000002', NULL, '', 1, 7, -0.0001, 99999999.9999, 'straße@müller.de', '1970-01-02 00:00:00', '2026-01-01 00:00:00'),
(3, '100000003', 'a|b', 'c', NULL, 7, NULL, 0, NULL, '2016-01-01 12:00:00', '2016-01-01 12:00:00'),
(4, '100000004', 'a', '|bc', NULL, 7, 0, NULL, '', '2016-01-01 12:00:00', '2016-01-01 12:00:00');

CREATE TABLE cms_block (block_id int NOT NULL AUTO_INCREMENT PRIMARY KEY, title varchar(255) NOT NULL, identifier varchar(255) NOT NULL, content mediumtext, is_active smallint NOT NULL DEFAULT 1, update_time timestamp NULL) DEFAULT CHARSET=utf8mb4;
INSERT INTO cms_block VALUES (-3, 'negative', 'n', NULL, 1, NULL), (1, 'long', 'l', REPEAT('wörter ', 20000), 1, NULL), (2, 'empty', 'e', '', 1, NULL);

CREATE TABLE newsletter_subscriber (subscriber_id int unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY, store_id smallint unsigned NOT NULL DEFAULT 0, customer_id int unsigned NOT NULL DEFAULT 0, subscriber_email varchar(150), subscriber_status int NOT NULL DEFAULT 0) DEFAULT CHARSET=utf8;
INSERT INTO newsletter_subscriber VALUES (1, 1, 0, 'é@example.com', 1), (2, 0, 3, NULL, 0);

CREATE TABLE catalog_product_entity (entity_id int unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY, attribute_set_id smallint unsigned NOT NULL, type_id varchar(32) NOT NULL, sku varchar(64) CHARACTER SET utf8mb4, created_at timestamp NOT NULL DEFAULT '2016-01-01 00:00:00', updated_at timestamp NOT NULL DEFAULT '2016-01-01 00:00:00') DEFAULT CHARSET=utf8;
INSERT INTO catalog_product_entity VALUES (1, 4, 'simple', 'A-1', '2016-01-01', '2016-01-01'), (2, 4, 'simple', 'a-1', '2016-01-01', '2016-01-01');
CREATE TABLE catalog_product_entity_decimal (value_id int NOT NULL AUTO_INCREMENT PRIMARY KEY, attribute_id smallint unsigned NOT NULL, store_id smallint unsigned NOT NULL, entity_id int unsigned NOT NULL, value decimal(20,6), UNIQUE KEY (entity_id, attribute_id, store_id));
INSERT INTO catalog_product_entity_decimal VALUES (1, 176, 0, 1, 10), (2, 175, 0, 1, 9.5), (3, 176, 0, 2, 20), (4, 176, 1, 2, NULL);
CREATE TABLE catalog_product_website (product_id int unsigned NOT NULL, website_id smallint unsigned NOT NULL, PRIMARY KEY (product_id, website_id));
INSERT INTO catalog_product_website VALUES (1, 1), (1, 2), (2, 1);
CREATE TABLE customer_group (customer_group_id int unsigned NOT NULL PRIMARY KEY, customer_group_code varchar(32) NOT NULL, tax_class_id int unsigned NOT NULL);
INSERT INTO customer_group VALUES (0, 'NOT LOGGED IN', 3), (1, 'General', 3);
CREATE TABLE tax_calculation_rate (tax_calculation_rate_id int NOT NULL PRIMARY KEY, tax_country_id varchar(2) NOT NULL, tax_region_id int NOT NULL, tax_postcode varchar(21), code varchar(255) NOT NULL, rate decimal(12,4) NOT NULL);
INSERT INTO tax_calculation_rate VALUES (1, 'DE', 0, '*', 'DE', 19);
CREATE TABLE quote (entity_id int unsigned NOT NULL PRIMARY KEY, store_id smallint unsigned NOT NULL, is_active smallint unsigned, items_count int unsigned, base_grand_total decimal(20,4), customer_id int unsigned, customer_email varchar(255), updated_at timestamp NOT NULL DEFAULT '2016-01-01 00:00:00');
INSERT INTO quote VALUES (1, 1, NULL, 1, 0.1, NULL, NULL, '0000-00-00 00:00:00');

INSERT INTO eav_entity_type VALUES (1, 'customer'), (2, 'customer_address');
INSERT INTO eav_attribute (attribute_id, entity_type_id, attribute_code, backend_type, is_user_defined) VALUES (5, 1, 'firstname', 'static', 0), (7, 1, 'lastname', 'static', 0), (18, 1, 'gender', 'static', 0), (130, 1, 'acme_club', 'varchar', 1);
CREATE TABLE customer_entity (entity_id int unsigned NOT NULL PRIMARY KEY, email varchar(255), group_id smallint unsigned NOT NULL, store_id smallint unsigned, website_id smallint unsigned, created_at timestamp NULL, updated_at timestamp NULL, firstname varchar(255), lastname varchar(255) NOT NULL, gender smallint unsigned) DEFAULT CHARSET=utf8mb4;
INSERT INTO customer_entity VALUES (1, 'ann@example.com', 1, 1, 1, '2016-01-01', '2016-01-01', 'Ånn', 'Smith', 2), (2, 'bob@example.com', 1, 1, 1, '2016-01-01', '2016-01-01', 'Bob', '', NULL), (3, NULL, 1, 1, 1, '2016-01-01', '2016-01-01', NULL, '', NULL);
CREATE TABLE customer_entity_varchar (value_id int NOT NULL AUTO_INCREMENT PRIMARY KEY, attribute_id smallint unsigned NOT NULL, entity_id int unsigned NOT NULL, value varchar(255), UNIQUE KEY (entity_id, attribute_id)) DEFAULT CHARSET=utf8mb4;
INSERT INTO customer_entity_varchar (attribute_id, entity_id, value) VALUES (130, 1, 'gold'), (130, 2, NULL);
CREATE TABLE sales_order_status (status varchar(32) NOT NULL PRIMARY KEY, label varchar(128) NOT NULL) DEFAULT CHARSET=utf8mb4;
INSERT INTO sales_order_status VALUES ('pending', 'Pending'), ('acme_müde', 'Tired');
CREATE TABLE sales_order_payment (entity_id int unsigned NOT NULL PRIMARY KEY, parent_id int unsigned NOT NULL, method varchar(128), base_amount_ordered decimal(20,4)) DEFAULT CHARSET=utf8mb4;
INSERT INTO sales_order_payment VALUES (1, 1, 'paypal_express', 10), (2, 2, 'checkmo', 1), (3, 3, NULL, NULL);

INSERT INTO eav_attribute (attribute_id, entity_type_id, attribute_code, backend_type, is_user_defined, frontend_input) VALUES (11, 1, 'dob', 'static', 0, 'date'), (12, 1, 'password_hash', 'static', 0, 'hidden'), (192, 5, 'color', 'int', 1, 'select'), (196, 5, 'status', 'int', 0, 'select'), (193, 5, 'acme_months', 'int', 1, 'text'), (194, 5, 'acme_many', 'varchar', 1, 'multiselect');
CREATE TABLE eav_attribute_set (attribute_set_id smallint unsigned NOT NULL PRIMARY KEY, entity_type_id smallint unsigned NOT NULL, attribute_set_name varchar(255));
INSERT INTO eav_attribute_set VALUES (4, 5, 'Default'), (9, 5, 'Clothing');
CREATE TABLE eav_entity_attribute (entity_attribute_id int NOT NULL AUTO_INCREMENT PRIMARY KEY, attribute_set_id smallint unsigned NOT NULL, attribute_id smallint unsigned NOT NULL, UNIQUE KEY (attribute_set_id, attribute_id));
INSERT INTO eav_entity_attribute (attribute_set_id, attribute_id) SELECT s.attribute_set_id, a.attribute_id FROM eav_attribute_set s JOIN eav_attribute a ON a.entity_type_id = s.entity_type_id WHERE s.attribute_set_id = 9 OR a.attribute_code <> 'color';
CREATE TABLE catalog_product_entity_int (value_id int NOT NULL AUTO_INCREMENT PRIMARY KEY, attribute_id smallint unsigned NOT NULL, store_id smallint unsigned NOT NULL, entity_id int unsigned NOT NULL, value int);
INSERT INTO catalog_product_entity_int (attribute_id, store_id, entity_id, value) VALUES (196, 0, 1, 1), (196, 0, 2, 1), (193, 0, 1, 12);
CREATE TABLE catalog_product_entity_media_gallery (value_id int unsigned NOT NULL PRIMARY KEY, attribute_id smallint unsigned NOT NULL, value varchar(255), media_type varchar(32) NOT NULL DEFAULT 'image', disabled smallint unsigned NOT NULL DEFAULT 0);
INSERT INTO catalog_product_entity_media_gallery (value_id, attribute_id, value) VALUES (1, 88, '/a/b.jpg'), (2, 88, '/ö.png');
ALTER TABLE customer_entity ADD dob date, ADD password_hash varchar(128);
UPDATE customer_entity SET dob = '1980-02-29', password_hash = CONCAT(REPEAT('0a', 16), ':xy:0'), updated_at = updated_at WHERE entity_id = 1;
UPDATE customer_entity SET password_hash = CONCAT(REPEAT('0a', 32), '::1'), updated_at = updated_at WHERE entity_id = 2;
UPDATE customer_entity SET password_hash = REPEAT('b', 128), updated_at = updated_at WHERE entity_id = 3;
