"""The JSON API."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, ConfigDict, StringConstraints
from sqlalchemy import func, select

from .access import Admin, Caller, OptionalCaller, OrganizationSession
from .models import Incident, Severity, Status

router = APIRouter()


class NewIncident(BaseModel):
    model_config = ConfigDict(extra="forbid")

    title: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
    severity: Severity = Severity.MEDIUM


class IncidentOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: int
    organization_id: int
    title: str
    severity: Severity
    status: Status
    reporter: str
    opened_at: datetime


@router.get("/health")
def health() -> dict[str, str]:
    return {"status": "ok"}


@router.get("/api/incidents")
def list_incidents(session: OrganizationSession) -> list[IncidentOut]:
    # No "where organization_id = ...": the session is the caller's organization's (see tenancy).
    rows = session.scalars(select(Incident).order_by(Incident.opened_at.desc(), Incident.id.desc()).limit(500))
    return [IncidentOut.model_validate(row) for row in rows]


@router.post("/api/incidents", status_code=201)
def report_incident(body: NewIncident, session: OrganizationSession, caller: Caller) -> IncidentOut:
    row = Incident(title=body.title, severity=body.severity, status=Status.OPEN, reporter=caller.label)
    session.add(row)
    session.flush()
    return IncidentOut.model_validate(row)


@router.get("/api/incidents/{incident_id}")
def show_incident(incident_id: int, session: OrganizationSession) -> IncidentOut:
    row = session.scalars(select(Incident).where(Incident.id == incident_id)).one_or_none()
    if row is None:
        # Another organization's incident and one that never was look the same from outside.
        raise HTTPException(404, "There is no such incident.")
    return IncidentOut.model_validate(row)


@router.get("/api/admin/summary")
def summary(caller: Admin, session: OrganizationSession) -> dict:
    def counts(column) -> dict[str, int]:
        rows = session.execute(select(column, func.count(Incident.id)).group_by(column))
        return {value: count for value, count in rows}

    return {
        "organization_id": caller.organization_id,
        "organization_name": caller.organization_name,
        "incidents": session.scalar(select(func.count(Incident.id))),
        "by_status": counts(Incident.status),
        "by_severity": counts(Incident.severity),
    }


@router.post("/api/agents/ping")
def agent_ping(caller: OptionalCaller) -> dict:
    """A passthrough route: machine clients bring signatures of their own. A ping needs none; check yours here."""
    return {"status": "ok", "organization_id": caller.organization_id if caller else None}
