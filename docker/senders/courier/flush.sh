#!/bin/sh
# Retries, now, the mail that Courier holds for $DOMAINS, and no other. It is Courier's to try again
# once syslog.pl has printed the deferral. A message may be gone by the time its turn comes.
mailq -batch | awk -F ';' 'BEGIN { split(ENVIRON["DOMAINS"], list, " ") }
  { for (i in list) if (index($0 ";", "@" list[i] ";")) { print $2; next } }' | xargs -r -n 1 sh -c 'courier flush "$1" || :' flush
