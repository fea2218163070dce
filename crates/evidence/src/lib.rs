//! Reads what other products say about a tunnel (logs, status output, captures) into [`adit_model::fact`]s, so that
//! diagnosis judges it as it judges our own events. There is no reader yet.
