//! What an endpoint does the same way for every peer.

use core::time::Duration;

use adit_model::connection::Retransmit;
use adit_model::limits::HalfOpen;

/// Limits, ports and intervals of an [`Endpoint`](crate::Endpoint). `Default` gives what a gateway should use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Our UDP port for IKE without encapsulation.
    pub ike_port: u16,
    /// Our UDP port for IKE and ESP behind a NAT (RFC 3948); messages of this local port carry the non-ESP marker.
    pub nat_port: u16,
    /// Half-open IKE SAs of peers beyond which new IKE_SA_INIT requests are dropped.
    pub half_open_limit: u32,
    /// Half-open IKE SAs of peers from which on a cookie is demanded (RFC 7296 2.6); 0 always demands one.
    pub cookie_threshold: u32,
    /// Half-open IKE SAs that one source (an IPv4 address or an IPv6 network of 64 bits) may have, once it has shown by a
    /// cookie that it is there (RFC 8019 4.2).
    pub half_open_share: u32,
    /// Half-open IKE SAs of one source from which on a cookie is demanded of it, whatever others do.
    pub cookie_share: u32,
    /// How long one secret makes cookies; the previous one is accepted for as long again.
    pub cookie_lifetime: Duration,
    /// How long a peer has from our IKE_SA_INIT answer to a finished IKE_AUTH.
    pub half_open_timeout: Duration,
    /// The same while cookies are demanded of the peer (RFC 8019 4.1): enough for a few repetitions.
    pub half_open_timeout_pressed: Duration,
    /// How often we speak through a NAT that we are behind (RFC 3948 4).
    pub nat_keepalive: Duration,
    /// Longest IKE message in octets (from the IKE header on) that is sent in one piece to a peer that takes
    /// fragments (RFC 7383). 1208 octets make an IPv6 packet of 1280 with UDP header, marker and a little room.
    pub max_fragment: usize,
    /// Most octets of a message that is put together from fragments.
    pub reassembly_limit: usize,
    /// How long an initiator waits for a better answer after an unprotected error (RFC 7296 2.21.1: anybody may
    /// have forged it).
    pub unprotected_grace: Duration,
    /// How often an initiator starts IKE_SA_INIT over because of COOKIE or INVALID_KE_PAYLOAD.
    pub restart_limit: u32,
    /// How long a peer has for the next of several key exchanges after CREATE_CHILD_SA (RFC 9370 2.2.4).
    pub followup_timeout: Duration,
    /// How long a local key holder has for an answer.
    pub key_timeout: Duration,
    /// How the last message of an IKE SA (DELETE) is repeated: nobody should wait long for a peer that is gone.
    pub closing: Retransmit,
    /// How long the last answer of a closed IKE SA is kept for a peer that didn't get it.
    pub linger: Duration,
    /// Message ID of either side from which on an IKE SA is rekeyed: they never wrap (RFC 7296 2.2). At twice this the IKE
    /// SA ends.
    pub message_id_limit: u32,
    /// Most CHILD SAs under one IKE SA.
    pub child_limit: usize,
    /// Most CERT payloads that are looked at in one message.
    pub certificate_limit: usize,
    /// Most octets of all CERT payloads of one message.
    pub certificate_octets: usize,
    /// Whether peers of our own kind are told that we answer questions about their packets' way.
    pub answer_questions: bool,
    /// Whether every message is told with its contents ([`Output::Message`](crate::Output::Message)).
    pub tell_messages: bool,
    /// Whether keys of IKE SAs are told ([`Output::Keys`](crate::Output::Keys)): for whoever records what they open.
    pub tell_keys: bool,
}

impl Default for Settings {
    fn default() -> Self {
        let half_open = HalfOpen::default();
        Self {
            ike_port: 500,
            nat_port: 4500,
            half_open_limit: half_open.limit,
            cookie_threshold: half_open.cookies_from,
            half_open_share: half_open.per_source,
            cookie_share: half_open.cookies_from_per_source,
            cookie_lifetime: Duration::from_secs(60),
            half_open_timeout: Duration::from_secs(30),
            half_open_timeout_pressed: Duration::from_secs(10),
            nat_keepalive: Duration::from_secs(20),
            max_fragment: 1208,
            reassembly_limit: 65_536,
            unprotected_grace: Duration::from_secs(1),
            restart_limit: 4,
            followup_timeout: Duration::from_secs(20),
            key_timeout: Duration::from_secs(10),
            closing: Retransmit {
                initial: Duration::from_millis(300),
                backoff_percent: 150,
                max: Duration::from_secs(1),
                tries: 3,
            },
            linger: Duration::from_secs(30),
            message_id_limit: 1 << 31,
            child_limit: 64,
            certificate_limit: 16,
            certificate_octets: 32_768,
            answer_questions: true,
            tell_messages: false,
            tell_keys: false,
        }
    }
}

impl Settings {
    /// The same with these bounds of half-open IKE SAs.
    #[must_use]
    pub fn with_half_open(self, bounds: HalfOpen) -> Self {
        Self {
            half_open_limit: bounds.limit,
            cookie_threshold: bounds.cookies_from,
            half_open_share: bounds.per_source,
            cookie_share: bounds.cookies_from_per_source,
            ..self
        }
    }
}
