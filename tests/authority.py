"""A certificate authority for tests."""

import datetime
import ipaddress
import ssl
from collections.abc import Sequence
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

DAY = datetime.timedelta(days=1)
LOOPBACK = ("localhost", "127.0.0.1", "::1")


class Authority:
    """Signs certificates; `pem` is its own certificate."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "an authority of our own")])
        self.pem = self._certificate(self._name, self._key, [], is_authority=True)

    def sign(
        self,
        name: str,
        hosts: Sequence[str] = (),
        valid: datetime.timedelta = 365 * DAY,
        since: datetime.timedelta = DAY,
    ) -> tuple[str, str]:
        """Return a certificate and its key in PEM for these names and addresses."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        return self._certificate(subject, key, hosts, valid, since, is_authority=False), pem

    def _certificate(
        self,
        subject: x509.Name,
        key: ec.EllipticCurvePrivateKey,
        hosts: Sequence[str],
        valid: datetime.timedelta = 365 * DAY,
        since: datetime.timedelta = DAY,
        *,
        is_authority: bool,
    ) -> str:
        now = datetime.datetime.now(datetime.UTC)
        made = (
            x509.CertificateBuilder(self._name, subject, key.public_key(), x509.random_serial_number())
            .not_valid_before(now - since)
            .not_valid_after(now + valid)
            .add_extension(x509.BasicConstraints(is_authority, None), critical=True)
        )
        if hosts:
            made = made.add_extension(x509.SubjectAlternativeName([_name_of(host) for host in hosts]), critical=False)
        return made.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()


def _name_of(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def write(folder: Path, pair: tuple[str, str]) -> tuple[Path, Path]:
    """Write a certificate and its key to files; only the owner may read the key."""
    files = folder / "server.crt", folder / "server.key"
    for file, pem in zip(files, pair, strict=True):
        file.write_text(pem)
        file.chmod(0o600)
    return files


def server_context(folder: Path, pair: tuple[str, str]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*write(folder, pair))
    return context
