#!/bin/sh
# Courier keeps one setting a file; this writes them while the image is built.
cd /etc/courier

echo mta.sender.test >me
echo sender.test >defaultdomain
echo localhost >locals

# A relay for the private networks. The lab is one client with hundreds of messages.
rm -f smtpaccess/default
for net in 127.0.0.1 10 192.168 $(seq -f 172.%g 16 31); do printf '%s\tallow,RELAYCLIENT\n' "$net"; done >smtpaccess/default
set_in() { sed -i "/^$2=/d" "$1" && echo "$2=$3" >>"$1"; }
# The number, since /etc/services comes with another package.
set_in esmtpd PORT 25
set_in esmtpd BOFHCHECKDNS 0
set_in esmtpd TARPIT 0
set_in esmtpd MAXDAEMONS 400
set_in esmtpd MAXPERC 400
set_in esmtpd MAXPERIP 400
set_in esmtpd TCPDOPTS '"-stderrlogger=/usr/sbin/courierlogger -nodnslookup"'

# Many deliveries at once. A delivery that failed does not make its host wait.
set_in module.esmtp MAXDELS 300
set_in module.dsn MAXDELS 40
echo 0 >esmtpdelay

# Retries are driven by the harness. Mail is given up after five days, as other servers do.
echo 15m >retryalpha
echo 1 >retrybeta
echo 15m >retrygamma
echo 1 >retrymaxdelta
echo 5d >queuetime

# A stall ends before the lab cuts it, which it does after 20 s.
echo 5 >esmtptimeoutconnect
echo 8 >esmtptimeouthelo
echo 8 >esmtptimeout
echo 8 >esmtptimeoutdata
echo 3 >esmtptimeoutquit

# MTA-STS policies are kept here. The package does not make the folder, and without it every message
# fetches its policy anew. The cache holds 1000 domains unless told otherwise.
install -d -o courier -g courier -m 750 /var/lib/courier/sts
testmxlookup --sts-cache-enable=10000
install -d -o courier -g courier /run/courier

makesmtpaccess
makealiases
makehosteddomains
makeacceptmailfor
