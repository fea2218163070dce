//! Following packets through our own data plane, for who asks over the control socket why their traffic doesn't pass.
//!
//! While nobody asks, packets pay nothing for it. A request ends when it has as many packets as it wanted, when its time is
//! over or when its client has gone.

use std::time::Duration;

use adit_esp::{Direction, Stage, Step, WalkFilter};
use adit_model::now::Mono;
use tokio::sync::oneshot;

use crate::answer::{error, reply};
use crate::control::Answer;
use crate::gateway::Gateway;
use crate::protocol::{
    LONGEST_WALK_MS, MOST_WALKS, RequestError, Response, Walk, WalkDirection, WalkStep,
};

/// A request that waits for packets.
pub(crate) struct Walking {
    until: Mono,
    /// When it is looked at next.
    look: Mono,
    answer: oneshot::Sender<Answer>,
    steps: Vec<Step>,
    lost: u64,
}

impl Gateway {
    /// Begins to follow packets.
    pub(crate) fn walk(
        &mut self,
        filter: &WalkFilter,
        packets: u64,
        wait_ms: u64,
        answer: oneshot::Sender<Answer>,
    ) {
        let now = self.clock.now().mono;
        let refused = if self.walking.is_some() {
            Some("packets are being followed for somebody else; ask again when that is over")
        } else if self.backend.plane().is_none() {
            Some(
                "the kernel's IPsec carries packets, and shows none of them on its way; adit trace says what its counters tell",
            )
        } else {
            None
        };
        if let Some(why) = refused {
            let line = error(RequestError::NotNow, why.to_owned());
            return reply(answer, Answer::Lines(vec![line]));
        }
        if let Some(plane) = self.backend.plane() {
            plane.walk(filter, packets.min(MOST_WALKS));
        }
        self.walking = Some(Walking {
            until: now + Duration::from_millis(wait_ms.min(LONGEST_WALK_MS)),
            look: now,
            answer,
            steps: Vec::new(),
            lost: 0,
        });
        self.look_at_walk(now);
    }

    /// When [`Self::look_at_walk`] is next to be called.
    pub(crate) fn walk_due(&self) -> Option<Mono> {
        self.walking.as_ref().map(|walking| walking.look)
    }

    /// Takes what the followed packets have left behind, and answers when there is no more to come.
    pub(crate) fn look_at_walk(&mut self, now: Mono) {
        let Some(mut walking) = self.walking.take_if(|walking| walking.look <= now) else {
            return;
        };
        let Some(plane) = self.backend.plane() else {
            return;
        };
        let over = !plane.is_walking() || walking.until <= now || walking.answer.is_closed();
        let seen = plane.steps();
        walking.steps.extend(seen.steps);
        walking.lost += seen.lost;
        if !over {
            walking.look = walking.until.min(now + OFTEN);
            self.walking = Some(walking);
            return;
        }
        plane.stop_walk();
        let walked = Response::Walked {
            walks: walks(walking.steps),
            lost: walking.lost,
        };
        reply(walking.answer, Answer::Lines(vec![walked]));
    }
}

/// Steps of one packet lie one behind the other.
fn walks(steps: Vec<Step>) -> Vec<Walk> {
    let mut last = None;
    let mut walks: Vec<Walk> = Vec::new();
    for step in steps {
        if last.replace(step.walk) != Some(step.walk) {
            walks.push(Walk {
                direction: match step.direction {
                    Direction::Out => WalkDirection::Out,
                    Direction::In => WalkDirection::In,
                },
                steps: Vec::new(),
            });
        }
        if let Some(walk) = walks.last_mut() {
            walk.steps.push(told(step.stage));
        }
    }
    walks
}

fn told(stage: Stage) -> WalkStep {
    match stage {
        Stage::Policy(child) => WalkStep::Policy {
            tunnel: child.connection.clone(),
            child: child.child.clone(),
        },
        Stage::Sa(spi) => WalkStep::Sa {
            spi: format!("{spi:08x}"),
        },
        Stage::Sequence(number) => WalkStep::Sequence { number },
        Stage::Sealed(octets) => WalkStep::Sealed { octets },
        Stage::Opened(octets) => WalkStep::Opened { octets },
        Stage::Dropped(reason) => WalkStep::Dropped {
            reason,
            meaning: reason.meaning().to_owned(),
        },
    }
}

/// How often it is looked whether packets have come.
const OFTEN: Duration = Duration::from_millis(20);
