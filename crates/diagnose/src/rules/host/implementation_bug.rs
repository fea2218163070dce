//! `implementation-bug`: the daemon itself fails.

use adit_model::complaint::Complaint;
use adit_model::event::Happening;
use adit_model::fact::{Fact, Known};
use adit_model::listed::Stage;
use adit_model::reason::Refusal;
use adit_model::sign::Sign;

use crate::complaint::{carries_nothing, complained};
use crate::finding::{CONDITION, SAID, SYMPTOM};
use crate::kernel_release;
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::seen::{Seen, before};
use crate::signals::{Signals, notify, who};
use crate::verdict::AtFault;

pub(crate) static RULE: Rule = Rule {
    id: "implementation-bug",
    recurs: false,
    page: Page {
        title: "The daemon itself fails",
        what: "An assertion fails, the process gets a fatal signal, or it contradicts itself on input and configuration that are valid: a defect of this version.",
        initiator: "The daemon ends in the middle of an exchange and is started again.",
        responder: "The same; whoever sends the message that does it can do it again.",
        look_alikes: &[
            (
                "service-crash-loop",
                "Did the daemon fail by itself, or was it killed for want of memory?",
            ),
            (
                "config-syntax-rejected",
                "Did it refuse its input, or break over it?",
            ),
            ("plugin-missing", "Are plugins of another build loaded?"),
        ],
        fix: &[
            (
                "any",
                "Update to a version in which it is mended; until then avoid what leads to it (the algorithm, the option or the peer named in the lines before). Report it with the log and a backtrace.",
            ),
            ("linux", "`coredumpctl info`, `journalctl -u NAME -b`."),
            (
                "strongswan",
                "Plugins of an older build in the plugin directory crash a newer daemon: remove them.",
            ),
        ],
        source: "the product's list of changes",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &["disk-or-log-full"],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    // The first line is the failure itself; what follows is its trace.
    let crashed = s
        .signs_of(Sign::DaemonCrashed)
        .max_by_key(|x| x.value("problem").is_some());
    let trace_alone = s.signs_of(Sign::DaemonCrashed).all(|x| {
        x.value("of") == Some("debugger") || x.fact.source.text.contains("stack frame addresses")
    });
    let listed = s
        .case
        .facts
        .iter()
        .any(|f| matches!(&f.what, Known::Listed { sa } if sa.stage == Stage::Up));
    let lives = |x: &Seen<'_>| s.up || listed || s.ran_later(*x);
    if let Some(seen) = crashed.filter(|x| trace_alone && lives(x)) {
        return Judgement::Possible {
            weight: 30,
            because: format!("the daemon of {} printed a trace, and lived on", seen.who()),
            separated_by: "the lines around the trace: a signal, or a limit that it warns of",
        };
    }
    if let Some(seen) = crashed.filter(|x| is_anyones(*x) && s.refused_or_told()) {
        return Judgement::Possible {
            weight: 25,
            because: format!(
                "the kernel of {} broke, in a part that isn't named",
                seen.who()
            ),
            separated_by: "the lines after it: which function and which module",
        };
    }
    // A daemon that finds no IPsec in its kernel comes to its end in whatever way.
    let unserved = crashed.filter(|x| {
        s.facts.is_empty()
            && s.signs_of(Sign::KernelSupportMissing)
                .any(|lacks| lacks.side() == x.side() && before(lacks.fact, x.fact))
    });
    if unserved.is_some() {
        return Judgement::Possible {
            weight: 30,
            because: "the daemon broke down after it had found no IPsec in its kernel".to_owned(),
            separated_by: "whether it still breaks down on a kernel that has XFRM",
        };
    }
    if let Some(seen) = crashed {
        return Found::by(
            seen,
            SAID,
            match seen.value("problem") {
                Some(problem) => {
                    format!("the {} of {} broke down: {problem}", part(seen), seen.who())
                }
                None => format!("the {} of {} broke down", part(seen), seen.who()),
            },
        )
        .with(s.signs_of(Sign::DaemonCrashed).map(|x| x.fact).take(4))
        .because("No input should make it: it is a defect of this version, whatever led to it.")
        .fix(FIX)
        .then("the lines before it, and a backtrace (coredumpctl info)")
        .done();
    }
    if let Some(judgement) = leased_not_found(s)
        .or_else(|| repetition_not_taken(s))
        .or_else(|| asks_for_what_is_there(s))
        .or_else(|| spins(s))
    {
        return judgement;
    }
    let Some(seen) = s.sign(Sign::ContradictionSurvived) else {
        return local(s);
    };
    let what = seen.value_or("problem", "an expectation failed");
    // A remark of a daemon whose tunnel is up isn't what somebody misses of its traffic.
    let beside = s.up && complained(s) && s.complains(Complaint::Crashes).is_none();
    if !s.calm() || beside {
        return Judgement::Possible {
            weight: 20,
            because: format!("the daemon contradicts itself: {what}"),
            separated_by: "whether a newer version does it too",
        };
    }
    Found::by(
        seen,
        CONDITION,
        format!("the daemon of {} contradicts itself: {what}", seen.who()),
    )
    .because("It expected what didn't hold; that is a defect of this version, if a small one.")
    .fix(FIX)
    .then("the lines before it, with more debugging")
    .done()
}

/// The program says which kernel it needs, and has a newer one: what it asks the kernel to find out, it asks wrongly, or it
/// misreads the answer.
fn asks_for_what_is_there(s: &Signals<'_>) -> Option<Judgement> {
    let (seen, release) = s
        .signs_of(Sign::KernelSupportMissing)
        .find_map(|x| Some((x, kernel_release::has_it(s, x)?)))?;
    let needs = seen.value_or("needs", "");
    // A kernel without the thing has other errors for it (EPROTONOSUPPORT, EOPNOTSUPP, ENOENT).
    let invalid = seen
        .value_or("errno", "")
        .to_ascii_lowercase()
        .contains("invalid argument");
    if !invalid || !s.calm() {
        return Some(Judgement::Possible {
            weight: 35,
            because: format!(
                "{} asks for Linux {needs}, and its kernel is {release}",
                seen.who()
            ),
            separated_by: "whether the kernel was built with the option, and whether another version of the program starts",
        });
    }
    Some(
        Found::by(
            seen,
            CONDITION,
            format!("a program of {} asks for Linux {needs} and has {release}: its own test of the kernel fails", seen.who()),
        )
        .because("The kernel knows the thing and calls the question invalid: the program asks in a way that this kernel no longer takes.")
        .fix("use a version of the program in which the test is mended, or the one before, with which it started")
        .then("the program's list of changes, and the kernel's between the two releases")
        .done(),
    )
}

/// The kernel has the packets, and the daemon does nothing but go round in a circle.
fn spins(s: &Signals<'_>) -> Option<Judgement> {
    let seen = s.sign(Sign::DaemonSpins).filter(|_| s.calm())?;
    let program = seen.value_or("program", "the daemon");
    Some(
        Found::by(
            seen,
            CONDITION,
            format!(
                "{program} of {} keeps a processor busy, and has used {} minutes of it",
                seen.who(),
                seen.value_or("time", "many")
            ),
        )
        .because("It negotiates and has no packets to seal: so much time goes into a loop that doesn't end, and nothing else is served meanwhile.")
        .fix(FIX)
        .then("`strace -f -p PID` and a backtrace of all threads (gdb -p PID, thread apply all bt) while it does so")
        .done(),
    )
}

/// The daemon put an address on an interface and looked for it too early, so that its routes take another way.
fn leased_not_found(s: &Signals<'_>) -> Option<Judgement> {
    let seen = s.sign(Sign::LeasedAddressNotFound)?;
    let fails = carries_nothing(s);
    if s.up && !fails {
        return None;
    }
    let address = seen.value_or("address", "the leased address");
    if !s.calm() || !fails {
        return Some(Judgement::Possible {
            weight: 30,
            because: format!(
                "the daemon doesn't find {address}, which it has just put on an interface"
            ),
            separated_by: "the interface of the route to the tunnel's remote network",
        });
    }
    Some(
        Found::by(
            seen,
            CONDITION,
            format!("the daemon puts {address} on an interface and doesn't find it there, so the route into the tunnel is made over another interface"),
        )
        .because("It looks for the address before the system has announced the interface. A route that is made without it goes out of the physical interface, past the tunnel.")
        .fix("update to a version in which it is mended; until then replace the route to the remote network by one over the interface that the daemon made")
        .then("the routing table: the interface of the route to the remote network")
        .done(),
    )
}

/// The peer repeats its answer of quick mode because the last message was lost. It has to be sent again; Openswan takes
/// the repetition for nonsense, and the peer's SA stays half made.
fn repetition_not_taken(s: &Signals<'_>) -> Option<Judgement> {
    let all = s.ever(Sign::RepetitionNotTaken);
    let of_same = |done: &Fact, x: &Seen<'_>| {
        before(done, x.fact)
            && soon_after(done, x.fact)
            && exchange(&done.source.text)
                .is_some_and(|of| exchange(&x.fact.source.text) == Some(of))
    };
    let times = |done: &Fact| all.iter().filter(|x| of_same(done, x)).count();
    let done = s
        .case
        .happenings()
        .find(|(f, h)| matches!(h, Happening::ChildEstablished { .. }) && times(f) > 1)
        .map(|(f, _)| f)?;
    let again = all.iter().filter(|x| of_same(done, x));
    let seen = again.clone().next()?;
    Some(
        Found::by(
            *seen,
            SYMPTOM,
            format!("{} doesn't know the peer's repeated answer of quick mode for what it is", seen.who()),
        )
        .with([done])
        .with(again.map(|x| x.fact).take(3))
        .because("The SA is made here, and the peer goes on repeating its answer: our last message was lost on the way. A repetition has to be answered with that message again; this daemon refuses it, so the two ends stay out of step until the next rekeying.")
        .fix("update to a version in which it is mended; until then set the tunnel up anew when it happens (ipsec auto --replace and --up), and look for the loss on the path")
        .then("a capture of both ends: whether the third message of quick mode arrives")
        .done(),
    )
}

/// Whether no more time has passed than a daemon goes on repeating a message.
fn soon_after(done: &Fact, again: &Fact) -> bool {
    const REPEATS_MS: u64 = 600_000;
    match (done.at, again.at) {
        (Some(done), Some(again)) => again.0.saturating_sub(done.0) <= REPEATS_MS,
        (None, None) => true,
        _ => false,
    }
}

/// The connection and the number that pluto writes before what it says of an exchange: `"east/1x1" #41`.
fn exchange(text: &str) -> Option<&str> {
    let (head, rest) = text.split_once("\" #")?;
    let begin = head.rfind('"')?;
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let end = head.len() + "\" #".len() + digits;
    text.get(begin..end).filter(|_| digits > 0)
}

/// The gateway couldn't do its own part, for a reason that isn't a cause by itself.
fn local(s: &Signals<'_>) -> Judgement {
    let refused = s
        .refusal(|r| match r {
            Refusal::Local { problem } => Some(problem.as_str()),
            _ => None,
        })
        .filter(|(r, _)| !r.rekeying);
    match refused {
        Some((r, problem)) => Judgement::Possible {
            weight: 70,
            because: format!("{} failed in its own part: {problem}", who(r.side)),
            separated_by: "whether its keys, their holder and its data plane are at hand; if they are, it is a defect",
        },
        None => told(s),
    }
}

/// Somebody says that the daemon crashes; its own words aren't there.
fn told(s: &Signals<'_>) -> Judgement {
    match s.complains(Complaint::Crashes) {
        Some(told) if s.calm() => Found::on(
            told,
            CONDITION,
            AtFault::Local,
            "the daemon crashes, as is told",
        )
        .because("No input should make it: it is a defect of this version, whatever led to it.")
        .fix(FIX)
        .then("the log's last lines before the crash, and a backtrace (coredumpctl info)")
        .done(),
        Some(_) => Judgement::Possible {
            weight: 30,
            because: "the daemon is said to crash".to_owned(),
            separated_by: "the log's last lines before the crash, and a backtrace",
        },
        None => new_in_this_version(s),
    }
}

/// Somebody tells that the versions before this one don't do it. That alone is no defect, where no attempt is shown or one that
/// failed for algorithms: a new version may have dropped one or changed a default on purpose.
fn new_in_this_version(s: &Signals<'_>) -> Judgement {
    match s.complains(Complaint::WorksInOlderVersions) {
        Some(told) if fails_otherwise(s) => Found::on(
            told,
            CONDITION,
            AtFault::Local,
            "older versions of the daemon do it right with what is configured, as is told, and nothing says that the newer one lacks an algorithm",
        )
        .because("What both versions are asked for is the same, and the newer one does it otherwise.")
        .fix("go back to the version that does it right until a newer one does, and report it with both versions and the log; look in the list of changes between them for a default that was changed on purpose")
        .then("the same attempt with both versions, one after the other")
        .done(),
        Some(_) => Judgement::Possible {
            weight: 40,
            because: "older versions are said to do it right".to_owned(),
            separated_by: "the same attempt with both versions and the same configuration, and what the list of changes between them says of dropped algorithms and of defaults",
        },
        None => Judgement::Silent,
    }
}

/// Whether an attempt is shown, and it didn't come to grief over algorithms, which new versions drop on purpose.
fn fails_otherwise(s: &Signals<'_>) -> bool {
    let shown = s.case.happenings().next().is_some() || !s.signs.is_empty();
    let of_algorithms = s.told(notify::NO_PROPOSAL_CHOSEN, false).is_some()
        || s.told(notify::NO_PROPOSAL_CHOSEN, true).is_some()
        || s.signs.iter().any(|x| {
            matches!(
                x.sign,
                Sign::IkeProposalsRefused
                    | Sign::ProposalsRefusedByPeer
                    | Sign::FirstProposalsRefusedByPeer
                    | Sign::FirstExchangeRefused
                    | Sign::ChildRequestRefused
                    | Sign::AlgorithmUnavailable
            )
        });
    // What doesn't pass has causes beside the daemon, which changed with the version as well.
    shown && !of_algorithms && !carries_nothing(s)
}

/// A fault of the kernel in a line that doesn't say in which part of it: any driver's looks the same.
fn is_anyones(seen: Seen<'_>) -> bool {
    let text = &seen.fact.source.text;
    seen.value("part") == Some("kernel")
        && !["xfrm", "esp", "ipsec", "charon", "pluto", "crypto"]
            .iter()
            .any(|word| text.contains(word))
}

/// What broke: the daemon, or the kernel under it.
fn part(seen: Seen<'_>) -> &'static str {
    match seen.value("part") {
        Some("kernel") => "kernel",
        _ => "daemon",
    }
}

const FIX: &str = "update to a version in which it is mended, avoid until then what leads to it (see the lines before), and report it with the log";
