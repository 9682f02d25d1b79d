use chrono::{DateTime, Utc};
use sqlx::postgres::PgArguments;
use sqlx::query::Query;
use sqlx::sqlite::SqliteArguments;
use sqlx::{Postgres, Sqlite};
use tenantry_directory::{OrganizationId, Timestamp, UserId};

/// One bound parameter. The absence of a value keeps its type, because PostgreSQL asks for it.
#[derive(Clone)]
pub(crate) enum Value {
    Int(Option<i64>),
    Text(Option<String>),
    Bytes(Option<Vec<u8>>),
    Bool(bool),
    /// A moment in a column that the application reads: TIMESTAMPTZ, or text on SQLite.
    Moment(Option<Timestamp>),
}

impl Value {
    /// `at` for a column of the application's tables; ours hold milliseconds.
    pub(crate) fn moment(at: Timestamp) -> Self {
        Self::Moment(Some(at))
    }
}

macro_rules! from {
    ($($from:ty => |$value:ident| $to:expr),* $(,)?) => {
        $(impl From<$from> for Value {
            fn from($value: $from) -> Self {
                $to
            }
        })*
    };
}

from! {
    i64 => |value| Self::Int(Some(value)),
    Option<i64> => |value| Self::Int(value),
    &str => |value| Self::Text(Some(value.to_owned())),
    String => |value| Self::Text(Some(value)),
    &String => |value| Self::Text(Some(value.clone())),
    Option<&str> => |value| Self::Text(value.map(str::to_owned)),
    Option<String> => |value| Self::Text(value),
    &[u8] => |value| Self::Bytes(Some(value.to_vec())),
    Vec<u8> => |value| Self::Bytes(Some(value)),
    Option<Vec<u8>> => |value| Self::Bytes(value),
    bool => |value| Self::Bool(value),
    OrganizationId => |value| Self::Int(Some(value.0)),
    UserId => |value| Self::Int(Some(value.0)),
    Timestamp => |value| Self::Int(Some(value.millis())),
    Option<Timestamp> => |value| Self::Int(value.map(Timestamp::millis)),
}

/// `SQLAlchemy` writes moments this way on SQLite; so do we, so that both read each other's.
pub(crate) fn sqlite_moment(at: Timestamp) -> String {
    moment(at).format("%Y-%m-%d %H:%M:%S%.6f").to_string()
}

fn moment(at: Timestamp) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(at.millis()).unwrap_or_default()
}

pub(crate) fn bind_postgres<'q>(
    query: Query<'q, Postgres, PgArguments>,
    values: &[Value],
) -> Query<'q, Postgres, PgArguments> {
    values.iter().cloned().fold(query, |query, value| match value {
        Value::Int(value) => query.bind(value),
        Value::Text(value) => query.bind(value),
        Value::Bytes(value) => query.bind(value),
        Value::Bool(value) => query.bind(value),
        Value::Moment(value) => query.bind(value.map(moment)),
    })
}

pub(crate) fn bind_sqlite<'q>(
    query: Query<'q, Sqlite, SqliteArguments>,
    values: &[Value],
) -> Query<'q, Sqlite, SqliteArguments> {
    values.iter().cloned().fold(query, |query, value| match value {
        Value::Int(value) => query.bind(value),
        Value::Text(value) => query.bind(value),
        Value::Bytes(value) => query.bind(value),
        Value::Bool(value) => query.bind(value),
        Value::Moment(value) => query.bind(value.map(sqlite_moment)),
    })
}
