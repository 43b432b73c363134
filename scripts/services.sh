#!/usr/bin/env bash
# Installs the servers and the browser that tests start and that come in no wheel.
# Does nothing where they are; on Debian or Ubuntu as root installs them; else says what to type.
set -euo pipefail

# command, package of Debian, package of Homebrew
SERVERS=(
    "redis-server redis-server redis"
    "promtool prometheus prometheus"
    "chromium chromium --cask chromium"
)

debian=() brew=()
for server in "${SERVERS[@]}"; do
    read -r command package formula <<<"$server"
    command -v "$command" >/dev/null && continue
    debian+=("$package") brew+=("$formula")
done
[ ${#debian[@]} = 0 ] && exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing ${debian[*]} …" >&2
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${debian[@]}" >/dev/null
else
    echo "The tests start servers that are not here. On Debian or Ubuntu: sudo apt install ${debian[*]}; on macOS: brew install ${brew[*]}" >&2
    exit 3
fi
