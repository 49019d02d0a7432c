<?php
return [
    'modules' => [
        'Magento_Store' => 1,
        'Magento_DataMigrationTool' => 1,
        'Amasty_Shopby' => 1,
    ]
];
