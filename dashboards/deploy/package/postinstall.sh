#!/bin/sh
# Runs after an installation and after an upgrade. dpkg says "configure" and the version before, rpm how many versions there are.
set -e
name=magento_migration_exporter
config=/etc/$name/config.yml
case "$1" in
configure) before=$2 ;;
abort-*) exit 0 ;;
*) [ "$1" -gt 1 ] && before=yes || before= ;;
esac

systemd=
if [ -d /run/systemd/system ]; then
	systemd=yes
	systemctl daemon-reload
fi
if [ -z "$before" ]; then
	echo "$name: edit $config, then: systemctl enable --now $name.socket $name.service"
	exit 0
fi
# A configuration that the new version refuses must not end an exporter that runs.
if ! complaint=$(/usr/bin/$name --config.file=$config --config.check 2>&1); then
	echo "$name: this version refuses $config, which stays as it is:" >&2
	echo "$complaint" >&2
	echo "$name: the version before goes on if it runs. Fix the file, then: systemctl restart $name.service" >&2
	exit 0
fi
[ -z "$systemd" ] || systemctl try-restart $name.service
