//! The kernel's policies and SAs beside one another, as `ip xfrm` lists them.

use adit_model::fact::{Fact, Known, Side};
use adit_model::host::{HostState, KernelPolicy, KernelSa, Listing, Template};
use adit_model::selector::Selector;

use crate::signals::Signals;

/// Readers keep so many entries of a list; one that is as long may have been cut, so what isn't in it may be there.
pub(crate) const CUT_AT: usize = 256;

/// What one side's kernel has.
pub(crate) struct Spd<'a> {
    pub(crate) sas: Vec<(&'a Fact, &'a KernelSa)>,
    pub(crate) policies: Vec<(&'a Fact, &'a KernelPolicy)>,
    /// The list of SAs was asked for, and is empty.
    pub(crate) no_sas: Option<&'a Fact>,
    /// The list of policies was asked for, and is empty.
    pub(crate) no_policies: Option<&'a Fact>,
    /// The list of policies was shown to its end.
    pub(crate) policies_whole: bool,
    /// Entries of the lists of SAs that were shown to their ends.
    sas_listed: u32,
}

/// A policy and an SA that should serve it.
type Apart<'a> = ((&'a Fact, &'a KernelPolicy), (&'a Fact, &'a KernelSa));

/// A policy that takes what another one is for.
pub(crate) struct Taken<'a> {
    pub(crate) by: (&'a Fact, &'a KernelPolicy),
    pub(crate) from: (&'a Fact, &'a KernelPolicy),
}

impl<'a> Signals<'a> {
    /// The kernel's policies and SAs of one side; `None` when none of them is shown.
    pub(crate) fn kernel(&self, side: Side) -> Option<Spd<'a>> {
        let mut spd = Spd {
            sas: Vec::new(),
            policies: Vec::new(),
            no_sas: None,
            no_policies: None,
            policies_whole: false,
            sas_listed: 0,
        };
        let mut shown = false;
        for fact in self.case.of(side) {
            let Known::Host { state } = &fact.what else {
                continue;
            };
            match &**state {
                HostState::Sa(sa) => spd.sas.push((fact, sa)),
                HostState::Policy(policy) => spd.policies.push((fact, policy)),
                HostState::Listed {
                    what: Listing::Sas,
                    entries: 0,
                } => spd.no_sas = Some(fact),
                HostState::Listed {
                    what: Listing::Sas,
                    entries,
                } => spd.sas_listed = spd.sas_listed.saturating_add(*entries),
                HostState::Listed {
                    what: Listing::Policies,
                    entries,
                } => {
                    spd.policies_whole = true;
                    if *entries == 0 {
                        spd.no_policies = Some(fact);
                    }
                }
                _ => continue,
            }
            shown = true;
        }
        shown.then_some(spd)
    }
}

impl<'a> Spd<'a> {
    /// Whether more may have been listed than is known here.
    pub(crate) fn cut(&self) -> bool {
        self.sas.len() >= CUT_AT || self.policies.len() >= CUT_AT
    }

    /// Whether all SAs of the kernel are known: every list was shown to its end, and kept.
    pub(crate) fn sas_whole(&self) -> bool {
        !self.cut() && usize::try_from(self.sas_listed) == Ok(self.sas.len())
    }

    /// Policies of one direction that want IPsec.
    pub(crate) fn protecting<'s>(
        &'s self,
        direction: &'s str,
    ) -> impl Iterator<Item = (&'a Fact, &'a KernelPolicy)> + 's {
        self.policies
            .iter()
            .copied()
            .filter(move |(_, p)| p.direction == direction && !p.templates.is_empty())
    }

    /// The SAs that a policy's packets can go by.
    fn serving(&self, policy: &KernelPolicy) -> impl Iterator<Item = &'a KernelSa> {
        self.sas
            .iter()
            .map(|(_, sa)| *sa)
            .filter(move |sa| policy.templates.iter().any(|t| fits(t, sa)))
    }

    /// A policy that goes first and covers all that another one is for, whose SA is there: it lets pass in clear, throws
    /// away, or wants an SA that isn't there.
    pub(crate) fn taken(&self) -> Option<Taken<'a>> {
        if self.cut() {
            return None;
        }
        let (served, others): (Vec<_>, Vec<_>) = self
            .policies
            .iter()
            .copied()
            .filter(|(_, p)| p.direction == "out")
            .partition(|(_, p)| self.serving(p).next().is_some());
        served.into_iter().find_map(|from| {
            let by = others.iter().copied().find(|(_, first)| {
                first.priority < from.1.priority
                    && first.if_id == from.1.if_id
                    && first.mark == from.1.mark
                    && first
                        .device
                        .as_ref()
                        .is_none_or(|d| Some(d) == from.1.device.as_ref())
                    && covers(first, from.1)
            })?;
            Some(Taken { by, from })
        })
    }

    /// A policy that leaves a part of the peer's network out of a tunnel, and comes too late: the tunnel's own goes first.
    pub(crate) fn left_out_in_vain(&self) -> Option<Taken<'a>> {
        let clear: Vec<_> = self
            .policies
            .iter()
            .copied()
            .filter(|(_, p)| p.direction == "out" && p.templates.is_empty() && !p.blocks)
            .collect();
        clear.iter().copied().find_map(|from| {
            let by = self.protecting("out").find(|(_, first)| {
                let in_time = |c: &KernelPolicy| c.priority < first.priority && covers(c, from.1);
                first.priority < from.1.priority
                    && !clear.iter().any(|(_, c)| in_time(c))
                    && first.if_id == from.1.if_id
                    && first.mark == from.1.mark
                    && first.device == from.1.device
                    && first.ports.is_empty()
                    && first.templates.iter().all(|t| t.mode == "tunnel")
                    && is_a_part(from.1, first)
            })?;
            Some(Taken { by, from })
        })
    }

    /// SAs between two hosts of which one direction is in UDP and the other isn't.
    pub(crate) fn half_in_udp(&self) -> Option<[(&'a Fact, &'a KernelSa); 2]> {
        self.sas.iter().copied().find_map(|one| {
            let same = |a: &KernelSa, b: &KernelSa| a.from == b.from && a.to == b.to;
            let back = |a: &KernelSa, b: &KernelSa| a.from == b.to && a.to == b.from;
            let there: Vec<_> = self.sas.iter().filter(|(_, s)| same(s, one.1)).collect();
            let here: Vec<_> = self.sas.iter().filter(|(_, s)| back(s, one.1)).collect();
            let other = here.first()?;
            let split = one.1.in_udp
                && !one.1.from.is_empty()
                && one.1.from != one.1.to
                && there.iter().all(|(_, s)| s.in_udp)
                && here.iter().all(|(_, s)| !s.in_udp);
            split.then_some([one, **other])
        })
    }

    /// A policy and the SA made for it that have another interface number or mark than it, so that they never meet.
    pub(crate) fn numbered_apart(&self) -> Option<Apart<'a>> {
        if self.cut() {
            return None;
        }
        self.protecting("out").find_map(|(fact, policy)| {
            let own: Vec<_> = self
                .sas
                .iter()
                .copied()
                .filter(|(_, sa)| policy.templates.iter().any(|t| t.reqid != 0 && fits(t, sa)))
                .collect();
            let first = own.first()?;
            own.iter()
                .all(|(_, sa)| sa.if_id != policy.if_id)
                .then_some(((fact, policy), *first))
        })
    }

    /// Whether SAs go both ways between an address and others, each time in a tunnel: of the two ends it may be either.
    pub(crate) fn between(&self, address: &str) -> bool {
        let tunnels = || self.sas.iter().filter(|(_, sa)| sa.mode == "tunnel");
        tunnels().any(|(_, sa)| sa.to == address) && tunnels().any(|(_, sa)| sa.from == address)
    }

    /// Policies for packets of one device alone that want IPsec for what goes out, where no other policy takes the same.
    pub(crate) fn bound(&self) -> impl Iterator<Item = (&'a Fact, &'a KernelPolicy, &'a str)> + '_ {
        self.protecting("out").filter_map(move |(fact, policy)| {
            let device = policy.device.as_deref()?;
            let other = self
                .protecting("out")
                .any(|(_, p)| p.device.is_none() && covers(p, policy));
            (!other).then_some((fact, policy, device))
        })
    }

    /// A policy that lets what was decrypted in, beside which none lets it be forwarded.
    pub(crate) fn not_forwarded(&self) -> Option<(&'a Fact, &'a KernelPolicy)> {
        if !self.policies_whole
            || self.cut()
            || self.policies.iter().any(|(_, p)| p.direction == "fwd")
        {
            return None;
        }
        let network = |text: &str| {
            text.parse::<Selector>()
                .is_ok_and(|net| net.start != net.end)
        };
        self.protecting("in")
            .find(|(_, p)| network(&p.to) && p.templates.iter().all(|t| t.mode == "tunnel"))
    }

    /// A policy that names another peer address than the SAs that were made for it.
    pub(crate) fn other_peer(&self) -> Option<Apart<'a>> {
        if self.cut() {
            return None;
        }
        self.protecting("out").find_map(|(fact, policy)| {
            if self.serving(policy).next().is_some() {
                return None;
            }
            let template = policy.templates.iter().find(|t| t.reqid != 0)?;
            let made = self.sas.iter().copied().find(|(_, sa)| {
                sa.reqid == Some(template.reqid)
                    && sa.from == template.from
                    && sa.to != template.to
                    && !sa.to.is_empty()
                    && !template.to.is_empty()
            })?;
            Some(((fact, policy), made))
        })
    }
}

impl Signals<'_> {
    /// Whether the lists of a side's policies and of its addresses were asked for at the same prompt.
    pub(crate) fn same_host(&self, side: Side) -> bool {
        let prompt = |wanted: Listing| {
            self.case.of(side).find_map(|f| match &f.what {
                Known::Host { state } => match &**state {
                    HostState::Listed { what, .. } if *what == wanted => {
                        f.source.text.split(['#', '$', '>']).next()
                    }
                    _ => None,
                },
                _ => None,
            })
        };
        let (one, other) = (prompt(Listing::Policies), prompt(Listing::Addresses));
        one.is_some_and(|p| p.contains(['@', '['])) && one == other
    }
}

/// Whether an SA is one that a template wants.
fn fits(template: &Template, sa: &KernelSa) -> bool {
    let address = |wanted: &str, has: &str| {
        wanted == has || matches!(wanted, "0.0.0.0" | "::" | "") || has.is_empty()
    };
    address(&template.from, &sa.from)
        && address(&template.to, &sa.to)
        && (template.reqid == 0 || sa.reqid.is_none_or(|r| r == template.reqid))
}

/// Whether a policy catches all that another one does.
fn covers(outer: &KernelPolicy, inner: &KernelPolicy) -> bool {
    let within =
        |outer: &str, inner: &str| match (outer.parse::<Selector>(), inner.parse::<Selector>()) {
            (Ok(outer), Ok(inner)) => outer.contains(&inner),
            _ => false,
        };
    (outer.ports.is_empty() || outer.ports == inner.ports)
        && within(&outer.from, &inner.from)
        && within(&outer.to, &inner.to)
}

/// Whether a policy is for some of the hosts behind the other side of a tunnel, and for traffic that the tunnel's takes.
fn is_a_part(clear: &KernelPolicy, tunnel: &KernelPolicy) -> bool {
    let nets = |p: &KernelPolicy| Some((p.from.parse().ok()?, p.to.parse().ok()?));
    let (Some((from, to)), Some((ours, theirs))): (Option<(Selector, Selector)>, Option<_>) =
        (nets(clear), nets(tunnel))
    else {
        return false;
    };
    let theirs: Selector = theirs;
    theirs != to && theirs.contains(&to) && from.intersect(&ours).is_some()
}

/// A policy for a sentence.
pub(crate) fn words(policy: &KernelPolicy) -> String {
    format!(
        "{} → {} ({}, priority {})",
        policy.from, policy.to, policy.direction, policy.priority
    )
}
