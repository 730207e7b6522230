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
DOMAINS = {domain.encode() for domain in os.environ["DOMAINS"].split()}
# What may be the start of a recipient in a queue file: type of the record, length; the address
# follows.
RECIPIENT = re.compile(rb"R(?=(.))", re.DOTALL)

known = {}


def is_ours(message):
    addresses = (message[found.end() + 1 :][: ord(found[1])] for found in RECIPIENT.finditer(message))
    return any(address.rpartition(b"@")[2] in DOMAINS for address in addresses)


def ours(queue):
    """Names of the messages in a queue that are for the domains."""
    found = set()
    for path in glob.glob(SPOOL + queue):
        name = os.path.basename(path)
        if name not in known:
            try:
                with open(path, "rb") as file:
                    known[name] = is_ours(file.read())
            except FileNotFoundError:
                continue
        if known[name]:
            found.add(name)
    return found


def retry(name):
    """Asks flush(8), which greets with the name of its protocol and answers with a status."""
    with socket.socket(socket.AF_UNIX) as service:
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
        try:
            retry(name)
            flushed.add(name)
        except OSError as error:
            # It may be busy: once more, as long as there is time.
            print(f"flush(8): {error}")
            busy.add(name)
    if not busy:
        break
    time.sleep(0.05)
