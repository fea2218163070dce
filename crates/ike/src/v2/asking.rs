//! Questions to a peer of our own kind about a packet's way on its side, inside the IKE SA.
//!
//! ```text
//! HDR, SK {V(adit-trace)}                          -->   whether the peer answers such questions; once for each IKE SA
//!                      <--   HDR, SK {V(adit-trace)}     it does; any other peer answers with nothing
//! HDR, SK {V(adit-trace), N(question, number, text)} -->
//!                      <--   HDR, SK {}
//!                      <--   HDR, SK {V(adit-trace), N(answer, number, text)}
//! HDR, SK {}                                       -->
//! ```
//!
//! All of it is INFORMATIONAL (RFC 7296 1.4), so both sides have authenticated. The notifies are of the private range of
//! status types (3.10.1), and nobody is sent one who hasn't sent our vendor ID (3.12). Whoever is asked needs time to
//! look: the answer is a request of its own. What a question means is for the local parties on both sides.

use adit_model::Mono;
use adit_wire::iana::NotifyType;
use adit_wire::v2::{Notify, Payload, PayloadList, VendorId};
use core::time::Duration;

use crate::cx::Cx;
use crate::output::{Output, PeerQuestion};
use crate::v2::agenda::{InFlight, Task};
use crate::v2::established::Established;

/// Who answers such questions.
const VENDOR: &[u8] = b"adit-trace-1";
/// A question, in the private range.
const QUESTION: NotifyType = NotifyType(50_411);
/// An answer.
const ANSWER: NotifyType = NotifyType(50_412);
/// Octets of a question, and of an answer.
const LONGEST: usize = 4096;
/// A peer is answered no more often than this.
const PAUSE: Duration = Duration::from_millis(500);
/// Questions that wait for answers.
const MOST: usize = 4;

/// What is known of the peer, and what was asked on either side.
#[derive(Default)]
pub(crate) struct Asking {
    /// It answers questions; `None` until it was asked.
    answers: Option<bool>,
    /// It has greeted us.
    greeted: bool,
    /// Questions of ours.
    waiting: Vec<u32>,
    /// When it asked last.
    asked: Option<Mono>,
}

/// Something of it that waits for its turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Word {
    /// Our question.
    Question(u32, Vec<u8>),
    /// Our answer.
    Answer(u32, Vec<u8>),
}

fn vendor() -> Payload {
    Payload::Vendor(VendorId(VENDOR.to_vec()))
}

fn greets(payloads: &PayloadList) -> bool {
    payloads.vendor_ids().any(|vendor| vendor.0 == VENDOR)
}

fn notify(kind: NotifyType, number: u32, text: &[u8]) -> Payload {
    let data = [&number.to_be_bytes(), text].concat();
    Payload::Notify(Notify::with_data(kind, data))
}

/// The number and the text of a notify.
fn read(payloads: &PayloadList, kind: NotifyType) -> Option<(u32, Vec<u8>)> {
    let notify = payloads.notify(kind)?;
    let (number, text) = notify.data.split_first_chunk::<4>()?;
    (text.len() <= LONGEST).then(|| (u32::from_be_bytes(*number), text.to_vec()))
}

impl Established {
    /// Asks the peer; what comes of it is told as [`Output::PeerAnswer`].
    pub fn ask_peer(&mut self, cx: &mut Cx<'_>, number: u32, text: Vec<u8>) {
        if text.len() > LONGEST || self.asking.waiting.len() >= MOST {
            return self.told(cx, number, None);
        }
        self.asking.waiting.push(number);
        self.agenda.add(Task::Say(Word::Question(number, text)));
        self.work(cx);
    }

    /// Answers the peer's question.
    pub fn answer_peer(&mut self, cx: &mut Cx<'_>, number: u32, mut text: Vec<u8>) {
        text.truncate(LONGEST);
        self.agenda.add(Task::Say(Word::Answer(number, text)));
        self.work(cx);
    }

    /// The request for it; a peer that isn't known is greeted first.
    pub fn begin_word(&mut self, cx: &mut Cx<'_>, word: Word) -> Option<(InFlight, PayloadList)> {
        match (&word, self.asking.answers) {
            (Word::Question(number, _), Some(false)) => {
                self.told(cx, *number, None);
                None
            }
            (Word::Question(..), None) => {
                let greeting = PayloadList(vec![vendor()]);
                Some((InFlight::Greeting(word), greeting))
            }
            (Word::Question(number, text), Some(true)) => {
                let question = PayloadList(vec![vendor(), notify(QUESTION, *number, text)]);
                Some((InFlight::Word, question))
            }
            (Word::Answer(number, text), _) => {
                let answer = PayloadList(vec![vendor(), notify(ANSWER, *number, text)]);
                Some((InFlight::Word, answer))
            }
        }
    }

    /// The peer answered our greeting.
    pub fn greeting_answered(&mut self, word: Word, payloads: &PayloadList) {
        self.asking.answers = Some(greets(payloads));
        self.agenda.add_first(Task::Say(word));
    }

    /// The peer's request may greet us, ask or answer; what our response says to it.
    pub fn heard(&mut self, cx: &mut Cx<'_>, payloads: &PayloadList) -> Option<Payload> {
        if !greets(payloads) {
            return None;
        }
        if let Some((number, text)) = read(payloads, ANSWER)
            && self.asking.waiting.contains(&number)
        {
            self.told(cx, number, Some(text));
        }
        if !cx.settings.answer_questions {
            return None;
        }
        let now = cx.now.mono;
        let rests = self.asking.asked.is_some_and(|at| now < at + PAUSE);
        if let Some((number, text)) = read(payloads, QUESTION)
            && self.asking.greeted
            && !rests
        {
            self.asking.asked = Some(now);
            cx.desk.out.push(Output::PeerAsks(PeerQuestion {
                connection: self.connection().name.clone(),
                spis: self.secured.head.spis(),
                number,
                text,
            }));
        }
        self.asking.greeted = true;
        Some(vendor())
    }

    fn told(&mut self, cx: &mut Cx<'_>, number: u32, answer: Option<Vec<u8>>) {
        self.asking.waiting.retain(|waiting| *waiting != number);
        cx.desk.out.push(Output::PeerAnswer {
            connection: self.connection().name.clone(),
            number,
            answer,
        });
    }
}
