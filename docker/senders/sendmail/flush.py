"""Retries, now, the mail that sendmail holds for $DOMAINS, and no other. sendmail delivers while this has ended. A message may still be locked
by the process whose log line is out, and a queue run passes over what is locked: it is waited for, for so long as a retry would be of use."""

import fcntl
import glob
import os
import subprocess
import time

WITHIN_SECONDS = 3
domains = os.environ["DOMAINS"].lower().split()
wanted = tuple(f"@{domain}{end}" for domain in domains for end in ("", ">"))
deadline = time.monotonic() + WITHIN_SECONDS


def queued(name):
    """In a queue file, R is a recipient that is still to be served."""
    try:
        with open(name, encoding="latin1") as file:
            return any(line.startswith("R") and line.rstrip().lower().endswith(wanted) for line in file)
    except FileNotFoundError:
        return False


def free(name):
    """Whether no process has the message; None if it has gone."""
    try:
        with open(name, "rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return True
    except FileNotFoundError:
        return None
    except BlockingIOError:
        return False


waiting = [name for name in glob.glob("/var/spool/mqueue/qf*") if queued(name)]
while waiting and time.monotonic() < deadline:
    ready = [name for name in waiting if free(name)]
    for name in ready:
        identifier = os.path.basename(name)[2:]
        run = ["nice", "-n", "10", "/usr/sbin/sendmail", f"-qI{identifier}"]
        nowhere = subprocess.DEVNULL
        subprocess.Popen(run, stdin=nowhere, stdout=nowhere, stderr=nowhere, start_new_session=True)
    waiting = [name for name in waiting if name not in ready and free(name) is not None]
    if waiting:
        time.sleep(0.05)
