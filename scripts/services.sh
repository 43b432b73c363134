#!/usr/bin/env bash
# Installs what tests start and what comes in no wheel: Redis, and Chromium for the dashboard.
# Does nothing where they are; on Debian or Ubuntu as root installs them; else says what to type.
set -euo pipefail
missing=()
command -v redis-server >/dev/null || missing+=(redis-server)
command -v chromium >/dev/null || missing+=(chromium)
[ ${#missing[@]} = 0 ] && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing ${missing[*]} …" >&2
    apt-get update -qq && apt-get install -y -qq "${missing[@]}" >/dev/null
else
    echo "The tests start what is not here: ${missing[*]}. On Debian or Ubuntu: sudo apt install ${missing[*]}; on macOS: brew install redis, and brew install --cask chromium" >&2
    exit 3
fi
