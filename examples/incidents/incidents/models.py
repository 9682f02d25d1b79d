"""The tables. Whatever belongs to a customer carries `organization_id`, by inheriting `OrganizationOwned`."""

from datetime import UTC, datetime
from enum import StrEnum

from sqlalchemy import DateTime, Index, String, TypeDecorator
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Severity(StrEnum):
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class Status(StrEnum):
    OPEN = "open"
    INVESTIGATING = "investigating"
    RESOLVED = "resolved"


class UtcDateTime(TypeDecorator):
    """SQLite forgets time zones: everything goes in as UTC and comes out saying so."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect) -> datetime | None:
        return value and value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect) -> datetime | None:
        return value and value.replace(tzinfo=UTC)


class Base(DeclarativeBase):
    pass


class OrganizationOwned:
    """A row of one organization. `tenancy` filters every query on it and stamps every new row."""

    organization_id: Mapped[int] = mapped_column(index=True)


class Incident(OrganizationOwned, Base):
    __tablename__ = "incidents"
    __table_args__ = (Index("ix_incidents_organization_opened", "organization_id", "opened_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(String(200))
    severity: Mapped[str] = mapped_column(String(20), default=Severity.MEDIUM)
    status: Mapped[str] = mapped_column(String(20), default=Status.OPEN)
    reporter: Mapped[str] = mapped_column(String(320))
    opened_at: Mapped[datetime] = mapped_column(UtcDateTime, default=lambda: datetime.now(UTC))


class SeededOrganization(Base):
    """Organizations that already have their sample incidents: the primary key makes the first request win."""

    __tablename__ = "seeded_organizations"

    organization_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
