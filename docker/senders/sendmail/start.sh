#!/bin/bash
# Starts the resolver, sendmail and the log reader, and ends with the first of them that ends.
set -eu

trust=/etc/ssl/certs/ca-certificates.crt
[ -s $trust ] || { echo "start.sh: $trust is missing: the harness puts the lab's authorities there" >&2; exit 1; }

rm -f /dev/log
perl /syslog.pl &
HOME=/var/lib/mta-sts setpriv --reuid=_mta-sts --regid=_mta-sts --clear-groups mta-sts-daemon --config /etc/mail/mta-sts-daemon.yml &
until [ -S /dev/log ]; do sleep 0.05; done
timeout 20 bash -c 'until : </dev/tcp/127.0.0.1/5461; do sleep 0.05; done' 2>/dev/null

# The queue is run at the start, and then not for an hour. Behind the resolver, which would be late
# among hundreds of processes.
nice -n 10 /usr/sbin/sendmail -bD -q1h &
trap 'exit 0' TERM
wait -n
exit 1
