#!/usr/bin/env python3
"""Runs the commands of the documentation.

    docs.py --https HOST:PORT --plain HOST:PORT --binary FILE PAGE...

Every ```sh block of a page runs in one shell a page, in order, in an empty folder that has `examples` in it and
`tenantry-proxy` on its PATH; the first command that fails fails the page. A block marked ```sh background starts a
stand-alone on free ports and the page's later blocks talk to it; a page without one talks to the stand-alone whose addresses
are given. ```sh background HOST:PORT starts a program that says there, at /readyz, that it is ready; every address of this
machine in such a page becomes a free one. ```sh skip REASON blocks are not run, and the reason is printed.
"""

import argparse
import collections
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

BLOCK = re.compile(r"^```sh(?P<mark>[^\n]*)\n(?P<body>.*?)^```", re.MULTILINE | re.DOTALL)
ADDRESS = re.compile(r"\b(127\.0\.0\.1|localhost):([89]\d{3})\b")
PORTS = " --listen 127.0.0.1:0 --plain 127.0.0.1:0 --admin 127.0.0.1:0"


def addresses_of(path, until):
    """The addresses a stand-alone wrote, once it has."""
    while time.monotonic() < until:
        try:
            found = json.loads(path.read_text())
            first = {k: v[0] if isinstance(v, list) else v for k, v in found.items()}
            return first["https"], first["plain"]
        except (OSError, ValueError):
            time.sleep(0.1)
    raise TimeoutError(path)


def start(body, folder, env):
    """Starts a background block on free ports; the process and its addresses."""
    data = re.search(r"--data[ =](\S+)", body)
    path = folder / (data.group(1) if data else "tenantry-data") / "addresses.json"
    path.unlink(missing_ok=True)
    command = re.sub(r"(tenantry-proxy standalone)", r"exec \1" + PORTS, body.replace("\\\n", " ").strip())
    log = open(folder / "background.log", "ab")
    process = subprocess.Popen(["bash", "-c", command], cwd=folder, env=env, stdout=log, stderr=log, start_new_session=True)
    try:
        return process, addresses_of(path, time.monotonic() + 30)
    except TimeoutError:
        os.killpg(process.pid, signal.SIGKILL)
        sys.exit((folder / "background.log").read_text() + "\ndocs.py: the server of the page did not start")


def free_port():
    """A port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start_program(body, ready, folder, env):
    """Starts a background block that tells when it is ready; the process."""
    log = open(folder / "background.log", "ab")
    command = "exec " + body.replace("\\\n", " ").strip()
    process = subprocess.Popen(["bash", "-c", command], cwd=folder, env=env, stdout=log, stderr=log, start_new_session=True)
    until = time.monotonic() + 30
    while time.monotonic() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(f"http://{ready}/readyz", timeout=1):
                return process
        except OSError:
            time.sleep(0.1)
    process.poll() is None and os.killpg(process.pid, signal.SIGKILL)
    sys.exit((folder / "background.log").read_text() + f"\ndocs.py: {ready} was never ready")


def run_page(page, options, env):
    """The number of blocks that ran and were skipped; exits on the first that fails."""
    servers, ran, skipped = [], 0, 0
    where = (options.https, options.plain)
    ports = collections.defaultdict(free_port)
    text_of_page = page.read_text()
    if re.search(r"^```sh background \S", text_of_page, re.MULTILINE):
        text_of_page = ADDRESS.sub(lambda found: f"{found[1]}:{ports[found[2]]}", text_of_page)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "examples").symlink_to(pathlib.Path("examples").resolve())
        try:
            script = ""
            for block in BLOCK.finditer(text_of_page):
                mark, body = block["mark"].strip(), block["body"]
                line = text_of_page[: block.start()].count("\n") + 1
                if mark.startswith("skip"):
                    print(f"    {page}:{line}: not run: {mark[4:].strip() or sys.exit('a skip needs its reason')}")
                    skipped += 1
                elif mark == "background":
                    process, where = start(body, folder, env)
                    servers.append(process)
                    ran += 1
                elif mark.startswith("background "):
                    servers.append(start_program(body, mark.split()[1], folder, env))
                    ran += 1
                elif mark:
                    sys.exit(f"{page}:{line}: unknown mark {mark!r}")
                else:
                    # Variables of earlier blocks are kept: what ran before is run again only as assignments.
                    text = body.replace("https://tenantry.localhost:8443", f"https://tenantry.localhost:{where[0].rsplit(':')[-1]}")
                    text = text.replace("http://localhost:8000", f"http://localhost:{where[1].rsplit(':')[-1]}")
                    state = folder / ".state"
                    script = f"set -euo pipefail\n[ -f {state} ] && . {state}\nset -x\n{text}\n{{ set +x; }} 2>/dev/null\ndeclare -p | grep -E '^declare -- [a-z]' > {state} || true\n"
                    done = subprocess.run(["bash", "-c", script], cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=180, check=False)
                    if done.returncode != 0:
                        log = folder / "background.log"
                        sys.exit(f"{page}:{line}: exit code {done.returncode}\n{done.stdout}\n{log.read_text()[-4000:] if log.exists() else ''}")
                    ran += 1
        finally:
            for process in servers:
                # The whole group: a page may start its own backend beside the proxy.
                os.killpg(process.pid, signal.SIGTERM)
                process.wait(30)
    return ran, skipped


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("https", "plain", "binary"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("pages", nargs="+", type=pathlib.Path)
    options = parser.parse_args()
    env = os.environ | {"PATH": f"{pathlib.Path(options.binary).resolve().parent}:{os.environ['PATH']}"}
    passed = skipped = 0
    for page in options.pages:
        ran, left = run_page(page, options, env)
        print(f"    {page}: {ran} blocks ran")
        passed, skipped = passed + ran, skipped + left
    print(f"{passed} passed, 0 failed, {skipped} skipped")


main()
