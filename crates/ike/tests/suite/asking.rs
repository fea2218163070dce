//! Questions about packets' ways between gateways of one kind, and what others see of them.

use crate::common;

use std::sync::Arc;
use std::time::Duration;

use adit_ike::{AskedBy, CommandError, Settings, Topic, Unanswered};
use common::*;

fn asked(lab: &mut Lab, number: u32, text: &[u8]) {
    asked_about(lab, Topic::Way, number, text);
}

fn asked_about(lab: &mut Lab, topic: Topic, number: u32, text: &[u8]) {
    let (now, name) = (lab.now, connection(Who::West).name);
    let endpoint = &mut lab.west.endpoint;
    endpoint
        .ask_peer(now, &name, topic, number, text.to_vec())
        .unwrap();
    lab.drain();
    lab.run();
}

/// How many messages a side has sent by now.
fn sent(side: &Side) -> usize {
    side.count(|h| matches!(h, adit_model::event::Happening::Sent(_)))
}

/// ```text
/// SK { V, V } ──►
///          ◄── SK { V, V }
/// SK { V, N(question) } ──►
///          ◄── SK { }
///          ◄── SK { V, N(answer) }
/// SK { } ──►
/// ```
#[test]
fn a_question_is_put_to_a_peer_of_our_own_kind_and_answered() {
    let mut lab = Lab::new();
    lab.up();
    asked(&mut lab, 7, b"where is it?");
    let [question] = lab.east.questions.as_slice() else {
        panic!("{:?}", lab.east.questions);
    };
    assert_eq!(
        (question.by.number, question.text.as_slice()),
        (7, &b"where is it?"[..])
    );
    assert!(lab.west.peer_answers.is_empty());
    let (now, by) = (lab.now, question.by.clone());
    let answer = b"here".to_vec();
    lab.east
        .endpoint
        .answer_peer(now, &by, answer.clone())
        .unwrap();
    lab.drain();
    lab.run();
    assert_eq!(lab.west.peer_answers, [(7, Ok(answer.clone()))]);
    // Once the IKE SA has been renewed its peer hears the answer over the new one, and nobody else does.
    let renewed = AskedBy {
        spis: (adit_wire::v2::IkeSpi(1), adit_wire::v2::IkeSpi(2)),
        ..by.clone()
    };
    let of_another = AskedBy {
        peer: fqdn("another.example"),
        ..renewed.clone()
    };
    let east = &mut lab.east.endpoint;
    assert!(east.answer_peer(now, &renewed, answer.clone()).is_ok());
    let refused = east.answer_peer(now, &of_another, answer.clone());
    assert!(matches!(refused, Err(CommandError::NotActive(_))));
    // An answer that nobody waits for is nothing.
    lab.east
        .endpoint
        .answer_peer(now, &by, answer.clone())
        .unwrap();
    lab.east
        .endpoint
        .answer_peer(now, &AskedBy { number: 8, ..by }, answer)
        .unwrap();
    lab.drain();
    lab.run();
    assert_eq!(lab.west.peer_answers.len(), 1);
    lab.assert_tunnel();
}

#[test]
fn who_asks_too_often_is_not_heard_and_the_greeting_is_not_repeated() {
    let mut lab = Lab::new();
    lab.up();
    asked(&mut lab, 1, b"a");
    let once = sent(&lab.west);
    asked(&mut lab, 2, b"b");
    assert_eq!(lab.east.questions.len(), 1, "half a second hasn't passed");
    assert_eq!(
        sent(&lab.west),
        once + 1,
        "one request, without another greeting"
    );
    lab.pass(Duration::from_secs(1));
    asked(&mut lab, 3, b"c");
    assert_eq!(lab.east.questions.len(), 2);
    // Longer than anybody answers.
    asked(&mut lab, 4, &[0; 5000]);
    assert_eq!(lab.west.peer_answers, [(4, Err(Unanswered::TooMuch))]);
    assert!(lab.west.is_up() && lab.east.is_up());
}

/// They come one upon the other, and questions about ways don't keep them back.
#[test]
fn questions_about_the_path_have_a_pause_of_their_own() {
    let mut lab = Lab::new();
    lab.up();
    asked(&mut lab, 1, b"way");
    asked_about(&mut lab, Topic::Path, 2, b"path");
    asked_about(&mut lab, Topic::Path, 3, b"too soon");
    lab.pass(Duration::from_millis(200));
    asked_about(&mut lab, Topic::Path, 4, b"path");
    let questions = lab.east.questions.iter();
    let heard: Vec<_> = questions.map(|q| (q.topic, q.by.number)).collect();
    let path = |number| (Topic::Path, number);
    assert_eq!(heard, [(Topic::Way, 1), path(2), path(4)]);
}

#[test]
fn a_peer_that_answers_no_questions_is_sent_none() {
    let silent = Settings {
        answer_questions: false,
        ..Settings::default()
    };
    let mut lab = Lab::bare(Settings::default(), silent);
    for who in [Who::West, Who::East] {
        let now = lab.now;
        let connection = Arc::new(connection(who));
        lab.side(who).endpoint.set_connection(now, connection);
    }
    lab.up();
    let before = sent(&lab.west);
    asked(&mut lab, 5, b"where is it?");
    assert_eq!(lab.west.peer_answers, [(5, Err(Unanswered::Foreign))]);
    assert_eq!(sent(&lab.west), before + 1, "the greeting alone");
    asked(&mut lab, 6, b"and now?");
    assert_eq!(lab.west.peer_answers.len(), 2);
    assert_eq!(sent(&lab.west), before + 1, "it is known");
    assert!(lab.east.questions.is_empty());
    lab.assert_tunnel();
}

#[test]
fn a_question_on_a_rekeyed_ike_sa_finds_what_was_agreed() {
    let mut lab = Lab::new();
    lab.up();
    asked(&mut lab, 1, b"a");
    let (now, name) = (lab.now, connection(Who::West).name);
    lab.west.endpoint.rekey_ike(now, &name).unwrap();
    lab.drain();
    lab.run();
    lab.pass(Duration::from_secs(1));
    let before = sent(&lab.west);
    asked(&mut lab, 2, b"b");
    assert_eq!(lab.east.questions.len(), 2);
    assert_eq!(sent(&lab.west), before + 1, "no other greeting");
    // Without an IKE SA there is nobody to ask.
    let now = lab.now;
    lab.west.endpoint.terminate(now, &name).unwrap();
    lab.drain();
    lab.run();
    assert!(
        lab.west
            .endpoint
            .ask_peer(now, &name, Topic::Way, 3, Vec::new())
            .is_err()
    );
}
