#!/usr/bin/env bash
# Installs the servers that tests start and that come in no wheel: Redis.
# Does nothing where they are; on Debian or Ubuntu as root installs them; else says what to type.
set -euo pipefail
command -v redis-server >/dev/null && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing redis-server …" >&2
    apt-get update -qq && apt-get install -y -qq redis-server >/dev/null
else
    echo "The tests start a Redis server, and there is none. On Debian or Ubuntu: sudo apt install redis-server; on macOS: brew install redis" >&2
    exit 3
fi
