#!/bin/bash
# Starts the log reader and Courier, and ends with the first of them that ends.
set -eu

trust=/etc/ssl/certs/ca-certificates.crt
[ -s $trust ] || { echo "start.sh: $trust is missing: the harness puts the lab's authorities there" >&2; exit 1; }

rm -f /dev/log /run/courier/*.pid /run/courier/*.lock
perl /syslog.pl &
until [ -S /dev/log ]; do sleep 0.05; done
courierfilter start
courier start
esmtpd start

# These are nobody's children: for each there is a child that ends with it.
for pid in $(cat /run/courier/esmtpd.pid) $(grep -lx courierd /proc/[0-9]*/comm | cut -d / -f 3); do
  tail --pid="$pid" -f /dev/null &
done
trap 'exit 0' TERM
wait -n
exit 1
