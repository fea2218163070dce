//! Batches: several changes to one table that take effect together.

use super::rule::Rule;
use super::{HEADER, INET, NEW_RULE, RULE_TABLE, SUBSYSTEM, counter, header, kind, open};
use crate::error::{KernelError, Result};
use crate::netlink::codec::{ACK, APPEND, CREATE, Message, REQUEST, messages};
use crate::netlink::transport::{Failure, Transport, verdict};

/// Where in a packet's way through the host a chain sits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hook {
    Prerouting,
    Input,
    Forward,
    Output,
    Postrouting,
}

/// What a chain may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ChainKind {
    Filter,
    Nat,
}

/// A base chain; its policy is to accept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Chain<'a> {
    pub(crate) name: &'a str,
    pub(crate) kind: ChainKind,
    pub(crate) hook: Hook,
    /// Order among the chains of a hook; lower is earlier.
    pub(crate) priority: i32,
}

/// Changes to one table.
#[derive(Debug)]
pub(crate) struct Batch {
    table: String,
    messages: Vec<(&'static str, Message)>,
}

impl Batch {
    pub(crate) fn new(table: &str) -> Self {
        Self {
            table: table.to_owned(),
            messages: Vec::new(),
        }
    }

    /// Makes the table unless it is there.
    pub(crate) fn create_table(&mut self) {
        let message = self.message(NEW_TABLE, CREATE, TABLE_NAME);
        self.messages.push(("the table", message));
    }

    /// Deletes the table with all it holds.
    pub(crate) fn delete_table(&mut self) {
        let message = self.message(DELETE_TABLE, 0, TABLE_NAME);
        self.messages.push(("the table", message));
    }

    /// Deletes all rules of the table; chains and counters stay.
    pub(crate) fn flush_rules(&mut self) {
        let message = self.message(DELETE_RULE, 0, RULE_TABLE);
        self.messages.push(("the rules there were", message));
    }

    /// Makes a base chain unless it is there.
    pub(crate) fn chain(&mut self, chain: Chain<'_>) {
        let mut message = self.message(NEW_CHAIN, CREATE, CHAIN_TABLE);
        let hook = match chain.hook {
            Hook::Prerouting => 0,
            Hook::Input => 1,
            Hook::Forward => 2,
            Hook::Output => 3,
            Hook::Postrouting => 4,
        };
        message
            .put_text(CHAIN_NAME, chain.name)
            .nest(CHAIN_HOOK, |place| {
                place
                    .put_u32_be(HOOK_NUMBER, hook)
                    .put_u32_be(HOOK_PRIORITY, chain.priority.cast_unsigned());
            });
        let kind = match chain.kind {
            ChainKind::Filter => "filter",
            ChainKind::Nat => "nat",
        };
        message
            .put_u32_be(CHAIN_POLICY, POLICY_ACCEPT)
            .put_text(CHAIN_TYPE, kind);
        self.messages.push(("a chain", message));
    }

    /// Makes a chain unless it is there, of rules that others jump to.
    pub(crate) fn called_chain(&mut self, name: &str) {
        let mut message = self.message(NEW_CHAIN, CREATE, CHAIN_TABLE);
        message.put_text(CHAIN_NAME, name);
        self.messages.push(("a chain", message));
    }

    /// Deletes a chain that no rule is in or jumps to.
    pub(crate) fn delete_chain(&mut self, name: &str) {
        let mut message = self.message(DELETE_CHAIN, 0, CHAIN_TABLE);
        message.put_text(CHAIN_NAME, name);
        self.messages.push(("an old chain", message));
    }

    /// Makes a named counter unless it is there; an old one keeps its value.
    pub(crate) fn counter(&mut self, name: &str) {
        let mut message = self.message(counter::NEW_OBJECT, CREATE, counter::OBJECT_TABLE);
        message
            .put_text(counter::OBJECT_NAME, name)
            .put_u32_be(counter::OBJECT_TYPE, counter::OBJECT_COUNTER)
            .nest(counter::OBJECT_DATA, |_| {});
        self.messages.push(("a counter", message));
    }

    /// Deletes a named counter that no rule uses.
    pub(crate) fn delete_counter(&mut self, name: &str) {
        let mut message = self.message(counter::DELETE_OBJECT, 0, counter::OBJECT_TABLE);
        message
            .put_text(counter::OBJECT_NAME, name)
            .put_u32_be(counter::OBJECT_TYPE, counter::OBJECT_COUNTER);
        self.messages.push(("an old counter", message));
    }

    /// Appends a rule to a chain.
    pub(crate) fn rule(&mut self, chain: &str, rule: &Rule) {
        let mut message = self.message(NEW_RULE, CREATE | APPEND, RULE_TABLE);
        message.put_text(RULE_CHAIN, chain);
        rule.encode(&mut message);
        self.messages.push((A_RULE, message));
    }

    /// How many rules it appends.
    pub(crate) fn rules(&self) -> usize {
        self.messages
            .iter()
            .filter(|(part, _)| *part == A_RULE)
            .count()
    }

    /// Has the kernel carry out all changes in the calling thread's network namespace, or none.
    pub(crate) fn commit(self, what: &'static str) -> Result<()> {
        let mut transport = open()?;
        let object = self.table.clone();
        let (bytes, numbers) = self.encode(&mut transport);
        transport.make_room(bytes.len());
        transport
            .send(&bytes)
            .map_err(|failure| failure.into_error(what, &object))?;
        judge(&mut transport, &numbers).map_err(|(failure, part)| {
            let error = failure.into_error(what, &object);
            let said = error
                .hint
                .clone()
                .unwrap_or_else(|| "the kernel gives no reason".to_owned());
            error.with_hint(format!("refused at {part}: {said}"))
        })
    }

    fn message(&self, message: u16, flags: u16, name_attribute: u16) -> Message {
        let mut message = Message::new(kind(message), REQUEST | flags, &header(INET, 0));
        message.put_text(name_attribute, &self.table);
        message
    }

    /// The batch as one datagram, and the sequence number of each message with what it is about. Only the last change
    /// asks to be acknowledged: refusals are reported unasked, and hundreds of acknowledgements would overflow the
    /// socket's buffer.
    fn encode(self, transport: &mut Transport) -> (Vec<u8>, Vec<(u32, &'static str)>) {
        let mut bytes = Vec::new();
        let mut numbers = Vec::new();
        let mut push = |part, message: Message| {
            let sequence = transport.next_sequence();
            bytes.extend(message.finish(sequence));
            numbers.push((sequence, part));
        };
        let frame = |kind| Message::new(kind, REQUEST, &header(0, SUBSYSTEM));
        push("the batch", frame(BATCH_BEGIN));
        let last = self.messages.len().saturating_sub(1);
        for (at, (part, mut message)) in self.messages.into_iter().enumerate() {
            if at == last {
                message.add_flags(ACK);
            }
            push(part, message);
        }
        push("the batch", frame(BATCH_END));
        (bytes, numbers)
    }
}

/// Reads answers until the last change (the one before the end mark) or the batch as a whole is answered.
///
/// A batch of many changes that are all refused has more refusals than the socket holds. Those that came before it was full are still
/// there, and the first of them is what is wrong.
fn judge(
    transport: &mut Transport,
    numbers: &[(u32, &'static str)],
) -> std::result::Result<(), (Failure, &'static str)> {
    let begin = numbers.first().map_or(0, |(number, _)| *number);
    let last = numbers
        .iter()
        .rev()
        .nth(1)
        .map_or(begin, |(number, _)| *number);
    let mut refusal: Option<(Failure, &'static str)> = None;
    let mut buffer = vec![0; 65_536];
    let mut overflowed: Option<Failure> = None;
    loop {
        let length = match transport.receive(&mut buffer) {
            Ok(length) => length,
            Err(failure)
                if failure.cause.raw_os_error() == Some(libc::ENOBUFS) && overflowed.is_none() =>
            {
                overflowed = Some(failure);
                continue;
            }
            Err(failure) => {
                let failure = overflowed.unwrap_or(failure);
                return Err(refusal.unwrap_or((failure, "the batch")));
            }
        };
        for answer in messages(buffer.get(..length).unwrap_or_default()) {
            let Some((number, part)) = numbers
                .iter()
                .find(|(number, _)| *number == answer.sequence)
            else {
                continue;
            };
            let Some(verdict) = verdict(&answer) else {
                continue;
            };
            if let Err(failure) = verdict
                && refusal.is_none()
            {
                refusal = Some((failure, part));
            }
            // The answer to the last change may be among what the socket had no room for; nothing took effect if anything was refused.
            if *number == begin || *number == last || (overflowed.is_some() && refusal.is_some()) {
                return refusal.map_or(Ok(()), Err);
            }
        }
    }
}

/// Refuses names the kernel would refuse less clearly.
pub(crate) fn check_name(what: &'static str, name: &str) -> Result<()> {
    if name.is_empty() || name.len() > NAME_LIMIT || name.contains('\0') {
        let hint = format!("a name has 1 to {NAME_LIMIT} bytes and no zero byte");
        return Err(KernelError::own(what, name, hint));
    }
    Ok(())
}

const A_RULE: &str = "a rule";
const NAME_LIMIT: usize = 200;
const BATCH_BEGIN: u16 = 16;
const BATCH_END: u16 = 17;
const NEW_TABLE: u16 = 0;
const DELETE_TABLE: u16 = 2;
const NEW_CHAIN: u16 = 3;
const DELETE_CHAIN: u16 = 5;
const DELETE_RULE: u16 = 8;
const TABLE_NAME: u16 = 1;
const CHAIN_TABLE: u16 = 1;
const CHAIN_NAME: u16 = 3;
const CHAIN_HOOK: u16 = 4;
const CHAIN_POLICY: u16 = 5;
const CHAIN_TYPE: u16 = 7;
const HOOK_NUMBER: u16 = 1;
const HOOK_PRIORITY: u16 = 2;
const POLICY_ACCEPT: u32 = 1;
const RULE_CHAIN: u16 = 2;

// The family-specific header is written without padding.
const _: () = assert!(HEADER.is_multiple_of(4));

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{NetNs, closed};

    #[test]
    fn the_reason_is_told_however_many_changes_are_refused() {
        if !closed::can_administer() {
            eprintln!("skipped: a batch that is refused: no CAP_NET_ADMIN");
            return;
        }
        let told = NetNs::create().unwrap().run(|| {
            let mut table = Batch::new("many");
            table.create_table();
            if let Err(error) = table.commit("make a table") {
                eprintln!("skipped: a batch that is refused: {error}");
                return None;
            }
            let mut batch = Batch::new("many");
            for nth in 0..5_000 {
                batch.delete_counter(&format!("nobody-{nth}"));
            }
            Some(batch.commit("delete counters").unwrap_err())
        });
        if let Some(error) = told.unwrap() {
            assert_eq!(error.errno, Some(libc::ENOENT), "{error}");
            assert!(error.to_string().contains("an old counter"), "{error}");
        }
    }
}
