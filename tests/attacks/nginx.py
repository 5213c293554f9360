"""The configuration in common use: keep-alive upstream, the WebSocket lines, X-Forwarded-For appended to."""

import os
from pathlib import Path

TEMPLATE = """
daemon off;
%(user)s
worker_processes 1;
pid %(folder)s/nginx.pid;
error_log %(folder)s/error.log;
events { worker_connections 2048; }
http {
  access_log off;
  client_body_temp_path %(folder)s/body;
  proxy_temp_path %(folder)s/proxy;
  fastcgi_temp_path %(folder)s/fastcgi;
  uwsgi_temp_path %(folder)s/uwsgi;
  scgi_temp_path %(folder)s/scgi;
  client_max_body_size 0;
  # Who a client is: the tests say so, where the internet would.
  map $http_x_attack_from $attacker { '' $remote_addr; default $http_x_attack_from; }
  map $http_x_forwarded_for $forwarded { '' $attacker; default "$http_x_forwarded_for, $attacker"; }
  map $http_upgrade $connection_upgrade { '' ''; default upgrade; }
  upstream web { server 127.0.0.1:%(port)d; keepalive 4; }
  proxy_http_version 1.1;
  proxy_set_header Host $http_host;
  proxy_set_header Upgrade $http_upgrade;
  proxy_set_header Connection $connection_upgrade;
  proxy_set_header X-Forwarded-For $forwarded;
  proxy_set_header X-Forwarded-Proto https;
  proxy_set_header X-Attack-From '';
  server { listen 127.0.0.1:%(front)d; location / { proxy_pass http://web; } }
  server {
    listen 127.0.0.1:%(streaming)d;
    location / { proxy_pass http://web; proxy_request_buffering off; }
  }
}
"""


def configuration(folder: Path, port: int, front: int, streaming: int) -> str:
    user = "user root;" if os.geteuid() == 0 else ""
    return TEMPLATE % {"folder": folder, "port": port, "front": front, "streaming": streaming, "user": user}
