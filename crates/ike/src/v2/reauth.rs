//! When both sides authenticate anew (RFC 7296 2.8.3), and until when the responder wants it (RFC 4478).

use core::time::Duration;

use adit_model::Mono;
use adit_wire::iana::NotifyType;
use adit_wire::v2::{Notify, Payload, PayloadList};

use crate::cx::Cx;
use crate::v2::established::Established;
use crate::v2::lifespan::early;

/// What we have told the peer, kept: a configuration that holds later changes nothing of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AuthEnd {
    /// The seconds that it was told.
    pub seconds: u32,
    /// When these are over.
    pub until: Mono,
    /// When we end the IKE SA.
    pub end: Mono,
}

impl Established {
    /// As initiator: both sides have authenticated, and the peer may say for how long (RFC 4478).
    pub fn authenticated(&mut self, cx: &Cx<'_>, answer: &PayloadList) {
        self.began = true;
        let reauth = self.connection().life.reauth;
        self.reauth = (!reauth.is_zero()).then(|| cx.now.mono + early(cx, reauth));
        self.planned = self.reauth;
        self.obey_auth_lifetime(cx, answer);
    }

    /// The responder says until when we have to authenticate anew. One that says "at once" doesn't make us do so
    /// without end.
    pub fn obey_auth_lifetime(&mut self, cx: &Cx<'_>, payloads: &PayloadList) {
        let notify = payloads.notify(NotifyType::AUTH_LIFETIME);
        let seconds = notify.and_then(|n| <[u8; 4]>::try_from(n.data.as_slice()).ok());
        let seconds = seconds
            .map(u32::from_be_bytes)
            .filter(|_| self.replaced.is_none());
        if let Some(seconds) = seconds {
            // It is remembered of a peer that set the IKE SA up too: we can't do anything about it, and a person may want to know.
            self.auth_told = Some((seconds, cx.now.mono + Duration::from_secs(seconds.into())));
        }
        if let (Some(seconds), true) = (seconds, self.began) {
            let time = Duration::from_secs(seconds.into()).max(SHORTEST);
            let at = cx.now.mono + early(cx, time - time / 10);
            self.reauth = Some(self.reauth.map_or(at, |before| before.min(at)));
        }
    }

    /// As responder: says until when the peer has to authenticate anew, and remembers it.
    pub fn auth_lifetime(&mut self, cx: &Cx<'_>) -> Option<Payload> {
        let time = self.connection().life.reauth;
        let seconds = u32::try_from(time.as_secs()).unwrap_or(u32::MAX);
        (seconds > 0).then(|| {
            self.auth_end = Some(AuthEnd {
                seconds,
                until: cx.now.mono + time,
                end: cx.now.mono + time + time / 10,
            });
            Payload::Notify(Notify::with_data(
                NotifyType::AUTH_LIFETIME,
                seconds.to_be_bytes().to_vec(),
            ))
        })
    }
}

/// What a shorter time that the responder says is taken for; the shortest one that may be configured.
const SHORTEST: Duration = Duration::from_secs(10);
