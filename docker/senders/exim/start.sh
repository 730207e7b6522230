#!/bin/sh
# Starts Exim in the foreground, its log on stdout.
set -eu

trust=/etc/ssl/certs/ca-certificates.crt
[ -s $trust ] || { echo "start.sh: $trust is missing: the harness puts the lab's authorities there" >&2; exit 1; }

# Exim asks unbound, and unbound the lab. Without its resolver it would defer everything: the
# container ends with it.
sed -n 's/^nameserver \(.*\)/forward-zone:\n  name: "."\n  forward-addr: \1/p' /etc/resolv.conf >/etc/unbound/unbound.conf.d/lab.conf
(unbound -d || :; kill 1) &
timeout 20 sh -c 'until unbound-control status; do sleep 0.05; done' >/dev/null 2>&1
printf 'nameserver 127.0.0.1\noptions trust-ad\n' >/etc/resolv.conf

log=/var/log/exim4/mainlog
touch $log
chown Debian-exim:adm $log
# From the line after those of an earlier start, however late tail comes to it: they are counted
# here, since what stands in a command ended by `&` is worked out beside what follows.
earlier=$(wc -l <$log)
tail -n +$((earlier + 1)) -s 0.1 -F $log &
# The queue is run at the start, and then not for an hour.
exec exim4 -bdf -q1h
