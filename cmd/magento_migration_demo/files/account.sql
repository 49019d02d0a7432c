-- The tool's account, on Magento 1's server.
CREATE USER IF NOT EXISTS {{account}} IDENTIFIED BY '{{password}}';
GRANT {{privileges1}} ON `{{magento1}}`.* TO {{account}};
-- On Magento 2's server.
CREATE USER IF NOT EXISTS {{account}} IDENTIFIED BY '{{password}}';
GRANT {{privileges2}} ON `{{magento2}}`.* TO {{account}};
