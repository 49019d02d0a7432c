CREATE TABLE {{prefix}}core_config_data (config_id int unsigned NOT NULL PRIMARY KEY, scope varchar(8), scope_id int, path varchar(255), value text) ENGINE=InnoDB;
CREATE TABLE {{prefix}}core_cache (id varchar(200) NOT NULL PRIMARY KEY) ENGINE=InnoDB;
CREATE TABLE {{prefix}}core_website (website_id smallint unsigned NOT NULL PRIMARY KEY, code varchar(32), is_staging smallint) ENGINE=InnoDB;
CREATE TABLE {{prefix}}core_store_group (group_id smallint unsigned NOT NULL PRIMARY KEY, website_id smallint unsigned) ENGINE=InnoDB;
CREATE TABLE {{prefix}}core_store (store_id smallint unsigned NOT NULL PRIMARY KEY, website_id smallint unsigned, code varchar(32)) ENGINE=InnoDB;
CREATE TABLE {{prefix}}eav_entity_type (entity_type_id smallint unsigned NOT NULL PRIMARY KEY, entity_type_code varchar(50), entity_model varchar(255), attribute_model varchar(255), increment_model varchar(255), entity_attribute_collection varchar(255)) ENGINE=InnoDB;
CREATE TABLE {{prefix}}eav_attribute (attribute_id smallint unsigned NOT NULL PRIMARY KEY, entity_type_id smallint unsigned, attribute_code varchar(255), attribute_model varchar(255), backend_model varchar(255), backend_type varchar(8), frontend_model varchar(255), frontend_input varchar(50), source_model varchar(255)) ENGINE=InnoDB;
CREATE TABLE {{prefix}}eav_attribute_set (attribute_set_id smallint unsigned NOT NULL PRIMARY KEY, entity_type_id smallint unsigned, attribute_set_name varchar(255)) ENGINE=InnoDB;
CREATE TABLE {{prefix}}eav_attribute_group (attribute_group_id smallint unsigned NOT NULL PRIMARY KEY, attribute_set_id smallint unsigned, attribute_group_name varchar(255)) ENGINE=InnoDB;
CREATE TABLE {{prefix}}catalog_eav_attribute (attribute_id smallint unsigned NOT NULL PRIMARY KEY, frontend_input_renderer varchar(255)) ENGINE=InnoDB;
CREATE TABLE {{prefix}}customer_eav_attribute (attribute_id smallint unsigned NOT NULL PRIMARY KEY, data_model varchar(255)) ENGINE=InnoDB;
CREATE TABLE {{prefix}}customer_entity (entity_id int unsigned NOT NULL PRIMARY KEY, email varchar(255)) ENGINE=InnoDB;
CREATE TABLE {{prefix}}customer_entity_varchar (value_id int NOT NULL PRIMARY KEY, attribute_id smallint unsigned, entity_id int unsigned, value varchar(255)) ENGINE=InnoDB;
CREATE TABLE {{prefix}}core_url_rewrite (url_rewrite_id int unsigned NOT NULL PRIMARY KEY, store_id smallint unsigned, id_path varchar(255), request_path varchar(255), target_path varchar(255), is_system smallint, options varchar(255), description varchar(255), category_id int unsigned, product_id int unsigned) ENGINE=InnoDB;
CREATE TABLE {{prefix}}log_visitor (visitor_id bigint unsigned NOT NULL PRIMARY KEY, last_visit_at timestamp NULL) ENGINE=InnoDB;
CREATE TABLE {{prefix}}log_url (url_id bigint unsigned NOT NULL PRIMARY KEY) ENGINE=InnoDB;
CREATE TABLE {{prefix}}catalog_product_entity (entity_id int unsigned NOT NULL PRIMARY KEY, sku varchar(64)) ENGINE=InnoDB;
CREATE TABLE {{prefix}}catalog_product_entity_decimal (value_id int NOT NULL PRIMARY KEY, attribute_id smallint unsigned, store_id smallint unsigned, entity_id int unsigned, value decimal(12,4)) ENGINE=InnoDB;
CREATE TABLE {{prefix}}catalog_product_entity_tier_price (value_id int NOT NULL PRIMARY KEY, entity_id int unsigned, value decimal(12,4)) ENGINE=InnoDB;
CREATE TABLE {{prefix}}catalog_product_entity_group_price (value_id int NOT NULL PRIMARY KEY, entity_id int unsigned, value decimal(12,4)) ENGINE=InnoDB;
CREATE TABLE {{prefix}}catalog_product_super_attribute (product_super_attribute_id int unsigned NOT NULL PRIMARY KEY, attribute_id smallint unsigned) ENGINE=InnoDB;
CREATE TABLE {{prefix}}catalog_product_super_attribute_pricing (value_id int unsigned NOT NULL PRIMARY KEY, website_id smallint unsigned, pricing_value decimal(12,4)) ENGINE=InnoDB;
CREATE TABLE {{prefix}}catalog_product_super_link (link_id int unsigned NOT NULL PRIMARY KEY, product_id int unsigned) ENGINE=InnoDB;
CREATE TABLE {{prefix}}cms_page (page_id smallint NOT NULL PRIMARY KEY, title varchar(255), content text, root_template varchar(255)) ENGINE=InnoDB;
CREATE TABLE {{prefix}}cms_page_store (page_id smallint NOT NULL, store_id smallint unsigned NOT NULL, PRIMARY KEY (page_id, store_id)) ENGINE=InnoDB;
CREATE TABLE {{prefix}}sales_flat_order (entity_id int unsigned NOT NULL PRIMARY KEY, store_id smallint unsigned, grand_total decimal(12,4)) ENGINE=InnoDB;

INSERT INTO {{prefix}}eav_entity_type VALUES (1,'customer','customer/customer',NULL,NULL,NULL),(4,'catalog_product','catalog/product',NULL,'',NULL);
INSERT INTO {{prefix}}eav_attribute VALUES
(1,1,'firstname',NULL,NULL,'varchar',NULL,'text',NULL),
(2,1,'email',NULL,'','static',NULL,'text','0'),
(10,4,'sku',NULL,'catalog/product_attribute_backend_sku','static',NULL,'text',NULL),
(11,4,'url_path',NULL,NULL,'varchar',NULL,NULL,NULL),
(12,4,'group_price',NULL,'catalog/product_attribute_backend_groupprice','decimal',NULL,'text',NULL);
INSERT INTO {{prefix}}eav_attribute_set VALUES (1,1,'Default'),(4,4,'Default'),(5,4,'Empty');
INSERT INTO {{prefix}}eav_attribute_group VALUES (1,1,'General'),(4,4,'General'),(5,4,'Prices'),(6,4,'Images'),(7,4,'Design'),(8,4,'Gift Options');
INSERT INTO {{prefix}}customer_eav_attribute VALUES (1,NULL);
INSERT INTO {{prefix}}catalog_eav_attribute VALUES (10,NULL),(12,'acme_ignored/renderer');
