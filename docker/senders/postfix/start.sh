#!/bin/sh
# Starts Postfix with the TLS policy that $TLS_POLICY names: `mta-sts` (postfix-mta-sts-resolver),
# `dane` (with unbound), or `both`; where $TLSRPT is set, with tlsrpt-reporter too.
set -eu

trust=/etc/ssl/certs/ca-certificates.crt
[ -s $trust ] || { echo "start.sh: $trust is missing: the harness puts the lab's authorities there" >&2; exit 1; }

case $TLS_POLICY in
  mta-sts | dane | both) ;;
  *)
    echo "start.sh: TLS_POLICY is '$TLS_POLICY'; it must be mta-sts, dane or both" >&2
    exit 1
    ;;
esac

tables=regexp:/etc/postfix/tls-policy
# Without its resolvers Postfix would defer everything: the container ends with them.
if [ "$TLS_POLICY" != mta-sts ]; then
  postconf -e smtp_tls_security_level=dane smtp_dns_support_level=dnssec
  # Postfix asks unbound, and unbound the lab.
  sed -n 's/^nameserver \(.*\)/forward-zone:\n  name: "."\n  forward-addr: \1/p' /etc/resolv.conf >/etc/unbound/unbound.conf.d/lab.conf
  (unbound -d || :; kill 1) &
  timeout 20 sh -c 'until unbound-control status; do sleep 0.05; done' >/dev/null 2>&1
  printf 'nameserver 127.0.0.1\noptions trust-ad\n' >/etc/resolv.conf
fi
if [ "$TLS_POLICY" != dane ]; then
  [ "$TLS_POLICY" = both ] || postconf -e smtp_tls_security_level=may
  tables="$tables socketmap:inet:127.0.0.1:8461:postfix"
  # Policies are kept in /var/lib/mta-sts/cache.db.
  (HOME=/var/lib/mta-sts setpriv --reuid=_mta-sts --regid=_mta-sts --clear-groups mta-sts-daemon || :; kill 1) &
  timeout 20 bash -c 'until : </dev/tcp/127.0.0.1/8461; do sleep 0.05; done' 2>/dev/null
fi

postconf -e "smtp_tls_policy_maps=$tables"

if [ -n "${TLSRPT:-}" ]; then
  # Reports go by sendmail(1), and nothing else does.
  chown opendkim /etc/dkimkeys/sender.test.pem
  chmod 600 /etc/dkimkeys/sender.test.pem
  (opendkim -f -s "$DKIM_SELECTOR" || :; kill 1) &
  postconf -e non_smtpd_milters=inet:127.0.0.1:8891
  # It does not wait for the disk (libeatmydata): Postfix does not wait for it, and what its queue has no
  # room for is lost.
  install -d -o tlsrpt /var/spool/postfix/run/tlsrpt
  rm -f /var/spool/postfix/run/tlsrpt/tlsrpt.sock
  (LD_PRELOAD=libeatmydata.so setpriv --reuid=tlsrpt --regid=tlsrpt --clear-groups \
    /opt/tlsrpt/bin/tlsrpt-collectd --config_file /etc/tlsrpt.cfg || :; kill 1) &
  timeout 20 sh -c 'until [ -S /var/spool/postfix/run/tlsrpt/tlsrpt.sock ]; do sleep 0.05; done'
  postconf -e smtp_tlsrpt_enable=yes smtp_tlsrpt_socket_name=run/tlsrpt/tlsrpt.sock
fi

# Postfix does not read a file that was changed in the last second: it waits.
touch -d '1 minute ago' /etc/postfix/main.cf /etc/postfix/tls-policy

# Left behind when the container was killed.
rm -f /var/spool/postfix/pid/master.pid
exec postfix start-fg
