"""Sends, now, the TLSRPT reports that are due for $DOMAINS, and no others: for these domains the day is over.

tlsrpt-reportd reports once a day, on the day before. So each scenario, whose domain is the first of $DOMAINS, has a reportd of its own. Its
clock (libfaketime) is a day ahead when it is asked for the first time, two days when it is asked again, and so on: the first reports are
of today, the second of tomorrow. It is given what tlsrpt-collectd has got of the domains since, as that of the day. All else is the
programs' own doing: reportd has tlsrpt-fetcher read the data, makes the reports and sends them, and tries again what it could not send
before."""

import contextlib
import datetime
import glob
import json
import os
import pwd
import signal
import socket
import sqlite3
import subprocess
import sys
import time

PROGRAMS = "/opt/tlsrpt/bin"
CONFIG = "/etc/tlsrpt.cfg"
HOME = "/var/lib/tlsrpt"
COLLECTED = f"{HOME}/collectd.sqlite"
SPOOL = "/var/spool/postfix"
SOCKET = f"{SPOOL}/run/tlsrpt/tlsrpt.sock"
WITHIN_SECONDS = 20
# What tells the rows of a table apart, and what they count.
TABLES = (
    ("finalresults", "domain, tlsrptrecord, policy", ("cntrtotal", "cntrfailure")),
    ("failures", "domain, tlsrptrecord, policy, reason", ("cntr",)),
)


def report(domains):
    folder = f"{HOME}/reports/{domains[0]}"
    os.makedirs(folder, exist_ok=True)
    days = days_reported(f"{folder}/reportd.sqlite")
    today = datetime.datetime.now(datetime.timezone.utc).date()
    hand_over(domains, f"{folder}/collectd.sqlite.yesterday", str(today + datetime.timedelta(days)))
    run_reportd(folder, days + 1)


def days_reported(path):
    if not os.path.exists(path):
        return 0
    with contextlib.closing(sqlite3.connect(path)) as reportd:
        return reportd.execute("SELECT COUNT(DISTINCT day) FROM fetchjobs").fetchone()[0]


def hand_over(domains, path, day):
    """Writes what was collected of the domains, and not handed over before, to a file as collectd leaves it behind at midnight. collectd's own
    are only read: it waits for whoever writes there, and Postfix, which waits for nobody, would lose what it has to tell."""
    with contextlib.closing(sqlite3.connect(path, uri=True, isolation_level=None)) as due:
        due.execute("ATTACH ? AS today", (f"file:{COLLECTED}?mode=ro",))
        # From before midnight (UTC), if that was a moment ago.
        due.execute("ATTACH ? AS yesterday", (f"file:{COLLECTED}.yesterday?mode=ro",))
        for (table,) in due.execute("SELECT sql FROM today.sqlite_master WHERE type = 'table'").fetchall():
            due.execute(table.replace("CREATE TABLE", "CREATE TABLE IF NOT EXISTS", 1))
        due.execute("INSERT INTO dbversion SELECT * FROM today.dbversion WHERE NOT EXISTS (SELECT * FROM main.dbversion)")
        due.execute("DELETE FROM main.daystatus")
        due.execute("INSERT INTO daystatus (daycomplete) VALUES (?)", (day,))
        wait_for_collectd(due)
        due.execute("CREATE TEMP TABLE ours AS SELECT value AS domain FROM json_each(?)", (json.dumps(domains),))
        for table, keys, counts in TABLES:
            rows = " UNION ALL ".join(
                f"SELECT {keys}, {', '.join(f'{sign} {count} AS {count}' for count in counts)} FROM {source}.{table} WHERE domain IN ours"
                for source, sign in (("today", "+"), ("yesterday", "+"), ("main", "-"))
            )
            due.execute(
                f"INSERT INTO main.{table} (day, {keys}, {', '.join(counts)}) "
                f"SELECT :day, {keys}, {', '.join(f'SUM({count})' for count in counts)} FROM ({rows}) GROUP BY {keys} HAVING SUM({counts[0]}) > 0",
                {"day": day},
            )


def wait_for_collectd(due):
    """Until collectd has written down all that it was sent by now: behind that a datagram of our own is in its queue."""
    mark = f"{os.urandom(8).hex()}.invalid"
    result = {"policy-type": 9, "f": 0, "t": 0}
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as collectd:
        collectd.sendto(json.dumps({"dpv": "1", "d": mark, "pr": "", "policies": [result]}).encode(), SOCKET)
    deadline = time.monotonic() + WITHIN_SECONDS
    while due.execute("SELECT 1 FROM today.finalresults WHERE domain = ?", (mark,)).fetchone() is None:
        if time.monotonic() > deadline:
            sys.exit(f"tlsrpt-collectd did not write down what it was sent within {WITHIN_SECONDS} s")
        time.sleep(0.05)


def run_reportd(folder, days_ahead):
    """Runs reportd for one turn of its loop."""
    clock = {"LD_PRELOAD": "/usr/$LIB/faketime/libfaketime.so.1 libeatmydata.so", "FAKETIME": f"+{days_ahead}d", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
    fetcher = f"{PROGRAMS}/tlsrpt-fetcher --config_file={CONFIG} --storage=sqlite://{folder}/collectd.sqlite"
    arguments = [f"{PROGRAMS}/tlsrpt-reportd", f"--config_file={CONFIG}", f"--dbname={folder}/reportd.sqlite", f"--fetchers={fetcher}"]
    reportd = subprocess.Popen(arguments, env={**os.environ, **clock}, stderr=subprocess.PIPE, text=True)
    for line in reportd.stderr:
        print(line, end="")
        # Before it sleeps it looks whether it was told to end: it has then done what there was to do.
        if "TLSRPT reportd starting" in line:
            reportd.send_signal(signal.SIGTERM)
    if reportd.wait() != 0:
        sys.exit(f"tlsrpt-reportd ended with {reportd.returncode}")


def wait_for_postfix(domains):
    """Until Postfix has tried to deliver what reportd has mailed. A message goes through these queues in this order, and so it cannot be missed."""
    headers = [f"TLS-Report-Domain: {domain}".encode() for domain in domains]
    deadline = time.monotonic() + WITHIN_SECONDS
    while any(is_there(path, headers) for queue in ("maildrop", "incoming", "active") for path in glob.iglob(f"{SPOOL}/{queue}/*")):
        if time.monotonic() > deadline:
            sys.exit(f"Postfix did not try to deliver a report within {WITHIN_SECONDS} s")
        time.sleep(0.05)


def is_there(path, headers):
    try:
        with open(path, "rb") as file:
            message = file.read()
    except FileNotFoundError:
        return False
    return any(header in message for header in headers)


@contextlib.contextmanager
def as_user(name):
    user = pwd.getpwnam(name)
    os.setgroups([])
    os.setresgid(user.pw_gid, user.pw_gid, 0)
    os.setresuid(user.pw_uid, user.pw_uid, 0)
    yield
    os.setresuid(0, 0, 0)
    os.setresgid(0, 0, 0)


DOMAINS = os.environ["DOMAINS"].split()
with as_user("tlsrpt"):
    report(DOMAINS)
wait_for_postfix(DOMAINS)
