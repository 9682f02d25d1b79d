//! One way to speak to two databases: statements are written once, in PostgreSQL's words, and a transaction
//! translates, binds and decodes them. In the order a statement flows: `translate`, `value`, `tx`, `row`.

mod row;
mod translate;
mod tx;
mod value;

pub(crate) use row::Row;
pub(crate) use translate::{Dialect, statement};
pub use tx::Tx;
pub(crate) use tx::{Shared, begin_read, begin_write};
pub(crate) use value::Value;
