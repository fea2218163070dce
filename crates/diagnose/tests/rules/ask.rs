//! Answers of a person narrow what the evidence leaves open.

use adit_diagnose::{Answer, diagnose, next_question};
use adit_model::fact::{Case, Fact, Known, Side, Source};

fn answered(case: &mut Case, question: &str, yes: bool) {
    case.facts.push(Fact {
        source: Source {
            name: "answer".into(),
            line: None,
            text: format!("{question}: {yes}"),
        },
        at: None,
        side: Side::Local,
        subject: None,
        role: None,
        what: Known::Answered {
            question: question.into(),
            yes,
        },
    });
}

#[test]
fn without_evidence_the_questions_lead_from_the_general_to_the_particular() {
    let mut case = Case::default();
    let verdict = diagnose(&case);
    let first = next_question(&verdict, &[]).unwrap();
    assert_eq!(first.id, "daemon-runs");
    answered(&mut case, "ike-leaves", true);
    answered(&mut case, "other-packets-pass", false);
    let verdict = diagnose(&case);
    assert_eq!(verdict.verdict, Answer::Undecided, "answers are no proof");
    assert_eq!(verdict.possible[0].cause, "peer-unreachable");
    assert!(
        verdict
            .ruled_out
            .iter()
            .any(|r| r.cause == "udp500-blocked"),
        "a ping would pass"
    );
}

#[test]
fn a_question_that_was_put_is_not_put_again() {
    let verdict = diagnose(&Case::default());
    let mut put = Vec::new();
    while let Some(question) = next_question(&verdict, &put) {
        assert!(!put.contains(&question.id));
        assert!(question.text.ends_with('?'), "{}", question.id);
        put.push(question.id);
    }
    assert!(put.len() > 10);
}
