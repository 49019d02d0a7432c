-- The tables of Magento 1 whose values the two servers could write differently, in the types that its releases have.
CREATE TABLE eav_entity_type (entity_type_id smallint unsigned NOT NULL PRIMARY KEY, entity_type_code varchar(50) NOT NULL);
INSERT INTO eav_entity_type VALUES (4, 'catalog_product');
CREATE TABLE eav_attribute (attribute_id smallint unsigned NOT NULL PRIMARY KEY, entity_type_id smallint unsigned NOT NULL, attribute_code varchar(255), backend_type varchar(8) NOT NULL DEFAULT 'static', is_user_defined smallint unsigned NOT NULL DEFAULT 0, frontend_input varchar(50), frontend_label varchar(255));
INSERT INTO eav_attribute (attribute_id, entity_type_id, attribute_code) VALUES (71, 4, 'name'), (75, 4, 'price'), (76, 4, 'special_price'), (97, 4, 'url_path');

CREATE TABLE sales_flat_order (
  entity_id int unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY, increment_id varchar(50), state varchar(32), status varchar(32),
  store_id smallint unsigned, customer_id int unsigned, base_grand_total decimal(12,4), grand_total decimal(12,4),
  customer_email varchar(255), created_at timestamp NULL, updated_at timestamp NULL
) DEFAULT CHARSET=utf8;
INSERT INTO sales_flat_order VALUES
(1, '100000001', 'new', 'pending', 1, NULL, 10, 10.5, 'Ann@Example.com', '2015-03-29 01:30:00', '2015-10-25 02:30:00'),
(2, '100000002', NULL, '', 1, 7, -0.0001, 99999999.9999, 'straße@müller.de', '1970-01-02 00:00:00', NULL),
(3, '100000003', 'a|b', 'c', NULL, 7, NULL, 0, NULL, '2016-01-01 12:00:00', '2016-01-01 12:00:00'),
(4, '100000004', 'a', '|bc', NULL, 7, 0, NULL, '', '2016-01-01 12:00:00', '2016-01-01 12:00:00');

CREATE TABLE cms_block (block_id smallint NOT NULL AUTO_INCREMENT PRIMARY KEY, title varchar(255) NOT NULL, identifier varchar(255) NOT NULL, content mediumtext, is_active smallint NOT NULL DEFAULT 1, update_time timestamp NULL) DEFAULT CHARSET=utf8;
INSERT INTO cms_block VALUES (-3, 'negative', 'n', NULL, 1, NULL), (1, 'long', 'l', REPEAT('wörter ', 20000), 1, NULL), (2, 'empty', 'e', '', 1, NULL);

CREATE TABLE newsletter_subscriber (subscriber_id int unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY, store_id smallint unsigned, customer_id int unsigned NOT NULL DEFAULT 0, subscriber_email varchar(150), subscriber_status int) DEFAULT CHARSET=latin1;
INSERT INTO newsletter_subscriber VALUES (1, 1, 0, 'é@example.com', 1), (2, NULL, 3, NULL, NULL);

CREATE TABLE catalog_product_entity (entity_id int unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY, sku varchar(64), type_id varchar(32) NOT NULL, attribute_set_id smallint unsigned NOT NULL, created_at timestamp NULL, updated_at timestamp NULL) DEFAULT CHARSET=utf8;
INSERT INTO catalog_product_entity VALUES (1, 'A-1', 'simple', 4, '2016-01-01', '2016-01-01'), (2, 'a-1', 'simple', 4, '2016-01-01', '2016-01-01');
CREATE TABLE catalog_product_entity_decimal (value_id int NOT NULL AUTO_INCREMENT PRIMARY KEY, attribute_id smallint unsigned NOT NULL, store_id smallint unsigned NOT NULL, entity_id int unsigned NOT NULL, value decimal(12,4), UNIQUE KEY (entity_id, attribute_id, store_id));
INSERT INTO catalog_product_entity_decimal VALUES (1, 75, 0, 1, 10), (2, 76, 0, 1, 9.5), (3, 75, 0, 2, 20), (4, 75, 1, 2, NULL);
CREATE TABLE catalog_product_website (product_id int unsigned NOT NULL, website_id smallint unsigned NOT NULL, PRIMARY KEY (product_id, website_id));
INSERT INTO catalog_product_website VALUES (1, 1), (1, 2), (2, 1);
CREATE TABLE customer_group (customer_group_id smallint unsigned NOT NULL PRIMARY KEY, customer_group_code varchar(32) NOT NULL, tax_class_id int unsigned NOT NULL);
INSERT INTO customer_group VALUES (0, 'NOT LOGGED IN', 3), (1, 'General', 3);
CREATE TABLE tax_calculation_rate (tax_calculation_rate_id int NOT NULL PRIMARY KEY, tax_country_id char(2) NOT NULL, tax_region_id mediumint NOT NULL, tax_postcode varchar(12), code varchar(255) NOT NULL, rate decimal(12,4) NOT NULL);
INSERT INTO tax_calculation_rate VALUES (1, 'DE', 0, '*', 'DE', 19);
CREATE TABLE sales_flat_quote (entity_id int unsigned NOT NULL PRIMARY KEY, store_id smallint unsigned NOT NULL, is_active smallint unsigned, items_count int unsigned, base_grand_total double, customer_id int unsigned, customer_email varchar(255), updated_at datetime);
INSERT INTO sales_flat_quote VALUES (1, 1, NULL, 1, 0.1, NULL, NULL, '0000-00-00 00:00:00');

INSERT INTO eav_entity_type VALUES (1, 'customer'), (2, 'customer_address');
INSERT INTO eav_attribute (attribute_id, entity_type_id, attribute_code, backend_type, is_user_defined) VALUES (5, 1, 'firstname', 'varchar', 0), (7, 1, 'lastname', 'varchar', 0), (18, 1, 'gender', 'int', 0), (30, 1, 'acme_club', 'varchar', 1), (31, 1, 'acme_gone', 'varchar', 1);
CREATE TABLE customer_entity (entity_id int unsigned NOT NULL PRIMARY KEY, email varchar(255), group_id smallint unsigned NOT NULL, store_id smallint unsigned, website_id smallint unsigned, created_at timestamp NULL, updated_at timestamp NULL) DEFAULT CHARSET=utf8;
INSERT INTO customer_entity VALUES (1, 'ann@example.com', 1, 1, 1, '2016-01-01', '2016-01-01'), (2, 'bob@example.com', 1, 1, 1, '2016-01-01', '2016-01-01'), (3, NULL, 1, 1, 1, '2016-01-01', '2016-01-01');
CREATE TABLE customer_entity_varchar (value_id int NOT NULL AUTO_INCREMENT PRIMARY KEY, attribute_id smallint unsigned NOT NULL, entity_id int unsigned NOT NULL, value varchar(255), UNIQUE KEY (entity_id, attribute_id)) DEFAULT CHARSET=utf8;
INSERT INTO customer_entity_varchar (attribute_id, entity_id, value) VALUES (5, 1, 'Ånn'), (7, 1, 'Smith'), (5, 2, 'Bob'), (30, 1, 'gold'), (30, 2, NULL), (31, 2, 'x');
CREATE TABLE customer_entity_int (value_id int NOT NULL AUTO_INCREMENT PRIMARY KEY, attribute_id smallint unsigned NOT NULL, entity_id int unsigned NOT NULL, value int, UNIQUE KEY (entity_id, attribute_id));
INSERT INTO customer_entity_int (attribute_id, entity_id, value) VALUES (18, 1, 2);
CREATE TABLE sales_order_status (status varchar(32) NOT NULL PRIMARY KEY, label varchar(128) NOT NULL) DEFAULT CHARSET=utf8;
INSERT INTO sales_order_status VALUES ('pending', 'Pending'), ('acme_müde', 'Tired');
CREATE TABLE sales_flat_order_payment (entity_id int unsigned NOT NULL PRIMARY KEY, parent_id int unsigned NOT NULL, method varchar(255), base_amount_ordered decimal(12,4)) DEFAULT CHARSET=utf8;
INSERT INTO sales_flat_order_payment VALUES (1, 1, 'paypal_standard', 10), (2, 2, 'checkmo', 1), (3, 3, NULL, NULL);

INSERT INTO eav_attribute (attribute_id, entity_type_id, attribute_code, backend_type, is_user_defined, frontend_input) VALUES (11, 1, 'dob', 'datetime', 0, 'date'), (12, 1, 'password_hash', 'varchar', 0, 'hidden'), (92, 4, 'color', 'int', 1, 'select'), (96, 4, 'status', 'int', 0, 'select'), (93, 4, 'acme_months', 'int', 1, 'text'), (94, 4, 'acme_many', 'varchar', 1, 'multiselect');
CREATE TABLE eav_attribute_set (attribute_set_id smallint unsigned NOT NULL PRIMARY KEY, entity_type_id smallint unsigned NOT NULL, attribute_set_name varchar(255));
INSERT INTO eav_attribute_set VALUES (4, 4, 'Default'), (9, 4, 'Clothing');
CREATE TABLE eav_entity_attribute (entity_attribute_id int NOT NULL AUTO_INCREMENT PRIMARY KEY, attribute_set_id smallint unsigned NOT NULL, attribute_id smallint unsigned NOT NULL, UNIQUE KEY (attribute_set_id, attribute_id));
INSERT INTO eav_entity_attribute (attribute_set_id, attribute_id) SELECT s.attribute_set_id, a.attribute_id FROM eav_attribute_set s JOIN eav_attribute a ON a.entity_type_id = s.entity_type_id WHERE s.attribute_set_id = 9 OR a.attribute_code <> 'color';
CREATE TABLE catalog_product_entity_int (value_id int NOT NULL AUTO_INCREMENT PRIMARY KEY, attribute_id smallint unsigned NOT NULL, store_id smallint unsigned NOT NULL, entity_id int unsigned NOT NULL, value int);
-- Product 1 has a color that its attribute set lacks: the tool removes it from Magento 2.
INSERT INTO catalog_product_entity_int (attribute_id, store_id, entity_id, value) VALUES (92, 0, 1, 7), (96, 0, 1, 1), (96, 0, 2, 1), (93, 0, 1, 12);
CREATE TABLE catalog_product_entity_media_gallery (value_id int unsigned NOT NULL PRIMARY KEY, attribute_id smallint unsigned NOT NULL, entity_id int unsigned NOT NULL, value varchar(255));
INSERT INTO catalog_product_entity_media_gallery VALUES (1, 88, 1, '/a/b.jpg'), (2, 88, 2, '/ö.png');
INSERT INTO customer_entity_varchar (attribute_id, entity_id, value) VALUES (12, 1, CONCAT(REPEAT('0a', 16), ':xy')), (12, 2, REPEAT('0a', 32)), (12, 3, CONCAT(REPEAT('b', 128), ':', REPEAT('s', 32)));
CREATE TABLE customer_entity_datetime (value_id int NOT NULL AUTO_INCREMENT PRIMARY KEY, attribute_id smallint unsigned NOT NULL, entity_id int unsigned NOT NULL, value datetime, UNIQUE KEY (entity_id, attribute_id));
INSERT INTO customer_entity_datetime (attribute_id, entity_id, value) VALUES (11, 1, '1980-02-29 00:00:00');
