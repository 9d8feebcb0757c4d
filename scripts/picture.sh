#!/usr/bin/env bash
# Makes docs/report.png, the picture in the README, from the real report of the demo.
set -eu
cd "$(dirname "$0")/.."
page=$(mktemp --suffix=.html)
trap 'rm -f "$page"' EXIT
.venv/bin/leakreport analyze fixtures/demo/memcheck.xml --source-root fixtures/demo -q -o "$page"
chromium --headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking \
  --disable-component-update --disable-sync --hide-scrollbars --window-size=1280,1000 --screenshot="$PWD/docs/report.png" "file://$page"
