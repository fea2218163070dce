//! Questions to peers of our own kind, inside the IKE SA: who waits for which answer, and which pairs of SAs there were before
//! and after.

use std::collections::BTreeMap;
use std::time::Duration;

use adit_ike::{AskedBy, PeerQuestion, Topic, Unanswered};
use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, oneshot};

use crate::attempt::TaskDone;
use crate::gateway::Gateway;

/// A pair of SAs and its counters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sa {
    pub spi_in: u32,
    pub spi_out: u32,
    pub packets_in: u64,
    pub packets_out: u64,
}

/// An answer with our own counters: what was sent is counted before the question, what was received after the answer, so
/// that packets on their way are nobody's loss.
#[derive(Debug)]
pub(crate) struct Answered {
    pub text: Vec<u8>,
    pub before: Vec<Sa>,
    pub after: Vec<Sa>,
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoAnswer {
    /// The peer answers no such questions.
    Peer(Unanswered),
    /// It hasn't answered, or there is no IKE SA to ask it over.
    Silent,
}

/// Questions of ours that wait for answers.
#[derive(Default)]
pub(crate) struct Questions {
    last: u32,
    waiting: BTreeMap<u32, Waiting>,
}

struct Waiting {
    connection: String,
    before: Vec<Sa>,
    told: oneshot::Sender<Result<Answered, Unanswered>>,
}

/// What is to be asked of whom.
pub(crate) struct ToAsk {
    connection: String,
    topic: Topic,
    question: Vec<u8>,
    told: oneshot::Sender<Result<Answered, Unanswered>>,
}

/// The way to the loop, and whose peer is asked: for work beside the loop.
#[derive(Clone)]
pub(crate) struct Asker {
    pub tasks: mpsc::Sender<TaskDone>,
    pub connection: String,
}

impl Asker {
    /// Asks, and waits for the answer so long.
    pub(crate) fn ask(
        &self,
        topic: Topic,
        question: &impl Serialize,
        patience: Duration,
    ) -> Result<Answered, NoAnswer> {
        let question = serde_json::to_vec(question).map_err(|_| NoAnswer::Silent)?;
        let (told, heard) = oneshot::channel();
        let ask = ToAsk {
            connection: self.connection.clone(),
            topic,
            question,
            told,
        };
        let sent = self.tasks.blocking_send(TaskDone::AskFar(ask));
        sent.map_err(|_| NoAnswer::Silent)?;
        let heard = async { tokio::time::timeout(patience, heard).await };
        match tokio::runtime::Handle::current().block_on(heard) {
            Ok(Ok(Ok(answered))) => Ok(answered),
            Ok(Ok(Err(why))) => Err(NoAnswer::Peer(why)),
            Ok(Err(_)) | Err(_) => Err(NoAnswer::Silent),
        }
    }
}

impl Gateway {
    /// Who asks the peer of a tunnel, beside the loop.
    pub(crate) fn asker(&self, tunnel: &str) -> Asker {
        Asker {
            tasks: self.tasks.clone(),
            connection: tunnel.to_owned(),
        }
    }

    /// Puts a question to a peer.
    pub(crate) fn ask_far(&mut self, ask: ToAsk) {
        // Those whose askers have gone wait for nobody.
        self.questions
            .waiting
            .retain(|_, waiting| !waiting.told.is_closed());
        self.questions.last = self.questions.last.wrapping_add(1);
        let (number, now) = (self.questions.last, self.clock.now());
        let waiting = Waiting {
            before: self.pairs_of(&ask.connection, None),
            connection: ask.connection,
            told: ask.told,
        };
        let name = waiting.connection.clone();
        self.questions.waiting.insert(number, waiting);
        let asked = self
            .endpoint
            .ask_peer(now, &name, ask.topic, number, ask.question);
        if let Err(error) = asked {
            tracing::debug!("{error}");
            self.questions.waiting.remove(&number);
        }
    }

    /// What came of it.
    pub(crate) fn peer_answered(&mut self, number: u32, answer: Result<Vec<u8>, Unanswered>) {
        let Some(waiting) = self.questions.waiting.remove(&number) else {
            return;
        };
        let after = self.pairs_of(&waiting.connection, None);
        let before = waiting.before;
        // Who asked may have gone.
        let _ = waiting.told.send(answer.map(|text| Answered {
            text,
            before,
            after,
        }));
    }

    /// A peer asks.
    pub(crate) fn peer_asks(&mut self, asked: PeerQuestion) {
        match asked.topic {
            Topic::Way => self.peer_asks_of_way(asked),
            Topic::Path => self.peer_asks_of_path(&asked),
        }
    }

    /// Answers a peer's question.
    pub(crate) fn answer_far(&mut self, asked: &AskedBy, reply: &impl Serialize) {
        let now = self.clock.now();
        let Ok(text) = serde_json::to_vec(reply) else {
            return;
        };
        // The IKE SA may have ended meanwhile.
        if let Err(error) = self.endpoint.answer_peer(now, asked, text) {
            tracing::debug!("{error}");
        }
    }

    /// Pairs of SAs of a tunnel, or of one of its children.
    pub(crate) fn pairs_of(&self, connection: &str, child: Option<&str>) -> Vec<Sa> {
        let all = self.backend.pairs();
        let ours = all.iter().filter(|pair| {
            *pair.child.connection == *connection
                && child.is_none_or(|child| *pair.child.child == *child)
        });
        ours.take(MOST_PAIRS)
            .map(|pair| Sa {
                spi_in: pair.spi_in,
                spi_out: pair.spi_out,
                packets_in: pair.counters.packets_in,
                packets_out: pair.counters.packets_out,
            })
            .collect()
    }
}

/// Pairs of one answer.
pub(crate) const MOST_PAIRS: usize = 8;
