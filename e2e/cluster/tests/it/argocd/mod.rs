//! A real Argo CD ([`parts`]) that follows repositories on this disk ([`world`]), and the operator that runs from what it synced:
//! `make e2e-argocd`. The page is followed word by word, and then commits come and go ([`story`]).

mod parts;
mod story;
mod world;
