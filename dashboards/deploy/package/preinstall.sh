#!/bin/sh
# Makes the user that the exporter runs as. It owns nothing and cannot log in.
set -e
name=magento_migration_exporter
getent group $name >/dev/null || groupadd --system $name
getent passwd $name >/dev/null || useradd --system --gid $name --home-dir /nonexistent --no-create-home \
	--shell /usr/sbin/nologin --comment "Magento migration exporter" $name
