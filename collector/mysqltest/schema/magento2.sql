-- A small Magento 2, Open Source 2.4.7, as its installer leaves it: no products, no customers, no orders, cron never ran.
-- Only the tables and columns that tell something about a migration, with Magento's own names, types and indexes.
-- {{prefix}} stands for the table prefix.

SET NAMES utf8;
SET time_zone = '+00:00';
SET sql_mode = 'NO_AUTO_VALUE_ON_ZERO';

CREATE TABLE {{prefix}}patch_list (
  patch_id int(11) NOT NULL AUTO_INCREMENT,
  patch_name varchar(1024) NOT NULL,
  PRIMARY KEY (patch_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8;
INSERT INTO {{prefix}}patch_list VALUES
(1,'Magento\\Store\\Setup\\Patch\\Schema\\InitializeStoresAndWebsites'),
(2,'Magento\\Catalog\\Setup\\Patch\\Schema\\EnableSegmentation'),
(3,'Magento\\InventoryCatalog\\Setup\\Patch\\Schema\\CreateLegacyStockStatusView'),
(4,'Magento\\Store\\Setup\\Patch\\Data\\DisableSid'),
(5,'Magento\\Directory\\Setup\\Patch\\Data\\InitializeDirectoryData'),
(6,'Magento\\Directory\\Setup\\Patch\\Data\\AddDataForCostaRica'),
(7,'Magento\\Directory\\Setup\\Patch\\Data\\AddDataForUkraine'),
(8,'Magento\\Customer\\Setup\\Patch\\Data\\DefaultCustomerGroupsAndAttributes'),
(9,'Magento\\Catalog\\Setup\\Patch\\Data\\InstallDefaultCategories'),
(10,'Magento\\Cms\\Setup\\Patch\\Data\\CreateDefaultPages'),
(11,'Magento\\Sales\\Setup\\Patch\\Data\\InstallOrderStatusesAndInitialSalesConfig'),
(12,'Magento\\SampleData\\Setup\\Patch\\Data\\ClearSampleDataState');

CREATE TABLE {{prefix}}setup_module (
  module varchar(50) NOT NULL,
  schema_version varchar(50) DEFAULT NULL,
  data_version varchar(50) DEFAULT NULL,
  PRIMARY KEY (module)
) ENGINE=InnoDB DEFAULT CHARSET=utf8;
INSERT INTO {{prefix}}setup_module VALUES
('Magento_DataExporter','42.0.1','42.0.1'),
('Magento_QueryXml','42.0.0','42.0.0'),
('Magento_Securitytxt','1.0.0','1.0.0'),
('Magento_ServicesConnector','1.1.0','1.1.0'),
('Magento_ServicesId','1.1.0','1.1.0'),
('Magento_ServicesIdLayout','1.0.0','1.0.0'),
('PayPal_Braintree','4.6.1','4.6.1');

CREATE TABLE {{prefix}}store_website (
  website_id smallint(5) unsigned NOT NULL AUTO_INCREMENT,
  code varchar(32) DEFAULT NULL,
  name varchar(64) DEFAULT NULL,
  sort_order smallint(5) unsigned NOT NULL DEFAULT 0,
  default_group_id smallint(5) unsigned NOT NULL DEFAULT 0,
  is_default smallint(5) unsigned DEFAULT 0,
  PRIMARY KEY (website_id),
  UNIQUE KEY STORE_WEBSITE_CODE (code),
  KEY STORE_WEBSITE_SORT_ORDER (sort_order),
  KEY STORE_WEBSITE_DEFAULT_GROUP_ID (default_group_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8;
INSERT INTO {{prefix}}store_website VALUES
(0,'admin','Admin',0,0,0),
(1,'base','Main Website',0,1,1);

CREATE TABLE {{prefix}}store_group (
  group_id smallint(5) unsigned NOT NULL AUTO_INCREMENT,
  website_id smallint(5) unsigned NOT NULL DEFAULT 0,
  name varchar(255) NOT NULL,
  root_category_id int(10) unsigned NOT NULL DEFAULT 0,
  default_store_id smallint(5) unsigned NOT NULL DEFAULT 0,
  code varchar(32) DEFAULT NULL,
  PRIMARY KEY (group_id),
  UNIQUE KEY STORE_GROUP_CODE (code),
  KEY STORE_GROUP_WEBSITE_ID (website_id),
  KEY STORE_GROUP_DEFAULT_STORE_ID (default_store_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8;
INSERT INTO {{prefix}}store_group VALUES
(0,0,'Default',0,0,'default'),
(1,1,'Main Website Store',2,1,'main_website_store');

CREATE TABLE {{prefix}}store (
  store_id smallint(5) unsigned NOT NULL AUTO_INCREMENT,
  code varchar(32) DEFAULT NULL,
  website_id smallint(5) unsigned NOT NULL DEFAULT 0,
  group_id smallint(5) unsigned NOT NULL DEFAULT 0,
  name varchar(255) NOT NULL,
  sort_order smallint(5) unsigned NOT NULL DEFAULT 0,
  is_active smallint(5) unsigned NOT NULL DEFAULT 0,
  PRIMARY KEY (store_id),
  UNIQUE KEY STORE_CODE (code),
  KEY STORE_WEBSITE_ID (website_id),
  KEY STORE_IS_ACTIVE_SORT_ORDER (is_active,sort_order),
  KEY STORE_GROUP_ID (group_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8;
INSERT INTO {{prefix}}store VALUES
(0,'admin',0,0,'Admin',0,1),
(1,'default',1,1,'Default Store View',0,1);

CREATE TABLE {{prefix}}core_config_data (
  config_id int(10) unsigned NOT NULL AUTO_INCREMENT,
  scope varchar(8) NOT NULL DEFAULT 'default',
  scope_id int(11) NOT NULL DEFAULT 0,
  path varchar(255) NOT NULL DEFAULT 'general',
  value text DEFAULT NULL,
  updated_at timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
  PRIMARY KEY (config_id),
  UNIQUE KEY CORE_CONFIG_DATA_SCOPE_SCOPE_ID_PATH (scope,scope_id,path)
) ENGINE=InnoDB DEFAULT CHARSET=utf8;
INSERT INTO {{prefix}}core_config_data VALUES
(1,'default',0,'catalog/search/engine','opensearch','2025-06-10 14:00:15'),
(2,'default',0,'catalog/search/opensearch_server_hostname','127.0.0.1','2025-06-10 14:00:15'),
(3,'default',0,'catalog/search/opensearch_server_port','9200','2025-06-10 14:00:15'),
(4,'default',0,'web/seo/use_rewrites','1','2025-06-10 14:00:15'),
(5,'default',0,'web/unsecure/base_url','http://m2.example.com/','2025-06-10 14:00:15'),
(6,'default',0,'web/secure/base_url','https://m2.example.com/','2025-06-10 14:00:15'),
(7,'default',0,'general/locale/code','en_US','2025-06-10 14:00:15'),
(8,'default',0,'web/secure/use_in_frontend','1','2025-06-10 14:00:15'),
(9,'default',0,'web/secure/use_in_adminhtml','1','2025-06-10 14:00:15'),
(10,'default',0,'general/locale/timezone','UTC','2025-06-10 14:00:15'),
(11,'default',0,'currency/options/base','USD','2025-06-10 14:00:15'),
(12,'default',0,'currency/options/default','USD','2025-06-10 14:00:15'),
(13,'default',0,'currency/options/allow','USD','2025-06-10 14:00:15'),
(14,'default',0,'catalog/category/root_id','2','2025-06-10 14:00:26');

CREATE TABLE {{prefix}}url_rewrite (
  url_rewrite_id int(10) unsigned NOT NULL AUTO_INCREMENT,
  entity_type varchar(32) NOT NULL,
  entity_id int(10) unsigned NOT NULL,
  request_path varchar(255) DEFAULT NULL,
  target_path varchar(255) DEFAULT NULL,
  redirect_type smallint(5) unsigned NOT NULL DEFAULT 0,
  store_id smallint(5) unsigned NOT NULL,
  is_autogenerated smallint(5) unsigned NOT NULL DEFAULT 0,
  PRIMARY KEY (url_rewrite_id),
  UNIQUE KEY URL_REWRITE_REQUEST_PATH_STORE_ID (request_path,store_id),
  KEY URL_REWRITE_TARGET_PATH (target_path),
  KEY URL_REWRITE_STORE_ID_ENTITY_ID (store_id,entity_id),
  KEY URL_REWRITE_ENTITY_ID (entity_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8;
INSERT INTO {{prefix}}url_rewrite VALUES
(1,'cms-page',1,'no-route','cms/page/view/page_id/1',0,1,1),
(2,'cms-page',2,'home','cms/page/view/page_id/2',0,1,1),
(3,'cms-page',3,'enable-cookies','cms/page/view/page_id/3',0,1,1),
(4,'cms-page',4,'privacy-policy-cookie-restriction-mode','cms/page/view/page_id/4',0,1,1);

CREATE TABLE {{prefix}}admin_user (
  user_id int(10) unsigned NOT NULL AUTO_INCREMENT,
  firstname varchar(32) DEFAULT NULL,
  lastname varchar(32) DEFAULT NULL,
  email varchar(128) DEFAULT NULL,
  username varchar(40) DEFAULT NULL,
  created timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
  modified timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
  logdate timestamp NULL DEFAULT NULL,
  is_active smallint(6) NOT NULL DEFAULT 1,
  PRIMARY KEY (user_id),
  UNIQUE KEY ADMIN_USER_USERNAME (username)
) ENGINE=InnoDB DEFAULT CHARSET=utf8;
INSERT INTO {{prefix}}admin_user VALUES
(1,'Ada','Admin','admin@example.com','admin','2025-06-10 14:00:28','2025-06-10 14:00:28',NULL,1);

CREATE TABLE {{prefix}}admin_analytics_usage_version_log (
  id int(10) unsigned NOT NULL AUTO_INCREMENT,
  last_viewed_in_version varchar(50) NOT NULL,
  PRIMARY KEY (id),
  UNIQUE KEY ADMIN_ANALYTICS_USAGE_VERSION_LOG_LAST_VIEWED_IN_VERSION (last_viewed_in_version)
) ENGINE=InnoDB DEFAULT CHARSET=utf8;

CREATE TABLE {{prefix}}admin_user_expiration (
  user_id int(10) unsigned NOT NULL,
  expires_at datetime NOT NULL DEFAULT '0000-00-00 00:00:00',
  PRIMARY KEY (user_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8;

CREATE TABLE {{prefix}}jwt_auth_revoked (
  user_type_id int(10) unsigned NOT NULL,
  user_id int(10) unsigned NOT NULL,
  revoke_before bigint(20) unsigned NOT NULL,
  PRIMARY KEY (user_type_id,user_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8;

CREATE TABLE {{prefix}}login_as_customer (
  secret varchar(64) NOT NULL,
  customer_id int(11) NOT NULL,
  admin_id int(11) NOT NULL,
  created_at timestamp NULL DEFAULT NULL,
  PRIMARY KEY (secret),
  KEY LOGIN_AS_CUSTOMER_CREATED_AT (created_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8;

CREATE TABLE {{prefix}}eav_entity_type (
  entity_type_id smallint(5) unsigned NOT NULL AUTO_INCREMENT,
  entity_type_code varchar(50) NOT NULL,
  entity_model varchar(255) NOT NULL,
  entity_table varchar(255) DEFAULT NULL,
  default_attribute_set_id smallint(5) unsigned NOT NULL DEFAULT 0,
  PRIMARY KEY (entity_type_id),
  KEY EAV_ENTITY_TYPE_ENTITY_TYPE_CODE (entity_type_code)
) ENGINE=InnoDB DEFAULT CHARSET=utf8;
INSERT INTO {{prefix}}eav_entity_type VALUES
(1,'customer','Magento\\Customer\\Model\\ResourceModel\\Customer','customer_entity',1),
(2,'customer_address','Magento\\Customer\\Model\\ResourceModel\\Address','customer_address_entity',2),
(3,'catalog_category','Magento\\Catalog\\Model\\ResourceModel\\Category','catalog_category_entity',3),
(4,'catalog_product','Magento\\Catalog\\Model\\ResourceModel\\Product','catalog_product_entity',4),
(5,'order','Magento\\Sales\\Model\\ResourceModel\\Order','sales_order',5),
(6,'invoice','Magento\\Sales\\Model\\ResourceModel\\Order\\Invoice','sales_invoice',6),
(7,'creditmemo','Magento\\Sales\\Model\\ResourceModel\\Order\\Creditmemo','sales_creditmemo',7),
(8,'shipment','Magento\\Sales\\Model\\ResourceModel\\Order\\Shipment','sales_shipment',8);

CREATE TABLE {{prefix}}eav_attribute_set (
  attribute_set_id smallint(5) unsigned NOT NULL AUTO_INCREMENT,
  entity_type_id smallint(5) unsigned NOT NULL DEFAULT 0,
  attribute_set_name varchar(255) DEFAULT NULL,
  sort_order smallint(6) NOT NULL DEFAULT 0,
  PRIMARY KEY (attribute_set_id),
  UNIQUE KEY EAV_ATTRIBUTE_SET_ENTITY_TYPE_ID_ATTRIBUTE_SET_NAME (entity_type_id,attribute_set_name),
  KEY EAV_ATTRIBUTE_SET_ENTITY_TYPE_ID_SORT_ORDER (entity_type_id,sort_order)
) ENGINE=InnoDB DEFAULT CHARSET=utf8;
INSERT INTO {{prefix}}eav_attribute_set VALUES
(1,1,'Default',2),
(2,2,'Default',2),
(3,3,'Default',1),
(4,4,'Default',1),
(5,5,'Default',1),
(6,6,'Default',1),
(7,7,'Default',1),
(8,8,'Default',1);

CREATE TABLE {{prefix}}eav_attribute (
  attribute_id smallint(5) unsigned NOT NULL AUTO_INCREMENT,
  entity_type_id smallint(5) unsigned NOT NULL DEFAULT 0,
  attribute_code varchar(255) NOT NULL,
  backend_model varchar(255) DEFAULT NULL,
  backend_type varchar(8) NOT NULL DEFAULT 'static',
  frontend_input varchar(50) DEFAULT NULL,
  frontend_label varchar(255) DEFAULT NULL,
  source_model varchar(255) DEFAULT NULL,
  is_required smallint(5) unsigned NOT NULL DEFAULT 0,
  is_user_defined smallint(5) unsigned NOT NULL DEFAULT 0,
  PRIMARY KEY (attribute_id),
  UNIQUE KEY EAV_ATTRIBUTE_ENTITY_TYPE_ID_ATTRIBUTE_CODE (entity_type_id,attribute_code),
  KEY EAV_ATTRIBUTE_FRONTEND_INPUT_ENTITY_TYPE_ID_IS_USER_DEFINED (frontend_input,entity_type_id,is_user_defined)
) ENGINE=InnoDB DEFAULT CHARSET=utf8;
INSERT INTO {{prefix}}eav_attribute VALUES
(9,1,'email',NULL,'static','text','Email',NULL,1,0),
(45,3,'name',NULL,'varchar','text','Name',NULL,1,0),
(73,4,'name',NULL,'varchar','text','Product Name',NULL,1,0),
(77,4,'price','Magento\\Catalog\\Model\\Product\\Attribute\\Backend\\Price','decimal','price','Price',NULL,1,0),
(81,4,'cost','Magento\\Catalog\\Model\\Product\\Attribute\\Backend\\Price','decimal','price','Cost',NULL,0,1),
(83,4,'manufacturer',NULL,'int','select','Manufacturer',NULL,0,1),
(93,4,'color',NULL,'int','select','Color',NULL,0,1),
(97,4,'status',NULL,'int','select','Enable Product','Magento\\Catalog\\Model\\Product\\Attribute\\Source\\Status',0,0),
(99,4,'visibility',NULL,'int','select','Visibility','Magento\\Catalog\\Model\\Product\\Visibility',0,0);

CREATE TABLE {{prefix}}catalog_category_entity (
  entity_id int(10) unsigned NOT NULL AUTO_INCREMENT,
  attribute_set_id smallint(5) unsigned NOT NULL DEFAULT 0,
  parent_id int(10) unsigned NOT NULL DEFAULT 0,
  created_at timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
  updated_at timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
  path varchar(255) NOT NULL,
  position int(11) NOT NULL,
  level int(11) NOT NULL DEFAULT 0,
  children_count int(11) NOT NULL,
  PRIMARY KEY (entity_id),
  KEY CATALOG_CATEGORY_ENTITY_LEVEL (level),
  KEY CATALOG_CATEGORY_ENTITY_PATH (path)
) ENGINE=InnoDB DEFAULT CHARSET=utf8;
INSERT INTO {{prefix}}catalog_category_entity VALUES
(1,3,0,'2025-06-10 14:00:26','2025-06-10 14:00:26','1',0,0,1),
(2,3,1,'2025-06-10 14:00:26','2025-06-10 14:00:26','1/2',1,1,0);

CREATE TABLE {{prefix}}catalog_product_entity (
  entity_id int(10) unsigned NOT NULL AUTO_INCREMENT,
  attribute_set_id smallint(5) unsigned NOT NULL DEFAULT 0,
  type_id varchar(32) NOT NULL DEFAULT 'simple',
  sku varchar(64) NOT NULL,
  has_options smallint(6) NOT NULL DEFAULT 0,
  required_options smallint(5) unsigned NOT NULL DEFAULT 0,
  created_at timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
  updated_at timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
  PRIMARY KEY (entity_id),
  KEY CATALOG_PRODUCT_ENTITY_ATTRIBUTE_SET_ID (attribute_set_id),
  KEY CATALOG_PRODUCT_ENTITY_SKU (sku)
) ENGINE=InnoDB DEFAULT CHARSET=utf8;

CREATE TABLE {{prefix}}customer_group (
  customer_group_id int(10) unsigned NOT NULL AUTO_INCREMENT,
  customer_group_code varchar(32) NOT NULL,
  tax_class_id int(10) unsigned NOT NULL DEFAULT 0,
  PRIMARY KEY (customer_group_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8;
INSERT INTO {{prefix}}customer_group VALUES
(0,'NOT LOGGED IN',3),
(1,'General',3),
(2,'Wholesale',3),
(3,'Retailer',3);

CREATE TABLE {{prefix}}customer_entity (
  entity_id int(10) unsigned NOT NULL AUTO_INCREMENT,
  website_id smallint(5) unsigned DEFAULT NULL,
  email varchar(255) DEFAULT NULL,
  group_id smallint(5) unsigned NOT NULL DEFAULT 0,
  increment_id varchar(50) DEFAULT NULL,
  store_id smallint(5) unsigned DEFAULT 0,
  created_at timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
  updated_at timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
  is_active smallint(5) unsigned NOT NULL DEFAULT 1,
  PRIMARY KEY (entity_id),
  UNIQUE KEY CUSTOMER_ENTITY_EMAIL_WEBSITE_ID (email,website_id),
  KEY CUSTOMER_ENTITY_STORE_ID (store_id),
  KEY CUSTOMER_ENTITY_WEBSITE_ID (website_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8;

CREATE TABLE {{prefix}}customer_address_entity (
  entity_id int(10) unsigned NOT NULL AUTO_INCREMENT,
  increment_id varchar(50) DEFAULT NULL,
  parent_id int(10) unsigned DEFAULT NULL,
  created_at timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
  updated_at timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
  is_active smallint(5) unsigned NOT NULL DEFAULT 1,
  PRIMARY KEY (entity_id),
  KEY CUSTOMER_ADDRESS_ENTITY_PARENT_ID (parent_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8;

CREATE TABLE {{prefix}}sales_order (
  entity_id int(10) unsigned NOT NULL AUTO_INCREMENT,
  state varchar(32) DEFAULT NULL,
  status varchar(32) DEFAULT NULL,
  store_id smallint(5) unsigned DEFAULT NULL,
  customer_id int(10) unsigned DEFAULT NULL,
  base_grand_total decimal(20,4) DEFAULT NULL,
  grand_total decimal(20,4) DEFAULT NULL,
  increment_id varchar(50) DEFAULT NULL,
  base_currency_code varchar(3) DEFAULT NULL,
  customer_email varchar(128) DEFAULT NULL,
  created_at timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
  updated_at timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
  PRIMARY KEY (entity_id),
  UNIQUE KEY SALES_ORDER_INCREMENT_ID_STORE_ID (increment_id,store_id),
  KEY SALES_ORDER_STATUS (status),
  KEY SALES_ORDER_STATE (state),
  KEY SALES_ORDER_STORE_ID (store_id),
  KEY SALES_ORDER_CREATED_AT (created_at),
  KEY SALES_ORDER_CUSTOMER_ID (customer_id),
  KEY SALES_ORDER_UPDATED_AT (updated_at),
  KEY SALES_ORDER_STORE_ID_STATE_CREATED_AT (store_id,state,created_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8;

CREATE TABLE {{prefix}}sales_order_grid (
  entity_id int(10) unsigned NOT NULL,
  status varchar(32) DEFAULT NULL,
  store_id smallint(5) unsigned DEFAULT NULL,
  customer_id int(10) unsigned DEFAULT NULL,
  base_grand_total decimal(20,4) DEFAULT NULL,
  grand_total decimal(20,4) DEFAULT NULL,
  increment_id varchar(50) DEFAULT NULL,
  created_at timestamp NULL DEFAULT NULL,
  updated_at timestamp NULL DEFAULT NULL,
  PRIMARY KEY (entity_id),
  UNIQUE KEY SALES_ORDER_GRID_INCREMENT_ID_STORE_ID (increment_id,store_id),
  KEY SALES_ORDER_GRID_STATUS (status),
  KEY SALES_ORDER_GRID_STORE_ID (store_id),
  KEY SALES_ORDER_GRID_BASE_GRAND_TOTAL (base_grand_total),
  KEY SALES_ORDER_GRID_GRAND_TOTAL (grand_total),
  KEY SALES_ORDER_GRID_CREATED_AT (created_at),
  KEY SALES_ORDER_GRID_CUSTOMER_ID (customer_id),
  KEY SALES_ORDER_GRID_UPDATED_AT (updated_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8;

CREATE TABLE {{prefix}}sales_invoice (
  entity_id int(10) unsigned NOT NULL AUTO_INCREMENT,
  store_id smallint(5) unsigned DEFAULT NULL,
  base_grand_total decimal(20,4) DEFAULT NULL,
  order_id int(10) unsigned NOT NULL,
  increment_id varchar(50) DEFAULT NULL,
  created_at timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
  updated_at timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
  PRIMARY KEY (entity_id),
  UNIQUE KEY SALES_INVOICE_INCREMENT_ID_STORE_ID (increment_id,store_id),
  KEY SALES_INVOICE_STORE_ID (store_id),
  KEY SALES_INVOICE_ORDER_ID (order_id),
  KEY SALES_INVOICE_CREATED_AT (created_at),
  KEY SALES_INVOICE_UPDATED_AT (updated_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8;

CREATE TABLE {{prefix}}quote (
  entity_id int(10) unsigned NOT NULL AUTO_INCREMENT,
  store_id smallint(5) unsigned NOT NULL DEFAULT 0,
  created_at timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
  updated_at timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
  is_active smallint(5) unsigned DEFAULT 1,
  items_count int(10) unsigned DEFAULT 0,
  grand_total decimal(20,4) DEFAULT 0.0000,
  customer_id int(10) unsigned DEFAULT NULL,
  PRIMARY KEY (entity_id),
  KEY QUOTE_CUSTOMER_ID_STORE_ID_IS_ACTIVE (customer_id,store_id,is_active),
  KEY QUOTE_STORE_ID_UPDATED_AT (store_id,updated_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8;

CREATE TABLE {{prefix}}sales_sequence_meta (
  meta_id int(10) unsigned NOT NULL AUTO_INCREMENT,
  entity_type varchar(32) NOT NULL,
  store_id smallint(5) unsigned NOT NULL,
  sequence_table varchar(64) NOT NULL,
  PRIMARY KEY (meta_id),
  UNIQUE KEY SALES_SEQUENCE_META_ENTITY_TYPE_STORE_ID (entity_type,store_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8;
INSERT INTO {{prefix}}sales_sequence_meta VALUES
(1,'order',0,'{{prefix}}sequence_order_0'),
(2,'order',1,'{{prefix}}sequence_order_1'),
(3,'invoice',0,'{{prefix}}sequence_invoice_0'),
(4,'invoice',1,'{{prefix}}sequence_invoice_1'),
(5,'creditmemo',0,'{{prefix}}sequence_creditmemo_0'),
(6,'creditmemo',1,'{{prefix}}sequence_creditmemo_1'),
(7,'shipment',0,'{{prefix}}sequence_shipment_0'),
(8,'shipment',1,'{{prefix}}sequence_shipment_1');

CREATE TABLE {{prefix}}sales_sequence_profile (
  profile_id int(10) unsigned NOT NULL AUTO_INCREMENT,
  meta_id int(10) unsigned NOT NULL,
  prefix varchar(32) DEFAULT NULL,
  suffix varchar(32) DEFAULT NULL,
  start_value int(10) unsigned NOT NULL DEFAULT 1,
  step int(10) unsigned NOT NULL DEFAULT 1,
  max_value int(10) unsigned NOT NULL,
  warning_value int(10) unsigned NOT NULL,
  is_active tinyint(1) NOT NULL DEFAULT 0,
  PRIMARY KEY (profile_id),
  UNIQUE KEY SALES_SEQUENCE_PROFILE_META_ID_PREFIX_SUFFIX (meta_id,prefix,suffix)
) ENGINE=InnoDB DEFAULT CHARSET=utf8;
INSERT INTO {{prefix}}sales_sequence_profile (meta_id, max_value, warning_value, is_active)
SELECT meta_id, 4294967295, 4294966295, 1 FROM {{prefix}}sales_sequence_meta;

CREATE TABLE {{prefix}}sequence_order_0 (
  sequence_value int(10) unsigned NOT NULL AUTO_INCREMENT,
  PRIMARY KEY (sequence_value)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
CREATE TABLE {{prefix}}sequence_order_1 LIKE {{prefix}}sequence_order_0;
CREATE TABLE {{prefix}}sequence_invoice_0 LIKE {{prefix}}sequence_order_0;
CREATE TABLE {{prefix}}sequence_invoice_1 LIKE {{prefix}}sequence_order_0;
CREATE TABLE {{prefix}}sequence_creditmemo_0 LIKE {{prefix}}sequence_order_0;
CREATE TABLE {{prefix}}sequence_creditmemo_1 LIKE {{prefix}}sequence_order_0;
CREATE TABLE {{prefix}}sequence_shipment_0 LIKE {{prefix}}sequence_order_0;
CREATE TABLE {{prefix}}sequence_shipment_1 LIKE {{prefix}}sequence_order_0;

CREATE TABLE {{prefix}}cron_schedule (
  schedule_id int(10) unsigned NOT NULL AUTO_INCREMENT,
  job_code varchar(255) NOT NULL DEFAULT '0',
  status varchar(7) NOT NULL DEFAULT 'pending',
  messages text DEFAULT NULL,
  created_at timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
  scheduled_at timestamp NULL DEFAULT NULL,
  executed_at timestamp NULL DEFAULT NULL,
  finished_at timestamp NULL DEFAULT NULL,
  PRIMARY KEY (schedule_id),
  KEY CRON_SCHEDULE_JOB_CODE_STATUS_SCHEDULED_AT (job_code,status,scheduled_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8;

CREATE TABLE {{prefix}}cms_page (
  page_id smallint(6) NOT NULL AUTO_INCREMENT,
  title varchar(255) DEFAULT NULL,
  page_layout varchar(255) DEFAULT NULL,
  identifier varchar(100) DEFAULT NULL,
  content mediumtext DEFAULT NULL,
  creation_time timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
  update_time timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
  is_active smallint(6) NOT NULL DEFAULT 1,
  PRIMARY KEY (page_id),
  KEY CMS_PAGE_IDENTIFIER (identifier)
) ENGINE=InnoDB DEFAULT CHARSET=utf8;
INSERT INTO {{prefix}}cms_page VALUES
(1,'404 Not Found','2columns-right','no-route','<p>Not here.</p>','2025-06-10 14:00:26','2025-06-10 14:00:26',1),
(2,'Home page','1column','home','<p>Welcome.</p>','2025-06-10 14:00:26','2025-06-10 14:00:27',1),
(3,'Enable Cookies','1column','enable-cookies','<p>Please.</p>','2025-06-10 14:00:26','2025-06-10 14:00:26',1),
(4,'Privacy and Cookie Policy','1column','privacy-policy-cookie-restriction-mode','<p>Private.</p>','2025-06-10 14:00:26','2025-06-10 14:00:26',1);

CREATE TABLE {{prefix}}cms_block (
  block_id smallint(6) NOT NULL AUTO_INCREMENT,
  title varchar(255) NOT NULL,
  identifier varchar(255) NOT NULL,
  content mediumtext DEFAULT NULL,
  creation_time timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
  update_time timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
  is_active smallint(6) NOT NULL DEFAULT 1,
  PRIMARY KEY (block_id),
  KEY CMS_BLOCK_IDENTIFIER (identifier)
) ENGINE=InnoDB DEFAULT CHARSET=utf8;

CREATE TABLE {{prefix}}review (
  review_id bigint(20) unsigned NOT NULL AUTO_INCREMENT,
  created_at timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
  entity_id smallint(5) unsigned NOT NULL DEFAULT 0,
  entity_pk_value int(10) unsigned NOT NULL DEFAULT 0,
  status_id smallint(5) unsigned NOT NULL DEFAULT 0,
  PRIMARY KEY (review_id),
  KEY REVIEW_ENTITY_ID (entity_id),
  KEY REVIEW_STATUS_ID (status_id),
  KEY REVIEW_ENTITY_PK_VALUE (entity_pk_value)
) ENGINE=InnoDB DEFAULT CHARSET=utf8;

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

CREATE TABLE {{prefix}}catalogrule (
  rule_id int(10) unsigned NOT NULL AUTO_INCREMENT,
  name varchar(255) DEFAULT NULL,
  from_date date DEFAULT NULL,
  to_date date DEFAULT NULL,
  is_active smallint(6) NOT NULL DEFAULT 0,
  simple_action varchar(32) DEFAULT NULL,
  discount_amount decimal(20,6) NOT NULL DEFAULT 0.000000,
  PRIMARY KEY (rule_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8;

CREATE TABLE {{prefix}}newsletter_subscriber (
  subscriber_id int(10) unsigned NOT NULL AUTO_INCREMENT,
  store_id smallint(5) unsigned DEFAULT 0,
  change_status_at timestamp NULL DEFAULT NULL,
  customer_id int(10) unsigned NOT NULL DEFAULT 0,
  subscriber_email varchar(150) DEFAULT NULL,
  subscriber_status int(11) NOT NULL DEFAULT 0,
  PRIMARY KEY (subscriber_id),
  KEY NEWSLETTER_SUBSCRIBER_CUSTOMER_ID (customer_id),
  KEY NEWSLETTER_SUBSCRIBER_STORE_ID (store_id),
  KEY NEWSLETTER_SUBSCRIBER_SUBSCRIBER_EMAIL (subscriber_email)
) ENGINE=InnoDB DEFAULT CHARSET=utf8;

CREATE TABLE {{prefix}}flag (
  flag_id int(10) unsigned NOT NULL AUTO_INCREMENT,
  flag_code varchar(255) NOT NULL,
  state smallint(5) unsigned NOT NULL DEFAULT 0,
  flag_data mediumtext DEFAULT NULL,
  last_update timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
  PRIMARY KEY (flag_id),
  KEY FLAG_LAST_UPDATE (last_update)
) ENGINE=InnoDB DEFAULT CHARSET=utf8;
INSERT INTO {{prefix}}flag VALUES
(1,'analytics_link_attempts_reverse_counter',0,'24','2025-06-10 14:00:27');

CREATE TABLE {{prefix}}indexer_state (
  state_id int(10) unsigned NOT NULL AUTO_INCREMENT,
  indexer_id varchar(255) DEFAULT NULL,
  status varchar(16) DEFAULT 'invalid',
  updated datetime DEFAULT NULL,
  hash_config varchar(32) NOT NULL,
  PRIMARY KEY (state_id),
  KEY INDEXER_STATE_INDEXER_ID (indexer_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8;
INSERT INTO {{prefix}}indexer_state VALUES
(1,'catalog_category_product','invalid','2025-06-10 14:00:26','eab5c616d5bb00f456797bfc76cea104');

CREATE TABLE {{prefix}}mview_state (
  state_id int(10) unsigned NOT NULL AUTO_INCREMENT,
  view_id varchar(255) DEFAULT NULL,
  mode varchar(16) DEFAULT 'disabled',
  status varchar(16) DEFAULT 'idle',
  updated datetime DEFAULT NULL,
  version_id int(10) unsigned DEFAULT NULL,
  PRIMARY KEY (state_id),
  KEY MVIEW_STATE_VIEW_ID (view_id),
  KEY MVIEW_STATE_MODE (mode)
) ENGINE=InnoDB DEFAULT CHARSET=utf8;
INSERT INTO {{prefix}}mview_state VALUES
(1,'catalog_category_product','enabled','idle','2025-06-10 14:00:28',NULL);

CREATE TABLE {{prefix}}inventory_source (
  source_code varchar(255) NOT NULL,
  name varchar(255) NOT NULL,
  enabled smallint(5) unsigned NOT NULL DEFAULT 1,
  PRIMARY KEY (source_code)
) ENGINE=InnoDB DEFAULT CHARSET=utf8;
INSERT INTO {{prefix}}inventory_source VALUES
('default','Default Source',1);

CREATE TABLE {{prefix}}inventory_stock (
  stock_id int(10) unsigned NOT NULL AUTO_INCREMENT,
  name varchar(255) NOT NULL,
  PRIMARY KEY (stock_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8;
INSERT INTO {{prefix}}inventory_stock VALUES
(1,'Default Stock');

CREATE TABLE {{prefix}}cataloginventory_stock_status (
  product_id int(10) unsigned NOT NULL,
  website_id smallint(5) unsigned NOT NULL,
  stock_id smallint(5) unsigned NOT NULL,
  qty decimal(12,4) NOT NULL DEFAULT 0.0000,
  stock_status smallint(5) unsigned NOT NULL,
  PRIMARY KEY (product_id,website_id,stock_id),
  KEY CATALOGINVENTORY_STOCK_STATUS_STOCK_ID (stock_id),
  KEY CATALOGINVENTORY_STOCK_STATUS_WEBSITE_ID (website_id),
  KEY CATALOGINVENTORY_STOCK_STATUS_STOCK_STATUS (stock_status)
) ENGINE=InnoDB DEFAULT CHARSET=utf8;

CREATE SQL SECURITY INVOKER VIEW {{prefix}}inventory_stock_1 AS
SELECT DISTINCT s.product_id, s.website_id, s.stock_id, s.qty AS quantity, s.stock_status AS is_salable, p.sku
FROM {{prefix}}cataloginventory_stock_status s
JOIN {{prefix}}catalog_product_entity p ON s.product_id = p.entity_id;

-- The installer sets the indexers to "Update by Schedule", so change logs and their triggers are there from the start.

CREATE TABLE {{prefix}}catalog_category_product_cl (
  version_id int(10) unsigned NOT NULL AUTO_INCREMENT,
  entity_id int(10) unsigned NOT NULL DEFAULT 0,
  PRIMARY KEY (version_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8;

CREATE TRIGGER trg_{{prefix}}catalog_category_entity_after_insert AFTER INSERT ON {{prefix}}catalog_category_entity FOR EACH ROW
BEGIN
INSERT IGNORE INTO {{prefix}}catalog_category_product_cl (entity_id) VALUES (NEW.entity_id);
END;

CREATE TRIGGER trg_{{prefix}}catalog_category_entity_after_delete AFTER DELETE ON {{prefix}}catalog_category_entity FOR EACH ROW
BEGIN
INSERT IGNORE INTO {{prefix}}catalog_category_product_cl (entity_id) VALUES (OLD.entity_id);
END;
