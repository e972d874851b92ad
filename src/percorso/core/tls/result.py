"""How a connection stands against a requirement: met, or a typed secure-transport failure."""

import enum

import msgspec


class FailureType(enum.StrEnum):
    """Why a connection cannot carry mail that requires secure transport. Stable names."""

    STARTTLS_NOT_SUPPORTED = "starttls-not-supported"
    TLS_HANDSHAKE_FAILURE = "tls-handshake-failure"
    TLS_VERSION_TOO_LOW = "tls-version-too-low"
    CERTIFICATE_NOT_TRUSTED = "certificate-not-trusted"
    CERTIFICATE_HOST_MISMATCH = "certificate-host-mismatch"
    CERTIFICATE_EXPIRED = "certificate-expired"
    STS_MX_MISMATCH = "sts-mx-mismatch"
    STS_CERTIFICATE_INVALID = "sts-certificate-invalid"
    DANE_REQUIRED = "dane-required"
    DANE_MISMATCH = "dane-mismatch"
    TLSA_INVALID = "tlsa-invalid"
    DNSSEC_INVALID = "dnssec-invalid"
    REQUIRETLS_NOT_SUPPORTED = "requiretls-not-supported"


class SecureTransportFailure(msgspec.Struct, frozen=True, kw_only=True):
    """One typed failure, with what was seen, in words for the evidence and the DSN."""

    type: FailureType
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.type}: {self.detail}" if self.detail else str(self.type)


class TlsResult(msgspec.Struct, frozen=True, kw_only=True):
    """What `judge` found: the requirement met (`failure` is None) or how it failed."""

    failure: SecureTransportFailure | None = None

    @property
    def met(self) -> bool:
        """Whether the connection may carry the message."""
        return self.failure is None
