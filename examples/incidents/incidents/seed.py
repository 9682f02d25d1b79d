"""A few sample incidents, the first time an organization shows up, so that there is something to look at."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import insert
from sqlalchemy.orm import Session

from .models import Incident, SeededOrganization, Severity, Status

SAMPLES = [
    ("Brute-force SSH attempts from one address", Severity.HIGH, Status.INVESTIGATING, "ssh-sensor"),
    ("Unsigned driver loaded on a build machine", Severity.CRITICAL, Status.OPEN, "endpoint-agent"),
    ("TLS certificate of the mail relay expires in 9 days", Severity.LOW, Status.OPEN, "certificate-watch"),
    ("Impossible travel: two sign-ins 4,000 km apart", Severity.MEDIUM, Status.RESOLVED, "sign-in-monitor"),
    ("DNS tunnelling pattern from the guest network", Severity.HIGH, Status.OPEN, "dns-sensor"),
    ("Disabled audit log on a storage bucket", Severity.MEDIUM, Status.INVESTIGATING, "cloud-posture"),
    ("Phishing page that imitates our login", Severity.HIGH, Status.RESOLVED, "brand-watch"),
    ("Outbound traffic to a known command server", Severity.CRITICAL, Status.INVESTIGATING, "netflow"),
]
PER_ORGANIZATION = 5


def seed_once(session: Session, organization_id: int) -> None:
    """Insert the samples unless this organization has had them. Safe under parallel first requests."""
    claim = insert(SeededOrganization).prefix_with("OR IGNORE").values(organization_id=organization_id)
    if session.execute(claim).rowcount == 0:
        return
    now = datetime.now(UTC)
    for n in range(PER_ORGANIZATION):
        # Neighbouring organizations start elsewhere in the list, so that two browser windows look different.
        title, severity, status, reporter = SAMPLES[(organization_id * 3 + n) % len(SAMPLES)]
        session.add(
            Incident(
                title=title,
                severity=severity,
                status=status,
                reporter=reporter,
                opened_at=now - timedelta(hours=7 * n + 1, minutes=13 * n),
            )
        )
