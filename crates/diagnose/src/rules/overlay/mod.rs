//! Overlay networks.

mod overlay_cleartext_4790;

use crate::rule::Rule;

pub(crate) static RULES: &[&Rule] = &[&overlay_cleartext_4790::RULE];
