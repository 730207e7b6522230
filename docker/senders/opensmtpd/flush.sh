#!/bin/sh
# Retries, now, the mail that OpenSMTPD holds for $DOMAINS, and no other. A message may still be in
# flight when its log line is out: it is waited for, for 3 s at most. Routes that OpenSMTPD rests
# after an error (flag D) are resumed, or the retry would wait for them.
set -eu

done=' '
for poll in $(seq 60); do
  smtpctl show routes | sed -n 's/^\([0-9]*\)\. .* [^ ]D[^ ]* nconn=.*/\1/p' | xargs -r -n 1 smtpctl resume route >/dev/null
  # Fields: identifier, ..., recipient (6th), ..., state (12th).
  queued=$(smtpctl show queue | awk -F '|' 'BEGIN { split(ENVIRON["DOMAINS"], list, " "); for (i in list) wanted[list[i]] }
    { domain = $6; sub(/.*@/, "", domain) } domain in wanted { print $1 ":" $12 }')
  waiting=
  for message in $queued; do
    id=${message%:*}
    case "$done$message" in
      *" $id "*) ;;
      *:pending) smtpctl schedule "$id" >/dev/null; done="$done$id " ;;
      *:inflight) waiting=yes ;;
    esac
  done
  [ -n "$waiting" ] || break
  sleep 0.05
done
