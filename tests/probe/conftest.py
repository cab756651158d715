"""Shared by the probe's tests: a key, a target for a scripted server, a certificate made on the spot."""

import shutil
import ssl
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.probe.servers import Server
from tracker.probe import outcome
from tracker.probe.connection import Patience
from tracker.probe.keys import Key
from tracker.probe.messages import Ask
from tracker.probe.reply import Reply
from tracker.probe.stream import run, send
from tracker.probe.targets import Target
from tracker.records import Offer

SECRET = "sk-test-4f9c1d7b2e"
BRIEF = Patience(connect_s=1.0, first_byte_s=0.6, stall_s=0.4, total_s=2.0, max_bytes=300_000)


@pytest.fixture
def ask() -> Ask:
    return Ask("m", "say hello to the world", 10)


@pytest.fixture
def send_to(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Reply]:
    """Send to a scripted server. What a busy test machine adds is not what these tests are about."""
    monkeypatch.setattr(outcome, "LAG_FLOOR_MS", 1000.0)
    monkeypatch.setattr(outcome, "LAG_FLOOR_ITL_MS", 1000.0)

    def sender(server: Server | str, dialect: str = "openai_chat", ca_file: str = "", **changes: object) -> Reply:
        url = server if isinstance(server, str) else server.url
        target = Target(Offer("test", "m"), url, dialect, ca_file=ca_file)
        patience = changes.pop("patience", BRIEF)
        asked = changes.pop("ask", ask)
        return run(send(target, asked, Key(SECRET), patience))  # type: ignore[arg-type]

    return sender


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ssl.SSLContext]:
    """A certificate for 127.0.0.1, and a server context that uses it."""
    if not shutil.which("openssl"):
        pytest.skip("no openssl on this machine: TLS is not tried")
    folder = tmp_path_factory.mktemp("tls")
    cert, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-keyout", str(key), "-out", str(cert), "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"],
        check=True,
        capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    return cert, context
