//! The rules of identity as pure functions and values: what a password, a session, a key or a name must be. No I/O, no
//! database; time and randomness are passed in.
//!
//! What people type: [`email`], [`names`], [`slug`], [`password`]. Who may do what: [`roles`], [`holds`]. What guards a
//! login: [`lockout`], [`refresh`], [`invitation`]. Keys and secrets: [`signing`], [`key_life`], [`sealing`],
//! [`secrets`]. What is written down: [`audit`]. What they all take: [`clock`], [`random`].
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

pub mod audit;
pub mod clock;
pub mod email;
pub mod holds;
pub mod invitation;
pub mod key_life;
pub mod lockout;
pub mod names;
pub mod password;
pub mod random;
pub mod refresh;
pub mod roles;
pub mod sealing;
pub mod secrets;
pub mod signing;
pub mod slug;
