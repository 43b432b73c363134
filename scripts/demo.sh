#!/usr/bin/env bash
# Researches several topics side by side over this repository's own documents, with no key and no
# network, and shows one of the reports. Usage: demo.sh WISEFLOW OUT
set -euo pipefail
wiseflow=$1 out=$2

"$wiseflow" --set WISEFLOW_DATA_DIR="$out/data" research \
    --topics scripts/demo-topics.txt --docs docs --docs README.md --docs SECURITY.md --docs src \
    --parallel 3 --out "$out"

report=$(ls "$out"/*.md | head -n 1)
printf '\n──── %s ────\n\n' "$report"
cat "$report"
printf '\n──── all reports: %s/*.md, *.html, *.json ────\n' "$out"
