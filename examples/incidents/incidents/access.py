"""What the routes depend on: the caller's identity, a role, and a session for the caller's organization."""

import logging
from collections.abc import Callable, Iterator
from typing import Annotated

from fastapi import Depends, HTTPException, Request
from sqlalchemy.orm import Session

from .assertion import HEADER, Identity, KeysUnavailable, Refused
from .seed import seed_once

log = logging.getLogger("incidents")


def optional_identity(request: Request) -> Identity | None:
    """For passthrough routes: nobody is fine, but an assertion that does not hold is not."""
    if HEADER not in request.headers:
        return None
    return current_identity(request)


def current_identity(request: Request) -> Identity:
    try:
        return request.app.state.verifier.verify(request.headers.getlist(HEADER))
    except Refused as refusal:
        log.warning("refused an assertion: %s", refusal)
        raise HTTPException(401, "Sign in first.", {"WWW-Authenticate": "Bearer"}) from None
    except KeysUnavailable as error:
        log.error("%s", error)
        raise HTTPException(503, "Not ready yet. Try again in a moment.", {"Retry-After": "1"}) from None


Caller = Annotated[Identity, Depends(current_identity)]
OptionalCaller = Annotated[Identity | None, Depends(optional_identity)]


def require_role(role: str) -> Callable[[Identity], Identity]:
    """The gate's route table says so too; two locks, because one of them will be misconfigured one day."""

    def check(caller: Caller) -> Identity:
        if caller.role != role:
            raise HTTPException(403, f"This needs the role {role}.")
        return caller

    return check


Admin = Annotated[Identity, Depends(require_role("admin"))]


def organization_session(request: Request, caller: Caller) -> Iterator[Session]:
    with request.app.state.sessions.of(caller.organization_id) as session:
        seed_once(session, caller.organization_id)
        yield session


OrganizationSession = Annotated[Session, Depends(organization_session)]
