#!/bin/sh
# Starts Courier; the log reader is the process that lasts.
set -eu

trust=/usr/local/share/ca-certificates/holdfast.crt
[ -s $trust ] || { echo "start.sh: $trust is missing: the harness puts the lab's authorities there" >&2; exit 1; }
update-ca-certificates

rm -f /dev/log /run/courier/*.pid /run/courier/*.lock
perl /syslog.pl &
until [ -S /dev/log ]; do sleep 0.1; done
courierfilter start
courier start
esmtpd start
trap 'esmtpd stop; courier stop; exit 0' TERM
wait
