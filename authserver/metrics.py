"""What the authorization server counts: requests by endpoint and status, tokens by grant, sign-ins by
outcome.

Imported once per worker, after the fork (prometheus-client looks at its environment when imported); written
by ``web``. Labels come from fixed lists, never from a request.
"""

from prometheus_client import Counter, Gauge, Histogram

REQUESTS = Counter("authserver_requests", "Requests answered", ["endpoint", "status"])
REQUEST_SECONDS = Histogram(
    "authserver_request_seconds",
    "Time to answer, in seconds",
    ["endpoint"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)
TOKENS = Counter("authserver_tokens_issued", "Access tokens issued", ["grant"])
ERRORS = Counter("authserver_errors", "Requests refused", ["endpoint", "code"])
SIGN_INS = Counter("authserver_sign_ins", "People who came back from Entra", ["outcome"])
REGISTRATIONS = Counter("authserver_registrations", "Clients that registered themselves")
AUDIT_EVENTS = Counter("authserver_audit_events", "Audit lines, by event", ["event"])
SIGNING_KEY_SINCE = Gauge(
    "authserver_signing_key_signs_from_timestamp_seconds",
    "Since when the key signs that signs now",
    ["algorithm"],
    multiprocess_mode="livemax",
)
ENTRA_CERTIFICATE_ENDS = Gauge(
    "authserver_entra_certificate_not_after_timestamp_seconds",
    "When the certificate ends with which this server proves itself to Entra ID",
    multiprocess_mode="livemin",
)


def audit_event(event: str) -> None:
    """Count one audit line; ``event`` is a word of ours."""
    AUDIT_EVENTS.labels(event).inc()
