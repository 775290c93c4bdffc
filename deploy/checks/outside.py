"""What the world sees of a server: web answers, certificates, open ports and DNS, seen from this machine.

Nothing here raises because of the world: what went wrong stands as a sentence in `problem`, and the other fields then
hold what no healthy server would show, so that a check that forgets to look at `problem` is red, not green.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import time
import warnings
from base64 import b64encode
from dataclasses import dataclass, field
from email.message import Message
from urllib.parse import urlsplit

from coopinfra.deploy.checks.certificate import ServedCertificate, read_certificate

LONGEST_BODY = 4 * 1024 * 1024
TLS_VERSIONS = {
    "TLSv1": ssl.TLSVersion.TLSv1,
    "TLSv1.1": ssl.TLSVersion.TLSv1_1,
    "TLSv1.2": ssl.TLSVersion.TLSv1_2,
    "TLSv1.3": ssl.TLSVersion.TLSv1_3,
}
# These say that our own side cannot offer the version, which proves nothing about the server.
NOT_OFFERED = {"NO_PROTOCOLS_AVAILABLE", "NO_CIPHERS_AVAILABLE"}


@dataclass(frozen=True)
class Answer:
    """What a web server said to one request; redirects are not followed."""

    status: int = 0
    headers: Message = field(default_factory=Message)
    """Looked up without regard to case; a header that is absent is None."""
    body: bytes = field(default=b"", repr=False)
    certificate: ServedCertificate | None = None
    problem: str = ""

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode(self.headers.get_content_charset("utf-8"), errors="replace")


@dataclass(frozen=True)
class Outside:
    """The view from here; `timeout` is in seconds, for each attempt as a whole."""

    timeout: float = 5.0

    def get(
        self,
        url: str,
        *,
        address: str = "",
        verify: bool = True,
        timeout: float | None = None,
        login: tuple[str, str] | None = None,
    ) -> Answer:
        """Ask for `url`, at `address` if given, and check the certificate unless told not to.

        login: user and password; whoever is not proved by a certificate gets none
        """
        if login and not verify:
            raise ValueError("a password goes only to whom the certificate proves")
        target = urlsplit(url)
        host, tls = target.hostname or "", target.scheme == "https"
        port = target.port or (443 if tls else 80)
        deadline = time.monotonic() + (timeout or self.timeout)
        certificate = None
        try:
            with _connect(address or host, port, deadline) as plain:
                stream = _context(verify).wrap_socket(plain, server_hostname=host) if tls else plain
                with stream:
                    if isinstance(stream, ssl.SSLSocket):
                        certificate = read_certificate(stream.getpeercert(binary_form=True) or b"")
                    path = (target.path or "/") + (f"?{target.query}" if target.query else "")
                    status, headers, body = _ask(stream, target.netloc, path, deadline, login)
                    return Answer(status, headers, body, certificate)
        except (OSError, http.client.HTTPException, UnicodeError) as error:
            return Answer(certificate=certificate, problem=_sentence(error))

    def certificate(self, domain: str, *, port: int = 443, address: str = "") -> ServedCertificate:
        """Return the certificate that is served for `domain`, trusted or not."""
        try:
            with (
                _connect(address or domain, port, time.monotonic() + self.timeout) as plain,
                _context(verify=False).wrap_socket(plain, server_hostname=domain) as stream,
            ):
                return read_certificate(stream.getpeercert(binary_form=True) or b"")
        except (OSError, ValueError) as error:
            return ServedCertificate(problem=_sentence(error))

    def connects(self, host: str, port: int, timeout: float | None = None) -> bool:
        """Tell whether a TCP connection can be made."""
        try:
            _connect(host, port, time.monotonic() + (timeout or self.timeout)).close()
        except (OSError, UnicodeError):
            return False
        return True

    def resolve(self, name: str, type: str = "A") -> tuple[str, ...]:
        """Return what this machine's resolver says about a name, as in a zone file, sorted; empty when nothing."""
        import dns.exception
        import dns.resolver

        try:
            found = dns.resolver.resolve(name.rstrip(".") + ".", type, lifetime=self.timeout)
        except (dns.exception.DNSException, OSError):
            return ()
        return tuple(sorted(record.to_text() for record in found))

    def tls_version_refused(self, host: str, version: str, *, port: int = 443, address: str = "") -> bool:
        """Tell whether a server that is there turns down a TLS version such as `TLSv1.1`."""
        context = _offering_only(TLS_VERSIONS[version])
        try:
            with _connect(address or host, port, time.monotonic() + self.timeout) as plain:
                try:
                    context.wrap_socket(plain, server_hostname=host).close()
                except ssl.SSLError as error:
                    return error.reason not in NOT_OFFERED
                except ConnectionError:
                    return True
        except (OSError, UnicodeError):
            pass
        return False


def _connect(host: str, port: int, deadline: float) -> socket.socket:
    stream = socket.create_connection((host, port), timeout=max(0.1, deadline - time.monotonic()))
    stream.settimeout(max(0.1, deadline - time.monotonic()))
    return stream


def _context(verify: bool) -> ssl.SSLContext:
    context = ssl.create_default_context()  # trusts what SSL_CERT_FILE names, if it is set
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _offering_only(version: ssl.TLSVersion) -> ssl.SSLContext:
    context = _context(verify=False)
    with warnings.catch_warnings():
        # Python warns of old versions; to see them refused we have to offer them.
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = version
    # Debian's OpenSSL offers old versions only at security level 0.
    context.set_ciphers("ALL:@SECLEVEL=0")
    return context


def _ask(
    stream: socket.socket, host: str, path: str, deadline: float, login: tuple[str, str] | None = None
) -> tuple[int, Message, bytes]:
    """Send one request over a connection that is already open and read the whole answer."""
    connection = http.client.HTTPConnection(host)
    connection.sock = stream
    headers = {"Host": host, "User-Agent": "coopinfra-check", "Connection": "close"}
    if login:
        headers["Authorization"] = f"Basic {b64encode(':'.join(login).encode()).decode()}"
    connection.request("GET", path, headers=headers)
    response = connection.getresponse()
    body = b""
    # One socket timeout would let a server that trickles hold us for ever.
    while len(body) < LONGEST_BODY and (piece := response.read1(65536)):
        body += piece
        if time.monotonic() > deadline:
            raise TimeoutError
    return response.status, response.headers, body


def _sentence(error: Exception) -> str:
    """Say in words what a failed attempt means."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate is not trusted: {error.verify_message.rstrip('.')}"
    if isinstance(error, ssl.SSLError):
        return f"no TLS: {(error.reason or str(error)).replace('_', ' ').lower()}"
    if isinstance(error, socket.gaierror | UnicodeError):
        return "the name has no address here"
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, ConnectionRefusedError):
        return "the connection was refused"
    if isinstance(error, http.client.HTTPException):
        return f"the answer is not HTTP: {type(error).__name__}"
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).lower()
