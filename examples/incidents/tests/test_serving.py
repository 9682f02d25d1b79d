"""The command itself: port 0, the port file, and sentences instead of tracebacks."""

import os
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path


EXAMPLE = Path(__file__).parents[1]


def start(tmp_path, *arguments, **environment):
    return subprocess.Popen(
        [sys.executable, "-m", "incidents", *arguments],
        cwd=EXAMPLE,
        env=os.environ | {"INCIDENTS_DATABASE": str(tmp_path / "incidents.db")} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_port_0_says_which_port_it_took(gate, tmp_path):
    port_file = tmp_path / "port"
    arguments = ["--port", "0", "--port-file", str(port_file)]
    with start(tmp_path, *arguments, TENANTRY_ASSERTION_JWKS=str(gate.path)) as process:
        try:
            line = process.stdout.readline()
            port = int(port_file.read_text())
            assert line == f"incidents listens on http://127.0.0.1:{port}\n"
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=10) as answer:
                assert answer.status == 200
        finally:
            process.terminate()
        assert process.wait(10) in (0, -15)


def test_it_listens_elsewhere_only_where_it_is_told_to(gate, tmp_path):
    for arguments, reached in [([], False), (["--host", "127.0.0.2"], True)]:
        with start(tmp_path, "--port", "0", *arguments, TENANTRY_ASSERTION_JWKS=str(gate.path)) as process:
            try:
                port = int(process.stdout.readline().rsplit(":", 1)[1])
                with socket.socket() as client:
                    assert (client.connect_ex(("127.0.0.2", port)) == 0) == reached
            finally:
                process.terminate()


def test_without_a_key_file_setting_it_says_what_to_set(tmp_path):
    with start(tmp_path, "--port", "0", TENANTRY_ASSERTION_JWKS="") as process:
        _, error = process.communicate(timeout=30)
    assert process.returncode == 1
    assert error.startswith("Set TENANTRY_ASSERTION_JWKS")


def test_a_taken_port_is_a_sentence(gate, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        with start(tmp_path, "--port", port, TENANTRY_ASSERTION_JWKS=str(gate.path)) as process:
            _, error = process.communicate(timeout=30)
    assert process.returncode == 1
    assert error.startswith(f"Cannot listen on 127.0.0.1:{port}")
