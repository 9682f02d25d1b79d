//! What the gate knows, kept up to date from a `source`. `remote` opens the authority's stream (`answer` judges what came back),
//! `follow` reads its `lines`, opens it again after a pause (`backoff`) where it ends and before its clock drifts away (`renewal`),
//! and `age` says in the log how old what is known is.

mod age;
mod answer;
mod backoff;
mod ended;
mod follow;
mod lines;
mod remote;
mod renewal;
mod source;

pub(crate) use age::tell;
pub(crate) use follow::follow;
pub use remote::RemoteDirectory;
pub use source::{Connecting, DirectorySource, FrameReader, Opened};
