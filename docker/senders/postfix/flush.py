"""Retries, now, the mail that Postfix holds for $DOMAINS, and no other. A message may be with its delivery agent when its log line is out:
it is waited for, for so long as a retry would be of use. Postfix delivers while this has ended."""

import json
import os
import subprocess
import time

WITHIN_SECONDS = 3
domains = set(os.environ["DOMAINS"].split())
deadline = time.monotonic() + WITHIN_SECONDS

flushed = set()
waiting = True
while waiting and time.monotonic() < deadline:
    listing = subprocess.run(["postqueue", "-j"], capture_output=True, text=True).stdout
    waiting = False
    for message in map(json.loads, listing.splitlines()):
        name = message["queue_id"]
        if name in flushed or not any(recipient["address"].rpartition("@")[2] in domains for recipient in message["recipients"]):
            continue
        if message["queue_name"] == "deferred":
            flushed.add(name)
            subprocess.run(["postqueue", "-i", name])
        # What is in the incoming queue has its try before it.
        waiting |= message["queue_name"] == "active"
    if waiting:
        time.sleep(0.05)
