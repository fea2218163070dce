//! pluto: the IKE daemon of Libreswan, of Openswan, and of FreeS/WAN before them.
//!
//! `line` takes off what pluto puts before a message and knows whose state it speaks of, `step` knows the states by
//! name, `said` makes a typed statement of a message, `sa` remembers what a state has told, and `story` sorts lines by
//! states and makes facts of them.

mod line;
mod proposal;
mod sa;
mod said;
mod step;
mod story;
mod value;

pub(crate) use proposal::configured;
pub(crate) use story::Pluto;
