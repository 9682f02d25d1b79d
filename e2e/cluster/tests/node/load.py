"""Runs in the client's pod: asks at a steady rate until standard input ends, each line of which begins a phase, and prints what came of it.

A client as most are, which keeps connections, but asks again on none: a connection that ends before its answer is a failure. What failed is
told by how:

- `killed`: the connection was there and ended before the answer had;
- `unreachable`: none could be made;
- `late`: nothing came in time;
- `refused`: an answer that is not 200;
- `wrong`: an answer with somebody else's data.
"""

import collections
import http.client
import json
import socket
import ssl
import sys
import threading
import time

wanted = json.loads(sys.stdin.readline())
context = ssl.create_default_context(cadata=wanted["ca"])
# Every connection is given up after so many requests, so that all pods are met at all times.
REQUESTS = 40
phase = "start"
ended = threading.Event()
lock = threading.Lock()
counts = collections.defaultdict(collections.Counter)
slowest = collections.defaultdict(float)
examples = {}


def connect():
    raw = socket.create_connection((wanted["host"], wanted["port"]), timeout=wanted["patience"])
    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection = http.client.HTTPConnection(wanted["name"])
    connection.sock = context.wrap_socket(raw, server_hostname=wanted["name"])
    return connection


def told(during, kind, error):
    with lock:
        counts[during][kind] += 1
        examples.setdefault((during, kind), error)


def one(connection, path, token, organization):
    connection.request("GET", path, headers={"Authorization": f"Bearer {token}"})
    answer = connection.getresponse()
    body = answer.read()
    if answer.status != 200:
        return "refused", f"{answer.status} {body[:200]!r}", answer.will_close
    rows = json.loads(body)
    # A list of incidents, or what is said of the one who asks.
    theirs = {row["organization_id"] for row in rows} if isinstance(rows, list) else {rows["organization"]["id"]}
    if theirs != {organization}:
        return "wrong", repr(theirs), answer.will_close
    return "answered", "", answer.will_close


def work(every, offset, path, token, organization):
    due = time.monotonic() + offset
    connection, used = None, 0
    while not ended.is_set():
        time.sleep(max(0, due - time.monotonic()))
        due += every
        during, began = phase, time.monotonic()
        try:
            if connection is None:
                connection, used = connect(), 0
        except (OSError, http.client.HTTPException) as error:
            told(during, "late" if isinstance(error, TimeoutError) else "unreachable", f"{type(error).__name__}: {error}")
            continue
        try:
            kind, error, last = one(connection, path, token, organization)
            used += 1
        except (OSError, http.client.HTTPException) as error_:
            kind, error, last = "late" if isinstance(error_, TimeoutError) else "killed", f"{type(error_).__name__}: {error_}", True
        if last or used >= REQUESTS:
            connection.close()
            connection = None
        if kind != "answered":
            told(during, kind, f"{path}: {error}")
            continue
        with lock:
            counts[during]["answered"] += 1
            slowest[during] = max(slowest[during], time.monotonic() - began)


threads = []
for stream in wanted["streams"]:
    every = stream["workers"] / stream["rate"]
    for number in range(stream["workers"]):
        who = wanted["members"][number % len(wanted["members"])]
        offset = every * number / stream["workers"]
        threads.append(threading.Thread(target=work, args=(every, offset, stream["path"], who["token"], who["organization"])))
for thread in threads:
    thread.start()
for line in sys.stdin:
    phase = line.strip()
ended.set()
for thread in threads:
    thread.join()
phases = [
    {
        "name": name,
        "counts": counts[name],
        "slowest": round(slowest[name], 3),
        "examples": {kind: error for (during, kind), error in examples.items() if during == name},
    }
    for name in counts
]
json.dump(phases, sys.stdout)
