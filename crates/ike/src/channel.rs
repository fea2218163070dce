//! The protected channel of an IKE SA: its keys at work on messages, whole or in fragments.

use adit_crypto::{BadKey, IkeKeys, IkeSuite, OpenError, Prf, SkCipher};
use adit_model::Secret;
use adit_model::event::Role;
use adit_wire::iana::PayloadType;
use adit_wire::v2::{Encrypted, FragmentHeader, Header, PayloadList, SealLayout};

use crate::fragments::Reassembly;
use crate::output::DerivedKeys;

/// Keys of one IKE SA, sorted into ours and the peer's.
pub(crate) struct Channel {
    pub prf: &'static dyn Prf,
    /// Derives keys of CHILD SAs and of the next IKE SA.
    pub sk_d: Secret,
    /// Enters our AUTH value.
    pub sk_p_ours: Secret,
    /// Enters the peer's AUTH value.
    pub sk_p_peer: Secret,
    /// Both sides announced fragmentation.
    pub fragmentation: bool,
    /// Messages of which fragments are missing.
    pub reassembly: Vec<Reassembly>,
    seal: SkCipher,
    open: SkCipher,
    /// What opened the request that was answered last, where the keys have changed since.
    previous: Option<Box<SkCipher>>,
}

impl Channel {
    /// Puts derived keys to work for the side that has `role`.
    pub fn new(
        suite: &IkeSuite,
        keys: IkeKeys,
        role: Role,
        fragmentation: bool,
    ) -> Result<Self, BadKey> {
        let from_initiator =
            SkCipher::new(&suite.protection, keys.sk_ei.expose(), keys.sk_ai.expose())?;
        let from_responder =
            SkCipher::new(&suite.protection, keys.sk_er.expose(), keys.sk_ar.expose())?;
        let (seal, open, sk_p_ours, sk_p_peer) = match role {
            Role::Initiator => (from_initiator, from_responder, keys.sk_pi, keys.sk_pr),
            Role::Responder => (from_responder, from_initiator, keys.sk_pr, keys.sk_pi),
        };
        Ok(Self {
            prf: suite.prf,
            sk_d: keys.sk_d,
            sk_p_ours,
            sk_p_peer,
            fragmentation,
            reassembly: Vec::new(),
            seal,
            open,
            previous: None,
        })
    }

    /// The keys that a post-quantum pre-shared key is mixed into.
    pub fn derived(&self) -> DerivedKeys {
        DerivedKeys {
            sk_d: self.sk_d.clone(),
            sk_p_ours: self.sk_p_ours.clone(),
            sk_p_peer: self.sk_p_peer.clone(),
        }
    }

    /// Puts others in their place; gives back what was there.
    pub fn replace_derived(&mut self, new: DerivedKeys) -> DerivedKeys {
        DerivedKeys {
            sk_d: core::mem::replace(&mut self.sk_d, new.sk_d),
            sk_p_ours: core::mem::replace(&mut self.sk_p_ours, new.sk_p_ours),
            sk_p_peer: core::mem::replace(&mut self.sk_p_peer, new.sk_p_peer),
        }
    }

    /// Goes on under new keys. A request that came under the old ones may come again.
    pub fn succeed(&mut self, new: Channel) {
        let old = core::mem::replace(self, new);
        self.previous = Some(Box::new(old.open));
    }

    /// The peer uses the present keys; it won't repeat what came before.
    pub fn forget_previous(&mut self) {
        self.previous = None;
    }

    /// As [`open`](Self::open), for a message that was answered before.
    pub fn open_again(&self, datagram: &[u8], encrypted: &Encrypted) -> Result<Vec<u8>, OpenError> {
        match &self.previous {
            Some(previous) => open_with(previous, datagram, encrypted),
            None => self.open(datagram, encrypted),
        }
    }

    /// A message as the datagrams to send: one, or several fragments when it would be longer than `max` octets and
    /// the peer takes fragments.
    pub fn seal(
        &mut self,
        header: &Header,
        payloads: &PayloadList,
        max: usize,
    ) -> Result<Vec<Vec<u8>>, String> {
        let mut inner = Vec::new();
        let first = payloads.emit(&mut inner).map_err(|e| e.to_string())?;
        let whole = Header::LEN + 4 + self.seal.sealed_len(inner.len());
        if !self.fragmentation || whole <= max {
            return Ok(vec![self.seal_one(header, first, None, &inner)?]);
        }
        let shape = self.seal.shape();
        let layout = SealLayout {
            iv: shape.iv_len,
            block: shape.block_len,
            icv: shape.icv_len,
        };
        let parts: Vec<&[u8]> = inner.chunks(layout.fragment_capacity(max).max(1)).collect();
        let total = u16::try_from(parts.len()).map_err(|_| "too many fragments".to_owned())?;
        (1..=total)
            .zip(parts)
            .map(|(number, part)| {
                let first = if number == 1 {
                    first
                } else {
                    PayloadType::NONE
                };
                self.seal_one(header, first, Some(FragmentHeader { number, total }), part)
            })
            .collect()
    }

    fn seal_one(
        &mut self,
        header: &Header,
        first_inner: PayloadType,
        fragment: Option<FragmentHeader>,
        inner: &[u8],
    ) -> Result<Vec<u8>, String> {
        let mut message = Vec::new();
        Header {
            next_payload: match fragment {
                Some(_) => PayloadType::SKF,
                None => PayloadType::SK,
            },
            ..*header
        }
        .emit(&mut message);
        message.extend_from_slice(&[first_inner.0, 0, 0, 0]);
        if let Some(FragmentHeader { number, total }) = fragment {
            message.extend_from_slice(&number.to_be_bytes());
            message.extend_from_slice(&total.to_be_bytes());
        }
        self.seal
            .seal(&mut message, Header::LEN, inner)
            .map_err(|e| e.to_string())?;
        Ok(message)
    }

    /// The inner payloads of a received message or fragment, authenticated and decrypted.
    pub fn open(&self, datagram: &[u8], encrypted: &Encrypted) -> Result<Vec<u8>, OpenError> {
        open_with(&self.open, datagram, encrypted)
    }
}

fn open_with(
    cipher: &SkCipher,
    datagram: &[u8],
    encrypted: &Encrypted,
) -> Result<Vec<u8>, OpenError> {
    let mut copy = datagram.to_vec();
    let inner = cipher.open(&mut copy, encrypted.body().start)?;
    Ok(copy.get(inner).unwrap_or_default().to_vec())
}
