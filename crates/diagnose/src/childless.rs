//! IKE SAs that stand alone: a status lists them, and nothing for traffic beside them.

use std::collections::HashSet;

use adit_model::event::Happening;
use adit_model::fact::Fact;

use crate::signals::Signals;

/// An IKE SA that a status of pluto lists last under a name that no SA for traffic has, beside others that have some.
pub(crate) fn childless<'a>(s: &Signals<'a>) -> Option<&'a Fact> {
    let listed = |f: &&Fact| {
        f.source.text.contains("ESTABLISHED_IKE_SA") && f.source.text.contains("newest")
    };
    s.was_up()?;
    let carrying: HashSet<&str> = s
        .case
        .happenings()
        .filter_map(|(f, h)| match h {
            Happening::ChildEstablished { child, .. } => {
                Some([Some(child.as_str()), f.subject.as_deref()])
            }
            _ => None,
        })
        .flatten()
        .flatten()
        .collect();
    s.case
        .happenings()
        .filter(|(_, h)| matches!(h, Happening::IkeEstablished { .. }))
        .map(|(f, _)| f)
        .filter(listed)
        .find(|f| {
            f.subject
                .as_deref()
                .is_some_and(|name| !carrying.contains(name))
        })
}
