//! `boot-gap-cleartext`: the block has stopped what would have left in clear, which is the gap that it closes.

use adit_model::ahead::Ahead as Known;

use super::view::View;
use super::{Ahead, Forewarning};
use crate::verdict::AtFault;

pub(super) static RULE: Ahead = Ahead {
    id: "boot-gap-cleartext",
    judge,
};

fn judge(view: &View<'_>, out: &mut Vec<Forewarning>) {
    let gap = view.all().find_map(|(fact, known)| match known {
        Known::Gap {
            stopped: Some(stopped),
            ..
        } if *stopped > 0 => Some((fact, *stopped)),
        _ => None,
    });
    for (fact, known) in view.all() {
        if let Known::Clear { stopped, .. } = known
            && *stopped > 0
        {
            let newest = gap.map_or_else(String::new, |(fact, n)| {
                format!(
                    "; {n} of them since it last had no SA ({})",
                    fact.source.text
                )
            });
            let mut warning = view.warn(fact, AtFault::Local, format!("{stopped} packets of this tunnel would have left in clear, and the block stopped them{newest}"));
            warning.evidence.extend(gap.map(|(fact, _)| fact.into()));
            out.push(
                warning
                    .note()
                    .then("nothing, while the block holds: they would pass after adit unblock, or where a host starts without adit-block.service")
                    .fix("systemctl enable adit-block.service; adit probe NAME says whether routes lead round the tunnel"),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{causes, connection, of};
    use super::*;
    use adit_model::Wall;

    #[test]
    fn the_newest_gap_is_told_with_its_packets() {
        let clear = Known::Clear {
            left: 0,
            came: 0,
            stopped: 9,
        };
        let gap = |stopped| Known::Gap {
            since: Wall(1_700_000_000_000),
            until: Some(Wall(1_700_000_008_000)),
            seconds: 8,
            held: Some(120),
            stopped: Some(stopped),
            left: Some(0),
        };
        let found = of(connection(), vec![clear.clone(), gap(3)]);
        assert_eq!(causes(&found), ["(boot-gap-cleartext)"]);
        let text = "3 of them since it last had no SA (there was no SA from 2023-11-14T22:13:20Z on for 8 s: 120 packets were held back, 3 were stopped by the block, 0 left in clear)";
        assert!(found[0].summary.contains(text), "{}", found[0].summary);
        assert_eq!(found[0].evidence.len(), 2);
        let earlier = of(connection(), vec![clear, gap(0)]);
        assert!(!earlier[0].summary.contains("since it last"));
        assert!(of(connection(), vec![gap(0)]).is_empty());
    }

    #[test]
    fn what_left_is_a_warning_and_what_was_stopped_a_note() {
        let told = |left, came, stopped| {
            let clear = Known::Clear {
                left,
                came,
                stopped,
            };
            causes(&of(connection(), vec![clear]))
        };
        assert!(told(0, 0, 0).is_empty());
        assert_eq!(told(0, 0, 3), ["(boot-gap-cleartext)"]);
        assert_eq!(told(0, 2, 0), ["cleartext-leak-no-policy"]);
        assert_eq!(
            told(7, 0, 1),
            ["cleartext-leak-no-policy", "(boot-gap-cleartext)"]
        );
    }
}
