//! Request and answer over a netlink socket, for rtnetlink, nf_tables and XFRM alike.

use std::fmt::Display;
use std::io;
use std::os::fd::{AsFd, OwnedFd};

use super::codec::{
    self, ACK, Answer, Attributes, DONE, DUMP, ERROR, INTERRUPTED, Message, REQUEST, messages,
};
use crate::error::{KernelError, Result};
use crate::sys::socket as sys;
use zeroize::Zeroize;

/// A blocking netlink socket with a sequence counter.
#[derive(Debug)]
pub(crate) struct Transport {
    fd: OwnedFd,
    sequence: u32,
    /// Whether what is said holds keys, and so is wiped.
    secret: bool,
}

/// A received message that owns its bytes.
#[derive(Debug)]
pub(crate) struct Owned {
    kind: u16,
    body: Vec<u8>,
    secret: bool,
}

impl Drop for Owned {
    fn drop(&mut self) {
        if self.secret {
            self.body.zeroize();
        }
    }
}

impl Owned {
    pub(crate) fn as_answer(&self) -> Answer<'_> {
        Answer {
            kind: self.kind,
            flags: 0,
            sequence: 0,
            body: &self.body,
        }
    }
}

impl Transport {
    /// Opens a socket of netlink `family`.
    pub(crate) fn open(family: i32, what: &'static str) -> Result<Self> {
        Self::open_in(family, 0, what)
    }

    /// Opens one that hears what the kernel tells to multicast `groups`, which may hold keys.
    pub(crate) fn open_listening(family: i32, groups: u32, what: &'static str) -> Result<Self> {
        let mut transport = Self::open_in(family, groups, what)?;
        transport.secret = true;
        Ok(transport)
    }

    fn open_in(family: i32, groups: u32, what: &'static str) -> Result<Self> {
        let fail = |error: io::Error| KernelError::new(what, "", error);
        let fd = sys::socket(libc::AF_NETLINK, libc::SOCK_RAW, family).map_err(fail)?;
        let mut address = [0u8; 12];
        address[..2].copy_from_slice(&(libc::AF_NETLINK as u16).to_ne_bytes());
        address[8..].copy_from_slice(&groups.to_ne_bytes());
        sys::bind(fd.as_fd(), &address).map_err(fail)?;
        // Answers come from the kernel at once; the limit is there so that a bug can't hang a gateway.
        // What is listened for has been told when the request that caused it is answered.
        let (seconds, micros) = if groups == 0 {
            (5i64, 0i64)
        } else {
            (0, 200_000)
        };
        let mut limit = [0u8; 16];
        limit[..8].copy_from_slice(&seconds.to_ne_bytes());
        limit[8..].copy_from_slice(&micros.to_ne_bytes());
        sys::set_option(fd.as_fd(), libc::SOL_SOCKET, libc::SO_RCVTIMEO, &limit).map_err(fail)?;
        // Both improve error texts only; kernels before 4.12 lack them.
        for option in [libc::NETLINK_EXT_ACK, libc::NETLINK_CAP_ACK] {
            let _ = sys::set_option_int(fd.as_fd(), libc::SOL_NETLINK, option, 1);
        }
        Ok(Self {
            fd,
            sequence: 0,
            secret: false,
        })
    }

    /// As [`Self::open`], for what holds keys: the bytes of every message are wiped after use.
    pub(crate) fn open_secret(family: i32, what: &'static str) -> Result<Self> {
        let mut transport = Self::open(family, what)?;
        transport.secret = true;
        Ok(transport)
    }

    /// Sends one request and waits for its acknowledgement.
    pub(crate) fn request(
        &mut self,
        what: &'static str,
        object: impl Display,
        mut message: Message,
    ) -> Result<()> {
        message.add_flags(REQUEST | ACK);
        let sequence = self.next_sequence();
        self.send_one(message, sequence)
            .and_then(|()| self.until_acknowledged(sequence, |_| {}))
            .map_err(|failure| failure.into_error(what, object))
    }

    /// Sends one request and returns its single answer.
    pub(crate) fn query(
        &mut self,
        what: &'static str,
        object: impl Display,
        mut message: Message,
    ) -> Result<Owned> {
        message.add_flags(REQUEST | ACK);
        let sequence = self.next_sequence();
        let mut found = None;
        let secret = self.secret;
        self.send_one(message, sequence)
            .and_then(|()| {
                self.until_acknowledged(sequence, |answer| {
                    found = Some(Owned {
                        kind: answer.kind,
                        body: answer.body.to_vec(),
                        secret,
                    });
                })
            })
            .map_err(|failure| failure.into_error(what, &object))?;
        found.ok_or_else(|| KernelError::own(what, object, "the kernel gave no answer"))
    }

    /// Lists objects; asks again when they changed meanwhile.
    pub(crate) fn dump(
        &mut self,
        what: &'static str,
        object: impl Display,
        message: &Message,
    ) -> Result<Vec<Owned>> {
        for _ in 0..8 {
            let mut message = message.clone();
            message.add_flags(REQUEST | DUMP);
            let sequence = self.next_sequence();
            let outcome = self
                .send_one(message, sequence)
                .and_then(|()| self.collect(sequence));
            match outcome {
                Ok(Some(found)) => return Ok(found),
                Ok(None) => {}
                Err(failure) => return Err(failure.into_error(what, object)),
            }
        }
        Err(KernelError::own(
            what,
            object,
            "it kept changing while being read",
        ))
    }

    fn send_one(&mut self, message: Message, sequence: u32) -> std::result::Result<(), Failure> {
        let mut bytes = message.finish(sequence);
        let sent = self.send(&bytes);
        if self.secret {
            bytes.zeroize();
        }
        sent
    }

    /// Sends messages that were numbered with [`Self::next_sequence`], as one datagram.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> std::result::Result<(), Failure> {
        let mut kernel = [0u8; 12];
        kernel[..2].copy_from_slice(&(libc::AF_NETLINK as u16).to_ne_bytes());
        sys::send(self.fd.as_fd(), bytes, &kernel, None, 0)
            .map(drop)
            .map_err(Failure::from)
    }

    /// Makes sure that a datagram of `length` bytes can be sent. Best effort: if both ways are refused, so is sending.
    pub(crate) fn make_room(&self, length: usize) {
        let wanted = i32::try_from(length.saturating_mul(2)).unwrap_or(i32::MAX);
        if wanted < SEND_BUFFER {
            return;
        }
        for option in [libc::SO_SNDBUFFORCE, libc::SO_SNDBUF] {
            if sys::set_option_int(self.fd.as_fd(), libc::SOL_SOCKET, option, wanted).is_ok() {
                break;
            }
        }
    }

    /// The number for the next message.
    pub(crate) fn next_sequence(&mut self) -> u32 {
        self.sequence = self.sequence.wrapping_add(1).max(1);
        self.sequence
    }

    /// Reads answers until `sequence` is acknowledged; other answers with that number go to `each`.
    pub(crate) fn until_acknowledged(
        &mut self,
        sequence: u32,
        mut each: impl FnMut(Answer<'_>),
    ) -> std::result::Result<(), Failure> {
        let mut buffer = self.buffer();
        loop {
            let length = self.receive(&mut buffer.bytes)?;
            buffer.used = buffer.used.max(length);
            for answer in messages(buffer.bytes.get(..length).unwrap_or_default()) {
                if answer.sequence != sequence {
                    continue;
                }
                match verdict(&answer) {
                    Some(verdict) => return verdict,
                    None => each(answer),
                }
            }
        }
    }

    /// Reads what the kernel tells until `find` finds something in it.
    pub(crate) fn hear<T>(
        &mut self,
        mut find: impl FnMut(&Answer<'_>) -> Option<T>,
    ) -> std::result::Result<T, Failure> {
        let mut buffer = self.buffer();
        loop {
            let length = self.receive(&mut buffer.bytes)?;
            buffer.used = buffer.used.max(length);
            let told = buffer.bytes.get(..length).unwrap_or_default();
            if let Some(found) = messages(told).find_map(|answer| find(&answer)) {
                return Ok(found);
            }
        }
    }

    fn buffer(&self) -> Buffer {
        Buffer {
            bytes: vec![0; BUFFER],
            used: 0,
            secret: self.secret,
        }
    }

    /// Reads one datagram.
    pub(crate) fn receive(&mut self, buffer: &mut [u8]) -> std::result::Result<usize, Failure> {
        loop {
            match sys::receive(self.fd.as_fd(), buffer, 0) {
                Ok(received) => return Ok(received.length),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn collect(&mut self, sequence: u32) -> std::result::Result<Option<Vec<Owned>>, Failure> {
        let mut buffer = self.buffer();
        let mut found = Vec::new();
        let mut interrupted = false;
        loop {
            let length = self.receive(&mut buffer.bytes)?;
            buffer.used = buffer.used.max(length);
            for answer in messages(buffer.bytes.get(..length).unwrap_or_default()) {
                if answer.sequence != sequence {
                    continue;
                }
                interrupted |= answer.flags & INTERRUPTED != 0;
                match verdict(&answer) {
                    Some(Ok(())) => return Ok((!interrupted).then_some(found)),
                    Some(Err(failure)) => return Err(failure),
                    None => found.push(Owned {
                        kind: answer.kind,
                        body: answer.body.to_vec(),
                        secret: self.secret,
                    }),
                }
            }
        }
    }
}

/// Where answers are received.
struct Buffer {
    bytes: Vec<u8>,
    /// How much of it was ever written.
    used: usize,
    secret: bool,
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if let Some(used) = self.bytes.get_mut(..self.used).filter(|_| self.secret) {
            used.zeroize();
        }
    }
}

/// Why an exchange failed: the error number and the kernel's own words, if any.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) cause: io::Error,
    pub(crate) said: Option<String>,
}

impl Failure {
    pub(crate) fn into_error(self, what: &'static str, object: impl Display) -> KernelError {
        let error = KernelError::new(what, object, self.cause);
        match self.said {
            Some(said) => error.with_hint(format!("the kernel says: {said}")),
            None => error,
        }
    }
}

impl From<io::Error> for Failure {
    fn from(cause: io::Error) -> Self {
        Self { cause, said: None }
    }
}

/// An acknowledgement, an error, or (`None`) an answer with content.
pub(crate) fn verdict(answer: &Answer<'_>) -> Option<std::result::Result<(), Failure>> {
    if answer.kind != ERROR && answer.kind != DONE {
        return None;
    }
    let errno = codec::u32_at(answer.body, 0).map_or(0, |code| code.cast_signed().wrapping_neg());
    if errno == 0 {
        return Some(Ok(()));
    }
    // With NETLINK_CAP_ACK the error number and the request's header (20 bytes) are followed by attributes.
    let said = (answer.kind == ERROR && answer.flags & CAPPED != 0 && answer.flags & ACK_TLVS != 0)
        .then(|| Attributes(answer.body.get(20..).unwrap_or_default()).find(MESSAGE_TEXT))
        .flatten()
        .map(codec::text);
    Some(Err(Failure {
        cause: io::Error::from_raw_os_error(errno),
        said,
    }))
}

const CAPPED: u16 = 0x100;
const ACK_TLVS: u16 = 0x200;
const MESSAGE_TEXT: u16 = 1;
/// The send buffer every socket has.
const SEND_BUFFER: i32 = 200_000;
const BUFFER: usize = 65_536;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn an_error_carries_number_and_words() {
        let mut message = Message::new(ERROR, CAPPED | ACK_TLVS, &(-libc::EINVAL).to_ne_bytes());
        message
            .raw(&[0; 16])
            .put_text(MESSAGE_TEXT, "Invalid prefix length");
        let bytes = message.finish(1);
        let answer = messages(&bytes).next().unwrap();
        let failure = verdict(&answer).unwrap().unwrap_err();
        assert_eq!(failure.cause.raw_os_error(), Some(libc::EINVAL));
        assert_eq!(
            failure
                .into_error("add the route", "192.0.2.0/24")
                .to_string(),
            "cannot add the route 192.0.2.0/24: Invalid argument (os error 22): the kernel says: Invalid prefix length"
        );
    }

    #[test]
    fn zero_is_an_acknowledgement_and_content_is_neither() {
        let ok = Message::new(ERROR, 0, &0i32.to_ne_bytes()).finish(1);
        assert!(verdict(&messages(&ok).next().unwrap()).unwrap().is_ok());
        let content = Message::new(16, 0, &[]).finish(1);
        assert!(verdict(&messages(&content).next().unwrap()).is_none());
    }
}
