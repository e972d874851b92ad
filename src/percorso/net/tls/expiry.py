"""When a certificate of ours ends."""

from pathlib import Path

from cryptography import x509


def certificate_end(path: Path) -> float:
    """The end of the first certificate of a PEM file, unix seconds. Raises `OSError` or `ValueError`."""
    return x509.load_pem_x509_certificate(path.read_bytes()).not_valid_after_utc.timestamp()
