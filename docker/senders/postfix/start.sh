#!/bin/sh
# Starts Postfix with the TLS policy that $TLS_POLICY names: `mta-sts` (postfix-mta-sts-resolver) or
# `dane`.
set -eu

trust=/etc/ssl/certs/ca-certificates.crt
[ -s $trust ] || { echo "start.sh: $trust is missing: the harness puts the lab's authorities there" >&2; exit 1; }

case $TLS_POLICY in
  mta-sts)
    postconf -e smtp_tls_security_level=may smtp_tls_policy_maps=socketmap:inet:127.0.0.1:8461:postfix
    # Policies are kept in /var/lib/mta-sts/cache.db. Without its resolver Postfix would defer
    # everything: the container ends with it.
    (HOME=/var/lib/mta-sts setpriv --reuid=_mta-sts --regid=_mta-sts --clear-groups mta-sts-daemon || :; kill 1) &
    timeout 20 bash -c 'until : </dev/tcp/127.0.0.1/8461; do sleep 0.05; done' 2>/dev/null
    ;;
  dane)
    postconf -e smtp_tls_security_level=dane smtp_dns_support_level=dnssec
    ;;
  *)
    echo "start.sh: TLS_POLICY is '$TLS_POLICY'; it must be mta-sts or dane" >&2
    exit 1
    ;;
esac

# Postfix does not read a file that was changed in the last second: it waits.
touch -d '1 minute ago' /etc/postfix/main.cf

# Left behind when the container was killed.
rm -f /var/spool/postfix/pid/master.pid
exec postfix start-fg
