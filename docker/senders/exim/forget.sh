#!/bin/sh
# Has unbound forget what it knows of the worlds that $DOMAINS are in (the last two labels), and that
# the lab was slow or silent.
set -eu
for domain in $DOMAINS; do
  echo "$domain" | sed 's/.*\.\([^.]*\.[^.]*\)$/\1/'
done | sort -u | xargs -r -n 1 unbound-control -q flush_zone
unbound-control -q flush_infra all
