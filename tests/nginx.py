"""A real nginx in front of a local port with a typical configuration: upstream keep-alive, and the WebSocket headers on
every path."""

import contextlib
import os
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from dev.part import Part, stop
from dev.ports import free_port

CONFIGURATION = """
worker_processes 1;
{user}
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 512; }}
http {{
    access_log off;
    client_max_body_size 20m;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {zone}
    upstream web {{ server 127.0.0.1:{upstream}; keepalive {keepalive}; }}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://web;
            proxy_http_version 1.1;
            proxy_set_header Host $http_host;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection $http_connection;
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
            proxy_set_header X-Forwarded-Proto https;
            proxy_request_buffering {buffering};
            proxy_read_timeout {silence}s;
            {cache}
        }}
    }}
}}
"""


@contextlib.contextmanager
def nginx(
    upstream: int, folder: Path, buffering: str = "on", caching: bool = False, silence: int = 60
) -> Iterator[int]:
    """Yield the port of an nginx in front of the port `upstream`, optionally a shared cache that reports hits in
    X-Cache. It cuts a connection after `silence` seconds without a byte. Skips the test if nginx is not installed."""
    program = shutil.which("nginx") or shutil.which("/usr/sbin/nginx")
    if program is None:
        pytest.skip("needs nginx (Debian: apt-get install nginx)")
    port = free_port()
    made = CONFIGURATION.format(
        user="user root;" if os.geteuid() == 0 else "",
        folder=folder, upstream=upstream, port=port, keepalive=1, buffering=buffering, silence=silence,
        zone=f"proxy_cache_path {folder}/cache keys_zone=shared:1m;" if caching else "",
        cache="proxy_cache shared; proxy_cache_revalidate on; add_header X-Cache $upstream_cache_status;" * caching,
    )  # fmt: skip
    (folder / "nginx.conf").write_text(made)
    command: list[str | Path] = [
        program,
        "-p",
        folder,
        "-c",
        folder / "nginx.conf",
        "-e",
        folder / "error.log",
        "-g",
        "daemon off;",
    ]
    part = Part("nginx", command, folder)
    try:
        while True:
            assert part.process.poll() is None, part.log.read_text() + (folder / "error.log").read_text()
            with contextlib.suppress(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", port)).close()
                break
        yield port
    finally:
        stop([part])
