"""The page a person sees."""

from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from fastapi.templating import Jinja2Templates
from sqlalchemy import select

from .access import Caller, OrganizationSession
from .models import Incident, Status

router = APIRouter(include_in_schema=False)
templates = Jinja2Templates(directory=Path(__file__).parent / "templates")


@router.get("/", response_class=HTMLResponse)
@router.get("/incidents", response_class=HTMLResponse)
def incidents(request: Request, caller: Caller, session: OrganizationSession) -> HTMLResponse:
    rows = session.scalars(
        select(Incident).order_by(Incident.opened_at.desc(), Incident.id.desc()).limit(200)
    ).all()
    return templates.TemplateResponse(
        request,
        "incidents.html",
        {
            "caller": caller,
            "incidents": rows,
            "unresolved": sum(row.status != Status.RESOLVED for row in rows),
        },
        headers={
            "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self' data:; "
            "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "same-origin",
        },
    )
