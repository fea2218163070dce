//! Daemons that run or don't.

pub(crate) mod daemon_not_running;
