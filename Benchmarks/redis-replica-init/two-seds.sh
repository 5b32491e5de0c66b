#!/bin/sh
# What the original image ran at its start.
sed -i 's/bind 127.0.0.1/bind 0.0.0.0/g' "$1"
sed -i "\$a slaveof ${REDIS_MASTER_SERVICE_HOST} ${REDIS_MASTER_SERVICE_PORT}" "$1"
exec redis-server "$1"
