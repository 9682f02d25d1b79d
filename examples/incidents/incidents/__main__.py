"""Serve on loopback: `python -m incidents --port 9000`. Port 0 takes a free one and says which.

In a pod it is `--host 0.0.0.0`, for the kubelet's probes; a network policy keeps everybody else from the port.
"""

import argparse
import os
import socket
from pathlib import Path

import uvicorn

from .app import Settings, create_app


def write_port(path: Path, port: int) -> None:
    """In one step, so that whoever waits for the file never reads half of it."""
    half = path.with_name(path.name + ".new")
    half.write_text(f"{port}\n")
    os.replace(half, path)


def main() -> None:
    parser = argparse.ArgumentParser(prog="incidents", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="IPv4 address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=9000, help="port there; 0 takes a free one (default: %(default)s)")
    parser.add_argument("--port-file", type=Path, help="write the bound port to this file")
    arguments = parser.parse_args()

    app = create_app(Settings.from_environment())
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((arguments.host, arguments.port))
        except OSError as error:
            raise SystemExit(f"Cannot listen on {arguments.host}:{arguments.port}: {error.strerror}. Try --port 0.") from None
        listener.listen(512)
        port = listener.getsockname()[1]
        if arguments.port_file:
            write_port(arguments.port_file, port)
        print(f"incidents listens on http://{arguments.host}:{port}", flush=True)
        # Forwarded headers are not read: who the caller is comes from the assertion alone.
        config = uvicorn.Config(app, proxy_headers=False, server_header=False, access_log=False, log_level="warning")
        uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
