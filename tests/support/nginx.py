"""A real nginx with the configuration that deploy/nginx ships."""

import asyncio
import grp
import os
import pwd
import shutil
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from starter.local.processes import running_process, wait_until_ready

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "deploy" / "nginx" / "slotsync.conf"

_AROUND: Final = """\
daemon off;
user {user} {group};
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{}}
http {{
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    access_log {folder}/access.log;
    include {folder}/slotsync.conf;
}}
"""
"""Stands in for Debian's nginx.conf, which logs whole requests unless a server says otherwise."""


@dataclass(frozen=True)
class Nginx:
    """The addresses of a running nginx, the certificate that it shows, and its folder, with its logs."""

    https_port: int
    http_port: int
    trusted: ssl.SSLContext
    folder: Path

    @property
    def url(self) -> str:
        """The address of slotsync, as the world sees it."""
        return f"https://localhost:{self.https_port}"

    def client(self, *, source: str = "127.0.0.1", **headers: str) -> httpx.AsyncClient:
        """Return a client that connects from this address of the machine."""
        transport = httpx.AsyncHTTPTransport(verify=self.trusted, local_address=source)
        return httpx.AsyncClient(base_url=self.url, transport=transport, headers=headers, timeout=30)

    def logged(self) -> str:
        """Return all that nginx has logged so far."""
        return "".join(file.read_text(errors="replace") for file in sorted(self.folder.glob("*.log")))


@asynccontextmanager
async def running_nginx(folder: Path, api: str, https_port: int, http_port: int) -> AsyncIterator[Nginx]:
    """Run the example in front of the API, with other ports and files, for the name localhost."""
    trusted = _certify(folder)
    example = EXAMPLE.read_text()
    for ours, times, here in (
        ("listen [::]:80 default_server;", 1, ""),
        ("listen [::]:443 ssl default_server;", 1, ""),
        ("listen [::]:443 ssl;", 1, ""),
        ("listen 80 ", 1, f"listen 127.0.0.1:{http_port} "),
        ("listen 443 ", 2, f"listen 127.0.0.1:{https_port} "),
        ("/etc/letsencrypt/live/slotsync.example/", 2, f"{folder}/"),
        ("/var/log/nginx/", 3, f"{folder}/"),
        ("127.0.0.1:8080", 1, api.removeprefix("http://")),
        ("slotsync.example", 2, "localhost"),
    ):
        assert example.count(ours) == times, f"the example says {ours!r} another number of times"
        example = example.replace(ours, here)
    (folder / "slotsync.conf").write_text(example)
    user, group = pwd.getpwuid(os.getuid()).pw_name, grp.getgrgid(os.getgid()).gr_name
    (folder / "nginx.conf").write_text(_AROUND.format(folder=folder, user=user, group=group))
    nginx = Nginx(https_port, http_port, trusted, folder)
    command = [_find_program(), "-c", str(folder / "nginx.conf"), "-p", str(folder), "-e", str(folder / "error.log")]
    async with running_process("nginx", command, folder=folder) as running:
        await wait_until_ready("nginx", lambda: _answers(nginx), running, folder)
        yield nginx


async def _answers(nginx: Nginx) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", nginx.https_port)
    except OSError:
        return False
    writer.close()
    return True


def _find_program() -> str:
    folders = os.pathsep.join([str(ROOT / ".venv/nginx/usr/sbin"), os.environ.get("PATH", ""), "/usr/sbin"])
    found = shutil.which("nginx", path=folders)
    if not found:
        pytest.fail("nginx is missing; `make test` and `.ci/nginx` fetch it")
    return found


def _certify(folder: Path) -> ssl.SSLContext:
    """Write a key and a certificate for localhost as certbot names them, and return what trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")]), datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "privkey.pem").write_bytes(private)
    (folder / "fullchain.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return ssl.create_default_context(cafile=str(folder / "fullchain.pem"))
