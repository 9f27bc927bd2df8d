"""A real nginx with the configuration of docs/deploy, on loopback ports: only addresses and paths are others."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import requests

from tests import certificates
from tests.missing import missing
from tests.services import HOST, ROOT, Process, free_port

AROUND = """
daemon off;
user root;
worker_processes 2;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
events {{ worker_connections 2048; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/chat-bff.conf;
}}
"""


class Front:
    def __init__(self, folder: Path, instances: Sequence[int]) -> None:
        self.folder, port = folder, free_port()
        self.certificate = certificates.self_signed(folder / "server.pem")
        self.url = f"https://{HOST}:{port}"
        ours = (ROOT / "docs" / "deploy" / "nginx.conf").read_text()
        documented = {
            "127.0.0.1:8001": f"{HOST}:{instances[0]}",
            "127.0.0.1:8002": f"{HOST}:{instances[1]}",
            "listen 443 ": f"listen {HOST}:{port} ",
            "/etc/ssl/chat-bff/fullchain.pem": str(self.certificate),
            "/etc/ssl/chat-bff/privkey.pem": str(self.certificate),
        }
        for written, here in documented.items():
            assert written in ours
            ours = ours.replace(written, here)
        (folder / "chat-bff.conf").write_text(ours)
        configuration = folder / "nginx.conf"
        configuration.write_text(AROUND.format(folder=folder))
        self.process = Process(_nginx(), "-c", str(configuration), port=port, output=folder / "output")

    def visitor(self) -> requests.Session:
        """Somebody with a browser that keeps its connections open."""
        session = requests.Session()
        session.trust_env = False  # an environment's bundle of authorities would take precedence
        session.verify = str(self.certificate)
        return session

    def stop(self) -> None:
        self.process.stop()


def _nginx() -> str:
    found = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if found is None:
        missing("nginx is not installed: apt-get install nginx-light")
    return found
