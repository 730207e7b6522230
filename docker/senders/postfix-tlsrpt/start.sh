#!/bin/sh
# Starts what collects TLSRPT data and what signs reports; then Postfix, as the sender postfix does.
set -eu

# RFC 8460 §3: the record of the key says that it is for TLSRPT.
[ -s /etc/dkimkeys/tlsrpt.private ] ||
  opendkim-genkey --bits=2048 --domain=sender.test --selector=tlsrpt --note=tlsrpt --directory=/etc/dkimkeys
chown -R opendkim:opendkim /etc/dkimkeys
(opendkim -f || :; kill 1) &
postconf -e non_smtpd_milters=inet:127.0.0.1:8891

# Without what collects its sessions Postfix would report nothing: the container ends with it. It does not wait
# for the disk (libeatmydata): Postfix does not wait for it, and what does not fit into its queue is lost.
install -d -o tlsrpt /var/spool/postfix/run/tlsrpt
rm -f /var/spool/postfix/run/tlsrpt/tlsrpt.sock
(LD_PRELOAD=libeatmydata.so setpriv --reuid=tlsrpt --regid=tlsrpt --clear-groups /opt/tlsrpt/bin/tlsrpt-collectd || :; kill 1) &
timeout 20 sh -c 'until [ -S /var/spool/postfix/run/tlsrpt/tlsrpt.sock ]; do sleep 0.05; done'
postconf -e smtp_tlsrpt_enable=yes smtp_tlsrpt_socket_name=run/tlsrpt/tlsrpt.sock

exec sh /postfix/start.sh
