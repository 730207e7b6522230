"""Makes what sendmail and its resolver remember of $DOMAINS older by $SECONDS: cached policies, and the queued mail to those domains."""

import fcntl
import glob
import os
import re
import sqlite3

seconds = int(os.environ["SECONDS"])
domains = os.environ["DOMAINS"].split()

with sqlite3.connect("/var/lib/mta-sts/cache.db", timeout=10) as cache:
    cache.executemany("UPDATE sts_policy_cache SET ts = ts - ? WHERE domain = ?", [(seconds, domain) for domain in domains])

# In a queue file, R is a recipient and T the time of arrival; the file is changed in place, since
# sendmail locks it. Who delivers a message writes the file anew before it lets go of it.
for name in glob.glob("/var/spool/mqueue/qf*"):
    try:
        with open(name, "rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
        file = open(name, "r+b")
    except FileNotFoundError:
        continue
    with file:
        content = file.read()
        if not any(re.search(rb"^R.*@%s>?$" % re.escape(domain.encode()), content, re.MULTILINE) for domain in domains):
            continue
        arrival = re.search(rb"^T(\d{10})$", content, re.MULTILINE)
        file.seek(arrival.start(1))
        file.write(b"%010d" % (int(arrival.group(1)) - seconds))
