//! Questions to a peer of our own kind about a packet's way on its side, or about the path between us, inside the IKE SA.
//!
//! ```text
//! HDR, SK {V(adit-trace), V(adit-path)}            -->   which questions the peer answers; once for each IKE SA
//!                      <--   HDR, SK {V(adit-trace), V(adit-path)}  both kinds; any other peer answers with nothing
//! HDR, SK {V(adit-trace), N(question, number, text)} -->
//!                      <--   HDR, SK {}
//!                      <--   HDR, SK {V(adit-trace), N(answer, number, text)}
//! HDR, SK {}                                       -->
//! ```
//!
//! All of it is INFORMATIONAL (RFC 7296 1.4), so both sides have authenticated. The notifies are of the private range of
//! status types (3.10.1), and nobody is sent one who hasn't sent our vendor ID (3.12). Whoever is asked needs time to
//! look: the answer is a request of its own. What a question means is for the local parties on both sides. A gateway that
//! is older than questions about the path doesn't greet with the second vendor ID, and is asked none.

use adit_model::Mono;
use adit_wire::iana::NotifyType;
use adit_wire::v2::{Notify, Payload, PayloadList, VendorId};
use core::time::Duration;

use crate::cx::Cx;
use crate::output::{AskedBy, Output, PeerQuestion, Topic, Unanswered};
use crate::v2::agenda::{InFlight, Task};
use crate::v2::established::Established;

/// Who answers questions about a packet's way.
const VENDOR: &[u8] = b"adit-trace-1";
/// Who answers those about the path too.
const VENDOR_PATH: &[u8] = b"adit-path-1";
/// A question, in the private range.
const QUESTION: NotifyType = NotifyType(50_411);
/// An answer.
const ANSWER: NotifyType = NotifyType(50_412);
/// A question about the path. Its answer is an answer like any other.
const QUESTION_PATH: NotifyType = NotifyType(50_413);
/// Octets of a question, and of an answer.
const LONGEST: usize = 4096;
/// A peer is answered no more often than this.
const PAUSE: Duration = Duration::from_millis(500);
/// The same for questions about the path, which come one upon the other for a second.
const PAUSE_PATH: Duration = Duration::from_millis(150);
/// Questions that wait for answers.
const MOST: usize = 4;

/// What is known of the peer, and what was asked on either side.
#[derive(Default)]
pub(crate) struct Asking {
    /// Which questions it answers; `None` until it was asked.
    answers: Option<Answers>,
    /// It has greeted us.
    greeted: bool,
    /// Questions of ours.
    waiting: Vec<u32>,
    /// When it asked last about a packet's way, and about the path.
    asked: (Option<Mono>, Option<Mono>),
}

impl Asking {
    fn last(&mut self, topic: Topic) -> &mut Option<Mono> {
        match topic {
            Topic::Way => &mut self.asked.0,
            Topic::Path => &mut self.asked.1,
        }
    }

    /// Whether the peer has asked so short ago that it isn't heard.
    fn rests(&mut self, topic: Topic, pause: Duration, now: Mono) -> bool {
        self.last(topic).is_some_and(|at| now < at + pause)
    }
}

/// Which questions a peer answers.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Answers {
    way: bool,
    path: bool,
}

impl Answers {
    fn of(payloads: &PayloadList) -> Self {
        let has = |name: &[u8]| payloads.vendor_ids().any(|vendor| vendor.0 == name);
        Self {
            way: has(VENDOR),
            path: has(VENDOR_PATH),
        }
    }

    /// Why it doesn't answer this one.
    fn refuse(self, topic: Topic) -> Option<Unanswered> {
        match topic {
            _ if !self.way => Some(Unanswered::Foreign),
            Topic::Path if !self.path => Some(Unanswered::Older),
            Topic::Way | Topic::Path => None,
        }
    }
}

/// Something of it that waits for its turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Word {
    /// Our question.
    Question(Topic, u32, Vec<u8>),
    /// Our answer.
    Answer(u32, Vec<u8>),
}

fn vendor() -> Payload {
    Payload::Vendor(VendorId(VENDOR.to_vec()))
}

fn greeting() -> Vec<Payload> {
    vec![vendor(), Payload::Vendor(VendorId(VENDOR_PATH.to_vec()))]
}

fn notify_type(topic: Topic) -> NotifyType {
    match topic {
        Topic::Way => QUESTION,
        Topic::Path => QUESTION_PATH,
    }
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
    pub fn ask_peer(&mut self, cx: &mut Cx<'_>, topic: Topic, number: u32, text: Vec<u8>) {
        if text.len() > LONGEST || self.asking.waiting.len() >= MOST {
            return self.told(cx, number, Err(Unanswered::TooMuch));
        }
        self.asking.waiting.push(number);
        let question = Word::Question(topic, number, text);
        self.agenda.add(Task::Say(question));
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
            (Word::Question(..), None) => {
                let greeting = PayloadList(greeting());
                Some((InFlight::Greeting(word), greeting))
            }
            (Word::Question(topic, number, text), Some(answers)) => {
                if let Some(why) = answers.refuse(*topic) {
                    self.told(cx, *number, Err(why));
                    return None;
                }
                let question = notify(notify_type(*topic), *number, text);
                Some((InFlight::Word, PayloadList(vec![vendor(), question])))
            }
            (Word::Answer(number, text), _) => {
                let answer = PayloadList(vec![vendor(), notify(ANSWER, *number, text)]);
                Some((InFlight::Word, answer))
            }
        }
    }

    /// The peer answered our greeting.
    pub fn greeting_answered(&mut self, word: Word, payloads: &PayloadList) {
        self.asking.answers = Some(Answers::of(payloads));
        self.agenda.add_first(Task::Say(word));
    }

    /// The peer's request may greet us, ask or answer; what our response says to it.
    pub fn heard(&mut self, cx: &mut Cx<'_>, payloads: &PayloadList) -> Vec<Payload> {
        if !Answers::of(payloads).way {
            return Vec::new();
        }
        if let Some((number, text)) = read(payloads, ANSWER)
            && self.asking.waiting.contains(&number)
        {
            self.told(cx, number, Ok(text));
        }
        if !cx.settings.answer_questions {
            return Vec::new();
        }
        let now = cx.now.mono;
        for (topic, pause) in [(Topic::Way, PAUSE), (Topic::Path, PAUSE_PATH)] {
            let rests = self.asking.rests(topic, pause, now);
            if let Some((number, text)) = read(payloads, notify_type(topic))
                && self.asking.greeted
                && !rests
            {
                *self.asking.last(topic) = Some(now);
                cx.desk.out.push(Output::PeerAsks(PeerQuestion {
                    by: AskedBy {
                        connection: self.connection().name.clone(),
                        spis: self.secured.head.spis(),
                        peer: self.remote_id.clone(),
                        number,
                    },
                    topic,
                    text,
                }));
            }
        }
        self.asking.greeted = true;
        greeting()
    }

    fn told(&mut self, cx: &mut Cx<'_>, number: u32, answer: Result<Vec<u8>, Unanswered>) {
        self.asking.waiting.retain(|waiting| *waiting != number);
        cx.desk.out.push(Output::PeerAnswer {
            connection: self.connection().name.clone(),
            number,
            answer,
        });
    }
}
