"""Puts the application together from its settings, which come from the environment."""

import os
from dataclasses import dataclass
from pathlib import Path

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles

from . import api, pages
from .assertion import KeyFile, Verifier
from .tenancy import Sessions, open_database


@dataclass(frozen=True)
class Settings:
    jwks: Path
    audience: str = "default/incidents"
    issuer: str = "tenantry-gate"
    database: Path = Path("incidents.db")

    @classmethod
    def from_environment(cls) -> "Settings":
        jwks = os.environ.get("TENANTRY_ASSERTION_JWKS")
        if not jwks:
            raise SystemExit("Set TENANTRY_ASSERTION_JWKS to the gate's key file, for example <data>/assertion/jwks.json.")
        return cls(
            jwks=Path(jwks),
            audience=os.environ.get("TENANTRY_ASSERTION_AUDIENCE", cls.audience),
            issuer=os.environ.get("TENANTRY_ASSERTION_ISSUER", cls.issuer),
            database=Path(os.environ.get("INCIDENTS_DATABASE", cls.database)),
        )


def create_app(settings: Settings) -> FastAPI:
    # No /docs or /openapi.json: the schema describes what only members may call.
    app = FastAPI(title="Incidents", openapi_url=None)
    app.state.verifier = Verifier(KeyFile(settings.jwks), settings.audience, settings.issuer)
    app.state.sessions = Sessions(open_database(settings.database))
    app.include_router(api.router)
    app.include_router(pages.router)
    app.mount("/static", StaticFiles(directory=Path(__file__).parent / "static"))
    return app
