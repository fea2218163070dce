//! IKEv2 messages (RFC 7296, RFC 7383).
//!
//! A received datagram goes through [`Message::parse`]: the [`Header`], the payloads in clear, and where the
//! encrypted payload lies. Whoever holds the keys opens that range and hands the plaintext to [`open_inner`].
//! The way out is the reverse: [`emit_plain`] for messages in clear, [`SkFrame`] for a message whose encrypted
//! area is laid out and then sealed in place. [`rules`] says which payloads each message must carry.

pub mod auth;
pub mod auth_methods;
pub mod cert;
pub mod certreq;
pub mod cp;
pub mod delete;
pub mod eap;
pub mod fragment;
pub mod header;
pub mod id;
pub mod ke;
pub mod message;
pub mod nonce;
pub mod notify;
pub mod payload;
pub mod rules;
pub mod sa;
pub mod sk;
pub mod ts;
pub mod vendor;

pub use auth::AuthPayload;
pub use auth_methods::Announcement;
pub use cert::CertPayload;
pub use certreq::CertReqPayload;
pub use cp::CpPayload;
pub use delete::Delete;
pub use eap::EapPayload;
pub use fragment::FragmentHeader;
pub use header::{Flags, Header, IkeSpi, Version};
pub use id::IdPayload;
pub use ke::KePayload;
pub use message::{Encrypted, Message, ParsedMessage, emit_plain};
pub use nonce::Nonce;
pub use notify::Notify;
pub use payload::{Payload, PayloadList};
pub use sa::{Attribute, AttributeValue, Proposal, SaPayload, Transform};
pub use sk::{SealLayout, SkFrame, open_inner, strip_padding};
pub use ts::{TrafficSelector, TsPayload};
pub use vendor::VendorId;
