#!/bin/sh
# Starts chasquid in the foreground.
set -eu

# Go reads the bundle once, at the first handshake.
trust=/usr/local/share/ca-certificates/holdfast.crt
[ -s $trust ] || { echo "start.sh: $trust is missing: the harness puts the lab's authorities there" >&2; exit 1; }
update-ca-certificates

exec chasquid -logtime
