-- Where this Magento 2 finds its search engine, which is a stand-in of the demo.
UPDATE `{{magento2}}`.core_config_data SET value = '{{host}}' WHERE path = 'catalog/search/opensearch_server_hostname';
UPDATE `{{magento2}}`.core_config_data SET value = '{{port}}' WHERE path = 'catalog/search/opensearch_server_port';
