"""The judgement: whether what a connection showed of itself meets a requirement.

The rules, in the order in which they are looked at; the first that fails names the failure:

1. Opportunistic is met by anything.
2. The connection is encrypted; it has at least the lowest version.
3. Every identity clause holds by itself. One clause's pin or CA never stands in for another's.
4. DANE: a TLSA record matched. Before MTA-STS, which never makes good a failed DANE (RFC 8461, 2).
5. MTA-STS: the policy names the server, and its certificate is valid by the trust store and its name (RFC 8461, 4).
6. REQUIRETLS: the peer offered it, its name is the right one for sure, and it bears that name by the trust store or
   by DANE (RFC 8689, 4.2.1).

Within a certificate: trusted first, then its name, then its dates. `certificate-expired` is only said of a chain that
is otherwise fine. So a stronger requirement never passes where a weaker one fails: each rule only takes away.
"""

from percorso.core.tls.handshake import Certificate, Handshake
from percorso.core.tls.names import any_name_matches, is_address
from percorso.core.tls.requirement import IdentityClause, Requirement, StsPolicy, TlsVersion
from percorso.core.tls.result import FailureType, SecureTransportFailure, TlsResult

MET = TlsResult()
AUTHENTICATED = IdentityClause(ca=True, host=True)

Failure = SecureTransportFailure | None


def judge(requirement: Requirement, handshake: Handshake) -> TlsResult:
    """Whether the connection may carry mail under this requirement, or the first typed failure."""
    if requirement.opportunistic:
        return MET
    failure = (
        _encryption(requirement, handshake)
        or _identity(requirement.identity, handshake)
        or (_dane(handshake) if requirement.dane else None)
        or (_sts(requirement.sts, handshake) if requirement.sts else None)
        or (_requiretls(handshake) if requirement.requiretls else None)
    )
    return TlsResult(failure=failure) if failure else MET


def _encryption(requirement: Requirement, handshake: Handshake) -> Failure:
    if not handshake.encrypted:
        return _failed(FailureType.STARTTLS_NOT_SUPPORTED, handshake.refusal or "not offered")
    if handshake.version < requirement.min_version:
        return _failed(
            FailureType.TLS_VERSION_TOO_LOW,
            f"TLS {TlsVersion(handshake.version)}, and {TlsVersion(requirement.min_version)} is required",
        )
    return None


def _identity(clauses: tuple[IdentityClause, ...], handshake: Handshake) -> Failure:
    for clause in clauses:
        if failure := _clause(clause, handshake):
            return failure
    return None


def _clause(clause: IdentityClause, handshake: Handshake) -> Failure:
    if not handshake.chain:
        return _failed(FailureType.CERTIFICATE_NOT_TRUSTED, "the server showed no certificate")
    leaf = handshake.chain[0]
    if clause.pins and leaf.spki not in clause.pins:
        return _failed(FailureType.CERTIFICATE_NOT_TRUSTED, f"the key {leaf.spki} is not the pinned one")
    if clause.ca_file and (failure := _issued(leaf, handshake, clause.ca_file)):
        return failure
    if clause.pins or (handshake.tlsa_match and clause.dane_satisfies):
        return None
    if clause.ca_file:
        return _named(leaf, clause.names) if clause.names else None
    names = clause.names or (handshake.reference_name,)
    return (
        (_trusted(leaf, handshake, "") if clause.ca else None)
        or (_named(leaf, names) if clause.host or clause.names else None)
        or (_in_date(handshake, "") if clause.ca else None)
    )


def _issued(leaf: Certificate, handshake: Handshake, anchors: str) -> Failure:
    return _trusted(leaf, handshake, anchors) or _in_date(handshake, anchors)


def _trusted(leaf: Certificate, handshake: Handshake, anchors: str) -> Failure:
    verdict = handshake.verdicts.get(anchors)
    if verdict is None:
        return _failed(FailureType.CERTIFICATE_NOT_TRUSTED, f"not verified against {anchors or 'the trust store'}")
    if not verdict.trusted and not verdict.expired:
        return _failed(FailureType.CERTIFICATE_NOT_TRUSTED, verdict.error)
    if not leaf.server_purpose:
        return _failed(FailureType.CERTIFICATE_NOT_TRUSTED, "the certificate is not for a TLS server")
    return None


def _in_date(handshake: Handshake, anchors: str) -> Failure:
    verdict = handshake.verdicts[anchors]
    return None if verdict.trusted else _failed(FailureType.CERTIFICATE_EXPIRED, verdict.error)


def _named(leaf: Certificate, references: tuple[str, ...]) -> Failure:
    if any_name_matches(leaf.names, references):
        return None
    presented = ", ".join(leaf.names[:10]) or "no name"
    hint = "; an IP address has no name to compare, so give `match` or a pin" if is_address(references[0]) else ""
    return _failed(
        FailureType.CERTIFICATE_HOST_MISMATCH,
        f"the certificate is for {presented}, not {' or '.join(references)}{hint}",
    )


def _dane(handshake: Handshake) -> Failure:
    if handshake.tlsa_match is None:
        return _failed(FailureType.DANE_REQUIRED, "the server has no usable TLSA record")
    return (
        None if handshake.tlsa_match else _failed(FailureType.DANE_MISMATCH, "no TLSA record matches the certificate")
    )


def _sts(policy: StsPolicy, handshake: Handshake) -> Failure:
    if not any_name_matches(policy.mx, (handshake.reference_name,)):
        return _failed(
            FailureType.STS_MX_MISMATCH, f"{handshake.reference_name} is not among {', '.join(policy.mx[:10])}"
        )
    leaf = handshake.chain[0] if handshake.chain else None
    failure = (
        _failed(FailureType.STS_CERTIFICATE_INVALID, "the server showed no certificate")
        if leaf is None
        else _issued(leaf, handshake, "") or _named(leaf, (handshake.reference_name,))
    )
    return _failed(FailureType.STS_CERTIFICATE_INVALID, failure.detail) if failure else None


def _requiretls(handshake: Handshake) -> Failure:
    if not handshake.requiretls_offered:
        return _failed(FailureType.REQUIRETLS_NOT_SUPPORTED, "the server does not offer REQUIRETLS")
    if not handshake.name_authenticated:
        return _failed(
            FailureType.REQUIRETLS_NOT_SUPPORTED,
            f"the name {handshake.reference_name} came through DNS that is not signed, so it may not be the right one",
        )
    return _clause(AUTHENTICATED, handshake)


def _failed(kind: FailureType, detail: str) -> SecureTransportFailure:
    return SecureTransportFailure(type=kind, detail=detail)
