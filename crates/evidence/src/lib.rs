//! Reads what other products and the wire say about a tunnel into [`adit_model::fact`]s, so that diagnosis judges it
//! as it judges our own events. Captures are read by [`capture`]; what follows is about text.
//!
//! Bytes of a file or a paste go into a [`Reader`], in pieces of any size. It cuts them into lines, mends what mail
//! programs and web pages did to them, takes the time and the program's name off their head (`text`), and hands
//! what remains to the reader of each product. Products are recognised by what a line says, not by the file's name, so
//! one paste may hold several. There is one so far: strongSwan's charon.
//!
//! A product's reader has two halves. One knows the wording: it makes a typed statement of a line and has no memory.
//! The other knows the story: it follows each IKE SA through the log, puts the lines that belong to one happening
//! together (offered proposals, configured proposals, *no proposal chosen*) and makes [`adit_model::event::Happening`]s
//! of them, the same ones that our own endpoint tells.
//!
//! Every fact quotes its line. What looks like a secret is taken out of the quotation; lines that carry nothing else
//! (key dumps) are never looked at.
//!
//! [`pseudonym`] makes what was gathered fit for a stranger's eyes.
//!
//! What a gateway of our own has recorded of itself is read by [`recording`].
//!
//! [`case()`] joins the readings of both sides into the case that `adit_diagnose` judges.

#![forbid(unsafe_code)]

mod account;
mod asa;
mod audit;
pub mod capture;

mod case;
mod charon;
mod clock;
mod config;
mod ends;
mod phrase;
mod plainly;
mod pluto;
mod product;
pub mod pseudonym;
mod reading;
pub mod recording;
mod redactor;
mod status;
mod tail;
mod text;

pub use case::{case, case_of};
pub use config::{
    ConfigReading, DigestKey, TextPart, include_of, read_config, read_config_parts,
    read_shared_keys,
};
pub use reading::{Product, Reader, Reading, Recognised, read};
pub use redactor::Redactor;
