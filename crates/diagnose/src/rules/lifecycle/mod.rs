//! Daemons and SAs that come and go.

mod daemon_not_running;

use crate::rule::Rule;

pub(crate) static RULES: &[&Rule] = &[&daemon_not_running::RULE];
