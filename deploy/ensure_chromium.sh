#!/usr/bin/env bash
# Finds a Chromium for the charts, or installs the system's package where it may; else says what to install.
set -euo pipefail
for name in "${SINYAL_CHARTS_BROWSER:-}" chromium chromium-browser google-chrome google-chrome-stable; do
  if [ -n "$name" ] && command -v "$name" >/dev/null; then exit 0; fi
done
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "installing Chromium and its fonts (once)"
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium fonts-roboto-unhinted >/dev/null && exit 0
fi
echo "Chromium was not found: install your system's package \`chromium\` (Debian: apt-get install chromium), or set SINYAL_CHARTS_BROWSER to its path" >&2
exit 2
