//! SAs that the kernel has no longer: others are asked for, and it is told, once for each tunnel.

use std::collections::{BTreeMap, BTreeSet};

use adit_ike::CommandError;
use adit_model::monitored::Act;
use adit_model::now::Now;

use crate::gateway::Gateway;
use crate::xfrm::{Ended, Lost};

impl Gateway {
    /// Asks for other pairs in the place of those that were lost, and tells of it. Who flushes the kernel's states ends those
    /// of all tunnels at once: the events of some stand for all.
    pub(crate) fn replace_lost(&mut self, now: Now, lost: Vec<Lost>) {
        let (told, more) = asked_anew(lost, |tunnel, child| {
            let asked = self.endpoint.rekey_child(now, tunnel, child);
            if let Err(error) = &asked {
                tracing::debug!("{error}");
            }
            asked
        });
        for Told { tunnel, child, why } in told {
            self.monitor_acts(&tunnel, Act::Rekey, child, why);
        }
        if more > 0 {
            tracing::warn!(
                "the kernel lost SAs of {more} tunnels more in the same moment; others were asked for, too"
            );
        }
    }
}

/// What an event says of a tunnel.
#[derive(Debug, PartialEq, Eq)]
struct Told {
    tunnel: String,
    /// The child, if it is one alone.
    child: Option<String>,
    why: String,
}

/// Asks for others by `rekey`, once for each child, whatever is told of it. Gives what is to be told, as the asking came out, and of
/// how many tunnels more nothing is.
fn asked_anew(
    lost: Vec<Lost>,
    mut rekey: impl FnMut(&str, &str) -> Result<(), CommandError>,
) -> (Vec<Told>, usize) {
    let mut all = Vec::new();
    for (tunnel, lost) in by_tunnel(lost) {
        let children: BTreeSet<&str> = lost.iter().map(|l| l.child.child.as_str()).collect();
        let mut refused = None;
        for child in &children {
            // All are asked for, whichever is refused.
            let asked = rekey(&tunnel, child);
            refused = refused.or(asked.err());
        }
        let child = children.first().filter(|_| children.len() == 1);
        all.push(Told {
            child: child.map(|child| (*child).to_owned()),
            why: told(&lost, refused.as_ref()),
            tunnel,
        });
    }
    let more = all.len().saturating_sub(MOST_TOLD);
    all.truncate(MOST_TOLD);
    (all, more)
}

fn by_tunnel(lost: Vec<Lost>) -> BTreeMap<String, Vec<Lost>> {
    let mut tunnels: BTreeMap<String, Vec<Lost>> = BTreeMap::new();
    for one in lost {
        let tunnel = one.child.connection.clone();
        tunnels.entry(tunnel).or_default().push(one);
    }
    tunnels
}

/// Why pairs of a tunnel were lost, in the words of the first, and what hinders that others take their place.
fn told(lost: &[Lost], refused: Option<&CommandError>) -> String {
    let Some(first) = lost.first() else {
        return String::new();
    };
    let (child, spi) = (&first.child.child, first.spi_in);
    let mut text = match first.ended {
        Ended::Expired => {
            format!("an SA of {child} (SPI {spi:08x}) has reached an end of its life in the kernel")
        }
        Ended::Missing => format!(
            "the kernel has an SA of {child} (SPI {spi:08x}) no more: it reached an end of its life there, or somebody deleted it"
        ),
        Ended::Moved => format!(
            "an SA of {child} (SPI {spi:08x}) couldn't go along to other addresses: the kernel has it no more, or a network device has its numbers"
        ),
    };
    match lost.len() {
        1 => {}
        count => text.push_str(&format!("; {} more of the tunnel are lost, too", count - 1)),
    }
    if let Some(error) = refused {
        text.push_str(&format!("; another one can't be asked for: {error}"));
    }
    text
}

/// Of how many tunnels an event tells in one moment.
const MOST_TOLD: usize = 16;

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use adit_esp::ChildName;

    use super::*;

    fn lost_lan(tunnel: &str) -> Lost {
        lost(tunnel, "lan", Ended::Missing)
    }

    fn lost(tunnel: &str, child: &str, ended: Ended) -> Lost {
        Lost {
            child: Arc::new(ChildName {
                connection: tunnel.to_owned(),
                child: child.to_owned(),
            }),
            spi_in: 0xc0ff_ee01,
            ended,
        }
    }

    #[test]
    fn what_became_of_an_sa_is_told_as_it_was() {
        let said = |ended| told(&[lost("office", "lan", ended)], None);
        assert!(said(Ended::Missing).contains("or somebody deleted it"));
        for ended in [Ended::Expired, Ended::Moved] {
            assert!(!said(ended).contains("deleted"), "{}", said(ended));
            assert!(said(ended).contains("lan (SPI c0ffee01)"));
        }
        assert!(said(Ended::Moved).contains("other addresses"));
        let error = CommandError::NotActive("office".to_owned());
        let refused = told(&[lost("office", "lan", Ended::Missing)], Some(&error));
        assert!(refused.ends_with("can't be asked for: connection `office` has no IKE SA"));
    }

    #[test]
    fn a_tunnel_that_lost_many_is_told_of_once() {
        let mut asked = Vec::new();
        let lost = vec![
            lost("office", "lan", Ended::Missing),
            lost("office", "dmz", Ended::Missing),
            // Its next pair, too.
            lost("office", "lan", Ended::Missing),
            lost("branch", "lan", Ended::Missing),
        ];
        let (told, more) = asked_anew(lost, |tunnel, child| {
            asked.push(format!("{tunnel}/{child}"));
            Ok(())
        });
        assert_eq!(asked, ["branch/lan", "office/dmz", "office/lan"]);
        let named: Vec<(&str, Option<&str>)> = told
            .iter()
            .map(|told| (told.tunnel.as_str(), told.child.as_deref()))
            .collect();
        assert_eq!(named, [("branch", Some("lan")), ("office", None)]);
        assert!(told[1].why.contains("; 2 more of the tunnel"), "{told:?}");
        assert_eq!(more, 0);
    }

    /// Who flushes the kernel's states takes those of all tunnels: others are asked for of each of them, and sixteen are told of.
    #[test]
    fn of_many_tunnels_all_are_asked_for_and_some_told_of() {
        let names: Vec<String> = (0..20).map(|n| format!("t{n:02}")).collect();
        for (count, wanted) in [(16, (16, 0)), (17, (16, 1)), (20, (16, 4))] {
            let lost = names[..count].iter();
            let lost = lost.map(|name| lost_lan(name)).collect();
            let mut asked = Vec::new();
            let (told, more) = asked_anew(lost, |tunnel, _| {
                asked.push(tunnel.to_owned());
                Ok(())
            });
            assert_eq!(asked, names[..count]);
            assert_eq!((told.len(), more), wanted);
            assert!(told.iter().map(|told| &told.tunnel).eq(&names[..16]));
        }
    }

    /// What is told knows what came of the asking, and one refusal keeps no other child from being asked for.
    #[test]
    fn it_is_told_after_others_were_asked_for() {
        let all = vec![
            lost("office", "dmz", Ended::Expired),
            lost("office", "lan", Ended::Expired),
            lost("branch", "lan", Ended::Expired),
        ];
        let mut asked = Vec::new();
        let (told, _) = asked_anew(all, |tunnel, child| {
            asked.push(child.to_owned());
            match child {
                "dmz" => Err(CommandError::NotActive(tunnel.to_owned())),
                _ => Ok(()),
            }
        });
        assert_eq!(asked, ["lan", "dmz", "lan"]);
        assert!(!told[0].why.contains("can't be asked for"), "{told:?}");
        let refusal = "can't be asked for: connection `office` has no IKE SA";
        assert!(told[1].why.ends_with(refusal), "{told:?}");
    }
}
