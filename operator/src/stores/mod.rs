//! Where things are kept, each store behind one trait: [`vault`] (AWS Secrets Manager).

pub mod vault;
