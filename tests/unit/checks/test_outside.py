"""The outside view, against real servers on the loopback."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socket import create_server

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from coopinfra.deploy.checks.certificate import read_certificate
from coopinfra.deploy.checks.outside import Outside

DOMAIN = "www.highbeam.example"
HERE = "127.0.0.1"
ENDS = datetime(2099, 1, 1, tzinfo=UTC)


class Pages(BaseHTTPRequestHandler):
    """A site with one page and one redirect."""

    def do_GET(self) -> None:
        self.send_response(301 if self.path == "/old" else 200)
        self.send_header("X-Served-Host", self.headers["Host"])
        self.send_header("Location", "/new")
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write("Café".encode())

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def serving(context: ssl.SSLContext | None = None) -> Iterator[int]:
    server = ThreadingHTTPServer((HERE, 0), Pages)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # refused handshakes are what is tested
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, DOMAIN)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.now(UTC) - timedelta(days=1))
        .not_valid_after(ENDS)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(DOMAIN)]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    path.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return path


@pytest.fixture
def tls(pem: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context


def test_an_answer_has_status_headers_and_text() -> None:
    with serving() as port:
        answer = Outside().get(f"http://{HERE}:{port}/page")

    assert (answer.status, answer.headers["content-TYPE"], answer.text) == (200, "text/html; charset=utf-8", "Café")
    assert answer.headers["absent"] is None
    assert not answer.problem


def test_a_redirect_is_shown_and_not_followed() -> None:
    with serving() as port:
        answer = Outside().get(f"http://{HERE}:{port}/old")

    assert (answer.status, answer.headers["location"]) == (301, "/new")


def test_one_address_can_be_asked_for_any_name() -> None:
    with serving() as port:
        answer = Outside().get(f"http://nowhere.invalid:{port}/", address=HERE)

    assert answer.headers["X-Served-Host"] == f"nowhere.invalid:{port}"


def test_an_untrusted_certificate_is_a_problem(tls: ssl.SSLContext) -> None:
    with serving(tls) as port:
        answer = Outside().get(f"https://{DOMAIN}:{port}/", address=HERE)

    assert answer.status == 0
    assert answer.problem.startswith("the certificate is not trusted: self-signed")


def test_a_certificate_of_the_named_authorities_is_trusted(
    tls: ssl.SSLContext, pem: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))

    with serving(tls) as port:
        right = Outside().get(f"https://{DOMAIN}:{port}/", address=HERE)
        wrong = Outside().get(f"https://other.example:{port}/", address=HERE)

    assert (right.status, right.problem) == (200, "")
    assert right.certificate is not None
    assert right.certificate.names == (DOMAIN,)
    assert wrong.status == 0
    assert "not trusted" in wrong.problem


def test_without_verification_the_page_and_the_certificate_are_seen(tls: ssl.SSLContext) -> None:
    with serving(tls) as port:
        answer = Outside().get(f"https://{DOMAIN}:{port}/", address=HERE, verify=False)

    assert answer.status == 200
    assert answer.certificate is not None
    assert answer.certificate.self_signed


def test_a_served_certificate_is_read_though_nobody_trusts_it(tls: ssl.SSLContext) -> None:
    with serving(tls) as port:
        found = Outside().certificate(DOMAIN, port=port, address=HERE)

    assert (found.names, found.issuer, found.not_after) == ((DOMAIN,), f"CN={DOMAIN}", ENDS)
    assert found.self_signed
    assert not found.problem


def test_a_missing_certificate_is_as_bad_as_can_be() -> None:
    with serving() as port:
        found = Outside().certificate(DOMAIN, port=port, address=HERE)

    assert found.problem.startswith("no TLS")
    assert found.self_signed
    assert found.not_after < datetime.now(UTC)
    assert read_certificate(b"nonsense").problem


def test_open_and_closed_ports_are_told_apart() -> None:
    with create_server((HERE, 0)) as listening:
        port = listening.getsockname()[1]
        opened = Outside().connects(HERE, port)
    closed = Outside().connects(HERE, port)

    assert (opened, closed) == (True, False)


def test_what_goes_wrong_is_said_in_words() -> None:
    with create_server((HERE, 0)) as silent:
        port = silent.getsockname()[1]
        waited = Outside(timeout=0.2).get(f"http://{HERE}:{port}/")
    refused = Outside().get(f"http://{HERE}:{port}/")
    unknown = Outside().get("http://nowhere.invalid/")

    assert (waited.problem, refused.problem) == ("no answer in time", "the connection was refused")
    assert unknown.problem == "the name has no address here"
    assert (waited.status, refused.status, unknown.status) == (0, 0, 0)


def test_an_old_tls_version_is_refused_or_it_is_not(tls: ssl.SSLContext, pem: Path) -> None:
    tls.minimum_version = ssl.TLSVersion.TLSv1_2
    lax = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    lax.load_cert_chain(pem)
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        lax.minimum_version = ssl.TLSVersion.TLSv1_1
    lax.set_ciphers("ALL:@SECLEVEL=0")

    with serving(tls) as strict_port, serving(lax) as lax_port:
        strict_refuses = Outside().tls_version_refused(DOMAIN, "TLSv1.1", port=strict_port, address=HERE)
        lax_refuses = Outside().tls_version_refused(DOMAIN, "TLSv1.1", port=lax_port, address=HERE)
        modern_refused = Outside().tls_version_refused(DOMAIN, "TLSv1.2", port=strict_port, address=HERE)

    assert (strict_refuses, lax_refuses, modern_refused) == (True, False, False)


def test_a_server_that_is_not_there_has_refused_nothing() -> None:
    with create_server((HERE, 0)) as gone:
        port = gone.getsockname()[1]

    assert not Outside().tls_version_refused(DOMAIN, "TLSv1.1", port=port, address=HERE)
