"""A real nginx with the configuration of docs/deploy on loopback ports. Only addresses and paths differ."""

from __future__ import annotations

import os
import shutil
import ssl
from collections.abc import Sequence
from pathlib import Path

import requests

from tests.support import certificates
from tests.support.requirements import skip_or_fail
from tests.support.services import HOST, ROOT, Process, free_port

MAIN_CONFIGURATION = """
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


class NginxProxy:
    """nginx before two instances, at `url` and `ipv6_url`."""

    def __init__(self, folder: Path, instances: Sequence[int]) -> None:
        self.folder, port, plain_port = folder, free_port(), free_port()
        self.certificate = certificates.self_signed(folder / "server.pem")
        self.tls = ssl.create_default_context(cafile=str(self.certificate))  # of clients that use sockets
        self.url, self.ipv6_url = f"https://{HOST}:{port}", f"https://[::1]:{port}"
        self.plain_url = f"http://{HOST}:{plain_port}"
        configuration_text = (ROOT / "docs" / "deploy" / "nginx.conf").read_text()
        replacements = {
            "127.0.0.1:8001": f"{HOST}:{instances[0]}",
            "127.0.0.1:8002": f"{HOST}:{instances[1]}",
            "listen 80;": f"listen {HOST}:{plain_port};",
            "listen [::]:80;": f"listen [::1]:{plain_port};",
            "listen 443 ": f"listen {HOST}:{port} ",
            "listen [::]:443 ": f"listen [::1]:{port} ",
            "/var/log/nginx/chat-bff.log": str(folder / "access.log"),
            "/etc/ssl/chat-bff/fullchain.pem": str(self.certificate),
            "/etc/ssl/chat-bff/privkey.pem": str(self.certificate),
        }
        for documented, actual in replacements.items():
            assert documented in configuration_text
            configuration_text = configuration_text.replace(documented, actual)
        (folder / "chat-bff.conf").write_text(configuration_text)
        configuration = folder / "nginx.conf"
        configuration.write_text(MAIN_CONFIGURATION.format(folder=folder))
        self.process = Process(_nginx(), "-c", str(configuration), port=port, output=folder / "output")

    @property
    def access_log(self) -> str:
        return (self.folder / "access.log").read_text()

    @property
    def error_log(self) -> str:
        """Warnings, such as that of a file with a request's or a reply's body, and errors."""
        return (self.folder / "error.log").read_text()

    def session(self) -> requests.Session:
        """A client with keep-alive that trusts the proxy's certificate."""
        session = requests.Session()
        session.trust_env = False  # else REQUESTS_CA_BUNDLE would override `verify`
        session.verify = str(self.certificate)
        return session

    def stop(self) -> None:
        self.process.stop()


def _nginx() -> str:
    executable = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if executable is None:
        skip_or_fail("nginx is not installed: apt-get install nginx-light")
    return executable
