#!/bin/sh
# Starts the resolver and sendmail; the log reader is the process that lasts.
set -eu

# OpenSSL's directory look-up wants one certificate a file.
trust=/usr/local/share/ca-certificates
[ -s $trust/holdfast.crt ] || { echo "start.sh: $trust/holdfast.crt is missing: the harness puts the lab's authorities there" >&2; exit 1; }
awk '/BEGIN CERT/ { n++ } { print > "'$trust'/holdfast-" n ".crt" }' $trust/holdfast.crt
update-ca-certificates

rm -f /dev/log
perl /syslog.pl &
until [ -S /dev/log ]; do sleep 0.1; done

HOME=/var/lib/mta-sts setpriv --reuid=_mta-sts --regid=_mta-sts --clear-groups mta-sts-daemon --config /etc/mail/mta-sts-daemon.yml &
timeout 20 bash -c 'until : </dev/tcp/127.0.0.1/5461; do sleep 0.1; done' 2>/dev/null

# The queue is run at the start, and then not for an hour. Behind the resolver, which would be late among hundreds of processes.
nice -n 10 /usr/sbin/sendmail -bd -q1h
trap 'kill $(head -n 1 /run/sendmail.pid); exit 0' TERM
wait
