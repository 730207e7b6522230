"""Makes what Postfix and its resolver remember of $DOMAINS older by $SECONDS: cached policies, and the deferred mail to those domains."""

import contextlib
import glob
import os
import re
import sqlite3

seconds = int(os.environ["SECONDS"])
domains = os.environ["DOMAINS"].split()

CACHE = "/var/lib/mta-sts/cache.db"
if os.path.exists(CACHE):
    with sqlite3.connect(CACHE, timeout=10) as cache:
        # Whoever writes keeps the others out, and the resolver drops a policy that it cannot write
        # in time: nobody waits for the disk here.
        cache.execute("PRAGMA synchronous = OFF")
        cache.executemany("UPDATE sts_policy_cache SET ts = ts - ? WHERE domain = ?", [(seconds, domain) for domain in domains])

# A queue file is named after its inode, so it is changed in place: the time of arrival (record
# type, length, data), and the time that the queue lifetime counts from.
TIMES = re.compile(rb"T[\x0a-\x7f](\d{10}) \d|create_time=(\d{10})A")
SPOOL = "/var/spool/postfix"


def opened(name):
    """A message's file. One whose deferral was logged a moment ago may still be among the active ones, and move meanwhile."""
    for queue in ("active", f"deferred/{name[0]}"):
        with contextlib.suppress(FileNotFoundError):
            return open(f"{SPOOL}/{queue}/{name}", "r+b")
    return contextlib.nullcontext()


# Where it goes to is looked at last, so that it is in one of the lists.
for name in {os.path.basename(path) for queue in ("active/*", "deferred/*/*") for path in glob.glob(f"{SPOOL}/{queue}")}:
    with opened(name) as file:
        if file is None:
            continue
        content = file.read()
        if not any(b"@%s" % domain.encode() in content for domain in domains):
            continue
        for time in TIMES.finditer(content):
            file.seek(time.start(time.lastindex))
            file.write(b"%010d" % (int(time.group(time.lastindex)) - seconds))
