<?php
// What the exporter reads of Magento 1's app/Mage.php: which release this is.
final class Mage
{
    const EDITION_COMMUNITY    = 'Community';
    const EDITION_ENTERPRISE   = 'Enterprise';
    static private $_currentEdition = self::EDITION_COMMUNITY;
    public static function getVersion()
    {
        $i = self::getVersionInfo();
        return trim("{$i['major']}.{$i['minor']}.{$i['revision']}" . ($i['patch'] != '' ? ".{$i['patch']}" : "")
                        . "-{$i['stability']}{$i['number']}", '.-');
    }
    public static function getVersionInfo()
    {
        return array('major' => '1', 'minor' => '9', 'revision' => '4', 'patch' => '5',
            'stability' => '', 'number' => '');
    }
    public static function getEdition()
    {
        return self::$_currentEdition;
    }
}
