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
        let tunnels = by_tunnel(lost);
        let more = tunnels.len().saturating_sub(MOST_TOLD);
        for (at, (tunnel, lost)) in tunnels.into_iter().enumerate() {
            let children: BTreeSet<&str> = lost.iter().map(|l| l.child.child.as_str()).collect();
            let mut refused = None;
            for child in &children {
                if let Err(error) = self.endpoint.rekey_child(now, &tunnel, child) {
                    tracing::debug!("{error}");
                    refused = refused.or(Some(error));
                }
            }
            if at < MOST_TOLD {
                let child = children.first().filter(|_| children.len() == 1);
                let child = child.map(|child| (*child).to_owned());
                let why = told(&lost, refused.as_ref());
                self.monitor_acts(&tunnel, Act::Rekey, child, why);
            }
        }
        if more > 0 {
            tracing::warn!(
                "the kernel lost SAs of {more} tunnels more in the same moment; others were asked for, too"
            );
        }
    }
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
        let all = by_tunnel(vec![
            lost("office", "lan", Ended::Missing),
            lost("office", "dmz", Ended::Missing),
            lost("branch", "lan", Ended::Missing),
        ]);
        let counts: Vec<usize> = all.values().map(Vec::len).collect();
        assert_eq!(counts, [1, 2]);
        assert!(told(&all["office"], None).contains("; 1 more of the tunnel"));
    }
}
