//! CHILD SAs: their life as a table, and how they come into being and go.

use std::time::Duration;

use adit_crypto::{ChildKeys, Provider};
use adit_model::carriage::HardLimits;
use adit_model::connection::{self, Mode};
use adit_model::dataplane::{ChildSa, DataPlaneRequest, Trigger};
use adit_model::event::{Asked, Happening, Party};
use adit_model::feature::Feature;
use adit_model::proposal::{Proposal, SaKind, Suite};
use adit_model::reason::Refusal;
use adit_model::selector::Selector;
use adit_model::{Mono, Secret};
use adit_wire::iana::{NotifyType, ProtocolId};
use adit_wire::v2::{Notify, Payload, PayloadList};

use crate::channel::Channel;
use crate::cx::Cx;
use crate::head::Head;
use crate::snapshot::{ChildSaState, ChildSnapshot};
use crate::v2::config_payload;
use crate::v2::keymat;
use crate::v2::lifespan::Lifespan;
use crate::v2::mode;
use crate::v2::narrow::{self, Traffic};
use crate::v2::offer::{self, Choice};
use crate::v2::proposals;
use crate::v2::volume::Volume;

/// What can happen to a CHILD SA.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ChildEvent {
    /// Another pair has taken its place.
    Superseded,
    /// We asked the peer to delete it.
    DeleteSent,
    /// The peer deleted it.
    DeletedByPeer,
    /// The peer answered our deletion.
    DeleteAnswered,
    /// Its IKE SA went away.
    IkeClosed,
}

use ChildEvent::{DeleteAnswered, DeleteSent, DeletedByPeer, IkeClosed, Superseded};
use ChildSaState::{Closed, Deleting, Installed, Rekeyed};

/// The life of a CHILD SA. A pair that isn't here can't happen.
pub(crate) const LIFE: &[(ChildSaState, ChildEvent, ChildSaState)] = &[
    (Installed, Superseded, Rekeyed),
    (Installed, DeleteSent, Deleting),
    (Installed, DeletedByPeer, Closed),
    (Installed, IkeClosed, Closed),
    (Rekeyed, DeleteSent, Deleting),
    (Rekeyed, DeletedByPeer, Closed),
    (Rekeyed, IkeClosed, Closed),
    (Deleting, DeletedByPeer, Closed),
    (Deleting, DeleteAnswered, Closed),
    (Deleting, IkeClosed, Closed),
];

/// A pair of SAs in the data plane.
pub(crate) struct Child {
    pub name: String,
    pub spi_in: u32,
    pub spi_out: u32,
    pub mode: Mode,
    pub suite: Suite,
    pub ts: Traffic,
    pub state: ChildSaState,
    /// When `state` was entered.
    pub since: Mono,
    /// When it is rekeyed, and when it ends without.
    pub span: Lifespan,
    pub volume: Volume,
}

impl Child {
    /// Takes an event; `false` when it can't happen in this state.
    pub fn step(&mut self, event: ChildEvent, now: Mono) -> bool {
        let next = LIFE
            .iter()
            .find(|(from, on, _)| (*from, *on) == (self.state, event))
            .map(|(_, _, to)| *to);
        if let Some(state) = next {
            self.state = state;
            self.since = now;
            // Whatever comes after is no more for us to renew.
            self.span = Lifespan::default();
        }
        next.is_some()
    }

    /// Whether it carries the packet that wants through.
    pub fn takes(&self, trigger: &Trigger) -> bool {
        narrow::within(&[trigger.local], &self.ts.local)
            && narrow::within(&[trigger.remote], &self.ts.remote)
    }

    pub fn is_installed(&self) -> bool {
        self.state == Installed
    }

    /// Nothing is to be sent on it any more unless there is no other.
    pub fn retire(&self, cx: &mut Cx<'_>, head: &Head) {
        cx.data_plane(DataPlaneRequest::Retire {
            connection: head.connection.name.clone(),
            child: self.name.clone(),
            spi_in: self.spi_in,
        });
    }

    /// Takes it out of the data plane and tells so.
    pub fn close(mut self, cx: &mut Cx<'_>, head: &Head, event: ChildEvent, by: Party) {
        self.step(event, cx.now.mono);
        cx.data_plane(DataPlaneRequest::Remove {
            connection: head.connection.name.clone(),
            child: self.name.clone(),
            spi_in: self.spi_in,
        });
        cx.desk.spis.release_esp(self.spi_in);
        let connection = &head.connection.name;
        cx.desk.pairs.remove(connection, &self.name, self.spi_in);
        let what = Happening::ChildClosed {
            child: self.name,
            spi_in: self.spi_in,
            by,
        };
        cx.event(head, what);
    }

    pub fn snapshot(&self, head: &Head) -> ChildSnapshot {
        ChildSnapshot {
            name: self.name.clone(),
            state: self.state,
            spi_in: self.spi_in,
            spi_out: self.spi_out,
            mode: self.mode,
            suite: self.suite,
            ts_local: self.ts.local.clone(),
            ts_remote: self.ts.remote.clone(),
            udp_encap: head.udp_encap(),
            rekey_at: self.span.renew,
        }
    }
}

/// What the keys of a CHILD SA are made of (RFC 7296 2.17).
pub(crate) struct KeySource<'a> {
    pub channel: &'a Channel,
    /// The secret of the exchange's own key exchange.
    pub shared: Option<&'a Secret>,
    pub ni: &'a [u8],
    pub nr: &'a [u8],
    /// The secrets of additional key exchanges (RFC 9370 2.2.4).
    pub additional: &'a [Secret],
    /// Whether we began the exchange that makes the CHILD SA.
    pub ours: bool,
}

/// A CHILD SA that both sides have agreed on.
pub(crate) struct Agreed<'a> {
    pub config: &'a connection::Child,
    pub spi_in: u32,
    pub spi_out: u32,
    pub mode: Mode,
    pub suite: Suite,
    pub ts: Traffic,
    /// `spi_in` of the CHILD SA that the peer replaces by this one.
    pub replaces: Option<u32>,
}

/// Derives keys, puts the pair into the data plane and tells so.
pub(crate) fn install(
    cx: &mut Cx<'_>,
    head: &Head,
    agreed: Agreed<'_>,
    source: &KeySource<'_>,
) -> Result<Child, Refusal> {
    let Agreed {
        config,
        spi_in,
        spi_out,
        mode,
        suite,
        ts,
        replaces,
    } = agreed;
    let protection =
        keymat::protection(cx.provider, &suite).map_err(|error| Refusal::Unsupported {
            what: Feature::algorithm(error),
        })?;
    let keys = ChildKeys::derive(
        &protection,
        source.channel.prf,
        &source.channel.sk_d,
        source.shared,
        source.ni,
        source.nr,
        source.additional,
    );
    let (key_out, key_in) = if source.ours {
        (keys.initiator, keys.responder)
    } else {
        (keys.responder, keys.initiator)
    };
    // A peer that began can't receive on the new pair yet, whether this exchange replaces an older one or another IKE SA
    // does.
    let connection = &head.connection.name;
    let older = || cx.desk.pairs.newest(connection, &config.name);
    let replaces = replaces.or_else(|| if source.ours { None } else { older() });
    cx.desk.pairs.add(connection, &config.name, spi_in);
    cx.data_plane(DataPlaneRequest::Install(Box::new(ChildSa {
        connection: head.connection.name.clone(),
        child: config.name.clone(),
        spi_in,
        spi_out,
        suite,
        key_in,
        key_out,
        mode,
        ts_local: ts.local.clone(),
        ts_remote: ts.remote.clone(),
        path: head.child_path(),
        replay_window: config.replay_window,
        carriage: config.carriage,
        limits: HardLimits {
            bytes: config.life.lifetime_bytes,
            packets: config.life.lifetime_packets,
            seconds: whole_seconds(config.life.lifetime),
        },
        replaces,
    })));
    let narrowed = !ts.covers(&mode::traffic(head, config, mode));
    let what = Happening::ChildEstablished {
        child: config.name.clone(),
        spi_in,
        spi_out,
        suite,
        ts_local: ts.local.clone(),
        ts_remote: ts.remote.clone(),
        narrowed,
        udp_encap: head.udp_encap(),
    };
    cx.event(head, what);
    Ok(Child {
        name: config.name.clone(),
        spi_in,
        spi_out,
        mode,
        suite,
        ts,
        state: Installed,
        since: cx.now.mono,
        span: Lifespan::new(cx, config.life.rekey, config.life.lifetime),
        volume: Volume::new(cx, &config.life, suite.esn),
    })
}

/// The data plane's end comes after ours, not before: a part of a second counts as one.
fn whole_seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

/// What a responder takes of a peer's request for a CHILD SA.
pub(crate) struct Selected {
    pub config: connection::Child,
    pub choice: Choice,
    pub spi_out: u32,
    pub mode: Mode,
    pub ts: Traffic,
    /// Another child would take more of what is asked for.
    more: bool,
}

impl Selected {
    /// What the answer says besides SA, TSi and TSr: `[N(USE_TRANSPORT_MODE),] [N(ADDITIONAL_TS_POSSIBLE),]
    /// [N(ESP_TFC_PADDING_NOT_SUPPORTED)]` (RFC 7296 1.3.1, 2.9).
    pub fn notifies(&self) -> impl Iterator<Item = Payload> + use<> {
        let plain = |kind| Payload::Notify(Notify::new(kind));
        mode::payload(self.mode)
            .into_iter()
            .chain(self.more.then(|| plain(NotifyType::ADDITIONAL_TS_POSSIBLE)))
            .chain(mode::no_filling(self.mode))
    }
}

/// Finds the configured child whose traffic is asked for (`only` that one, when an old one is rekeyed), and the
/// algorithms for it.
pub(crate) fn select(
    provider: &Provider,
    head: &Head,
    request: &PayloadList,
    only: Option<&str>,
    ke: bool,
) -> Result<Selected, Refusal> {
    let (Some(sa), Some(ts_i), Some(ts_r)) = (request.sa(), request.ts_i(), request.ts_r()) else {
        return Err(Refusal::Presence {
            problem: "a CHILD SA needs SA, TSi and TSr".to_owned(),
        });
    };
    // The peer is the exchange's initiator: TSr is our side.
    let offered = Traffic {
        local: narrow::read(ts_r),
        remote: narrow::read(ts_i),
    };
    let offered = config_payload::without_placeholder(head, offered);
    if !sa.proposals.is_empty() && sa.proposals.iter().all(|p| p.protocol == ProtocolId::AH) {
        return Err(Refusal::Unsupported { what: Feature::Ah });
    }
    let all = &head.connection.children;
    let asked = mode::asked(request);
    let offer = offer::read(sa, SaKind::Esp, 4, true);
    let tried = request.ke().map(|ke| ke.method);
    let mut refusal = None;
    let mut candidates: Vec<_> = all
        .iter()
        .filter(|c| only.is_none_or(|name| c.name == name))
        .map(|config| config_payload::effective(head, config))
        .collect();
    // The first selectors may be of the packet that wants through: a child that takes it goes before one that merely has
    // something in common with what is asked for (2.9).
    candidates.sort_by_key(|config| !takes_first(config, &offered));
    for config in &candidates {
        let agreed = mode::answering(head, config, asked);
        let whole = mode::traffic(head, config, *agreed.as_ref().unwrap_or(&Mode::Tunnel));
        let Some(ts) = narrow::narrowed(&offered, &whole) else {
            continue;
        };
        let mode = match agreed {
            Ok(mode) => mode,
            Err(reason) => {
                refusal.get_or_insert(reason);
                continue;
            }
        };
        // All that is configured, and all that is asked for.
        let all = ts.covers(&whole) && ts.covers(&offered);
        if !all && !config.leeway.narrow {
            continue;
        }
        let usable = proposals::usable(provider, &config.esp, SaKind::Esp);
        let Some(choice) = offer.choose(&usable, ke, tried) else {
            refusal.get_or_insert_with(|| offer.refusal(&config.esp, SaKind::Esp, ke));
            continue;
        };
        let Some(spi_out) = child_spi(&choice.spi) else {
            return Err(Refusal::Malformed {
                field: "SA proposal SPI".to_owned(),
                offset: 0,
                problem: "an ESP SPI below 256 is reserved".to_owned(),
            });
        };
        let takes_more = |other: &connection::Child| {
            let mode = mode::answering(head, other, asked).unwrap_or(Mode::Tunnel);
            let part = narrow::narrowed(&offered, &mode::traffic(head, other, mode));
            other.name != config.name && part.is_some_and(|part| !ts.covers(&part))
        };
        let more = candidates.iter().any(takes_more);
        let mut config = config.clone();
        mode::heed_filling(&mut config, request);
        return Ok(Selected {
            more,
            config,
            choice,
            spi_out,
            mode,
            ts,
        });
    }
    Err(refusal.unwrap_or_else(|| {
        let all = || all.iter().map(|c| config_payload::effective(head, c));
        Refusal::TrafficSelectors {
            offered_local: offered.local,
            offered_remote: offered.remote,
            configured_local: all().flat_map(|c| c.local_ts).collect(),
            configured_remote: all().flat_map(|c| c.remote_ts).collect(),
        }
    }))
}

/// Whether the child has all of the first selectors of both sides.
fn takes_first(config: &connection::Child, offered: &Traffic) -> bool {
    let has = |first: Option<&Selector>, whole| first.is_some_and(|s| narrow::within(&[*s], whole));
    has(offered.local.first(), &config.local_ts) && has(offered.remote.first(), &config.remote_ts)
}

/// An ESP SPI from a proposal; zero and the reserved ones are none.
pub(crate) fn child_spi(octets: &[u8]) -> Option<u32> {
    let spi = u32::from_be_bytes(octets.try_into().ok()?);
    (spi > 255).then_some(spi)
}

/// What events call a child that is being negotiated.
pub(crate) fn title(head: &Head, name: Option<&str>) -> String {
    let only = match head.connection.children.as_slice() {
        [child] => Some(child.name.as_str()),
        _ => None,
    };
    match name.or(only) {
        Some(name) => format!("CHILD_SA {name}"),
        None => "CHILD_SA".to_owned(),
    }
}

/// The same of a child that is to take an old one's place: a refusal then has other causes than that of a first one.
pub(crate) fn title_of(head: &Head, name: Option<&str>, rekeying: bool) -> String {
    let title = title(head, name);
    match rekeying {
        true => format!("{title} (rekeying)"),
        false => title,
    }
}

/// What we asked for, for an event about the peer's refusal.
pub(crate) fn asked(config: &connection::Child, proposals: &[Proposal]) -> Asked {
    Asked {
        proposals: proposals.to_vec(),
        ts_local: config.local_ts.clone(),
        ts_remote: config.remote_ts.clone(),
        ..Asked::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATES: [ChildSaState; 4] = [Installed, Rekeyed, Deleting, Closed];
    const EVENTS: [ChildEvent; 5] = [
        Superseded,
        DeleteSent,
        DeletedByPeer,
        DeleteAnswered,
        IkeClosed,
    ];

    /// Every pair of state and event: `-` where it can't happen.
    #[test]
    fn the_whole_table() {
        let mut table = String::new();
        for from in STATES {
            table.push_str(&format!("{from:?}:"));
            for event in EVENTS {
                let mut to = LIFE.iter().filter(|(f, e, _)| (*f, *e) == (from, event));
                match (to.next(), to.next()) {
                    (Some((_, _, to)), None) => table.push_str(&format!(" {to:?}")),
                    (None, _) => table.push_str(" -"),
                    _ => panic!("{from:?} has two ways on {event:?}"),
                }
            }
            table.push('\n');
        }
        assert_eq!(
            table,
            "Installed: Rekeyed Deleting Closed - Closed\n\
             Rekeyed: - Deleting Closed - Closed\n\
             Deleting: - - Closed Closed Closed\n\
             Closed: - - - - -\n"
        );
    }
}
