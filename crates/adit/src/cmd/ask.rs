//! `adit why --ask`: puts the questions that separate what an undecided verdict leaves open.

use std::io::{BufRead, Write};

use adit_diagnose::{Verdict, diagnose, next_question};
use adit_model::fact::{Case, Fact, Known, Side, Source};

use crate::exit::Failure;

/// Asks on standard error and hears on standard input, until the verdict is decided, no question is left, or the
/// answers end.
pub fn ask(case: &mut Case, verdict: Verdict) -> Result<Verdict, Failure> {
    let stdin = std::io::stdin();
    let mut verdict = verdict;
    let mut put: Vec<&'static str> = Vec::new();
    while let Some(question) = next_question(&verdict, &put) {
        put.push(question.id);
        let mut out = std::io::stderr();
        write!(
            out,
            "\n{}\n  (to find out: {})\n  y, n, or Enter when you can't tell; q ends: ",
            question.text, question.how
        )?;
        out.flush()?;
        let mut line = String::new();
        if stdin.lock().read_line(&mut line)? == 0 {
            break;
        }
        let yes = match line.trim().to_ascii_lowercase().as_str() {
            "y" | "yes" => true,
            "n" | "no" => false,
            "q" | "quit" => break,
            _ => continue,
        };
        case.facts.push(Fact {
            source: Source {
                name: "answer".to_owned(),
                line: None,
                text: format!("{} {}", question.text, if yes { "yes" } else { "no" }),
            },
            at: None,
            side: Side::Local,
            subject: None,
            role: None,
            what: Known::Answered {
                question: question.id.to_owned(),
                yes,
            },
        });
        verdict = diagnose(case);
    }
    Ok(verdict)
}
