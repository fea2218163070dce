//! Data of the SUPPORTED_AUTH_METHODS notification (RFC 9593 3.2): how its sender lets a peer authenticate.

use crate::error::{Reason, WireError};
use crate::iana::AuthMethod;
use crate::view::{Cursor, length_u8};

/// One way to authenticate that the sender takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announcement {
    /// The method.
    pub method: AuthMethod,
    /// For a method that signs: the authority that it is good for, counted from 1 over those of the CERTREQ payloads; 0
    /// for any.
    pub authority: Option<u8>,
    /// For `DIGITAL_SIGNATURE`: the AlgorithmIdentifier, unchecked. Empty otherwise.
    pub algorithm: Vec<u8>,
}

impl Announcement {
    /// Reads the data of a notification.
    ///
    /// # Errors
    /// A length that is too small or reaches beyond the end.
    pub fn parse_all(data: &[u8]) -> Result<Vec<Self>, WireError> {
        let mut cursor = Cursor::new(data);
        let mut all = Vec::new();
        while !cursor.is_empty() {
            let length = usize::from(cursor.u8("announcement length")?);
            let Some(body) = length.checked_sub(1).filter(|rest| *rest > 0) else {
                return Err(cursor.error(
                    "announcement length",
                    Reason::BadLength {
                        value: length,
                        expected: "2 or more",
                    },
                ));
            };
            let mut body = cursor.sub(body, "announcement")?;
            let method = AuthMethod(body.u8("announcement method")?);
            let authority = (!body.is_empty())
                .then(|| body.u8("announcement authority"))
                .transpose()?;
            all.push(Self {
                method,
                authority,
                algorithm: body.rest().to_vec(),
            });
        }
        Ok(all)
    }

    /// Appends it to the data of a notification.
    ///
    /// # Errors
    /// [`Reason::TooLong`]: the AlgorithmIdentifier has more than 252 octets.
    pub fn emit(&self, out: &mut Vec<u8>) -> Result<(), WireError> {
        // Nothing comes behind the link unless the link is there.
        let link = self.authority.or((!self.algorithm.is_empty()).then_some(0));
        let length = 2 + usize::from(link.is_some()) + self.algorithm.len();
        let length = length_u8(length, out, "announcement length")?;
        out.extend_from_slice(&[length, self.method.0]);
        out.extend(link);
        out.extend_from_slice(&self.algorithm);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn announcements_of_every_length_are_read_back() {
        let octets = [
            2, 2, // a shared key
            3, 9, 0, // ECDSA on P-256 under any authority
            10, 14, 1, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, // Ed25519 under the first one
        ];
        let all = Announcement::parse_all(&octets).unwrap();
        let read: Vec<_> = all
            .iter()
            .map(|a| (a.method.0, a.authority, a.algorithm.len()))
            .collect();
        assert_eq!(read, [(2, None, 0), (9, Some(0), 0), (14, Some(1), 7)]);
        let mut out = Vec::new();
        all.iter().for_each(|a| a.emit(&mut out).unwrap());
        assert_eq!(out, octets);
        assert_eq!(Announcement::parse_all(&[]).unwrap(), []);
    }

    #[test]
    fn abuse_18_lengths_that_contradict_themselves_are_refused() {
        for octets in [&[0, 2][..], &[1, 2], &[3, 9], &[2], &[2, 2, 9]] {
            assert!(Announcement::parse_all(octets).is_err(), "{octets:?}");
        }
        let too_long = Announcement {
            method: AuthMethod::DIGITAL_SIGNATURE,
            authority: Some(0),
            algorithm: vec![0; 253],
        };
        assert!(too_long.emit(&mut Vec::new()).is_err());
    }
}
