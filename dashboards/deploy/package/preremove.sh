#!/bin/sh
# Stops the exporter before its files go. An upgrade restarts it afterwards.
set -e
case "$1" in
remove | 0)
	[ ! -d /run/systemd/system ] || systemctl disable --now magento_migration_exporter.socket magento_migration_exporter.service
	;;
esac
