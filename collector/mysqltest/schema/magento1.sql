-- A small Magento 1, Community Edition 1.9.4.5, with a few rows of a shop and two third-party modules.
-- Only the tables and columns that tell something about a migration, with Magento's own names, types and indexes.
-- {{prefix}} stands for the table prefix.

SET NAMES utf8;
SET time_zone = '+00:00';
SET sql_mode = 'NO_AUTO_VALUE_ON_ZERO';

CREATE TABLE {{prefix}}core_resource (
  code varchar(50) NOT NULL,
  version varchar(50) DEFAULT NULL,
  data_version varchar(50) DEFAULT NULL,
  PRIMARY KEY (code)
) ENGINE=InnoDB DEFAULT CHARSET=utf8;
INSERT INTO {{prefix}}core_resource VALUES
('acme_giftcard_setup','1.2.0','1.2.0'),
('admin_setup','1.6.1.3','1.6.1.3'),
('adminnotification_setup','1.6.0.0','1.6.0.0'),
('amshopby_setup','2.9.12','2.9.12'),
('api2_setup','1.0.0.0','1.0.0.0'),
('api_setup','1.6.0.2','1.6.0.2'),
('bundle_setup','1.6.0.0.1','1.6.0.0.1'),
('captcha_setup','1.7.0.0.0','1.7.0.0.0'),
('catalog_setup','1.6.0.0.19.1.6','1.6.0.0.19.1.6'),
('catalogindex_setup','1.6.0.0','1.6.0.0'),
('cataloginventory_setup','1.6.0.0.2','1.6.0.0.2'),
('catalogrule_setup','1.6.0.3','1.6.0.3'),
('catalogsearch_setup','1.8.2.0','1.8.2.0'),
('checkout_setup','1.6.0.0','1.6.0.0'),
('cms_setup','1.6.0.0.2','1.6.0.0.2'),
('compiler_setup','1.6.0.0','1.6.0.0'),
('contacts_setup','1.6.0.0','1.6.0.0'),
('core_setup','1.6.0.10','1.6.0.10'),
('cron_setup','1.6.0.0','1.6.0.0'),
('customer_setup','1.6.2.0.7','1.6.2.0.7'),
('dataflow_setup','1.6.0.0','1.6.0.0'),
('directory_setup','1.6.0.3','1.6.0.3'),
('downloadable_setup','1.6.0.0.3','1.6.0.0.3'),
('eav_setup','1.6.0.1','1.6.0.1'),
('giftmessage_setup','1.6.0.0','1.6.0.0'),
('googleanalytics_setup','1.6.0.0','1.6.0.0'),
('importexport_setup','1.6.0.2','1.6.0.2'),
('index_setup','1.6.0.0','1.6.0.0'),
('log_setup','1.6.1.1','1.6.1.1'),
('moneybookers_setup','1.6.0.0','1.6.0.0'),
('newsletter_setup','1.6.0.2','1.6.0.2'),
('oauth_setup','1.0.0.0','1.0.0.0'),
('paygate_setup','1.6.0.0','1.6.0.0'),
('payment_setup','1.6.0.1','1.6.0.1'),
('paypal_setup','1.6.0.6','1.6.0.6'),
('paypaluk_setup','1.6.0.0','1.6.0.0'),
('persistent_setup','1.0.0.0','1.0.0.0'),
('poll_setup','1.6.0.1','1.6.0.1'),
('productalert_setup','1.6.0.0','1.6.0.0'),
('rating_setup','1.6.0.1','1.6.0.1'),
('reports_setup','1.6.0.0.1','1.6.0.0.1'),
('review_setup','1.6.0.0','1.6.0.0'),
('rss_setup','1.6.0.0','1.6.0.0'),
('sales_setup','1.6.0.10','1.6.0.10'),
('salesrule_setup','1.6.0.3','1.6.0.3'),
('sendfriend_setup','1.6.0.1','1.6.0.1'),
('shipping_setup','1.6.0.0','1.6.0.0'),
('sitemap_setup','1.6.0.0','1.6.0.0'),
('tag_setup','1.6.0.0','1.6.0.0'),
('tax_setup','1.6.0.4','1.6.0.4'),
('usa_setup','1.6.0.3','1.6.0.3'),
('weee_setup','1.6.0.0','1.6.0.0'),
('widget_setup','1.6.0.0','1.6.0.0'),
('wishlist_setup','1.6.0.0','1.6.0.0');

CREATE TABLE {{prefix}}core_website (
  website_id smallint(5) unsigned NOT NULL AUTO_INCREMENT,
  code varchar(32) DEFAULT NULL,
  name varchar(64) DEFAULT NULL,
  sort_order smallint(5) unsigned NOT NULL DEFAULT 0,
  default_group_id smallint(5) unsigned NOT NULL DEFAULT 0,
  is_default smallint(5) unsigned DEFAULT 0,
  PRIMARY KEY (website_id),
  UNIQUE KEY UNQ_CORE_WEBSITE_CODE (code),
  KEY IDX_CORE_WEBSITE_SORT_ORDER (sort_order),
  KEY IDX_CORE_WEBSITE_DEFAULT_GROUP_ID (default_group_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8;
INSERT INTO {{prefix}}core_website VALUES
(0,'admin','Admin',0,0,0),
(1,'base','Main Website',0,1,1),
(2,'wholesale','Wholesale',5,2,0);

CREATE TABLE {{prefix}}core_store_group (
  group_id smallint(5) unsigned NOT NULL AUTO_INCREMENT,
  website_id smallint(5) unsigned NOT NULL DEFAULT 0,
  name varchar(255) NOT NULL,
  root_category_id int(10) unsigned NOT NULL DEFAULT 0,
  default_store_id smallint(5) unsigned NOT NULL DEFAULT 0,
  PRIMARY KEY (group_id),
  KEY IDX_CORE_STORE_GROUP_WEBSITE_ID (website_id),
  KEY IDX_CORE_STORE_GROUP_DEFAULT_STORE_ID (default_store_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8;
INSERT INTO {{prefix}}core_store_group VALUES
(0,0,'Default',0,0),
(1,1,'Main Website Store',2,1),
(2,2,'Wholesale Store',2,2);

CREATE TABLE {{prefix}}core_store (
  store_id smallint(5) unsigned NOT NULL AUTO_INCREMENT,
  code varchar(32) DEFAULT NULL,
  website_id smallint(5) unsigned NOT NULL DEFAULT 0,
  group_id smallint(5) unsigned NOT NULL DEFAULT 0,
  name varchar(255) NOT NULL,
  sort_order smallint(5) unsigned NOT NULL DEFAULT 0,
  is_active smallint(5) unsigned NOT NULL DEFAULT 0,
  PRIMARY KEY (store_id),
  UNIQUE KEY UNQ_CORE_STORE_CODE (code),
  KEY IDX_CORE_STORE_WEBSITE_ID (website_id),
  KEY IDX_CORE_STORE_IS_ACTIVE_SORT_ORDER (is_active,sort_order),
  KEY IDX_CORE_STORE_GROUP_ID (group_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8;
INSERT INTO {{prefix}}core_store VALUES
(0,'admin',0,0,'Admin',0,1),
(1,'default',1,1,'Default Store View',0,1),
(2,'wholesale_en',2,2,'Wholesale',0,1);

CREATE TABLE {{prefix}}core_config_data (
  config_id int(10) unsigned NOT NULL AUTO_INCREMENT,
  scope varchar(8) NOT NULL DEFAULT 'default',
  scope_id int(11) NOT NULL DEFAULT 0,
  path varchar(255) NOT NULL DEFAULT 'general',
  value text DEFAULT NULL,
  updated_at timestamp NULL DEFAULT NULL,
  PRIMARY KEY (config_id),
  UNIQUE KEY UNQ_CORE_CONFIG_DATA_SCOPE_SCOPE_ID_PATH (scope,scope_id,path)
) ENGINE=InnoDB DEFAULT CHARSET=utf8;
INSERT INTO {{prefix}}core_config_data VALUES
(1,'default',0,'web/unsecure/base_url','http://m1.example.com/',NULL),
(2,'default',0,'web/secure/base_url','https://m1.example.com/',NULL),
(3,'default',0,'web/secure/use_in_frontend','1',NULL),
(4,'default',0,'web/secure/use_in_adminhtml','1',NULL),
(5,'default',0,'web/seo/use_rewrites','1',NULL),
(6,'default',0,'general/locale/code','en_US',NULL),
(7,'default',0,'general/locale/timezone','America/New_York',NULL),
(8,'default',0,'currency/options/base','USD',NULL),
(9,'default',0,'currency/options/default','USD',NULL),
(10,'default',0,'currency/options/allow','USD',NULL),
(11,'default',0,'catalog/category/root_id','2',NULL),
(12,'websites',2,'web/unsecure/base_url','http://wholesale.example.com/',NULL),
(13,'default',0,'amshopby/general/enable','1',NULL);

CREATE TABLE {{prefix}}core_url_rewrite (
  url_rewrite_id int(10) unsigned NOT NULL AUTO_INCREMENT,
  store_id smallint(5) unsigned NOT NULL DEFAULT 0,
  id_path varchar(255) DEFAULT NULL,
  request_path varchar(255) DEFAULT NULL,
  target_path varchar(255) DEFAULT NULL,
  is_system smallint(5) unsigned DEFAULT 1,
  options varchar(255) DEFAULT NULL,
  category_id int(10) unsigned DEFAULT NULL,
  product_id int(10) unsigned DEFAULT NULL,
  PRIMARY KEY (url_rewrite_id),
  UNIQUE KEY UNQ_CORE_URL_REWRITE_REQUEST_PATH_STORE_ID (request_path,store_id),
  UNIQUE KEY UNQ_CORE_URL_REWRITE_ID_PATH_IS_SYSTEM_STORE_ID (id_path,is_system,store_id),
  KEY IDX_CORE_URL_REWRITE_TARGET_PATH_STORE_ID (target_path,store_id),
  KEY IDX_CORE_URL_REWRITE_ID_PATH (id_path),
  KEY IDX_CORE_URL_REWRITE_STORE_ID (store_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8;
INSERT INTO {{prefix}}core_url_rewrite VALUES
(1,1,'category/3','chairs.html','catalog/category/view/id/3',1,NULL,3,NULL),
(2,1,'product/1','oak-chair.html','catalog/product/view/id/1',1,NULL,NULL,1),
(3,1,'product/2','pine-chair.html','catalog/product/view/id/2',1,NULL,NULL,2);

CREATE TABLE {{prefix}}admin_user (
  user_id int(10) unsigned NOT NULL AUTO_INCREMENT,
  firstname varchar(32) DEFAULT NULL,
  lastname varchar(32) DEFAULT NULL,
  email varchar(128) DEFAULT NULL,
  username varchar(40) DEFAULT NULL,
  created timestamp NOT NULL DEFAULT '0000-00-00 00:00:00',
  modified timestamp NULL DEFAULT NULL,
  logdate timestamp NULL DEFAULT NULL,
  is_active smallint(6) NOT NULL DEFAULT 1,
  PRIMARY KEY (user_id),
  UNIQUE KEY UNQ_ADMIN_USER_USERNAME (username)
) ENGINE=InnoDB DEFAULT CHARSET=utf8;
INSERT INTO {{prefix}}admin_user VALUES
(1,'Ada','Admin','admin@example.com','admin','2016-02-03 09:15:40','2016-02-03 09:15:40',NULL,1);

CREATE TABLE {{prefix}}eav_entity_type (
  entity_type_id smallint(5) unsigned NOT NULL AUTO_INCREMENT,
  entity_type_code varchar(50) NOT NULL,
  entity_model varchar(255) NOT NULL,
  entity_table varchar(255) DEFAULT NULL,
  default_attribute_set_id smallint(5) unsigned NOT NULL DEFAULT 0,
  PRIMARY KEY (entity_type_id),
  KEY IDX_EAV_ENTITY_TYPE_ENTITY_TYPE_CODE (entity_type_code)
) ENGINE=InnoDB DEFAULT CHARSET=utf8;
INSERT INTO {{prefix}}eav_entity_type VALUES
(1,'customer','customer/customer','customer/entity',1),
(2,'customer_address','customer/address','customer/address_entity',2),
(3,'catalog_category','catalog/category','catalog/category',3),
(4,'catalog_product','catalog/product','catalog/product',4),
(5,'order','sales/order','sales/order',0),
(6,'invoice','sales/order_invoice','sales/invoice',0),
(7,'creditmemo','sales/order_creditmemo','sales/creditmemo',0),
(8,'shipment','sales/order_shipment','sales/shipment',0);

CREATE TABLE {{prefix}}eav_attribute_set (
  attribute_set_id smallint(5) unsigned NOT NULL AUTO_INCREMENT,
  entity_type_id smallint(5) unsigned NOT NULL DEFAULT 0,
  attribute_set_name varchar(255) DEFAULT NULL,
  sort_order smallint(6) NOT NULL DEFAULT 0,
  PRIMARY KEY (attribute_set_id),
  UNIQUE KEY UNQ_EAV_ATTRIBUTE_SET_ENTITY_TYPE_ID_ATTRIBUTE_SET_NAME (entity_type_id,attribute_set_name),
  KEY IDX_EAV_ATTRIBUTE_SET_ENTITY_TYPE_ID_SORT_ORDER (entity_type_id,sort_order)
) ENGINE=InnoDB DEFAULT CHARSET=utf8;
INSERT INTO {{prefix}}eav_attribute_set VALUES
(1,1,'Default',1),
(2,2,'Default',1),
(3,3,'Default',1),
(4,4,'Default',1),
(5,5,'Default',1),
(6,6,'Default',1),
(7,7,'Default',1),
(8,8,'Default',1),
(9,4,'Furniture',0);

CREATE TABLE {{prefix}}eav_attribute (
  attribute_id smallint(5) unsigned NOT NULL AUTO_INCREMENT,
  entity_type_id smallint(5) unsigned NOT NULL DEFAULT 0,
  attribute_code varchar(255) DEFAULT NULL,
  backend_model varchar(255) DEFAULT NULL,
  backend_type varchar(8) NOT NULL DEFAULT 'static',
  frontend_input varchar(50) DEFAULT NULL,
  frontend_label varchar(255) DEFAULT NULL,
  source_model varchar(255) DEFAULT NULL,
  is_required smallint(5) unsigned NOT NULL DEFAULT 0,
  is_user_defined smallint(5) unsigned NOT NULL DEFAULT 0,
  PRIMARY KEY (attribute_id),
  UNIQUE KEY UNQ_EAV_ATTRIBUTE_ENTITY_TYPE_ID_ATTRIBUTE_CODE (entity_type_id,attribute_code),
  KEY IDX_EAV_ATTRIBUTE_ENTITY_TYPE_ID (entity_type_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8;
INSERT INTO {{prefix}}eav_attribute VALUES
(9,1,'email',NULL,'static','text','Email',NULL,1,0),
(43,3,'name',NULL,'varchar','text','Name',NULL,1,0),
(73,4,'name',NULL,'varchar','text','Name',NULL,1,0),
(77,4,'price','catalog/product_attribute_backend_price','decimal','price','Price',NULL,1,0),
(81,4,'cost','catalog/product_attribute_backend_price','decimal','price','Cost',NULL,0,1),
(83,4,'manufacturer',NULL,'int','select','Manufacturer',NULL,0,1),
(94,4,'color',NULL,'int','select','Color',NULL,0,1),
(98,4,'status',NULL,'int','select','Status','catalog/product_status',1,0),
(104,4,'visibility',NULL,'int','select','Visibility','catalog/product_visibility',1,0),
(134,4,'wood','acme_giftcard/attribute_backend_wood','int','select','Wood',NULL,0,1);

CREATE TABLE {{prefix}}catalog_category_entity (
  entity_id int(10) unsigned NOT NULL AUTO_INCREMENT,
  entity_type_id smallint(5) unsigned NOT NULL DEFAULT 0,
  attribute_set_id smallint(5) unsigned NOT NULL DEFAULT 0,
  parent_id int(10) unsigned NOT NULL DEFAULT 0,
  created_at timestamp NULL DEFAULT NULL,
  updated_at timestamp NULL DEFAULT NULL,
  path varchar(255) NOT NULL,
  position int(11) NOT NULL,
  level int(11) NOT NULL DEFAULT 0,
  children_count int(11) NOT NULL,
  PRIMARY KEY (entity_id),
  KEY IDX_CATALOG_CATEGORY_ENTITY_LEVEL (level),
  KEY IDX_CATALOG_CATEGORY_ENTITY_PATH_ENTITY_ID (path,entity_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8;
INSERT INTO {{prefix}}catalog_category_entity VALUES
(1,3,0,0,'2016-02-03 09:15:21','2016-02-03 09:15:21','1',0,0,2),
(2,3,3,1,'2016-02-03 09:15:21','2016-02-03 09:15:21','1/2',1,1,1),
(3,3,3,2,'2016-02-04 10:00:00','2016-02-04 10:00:00','1/2/3',1,2,0);

CREATE TABLE {{prefix}}catalog_product_entity (
  entity_id int(10) unsigned NOT NULL AUTO_INCREMENT,
  entity_type_id smallint(5) unsigned NOT NULL DEFAULT 0,
  attribute_set_id smallint(5) unsigned NOT NULL DEFAULT 0,
  type_id varchar(32) NOT NULL DEFAULT 'simple',
  sku varchar(64) DEFAULT NULL,
  has_options smallint(6) NOT NULL DEFAULT 0,
  required_options smallint(5) unsigned NOT NULL DEFAULT 0,
  created_at timestamp NULL DEFAULT NULL,
  updated_at timestamp NULL DEFAULT NULL,
  PRIMARY KEY (entity_id),
  KEY IDX_CATALOG_PRODUCT_ENTITY_ENTITY_TYPE_ID (entity_type_id),
  KEY IDX_CATALOG_PRODUCT_ENTITY_ATTRIBUTE_SET_ID (attribute_set_id),
  KEY IDX_CATALOG_PRODUCT_ENTITY_SKU (sku)
) ENGINE=InnoDB DEFAULT CHARSET=utf8;
INSERT INTO {{prefix}}catalog_product_entity VALUES
(1,4,9,'simple','oak-chair',0,0,'2016-02-04 10:05:00','2019-08-01 07:30:00'),
(2,4,9,'simple','pine-chair',0,0,'2016-02-04 10:06:00','2019-08-01 07:30:00'),
(3,4,4,'virtual','gift-card',1,1,'2018-11-20 16:00:00','2018-11-20 16:00:00');

CREATE TABLE {{prefix}}customer_group (
  customer_group_id smallint(5) unsigned NOT NULL AUTO_INCREMENT,
  customer_group_code varchar(32) NOT NULL,
  tax_class_id int(10) unsigned NOT NULL DEFAULT 0,
  PRIMARY KEY (customer_group_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8;
INSERT INTO {{prefix}}customer_group VALUES
(0,'NOT LOGGED IN',3),
(1,'General',3),
(2,'Wholesale',3),
(3,'Retailer',3),
(4,'VIP',3);

CREATE TABLE {{prefix}}customer_entity (
  entity_id int(10) unsigned NOT NULL AUTO_INCREMENT,
  entity_type_id smallint(5) unsigned NOT NULL DEFAULT 0,
  attribute_set_id smallint(5) unsigned NOT NULL DEFAULT 0,
  website_id smallint(5) unsigned DEFAULT NULL,
  email varchar(255) DEFAULT NULL,
  group_id smallint(5) unsigned NOT NULL DEFAULT 0,
  increment_id varchar(50) DEFAULT NULL,
  store_id smallint(5) unsigned DEFAULT 0,
  created_at timestamp NOT NULL DEFAULT '0000-00-00 00:00:00',
  updated_at timestamp NOT NULL DEFAULT '0000-00-00 00:00:00',
  is_active smallint(5) unsigned NOT NULL DEFAULT 1,
  PRIMARY KEY (entity_id),
  UNIQUE KEY UNQ_CUSTOMER_ENTITY_EMAIL_WEBSITE_ID (email,website_id),
  KEY IDX_CUSTOMER_ENTITY_STORE_ID (store_id),
  KEY IDX_CUSTOMER_ENTITY_ENTITY_TYPE_ID (entity_type_id),
  KEY IDX_CUSTOMER_ENTITY_EMAIL_WEBSITE_ID (email,website_id),
  KEY IDX_CUSTOMER_ENTITY_WEBSITE_ID (website_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8;
INSERT INTO {{prefix}}customer_entity VALUES
(1,1,0,1,'ann@example.com',1,NULL,1,'2016-03-01 12:00:00','2016-03-01 12:00:00',1),
(2,1,0,2,'bob@example.com',4,NULL,2,'2017-05-01 12:00:00','2017-05-01 12:00:00',1);

CREATE TABLE {{prefix}}customer_address_entity (
  entity_id int(10) unsigned NOT NULL AUTO_INCREMENT,
  entity_type_id smallint(5) unsigned NOT NULL DEFAULT 0,
  attribute_set_id smallint(5) unsigned NOT NULL DEFAULT 0,
  increment_id varchar(50) DEFAULT NULL,
  parent_id int(10) unsigned DEFAULT NULL,
  created_at timestamp NOT NULL DEFAULT '0000-00-00 00:00:00',
  updated_at timestamp NOT NULL DEFAULT '0000-00-00 00:00:00',
  is_active smallint(5) unsigned NOT NULL DEFAULT 1,
  PRIMARY KEY (entity_id),
  KEY IDX_CUSTOMER_ADDRESS_ENTITY_PARENT_ID (parent_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8;
INSERT INTO {{prefix}}customer_address_entity VALUES
(1,2,0,NULL,1,'2016-03-01 12:01:00','2016-03-01 12:01:00',1);

CREATE TABLE {{prefix}}sales_flat_order (
  entity_id int(10) unsigned NOT NULL AUTO_INCREMENT,
  state varchar(32) DEFAULT NULL,
  status varchar(32) DEFAULT NULL,
  store_id smallint(5) unsigned DEFAULT NULL,
  customer_id int(10) unsigned DEFAULT NULL,
  base_grand_total decimal(12,4) DEFAULT NULL,
  grand_total decimal(12,4) DEFAULT NULL,
  increment_id varchar(50) DEFAULT NULL,
  base_currency_code varchar(3) DEFAULT NULL,
  customer_email varchar(255) DEFAULT NULL,
  created_at timestamp NULL DEFAULT NULL,
  updated_at timestamp NULL DEFAULT NULL,
  PRIMARY KEY (entity_id),
  UNIQUE KEY UNQ_SALES_FLAT_ORDER_INCREMENT_ID (increment_id),
  KEY IDX_SALES_FLAT_ORDER_STATUS (status),
  KEY IDX_SALES_FLAT_ORDER_STATE (state),
  KEY IDX_SALES_FLAT_ORDER_STORE_ID (store_id),
  KEY IDX_SALES_FLAT_ORDER_CREATED_AT (created_at),
  KEY IDX_SALES_FLAT_ORDER_CUSTOMER_ID (customer_id),
  KEY IDX_SALES_FLAT_ORDER_UPDATED_AT (updated_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8;
INSERT INTO {{prefix}}sales_flat_order VALUES
(1,'complete','complete',1,1,120.0000,120.0000,'100000001','USD','ann@example.com','2016-03-01 12:10:00','2016-03-03 08:00:00'),
(2,'processing','processing',2,2,480.5000,480.5000,'200000001','USD','bob@example.com','2019-08-01 09:00:00','2019-08-01 09:05:00'),
(3,'new','pending',1,NULL,60.0000,60.0000,'100000002','USD','guest@example.com','2019-08-02 10:00:00','2019-08-02 10:00:00');

ALTER TABLE {{prefix}}sales_flat_order ADD COLUMN acme_giftcard_amount decimal(12,4) DEFAULT NULL;

CREATE TABLE {{prefix}}sales_flat_order_grid (
  entity_id int(10) unsigned NOT NULL,
  status varchar(32) DEFAULT NULL,
  store_id smallint(5) unsigned DEFAULT NULL,
  customer_id int(10) unsigned DEFAULT NULL,
  base_grand_total decimal(12,4) DEFAULT NULL,
  grand_total decimal(12,4) DEFAULT NULL,
  increment_id varchar(50) DEFAULT NULL,
  created_at timestamp NULL DEFAULT NULL,
  updated_at timestamp NULL DEFAULT NULL,
  PRIMARY KEY (entity_id),
  UNIQUE KEY UNQ_SALES_FLAT_ORDER_GRID_INCREMENT_ID (increment_id),
  KEY IDX_SALES_FLAT_ORDER_GRID_STATUS (status),
  KEY IDX_SALES_FLAT_ORDER_GRID_STORE_ID (store_id),
  KEY IDX_SALES_FLAT_ORDER_GRID_BASE_GRAND_TOTAL (base_grand_total),
  KEY IDX_SALES_FLAT_ORDER_GRID_GRAND_TOTAL (grand_total),
  KEY IDX_SALES_FLAT_ORDER_GRID_CREATED_AT (created_at),
  KEY IDX_SALES_FLAT_ORDER_GRID_CUSTOMER_ID (customer_id),
  KEY IDX_SALES_FLAT_ORDER_GRID_UPDATED_AT (updated_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8;
INSERT INTO {{prefix}}sales_flat_order_grid VALUES
(1,'complete',1,1,120.0000,120.0000,'100000001','2016-03-01 12:10:00','2016-03-03 08:00:00'),
(2,'processing',2,2,480.5000,480.5000,'200000001','2019-08-01 09:00:00','2019-08-01 09:05:00'),
(3,'pending',1,NULL,60.0000,60.0000,'100000002','2019-08-02 10:00:00','2019-08-02 10:00:00');

CREATE TABLE {{prefix}}sales_flat_invoice (
  entity_id int(10) unsigned NOT NULL AUTO_INCREMENT,
  store_id smallint(5) unsigned DEFAULT NULL,
  base_grand_total decimal(12,4) DEFAULT NULL,
  order_id int(10) unsigned NOT NULL,
  increment_id varchar(50) DEFAULT NULL,
  created_at timestamp NULL DEFAULT NULL,
  updated_at timestamp NULL DEFAULT NULL,
  PRIMARY KEY (entity_id),
  UNIQUE KEY UNQ_SALES_FLAT_INVOICE_INCREMENT_ID (increment_id),
  KEY IDX_SALES_FLAT_INVOICE_STORE_ID (store_id),
  KEY IDX_SALES_FLAT_INVOICE_ORDER_ID (order_id),
  KEY IDX_SALES_FLAT_INVOICE_CREATED_AT (created_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8;
INSERT INTO {{prefix}}sales_flat_invoice VALUES
(1,1,120.0000,1,'100000001','2016-03-02 09:00:00','2016-03-02 09:00:00');

CREATE TABLE {{prefix}}sales_flat_quote (
  entity_id int(10) unsigned NOT NULL AUTO_INCREMENT,
  store_id smallint(5) unsigned NOT NULL DEFAULT 0,
  created_at timestamp NOT NULL DEFAULT '0000-00-00 00:00:00',
  updated_at timestamp NOT NULL DEFAULT '0000-00-00 00:00:00',
  is_active smallint(5) unsigned DEFAULT 1,
  items_count int(10) unsigned DEFAULT 0,
  grand_total decimal(12,4) DEFAULT 0.0000,
  customer_id int(10) unsigned DEFAULT 0,
  PRIMARY KEY (entity_id),
  KEY IDX_SALES_FLAT_QUOTE_CUSTOMER_ID_STORE_ID_IS_ACTIVE (customer_id,store_id,is_active),
  KEY IDX_SALES_FLAT_QUOTE_STORE_ID (store_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8;
INSERT INTO {{prefix}}sales_flat_quote VALUES
(1,1,'2016-03-01 12:05:00','2016-03-01 12:10:00',0,1,120.0000,1),
(2,1,'2019-08-02 11:00:00','2019-08-02 11:00:00',1,2,120.0000,NULL);

CREATE TABLE {{prefix}}cron_schedule (
  schedule_id int(10) unsigned NOT NULL AUTO_INCREMENT,
  job_code varchar(255) NOT NULL DEFAULT '0',
  status varchar(7) NOT NULL DEFAULT 'pending',
  messages text DEFAULT NULL,
  created_at timestamp NOT NULL DEFAULT '0000-00-00 00:00:00',
  scheduled_at timestamp NULL DEFAULT NULL,
  executed_at timestamp NULL DEFAULT NULL,
  finished_at timestamp NULL DEFAULT NULL,
  PRIMARY KEY (schedule_id),
  KEY IDX_CRON_SCHEDULE_JOB_CODE (job_code),
  KEY IDX_CRON_SCHEDULE_SCHEDULED_AT_STATUS (scheduled_at,status)
) ENGINE=InnoDB DEFAULT CHARSET=utf8;
INSERT INTO {{prefix}}cron_schedule VALUES
(1,'newsletter_send_all','success',NULL,'2019-08-02 10:00:02','2019-08-02 10:05:00','2019-08-02 10:05:01','2019-08-02 10:05:01'),
(2,'sales_clean_quotes','error','exception ''Exception'' with message ''boom''','2019-08-02 10:00:02','2019-08-02 10:06:00','2019-08-02 10:06:01',NULL),
(3,'catalog_product_alert','missed','Too late for the schedule','2019-08-02 10:00:02','2019-08-02 10:07:00',NULL,NULL),
(4,'newsletter_send_all','pending',NULL,'2019-08-02 10:00:02','2019-08-02 10:10:00',NULL,NULL);

CREATE TABLE {{prefix}}cms_page (
  page_id smallint(6) NOT NULL AUTO_INCREMENT,
  title varchar(255) DEFAULT NULL,
  root_template varchar(255) DEFAULT NULL,
  identifier varchar(100) DEFAULT NULL,
  content mediumtext DEFAULT NULL,
  creation_time timestamp NULL DEFAULT NULL,
  update_time timestamp NULL DEFAULT NULL,
  is_active smallint(6) NOT NULL DEFAULT 1,
  PRIMARY KEY (page_id),
  KEY IDX_CMS_PAGE_IDENTIFIER (identifier)
) ENGINE=InnoDB DEFAULT CHARSET=utf8;
INSERT INTO {{prefix}}cms_page VALUES
(1,'404 Not Found','two_columns_right','no-route','<p>Not here.</p>','2016-02-03 09:15:21','2016-02-03 09:15:21',1),
(2,'Home page','two_columns_right','home','<p>Welcome.</p>','2016-02-03 09:15:21','2016-02-03 09:15:21',1),
(3,'Enable Cookies','one_column','enable-cookies','<p>Please.</p>','2016-02-03 09:15:21','2016-02-03 09:15:21',1),
(4,'Our workshop','one_column','workshop','<p>Since 1928.</p>','2016-02-05 08:00:00','2016-02-05 08:00:00',1);

CREATE TABLE {{prefix}}cms_block (
  block_id smallint(6) NOT NULL AUTO_INCREMENT,
  title varchar(255) NOT NULL,
  identifier varchar(255) NOT NULL,
  content mediumtext DEFAULT NULL,
  creation_time timestamp NULL DEFAULT NULL,
  update_time timestamp NULL DEFAULT NULL,
  is_active smallint(6) NOT NULL DEFAULT 1,
  PRIMARY KEY (block_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8;
INSERT INTO {{prefix}}cms_block VALUES
(1,'Footer Links','footer_links','<ul></ul>','2016-02-03 09:15:21','2016-02-03 09:15:21',1);

CREATE TABLE {{prefix}}review (
  review_id bigint(20) unsigned NOT NULL AUTO_INCREMENT,
  created_at timestamp NOT NULL DEFAULT '0000-00-00 00:00:00',
  entity_id smallint(5) unsigned NOT NULL DEFAULT 0,
  entity_pk_value int(10) unsigned NOT NULL DEFAULT 0,
  status_id smallint(5) unsigned NOT NULL DEFAULT 0,
  PRIMARY KEY (review_id),
  KEY IDX_REVIEW_ENTITY_ID (entity_id),
  KEY IDX_REVIEW_STATUS_ID (status_id),
  KEY IDX_REVIEW_ENTITY_PK_VALUE (entity_pk_value)
) ENGINE=InnoDB DEFAULT CHARSET=utf8;
INSERT INTO {{prefix}}review VALUES
(1,'2016-04-01 18:00:00',1,1,1);

CREATE TABLE {{prefix}}salesrule (
  rule_id int(10) unsigned NOT NULL AUTO_INCREMENT,
  name varchar(255) DEFAULT NULL,
  from_date date DEFAULT NULL,
  to_date date DEFAULT NULL,
  is_active smallint(6) NOT NULL DEFAULT 0,
  simple_action varchar(32) DEFAULT NULL,
  discount_amount decimal(12,4) NOT NULL DEFAULT 0.0000,
  PRIMARY KEY (rule_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8;
INSERT INTO {{prefix}}salesrule VALUES
(1,'Two for one','2019-01-01',NULL,1,'by_percent',50.0000);

CREATE TABLE {{prefix}}catalogrule (
  rule_id int(10) unsigned NOT NULL AUTO_INCREMENT,
  name varchar(255) DEFAULT NULL,
  from_date date DEFAULT NULL,
  to_date date DEFAULT NULL,
  is_active smallint(6) NOT NULL DEFAULT 0,
  simple_action varchar(32) DEFAULT NULL,
  discount_amount decimal(12,4) NOT NULL DEFAULT 0.0000,
  PRIMARY KEY (rule_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8;
INSERT INTO {{prefix}}catalogrule VALUES
(1,'Summer','2019-06-01','2019-08-31',1,'by_percent',10.0000);

CREATE TABLE {{prefix}}newsletter_subscriber (
  subscriber_id int(10) unsigned NOT NULL AUTO_INCREMENT,
  store_id smallint(5) unsigned DEFAULT 0,
  change_status_at timestamp NULL DEFAULT NULL,
  customer_id int(10) unsigned NOT NULL DEFAULT 0,
  subscriber_email varchar(150) DEFAULT NULL,
  subscriber_status int(11) NOT NULL DEFAULT 0,
  PRIMARY KEY (subscriber_id),
  KEY IDX_NEWSLETTER_SUBSCRIBER_CUSTOMER_ID (customer_id),
  KEY IDX_NEWSLETTER_SUBSCRIBER_STORE_ID (store_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8;
INSERT INTO {{prefix}}newsletter_subscriber VALUES
(1,1,'2016-03-01 12:00:00',1,'ann@example.com',1);

CREATE TABLE {{prefix}}catalog_compare_item (
  catalog_compare_item_id int(10) unsigned NOT NULL AUTO_INCREMENT,
  visitor_id int(10) unsigned NOT NULL DEFAULT 0,
  customer_id int(10) unsigned DEFAULT NULL,
  product_id int(10) unsigned NOT NULL DEFAULT 0,
  store_id smallint(5) unsigned DEFAULT NULL,
  PRIMARY KEY (catalog_compare_item_id),
  KEY IDX_CATALOG_COMPARE_ITEM_CUSTOMER_ID (customer_id),
  KEY IDX_CATALOG_COMPARE_ITEM_PRODUCT_ID (product_id),
  KEY IDX_CATALOG_COMPARE_ITEM_VISITOR_ID_PRODUCT_ID (visitor_id,product_id),
  KEY IDX_CATALOG_COMPARE_ITEM_CUSTOMER_ID_PRODUCT_ID (customer_id,product_id),
  KEY IDX_CATALOG_COMPARE_ITEM_STORE_ID (store_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8;

CREATE TABLE {{prefix}}catalogsearch_fulltext (
  fulltext_id int(10) unsigned NOT NULL AUTO_INCREMENT,
  product_id int(10) unsigned NOT NULL,
  store_id smallint(5) unsigned NOT NULL,
  data_index longtext DEFAULT NULL,
  PRIMARY KEY (fulltext_id),
  UNIQUE KEY UNQ_CATALOGSEARCH_FULLTEXT_PRODUCT_ID_STORE_ID (product_id,store_id),
  FULLTEXT KEY FTI_CATALOGSEARCH_FULLTEXT_DATA_INDEX (data_index)
) ENGINE=MyISAM DEFAULT CHARSET=utf8;
INSERT INTO {{prefix}}catalogsearch_fulltext VALUES
(1,1,1,'oak-chair Oak chair');

CREATE TABLE {{prefix}}catalog_product_index_price_tmp (
  entity_id int(10) unsigned NOT NULL,
  customer_group_id smallint(5) unsigned NOT NULL,
  website_id smallint(5) unsigned NOT NULL,
  tax_class_id smallint(5) unsigned DEFAULT 0,
  price decimal(12,4) DEFAULT NULL,
  PRIMARY KEY (entity_id,customer_group_id,website_id),
  KEY IDX_CATALOG_PRODUCT_INDEX_PRICE_TMP_CUSTOMER_GROUP_ID (customer_group_id),
  KEY IDX_CATALOG_PRODUCT_INDEX_PRICE_TMP_WEBSITE_ID (website_id)
) ENGINE=MEMORY DEFAULT CHARSET=utf8;

CREATE TABLE {{prefix}}acme_giftcard (
  giftcard_id int(10) unsigned NOT NULL AUTO_INCREMENT,
  code varchar(32) NOT NULL,
  balance decimal(12,4) NOT NULL DEFAULT 0.0000,
  PRIMARY KEY (giftcard_id),
  UNIQUE KEY UNQ_ACME_GIFTCARD_CODE (code)
) ENGINE=InnoDB DEFAULT CHARSET=utf8;
INSERT INTO {{prefix}}acme_giftcard VALUES
(1,'ABC-123',25.0000);

CREATE TABLE {{prefix}}eav_entity_store (
  entity_store_id int(10) unsigned NOT NULL AUTO_INCREMENT,
  entity_type_id smallint(5) unsigned NOT NULL DEFAULT 0,
  store_id smallint(5) unsigned NOT NULL DEFAULT 0,
  increment_prefix varchar(20) DEFAULT NULL,
  increment_last_id varchar(50) DEFAULT NULL,
  PRIMARY KEY (entity_store_id),
  KEY IDX_EAV_ENTITY_STORE_ENTITY_TYPE_ID (entity_type_id),
  KEY IDX_EAV_ENTITY_STORE_STORE_ID (store_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8;
INSERT INTO {{prefix}}eav_entity_store VALUES
(1,5,1,'1','100000002'),
(2,6,1,'1','100000001'),
(3,5,2,'2','200000001');
