#!/usr/bin/env bash
# Makes the lock files anew: every version pinned, every file hashed, no index addresses.
# Usage: lock.sh  (needs uv on the PATH, or its path in UV)
set -euo pipefail
cd "$(dirname "$0")/.."
compile=("${UV:-uv}" pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes
    --no-emit-index-url --no-header --no-annotate --no-emit-package wiseflow --quiet)
"${compile[@]}" --extra standard --group build -o requirements/standard.lock "$@"
"${compile[@]}" --extra standard --group dev -c requirements/standard.lock -o requirements/dev.lock "$@"
