<?php
return [
    'install' => ['date' => 'Tue, 10 Jun 2025 14:00:30 +0000'],
    'db' => ['table_prefix' => '', 'connection' => ['default' => ['host' => '127.0.0.1:1', 'dbname' => 'magento2', 'username' => 'tool', 'password' => '', 'active' => '1']]],
    'MAGE_MODE' => 'default',
];
