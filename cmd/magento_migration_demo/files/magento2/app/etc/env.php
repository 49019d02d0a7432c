<?php
return [
    'install' => ['date' => 'Tue, 10 Jun 2025 14:00:30 +0000'],
    'crypt' => ['key' => '{{.CryptKey}}'],
    'db' => ['table_prefix' => '', 'connection' => ['default' => [
        'host' => '{{.Server2.Host}}:{{.Server2.Port}}', 'dbname' => '{{.DB2}}', 'username' => 'shop', 'password' => '', 'active' => '1',
    ]]],
    'session' => ['save' => 'files'],
    'MAGE_MODE' => 'production',
];
