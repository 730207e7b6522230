#!/bin/sh
# Starts Postfix with the TLS policy that $TLS_POLICY names: `mta-sts` (postfix-mta-sts-resolver) or `dane`.
set -eu

# OpenSSL's directory look-up wants one certificate a file.
trust=/usr/local/share/ca-certificates
[ -s $trust/holdfast.crt ] || { echo "start.sh: $trust/holdfast.crt is missing: the harness puts the lab's authorities there" >&2; exit 1; }
awk '/BEGIN CERT/ { n++ } { print > "'$trust'/holdfast-" n ".crt" }' $trust/holdfast.crt
update-ca-certificates

case $TLS_POLICY in
  mta-sts)
    postconf -e smtp_tls_security_level=may smtp_tls_policy_maps=socketmap:inet:127.0.0.1:8461:postfix
    # The configuration is the package's own: policies are kept in /var/lib/mta-sts/cache.db.
    HOME=/var/lib/mta-sts setpriv --reuid=_mta-sts --regid=_mta-sts --clear-groups mta-sts-daemon &
    timeout 20 bash -c 'until : </dev/tcp/127.0.0.1/8461; do sleep 0.1; done' 2>/dev/null
    ;;
  dane)
    postconf -e smtp_tls_security_level=dane smtp_dns_support_level=dnssec
    ;;
  *)
    echo "start.sh: TLS_POLICY is '$TLS_POLICY'; it must be mta-sts or dane" >&2
    exit 1
    ;;
esac

# Left behind when the container was killed.
rm -f /var/spool/postfix/pid/master.pid
exec postfix start-fg
