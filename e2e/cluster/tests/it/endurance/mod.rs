//! The operator over minutes: killed again and again ([`chaos`]), and left alone ([`settled`]). Tests begin in the order of their names,
//! and these before those of [`super::operator`], or everybody would wait for them in the end.

mod chaos;
mod settled;
