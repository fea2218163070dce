//! Sentences about routes.

use adit_model::sign::Sign;

use super::{Phrase, any};

pub(super) static PHRASES: &[Phrase] = &[
    // kernel-libipsec of strongSwan.
    any(
        Sign::RouteConflict,
        "can't install route for {route}, conflicts with IKE traffic",
    ),
];
