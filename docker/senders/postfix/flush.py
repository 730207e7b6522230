"""Retries, now, the mail that Postfix holds for $DOMAINS, and no other. A message may be with its delivery agent when its log line is out:
it is waited for, for so long as a retry would be of use. Postfix delivers while this has ended.

It does what `postqueue -j` and `postqueue -i` do, which would be a process for each look and for each message."""

import glob
import os
import re
import socket
import time

SPOOL = "/var/spool/postfix/"
WITHIN_SECONDS = 3
# A recipient as a queue file has it: type of the record, length, address.
RECIPIENT = re.compile(rb"R.[^@]{1,64}@(?:%s)" % b"|".join(map(re.escape, os.environb[b"DOMAINS"].split())), re.DOTALL)

known = {}


def ours(queue):
    """Names of the messages in a queue that are for the domains."""
    found = set()
    for path in glob.glob(SPOOL + queue):
        name = os.path.basename(path)
        if name not in known:
            try:
                with open(path, "rb") as file:
                    known[name] = RECIPIENT.search(file.read()) is not None
            except FileNotFoundError:
                continue
        if known[name]:
            found.add(name)
    return found


def retry(name):
    """Asks flush(8), which greets with the name of its protocol and answers with a status."""
    with socket.socket(socket.AF_UNIX) as service:
        service.settimeout(WITHIN_SECONDS)
        service.connect(SPOOL + "public/flush")
        service.recv(1024)
        service.sendall(b"request\0send_file\0queue_id\0%s\0\0" % name.encode())
        service.recv(1024)


flushed = set()
deadline = time.monotonic() + WITHIN_SECONDS
while time.monotonic() < deadline:
    # What is in the incoming queue has its try before it.
    busy = ours("active/*") - flushed
    for name in ours("deferred/*/*") - flushed:
        flushed.add(name)
        retry(name)
    if not busy:
        break
    time.sleep(0.05)
