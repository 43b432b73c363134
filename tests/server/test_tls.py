"""HTTPS by the server itself, and what is said of files that it cannot use."""

import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from wiseflow.core.errors import ConfigurationError
from wiseflow.server.serving import ServerOptions, check_tls, serve


def pem_of(key, passphrase=b""):
    locked = serialization.BestAvailableEncryption(passphrase) if passphrase else None
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        locked or serialization.NoEncryption(),
    )


@pytest.fixture(scope="module")
def key():
    return ec.generate_private_key(ec.SECP256R1())


@pytest.fixture
def files(tmp_path, key):
    """A certificate for this machine that signed itself, and its key."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    today = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (tmp_path / "certificate.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (tmp_path / "key.pem").write_bytes(pem_of(key))
    return tmp_path / "certificate.pem", tmp_path / "key.pem"


async def test_a_server_with_a_certificate_answers_by_https(application, files):
    stop, ready = asyncio.Event(), asyncio.get_running_loop().create_future()
    options = ServerOptions(port=0, tls=files)

    async with asyncio.TaskGroup() as group:
        group.create_task(serve(application, options, stop=stop, on_ready=ready.set_result))
        url = await asyncio.wait_for(ready, 30)
        trusting = ssl.create_default_context(cafile=str(files[0]))
        async with httpx2.AsyncClient(verify=trusting) as client:
            answer = await client.get(f"{url}/health/live")
        stop.set()

    assert url.startswith("https://127.0.0.1:")
    assert answer.status_code == 200


def test_a_file_that_is_not_there_is_named(files):
    with pytest.raises(ConfigurationError, match=r"nowhere\.pem cannot be read: No such file"):
        check_tls(files[0], files[1].with_name("nowhere.pem"))


@pytest.mark.parametrize("passphrase", [b"", b"secret"], ids=["another's", "with a passphrase"])
def test_a_key_that_cannot_be_used_is_refused_and_nobody_is_asked_for_a_passphrase(
    files, key, passphrase
):
    other = key if passphrase else ec.generate_private_key(ec.SECP256R1())
    files[1].write_bytes(pem_of(other, passphrase))

    with pytest.raises(ConfigurationError, match="are no certificate and its key") as told:
        check_tls(*files)

    assert "without a passphrase" in told.value.cure
