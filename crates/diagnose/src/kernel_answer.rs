//! Why the kernel refused an SA or a policy, put together of the line that says what and the one that says why.

use adit_model::sign::Sign;

use crate::seen::Seen;
use crate::signals::Signals;

/// How far above the line that says what was refused the kernel's own answer stands.
const NEAR: u64 = 8;

/// What the kernel's error number says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It has no such protocol, algorithm or message.
    Unsupported,
    /// The daemon may not ask for it.
    Denied,
    /// The same is there already.
    Exists,
    /// It doesn't like the request: a flag, a length or an algorithm that this kernel doesn't take, or for whose driver it
    /// finds no memory.
    Invalid,
    /// Something else.
    Other,
    /// No line says.
    Unknown,
}

/// Something that the kernel refused.
#[derive(Clone, Copy)]
pub(crate) struct Refused<'a> {
    /// The line that says what.
    pub(crate) what: Seen<'a>,
    /// The line that says why, where it is another one.
    pub(crate) why: Option<Seen<'a>>,
    /// What it says.
    pub(crate) answer: Answer,
}

impl<'a> Refused<'a> {
    /// The kernel's words.
    pub(crate) fn words(&self) -> &'a str {
        let own = self.what.value("errno");
        own.filter(|own| says(own))
            .or_else(|| self.why.and_then(|w| w.value("errno")))
            .or(own)
            .unwrap_or("the kernel's error isn't told")
    }

    /// It is an SA, and not a policy.
    pub(crate) fn is_state(&self) -> bool {
        self.what.sign == Sign::StateNotInstalled
    }
}

/// Everything that the kernel refused, the latest first.
pub(crate) fn refusals<'a>(s: &Signals<'a>) -> Vec<Refused<'a>> {
    let wanted =
        |x: &&Seen<'a>| matches!(x.sign, Sign::StateNotInstalled | Sign::PolicyNotInstalled);
    let mut all: Vec<Refused<'a>> = s
        .signs
        .iter()
        .filter(wanted)
        .map(|what| match what.value("errno") {
            Some(words) if says(words) => Refused {
                what: *what,
                why: None,
                answer: answer(words),
            },
            _ => {
                let why = before(s, *what);
                Refused {
                    what: *what,
                    why,
                    answer: why
                        .and_then(|w| w.value("errno"))
                        .map_or(Answer::Unknown, answer),
                }
            }
        })
        .collect();
    all.reverse();
    all
}

/// The last error of the kernel that says so, whatever it answers.
pub(crate) fn error<'a>(s: &Signals<'a>, wanted: Answer) -> Option<Seen<'a>> {
    let errors = s.signs.iter().rev().copied();
    errors.filter(|x| x.sign == Sign::KernelError).find(|x| {
        x.value("errno")
            .is_some_and(|words| answer(words) == wanted)
    })
}

/// The kernel's error that stands closest before a line; a line of the same kind may name it.
fn before<'a>(s: &Signals<'a>, what: Seen<'a>) -> Option<Seen<'a>> {
    let line = what.fact.source.line?;
    s.signs
        .iter()
        .rev()
        .copied()
        .filter(|x| {
            let told = x.sign == what.sign && x.value("errno").is_some_and(says);
            (told || x.sign == Sign::KernelError) && x.fact.source.name == what.fact.source.name
        })
        .find(|x| {
            x.fact
                .source
                .line
                .is_some_and(|l| l <= line && line - l <= NEAR)
        })
}

/// Whether the words tell why; charon's own `FAILED` doesn't.
fn says(words: &str) -> bool {
    let status = words.chars().all(|c| c.is_ascii_uppercase() || c == '_');
    !status || answer(words) != Answer::Unknown
}

fn answer(words: &str) -> Answer {
    const NAMES: [(&str, u32); 17] = [
        ("No such file", 2),
        ("Function not implemented", 38),
        ("Protocol not available", 92),
        ("Protocol not supported", 93),
        ("Socket type not supported", 94),
        ("Operation not supported", 95),
        ("Protocol family not supported", 96),
        ("Address family not supported", 97),
        ("Operation not permitted", 1),
        ("Permission denied", 13),
        ("File exists", 17),
        ("ALREADY_DONE", 17),
        ("Invalid argument", 22),
        ("Out of memory", 12),
        ("Cannot allocate memory", 12),
        ("No such process", 3),
        ("No buffer space", 105),
    ];
    let named = NAMES
        .iter()
        .find(|(name, _)| words.contains(name))
        .map(|(_, number)| *number);
    match named.or_else(|| number(words)) {
        Some(2 | 38 | 92..=97) => Answer::Unsupported,
        Some(1 | 13) => Answer::Denied,
        Some(17) => Answer::Exists,
        Some(12 | 22) => Answer::Invalid,
        Some(_) => Answer::Other,
        None => Answer::Unknown,
    }
}

/// The number in `… (93)`, `93: …` or `(errno 93)`: words may be in the host's language.
fn number(words: &str) -> Option<u32> {
    words
        .split(|c: char| !c.is_ascii_digit())
        .filter(|n| !n.is_empty())
        .find_map(|n| n.parse().ok().filter(|n| *n < 140))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_known_by_name_and_by_number() {
        for (words, want) in [
            ("No such file or directory (2)", Answer::Unsupported),
            (
                "Datei oder Verzeichnis nicht gefunden (2)",
                Answer::Unsupported,
            ),
            ("38: Function not implemented", Answer::Unsupported),
            ("File exists (errno 17)", Answer::Exists),
            ("Invalid argument (22)", Answer::Invalid),
            ("Out of memory (errno 12)", Answer::Invalid),
            ("Operation not permitted", Answer::Denied),
            ("No such process (3)", Answer::Other),
            ("", Answer::Unknown),
        ] {
            assert_eq!(answer(words), want, "{words}");
        }
    }
}
