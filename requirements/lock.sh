#!/usr/bin/env bash
# Writes the hashed requirements anew: one file per extra, and dev.txt with everything. No index is named.
set -euo pipefail
cd "$(dirname "$0")/.."
uv=${UV:-uv}
compile() { # output, extras...
  local out=requirements/$1.txt; shift
  local flags=(); for extra in "$@"; do flags+=(--extra "$extra"); done
  "$uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
    --custom-compile-command "requirements/lock.sh" "${flags[@]}" pyproject.toml --output-file "$out"
}
for extra in feed signals positions charts telegram research tools embedded; do compile "$extra" "$extra"; done
compile dev feed signals positions charts telegram research tools embedded dev
# What only tests (clients) and benchmarks (peers) run, each in an environment of its own.
for name in clients peers peers_vectorbt; do
  "$uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
    --custom-compile-command "requirements/lock.sh" "requirements/$name.in" --output-file "requirements/$name.txt"
done
