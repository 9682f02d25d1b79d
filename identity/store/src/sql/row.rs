use chrono::{DateTime, NaiveDateTime, Utc};
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{Column, Row as _, TypeInfo};
use tenantry_directory::{OrganizationId, Timestamp, UserId};

use crate::StoreError;

/// One row of an answer, read by column name.
pub(crate) enum Row {
    Postgres(PgRow),
    Sqlite(SqliteRow),
}

macro_rules! get {
    ($row:expr, $column:expr, $type:ty) => {
        match $row {
            Row::Postgres(row) => row.try_get::<$type, _>($column),
            Row::Sqlite(row) => row.try_get::<$type, _>($column),
        }
        .map_err(StoreError::from)
    };
}

impl Row {
    /// An integer of any width: adopted tables have INTEGER ids, ours BIGINT.
    pub(crate) fn opt_int(&self, column: &str) -> Result<Option<i64>, StoreError> {
        if let Self::Postgres(row) = self {
            let width = row.try_column(column)?.type_info().name();
            return Ok(match width {
                "INT2" => row.try_get::<Option<i16>, _>(column)?.map(i64::from),
                "INT4" => row.try_get::<Option<i32>, _>(column)?.map(i64::from),
                _ => row.try_get::<Option<i64>, _>(column)?,
            });
        }
        get!(self, column, Option<i64>)
    }

    pub(crate) fn int(&self, column: &str) -> Result<i64, StoreError> {
        self.opt_int(column)?.ok_or_else(|| StoreError::corrupt(column, "is NULL"))
    }

    pub(crate) fn text(&self, column: &str) -> Result<String, StoreError> {
        get!(self, column, String)
    }

    pub(crate) fn opt_text(&self, column: &str) -> Result<Option<String>, StoreError> {
        get!(self, column, Option<String>)
    }

    pub(crate) fn bytes(&self, column: &str) -> Result<Vec<u8>, StoreError> {
        get!(self, column, Vec<u8>)
    }

    pub(crate) fn opt_bytes(&self, column: &str) -> Result<Option<Vec<u8>>, StoreError> {
        get!(self, column, Option<Vec<u8>>)
    }

    /// NULL counts as `false`: an adopted table may allow it, and the closed side is the safe one.
    pub(crate) fn bool(&self, column: &str) -> Result<bool, StoreError> {
        Ok(get!(self, column, Option<bool>)?.unwrap_or(false))
    }

    /// A time of ours: milliseconds.
    pub(crate) fn opt_at(&self, column: &str) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.opt_int(column)?.map(Timestamp::from_millis))
    }

    pub(crate) fn at(&self, column: &str) -> Result<Timestamp, StoreError> {
        self.int(column).map(Timestamp::from_millis)
    }

    /// A time of the application's tables; one without a zone is taken for UTC.
    pub(crate) fn opt_moment(&self, column: &str) -> Result<Option<Timestamp>, StoreError> {
        let at = match self {
            Self::Postgres(row) if row.try_column(column)?.type_info().name() == "TIMESTAMP" => {
                row.try_get::<Option<NaiveDateTime>, _>(column)?.map(|at| at.and_utc())
            }
            Self::Postgres(row) => row.try_get::<Option<DateTime<Utc>>, _>(column)?,
            Self::Sqlite(row) => match row.try_get::<Option<String>, _>(column)? {
                None => None,
                Some(text) => {
                    Some(parse_moment(&text).ok_or_else(|| StoreError::corrupt(column, "is not a time"))?)
                }
            },
        };
        Ok(at.map(|at| Timestamp::from_millis(at.timestamp_millis())))
    }

    pub(crate) fn organization(&self, column: &str) -> Result<OrganizationId, StoreError> {
        self.int(column).map(OrganizationId)
    }

    pub(crate) fn user(&self, column: &str) -> Result<UserId, StoreError> {
        self.int(column).map(UserId)
    }
}

/// The forms that `SQLAlchemy`, SQLite's own functions and people write.
fn parse_moment(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(text).map(|at| at.with_timezone(&Utc)).ok().or_else(|| {
        ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f"]
            .iter()
            .find_map(|form| NaiveDateTime::parse_from_str(text, form).ok())
            .map(|at| at.and_utc())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_in_every_form_people_write() {
        for text in ["2026-01-02 03:04:05.250000", "2026-01-02T03:04:05.250Z", "2026-01-02T04:04:05.25+01:00"]
        {
            assert_eq!(parse_moment(text).map(|at| at.timestamp_millis()), Some(1_767_323_045_250), "{text}");
        }
        assert_eq!(parse_moment("2026-01-02 03:04:05").map(|at| at.timestamp()), Some(1_767_323_045));
        assert!(parse_moment("yesterday").is_none());
    }
}
