//! Tunnel or transport mode (RFC 7296 1.3.1, RFC 4301 3.2): what is asked for, what is agreed, and what traffic that is.
//!
//! Transport mode is agreed on only where both sides want it. It carries what the two peers themselves say to each other,
//! so its selectors are those parts of the configured ones that are the peers' own addresses. Behind a NAT these aren't
//! what the packets say, and their checksums would have to be mended (RFC 7296 2.23.1, RFC 3948 3.1.2): there is none.

use adit_model::carriage::Tfc;
use adit_model::connection::{Child, Mode};
use adit_model::feature::Feature;
use adit_model::reason::Refusal;
use adit_model::selector::{Selector, narrow};
use adit_wire::iana::NotifyType;
use adit_wire::v2::{Notify, Payload, PayloadList};

use crate::head::Head;
use crate::v2::narrow::Traffic;

/// Whether a message has USE_TRANSPORT_MODE.
pub(crate) fn asked(message: &PayloadList) -> bool {
    message.notify(NotifyType::USE_TRANSPORT_MODE).is_some()
}

/// What asks for `mode`, or agrees to it: the notify for transport mode, nothing for tunnel mode.
pub(crate) fn payload(mode: Mode) -> Option<Payload> {
    let notify = Notify::new(NotifyType::USE_TRANSPORT_MODE);
    (mode == Mode::Transport).then_some(Payload::Notify(notify))
}

/// What says that packets mustn't be filled up to hide their lengths (RFC 7296 1.3.1): in tunnel mode a packet says how long it
/// is, and what follows it is cut off; in transport mode not every packet does.
pub(crate) fn no_filling(mode: Mode) -> Option<Payload> {
    let notify = Notify::new(NotifyType::ESP_TFC_PADDING_NOT_SUPPORTED);
    (mode == Mode::Transport).then_some(Payload::Notify(notify))
}

/// Has packets of `config` not filled up where the peer says in `message` that it doesn't take that.
pub(crate) fn heed_filling(config: &mut Child, message: &PayloadList) {
    if message
        .notify(NotifyType::ESP_TFC_PADDING_NOT_SUPPORTED)
        .is_some()
    {
        config.carriage.tfc = Tfc::Off;
    }
}

/// The mode that we ask for.
pub(crate) fn wanted(head: &Head, config: &Child) -> Result<Mode, Refusal> {
    match config.mode {
        Mode::Transport if !head.is_translated() => Ok(Mode::Transport),
        Mode::Transport if !config.leeway.tunnel_instead => Err(translated()),
        Mode::Transport | Mode::Tunnel => Ok(Mode::Tunnel),
    }
}

/// The mode in which we answer a peer that asks for transport mode, or doesn't. Who wants tunnel mode simply doesn't
/// confirm the other.
pub(crate) fn answering(head: &Head, config: &Child, transport: bool) -> Result<Mode, Refusal> {
    match wanted(head, config)? {
        Mode::Transport if !transport => instead(config),
        mode => Ok(mode),
    }
}

/// The mode after our request for `wanted` was answered.
pub(crate) fn answered(config: &Child, wanted: Mode, transport: bool) -> Result<Mode, Refusal> {
    match (wanted, transport) {
        (Mode::Transport, true) => Ok(Mode::Transport),
        (Mode::Transport, false) => instead(config),
        (Mode::Tunnel, false) => Ok(Mode::Tunnel),
        (Mode::Tunnel, true) => Err(Refusal::Mode {
            requested_transport: true,
        }),
    }
}

/// The traffic of a configured child in `mode`.
pub(crate) fn traffic(head: &Head, config: &Child, mode: Mode) -> Traffic {
    let of = |selectors: &[Selector], host| match mode {
        Mode::Tunnel => selectors.to_vec(),
        Mode::Transport => narrow(selectors, &[Selector::host(host)]),
    };
    Traffic {
        local: of(&config.local_ts, head.path.local.ip()),
        remote: of(&config.remote_ts, head.path.remote.ip()),
    }
}

/// The peer declines transport mode.
fn instead(config: &Child) -> Result<Mode, Refusal> {
    let refusal = Refusal::Mode {
        requested_transport: false,
    };
    config
        .leeway
        .tunnel_instead
        .then_some(Mode::Tunnel)
        .ok_or(refusal)
}

fn translated() -> Refusal {
    Refusal::Unsupported {
        what: Feature::TransportBehindNat,
    }
}
