"""Database sessions that see one organization.

Filtering by hand in every query works until somebody forgets one. Here a session is opened *for* an organization, and
two SQLAlchemy hooks do the rest: every SELECT, UPDATE and DELETE on an `OrganizationOwned` table is filtered, every new
row is stamped. A session without an organization cannot touch such a table at all.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.orm import ORMExecuteState, Session, sessionmaker, with_loader_criteria

from .models import Base, OrganizationOwned


class NoOrganization(Exception):
    """A session that belongs to no organization asked for rows that do."""


def open_database(path: Path) -> Engine:
    engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": 10})

    @event.listens_for(engine, "connect")
    def _pragmas(connection, _record):
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA foreign_keys=ON")

    Base.metadata.create_all(engine)
    return engine


class Sessions:
    """Opens sessions for an organization."""

    def __init__(self, engine: Engine):
        self._make = sessionmaker(engine, expire_on_commit=False)
        event.listen(self._make, "do_orm_execute", _filter)
        event.listen(self._make, "before_flush", _stamp)

    @contextmanager
    def of(self, organization_id: int | None) -> Iterator[Session]:
        """One transaction, committed at the end."""
        with self._make(info={"organization_id": organization_id}) as session, session.begin():
            yield session


def _filter(state: ORMExecuteState) -> None:
    if state.is_column_load or state.is_relationship_load:
        return
    organization_id = state.session.info["organization_id"]
    if organization_id is None:
        if any(issubclass(mapper.class_, OrganizationOwned) for mapper in state.all_mappers):
            raise NoOrganization("open the session with Sessions.of(organization_id)")
        return
    state.statement = state.statement.options(
        with_loader_criteria(
            OrganizationOwned,
            lambda owned: owned.organization_id == organization_id,
            include_aliases=True,
        )
    )


def _stamp(session: Session, _context, _instances) -> None:
    organization_id = session.info["organization_id"]
    for row in session.new | session.dirty:
        if isinstance(row, OrganizationOwned):
            if organization_id is None or row.organization_id not in (None, organization_id):
                raise NoOrganization("a row of another organization cannot be written")
            row.organization_id = organization_id
