//! From bytes to facts: the frame that every reader of text hangs in.

use core::fmt;
use std::sync::Arc;

use adit_model::fact::{Fact, Known, Side, Source};
use adit_model::host::HostState;
use adit_model::now::Wall;
use adit_model::peer_config::Dialect;
use adit_model::product::Product as Gateway;

use crate::account::{Account, Joined, Torn, quoted};
use crate::asa::Asa;
use crate::audit::{Audit, Record};
use crate::capture::{Capture, CaptureError, Input, Keys, Printed};
use crate::charon::{self, Charon};
use crate::config::{DigestKey, Segments, version_told};
use crate::ends::Prompts;
use crate::phrase::{LeftOut, Phrases, Telling, Unsaid, is_no_report, is_of_another_time, telling};
use crate::plainly::Plainly;
use crate::pluto::Pluto;
use crate::product::Telltales;
use crate::status::Statuses;
use crate::tail::Tail;
use crate::text::{
    Layout, Line, Lines, Unpacked, clean, decoded, head, leading, prefix, redact, unpack,
};

/// A product whose words are understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Product {
    /// The IKE daemon of strongSwan, of VyOS and of several vendors.
    Charon,
    /// The IKE daemon of Libreswan and Openswan.
    Pluto,
    /// A capture file, pcap or pcapng. Its lines are packets.
    Capture,
    /// Packets as tcpdump prints them.
    Tcpdump,
    /// Packets as snoop of illumos and Solaris prints them.
    Snoop,
    /// Packets as Wireshark lists them, or the sniffer of a firewall or router.
    Sniffer,
    /// A configuration.
    Config(Dialect),
}

impl fmt::Display for Product {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Product::Config(dialect) => return write!(f, "configuration ({dialect})"),
            Product::Capture => "capture",
            Product::Tcpdump => "packets printed by tcpdump",
            Product::Snoop => "packets printed by snoop",
            Product::Sniffer => "packets listed by Wireshark or a firewall's sniffer",
            Product::Charon => "strongSwan (charon) log",
            Product::Pluto => "Libreswan or Openswan (pluto) log",
        })
    }
}

/// What was recognised in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recognised {
    /// Whose words they are.
    pub product: Product,
    /// How many lines are this product's, understood or not.
    pub lines: u64,
}

/// What a file tells.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// What the evidence is called.
    pub name: String,
    /// Whose evidence it is.
    pub side: Side,
    /// What crossed the wire, where the file is a capture or has the text of one. What that means to the tunnel is told
    /// when all of the evidence is there: [`crate::case()`].
    pub capture: Option<Box<Capture>>,
    /// The facts, in the order of the lines.
    pub facts: Vec<Fact>,
    /// Whose words were found. Empty when nothing in the file is known.
    pub recognised: Vec<Recognised>,
    /// What a person should know about the reading: lines that were cut, values that weren't understood.
    pub notes: Vec<String>,
    /// Whose gateway wrote it, where words in it tell.
    pub gateway: Option<Gateway>,
    /// Lines in all.
    pub lines: u64,
    /// First and last time for which the log is complete enough that silence counts: it shows the daemon's packets, or
    /// its start. `None` when it doesn't, or when it has no times.
    pub window: Option<(Wall, Wall)>,
}

/// Reads bytes that are already in memory. `now` completes times without a year; times without a zone are taken as UTC.
#[must_use]
pub fn read(name: &str, side: Side, bytes: &[u8], now: Wall) -> Reading {
    let mut reader = Reader::new(name, side, now);
    reader.feed(bytes);
    reader.finish()
}

/// Reads a text piece by piece. Of a long one, only the end is kept and read line by line; before it, sentences are
/// looked for that tell something by themselves.
#[derive(Debug)]
pub struct Reader {
    name: String,
    side: Side,
    now: Wall,
    input: Input,
    tail: Tail,
    /// Lines that passed before the end.
    before: u64,
    readers: Readers,
    configs: Segments,
    key: Option<DigestKey>,
}

/// The readers that every line is shown to.
#[derive(Debug, Default)]
struct Readers {
    charon: Charon,
    pluto: Pluto,
    asa: Asa,
    audit: Audit,
    printed: Printed,
    phrases: Phrases,
    statuses: Statuses,
    telltales: Telltales,
    account: Account,
    torn: Torn,
    plainly: Plainly,
    left_out: LeftOut,
    unsaid: Unsaid,
    prompts: Prompts,
}

impl Reading {
    /// Takes in what packets in the text showed.
    fn printed(&mut self, printed: Option<(Product, u64, Capture)>) {
        if let Some((product, lines, capture)) = printed {
            self.recognised.push(Recognised { product, lines });
            self.capture = Some(Box::new(capture));
        }
    }

    /// Takes in what a capture file showed.
    fn captured(&mut self, capture: Result<Capture, CaptureError>) {
        match capture {
            Ok(capture) => {
                self.lines = capture.packets;
                self.recognised.push(Recognised {
                    product: Product::Capture,
                    lines: capture.packets,
                });
                self.capture = Some(Box::new(capture));
            }
            Err(error) => self.notes.push(error.to_string()),
        }
    }
}

impl Reading {
    /// Takes in the configurations that the text holds.
    fn configured(&mut self, configs: Segments, text: &[u8], key: Option<&DigestKey>) {
        if configs.is_empty() {
            return;
        }
        let hint = match self.gateway {
            Some(Gateway::Strongswan) => Some(Dialect::StrongswanStroke),
            Some(Gateway::Libreswan) => Some(Dialect::Libreswan),
            _ => None,
        };
        let found = configs.finish(&self.name, &[], key, hint, version_told(text));
        for (dialect, lines) in found.dialects {
            self.recognised.push(Recognised {
                product: Product::Config(dialect),
                lines,
            });
        }
        let side = self.side;
        let fact = |source: &Source, what| Fact {
            source: source.clone(),
            at: None,
            side,
            subject: None,
            role: None,
            what,
        };
        for connection in found.connections {
            self.facts.push(fact(
                &connection.source.clone(),
                Known::PeerConfigured {
                    connection: Box::new(connection),
                },
            ));
        }
        for key in found.keys {
            self.facts.push(fact(
                &key.source.clone(),
                Known::PeerKey { key: Box::new(key) },
            ));
        }
        for lint in found.lints {
            self.facts.push(fact(
                &lint.source.clone(),
                Known::ConfigLint {
                    lint: Box::new(lint),
                },
            ));
        }
    }
}

/// Where a statement stands and how it is quoted.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) source: Source,
    pub(crate) at: Option<Wall>,
    pub(crate) side: Side,
}

impl Reader {
    /// A reader of the evidence called `name`, which `side` wrote.
    #[must_use]
    pub fn new(name: &str, side: Side, now: Wall) -> Self {
        Self {
            name: name.to_owned(),
            side,
            now,
            input: Input::default(),
            tail: Tail::default(),
            before: 0,
            readers: Readers {
                phrases: Phrases::read_at(now),
                ..Readers::default()
            },
            configs: Segments::default(),
            key: None,
        }
    }

    /// Digests pre-shared keys of configurations under `key`, so that those of both ends can be compared. Give the same
    /// one to every reader of a run.
    #[must_use]
    pub fn with_key(mut self, key: DigestKey) -> Self {
        self.key = Some(key);
        self
    }

    /// Opens what these keys open, should the evidence be a capture.
    #[must_use]
    pub fn with_capture_keys(mut self, keys: Arc<Keys>) -> Self {
        self.input.with_keys(keys);
        self
    }

    /// The next piece.
    pub fn feed(&mut self, bytes: &[u8]) {
        let Self {
            name,
            side,
            now,
            input,
            tail,
            before,
            readers,
            ..
        } = self;
        tail.feed(&input.feed(bytes), |old| {
            let first = *before + 1;
            let hear = |phrases: &mut Phrases, told: &Telling<'_>| {
                spoken(
                    name,
                    *side,
                    *now,
                    first + told.before,
                    told.raw,
                    |line, place| {
                        phrases.line(line, place);
                    },
                );
            };
            // Of what a log says over and over, only the beginning and the end are kept: the lines between them needn't
            // be heard.
            let mut waiting = Vec::new();
            *before += telling(old, |mut told, searched| {
                if readers.phrases.can_wait(&mut told, searched) {
                    waiting.push(told);
                } else {
                    hear(&mut readers.phrases, &told);
                }
            });
            for told in waiting.iter().rev() {
                if !readers.phrases.can_go(first + told.before, told) {
                    hear(&mut readers.phrases, told);
                }
            }
        });
    }

    /// What all of it tells.
    #[must_use]
    pub fn finish(self) -> Reading {
        let Self {
            name,
            side,
            now,
            mut input,
            mut tail,
            before,
            mut readers,
            mut configs,
            key,
        } = self;
        tail.feed(&input.rest(), |_| {});
        let mut read = |number: u64, raw: &[u8]| {
            configs.raw_line(number, raw);
            spoken(&name, side, now, number, raw, |line, place| {
                readers.line(line, place);
            });
        };
        let text = tail.finish();
        let layout = Layout::of(&text, now);
        let (count, cut) = if layout.is_plain() {
            let mut lines = Lines::after(before);
            lines.feed(&text, &mut read);
            lines.finish(&mut read)
        } else {
            let (all, counts) = layout.restore(&text, before, now);
            for (number, raw) in &all {
                read(*number, raw);
            }
            counts
        };
        let mut reading = Reading {
            name,
            side,
            capture: None,
            facts: Vec::new(),
            recognised: Vec::new(),
            notes: Vec::new(),
            gateway: readers.telltales.product(),
            lines: count,
            window: None,
        };
        if cut > 0 {
            reading
                .notes
                .push(format!("{cut} very long lines were read in part"));
        }
        if before > 0 {
            reading.notes.push(format!(
                "{} is long: its first {before} lines were searched for messages that name a cause, the {} after them were read",
                reading.name,
                count - before
            ));
        }
        let rest = readers.audit.finish();
        readers.record(rest);
        readers.charon.finish(&mut reading);
        readers.pluto.finish(&mut reading);
        reading.facts.extend(readers.asa.finish());
        reading.printed(readers.printed.finish());
        reading.facts.extend(readers.phrases.finish());
        reading.facts.extend(readers.statuses.finish());
        reading.facts.extend(readers.account.finish());
        reading.facts.extend(readers.plainly.finish());
        reading.facts.extend(readers.left_out.finish());
        let unsaid = readers.unsaid.finish();
        let named = |f: &Fact| f.source.line.is_some_and(|line| unsaid.contains(&line));
        reading.facts.retain(|f| {
            !(named(f) && matches!(f.what, Known::Sign { .. } | Known::Happened { .. }))
        });
        reading.configured(configs, &text, key.as_ref());
        reading.facts.extend(dated(&reading.facts, now));
        // Readers tell what they heard one after the other; the lines' order is the order of things.
        reading.facts.sort_by_key(|f| f.source.line);
        readers.prompts.tell_apart(&mut reading.facts);
        if layout.newest_first {
            reading.facts.reverse();
        }
        if let Some(capture) = input.finish() {
            reading.captured(capture);
        }
        reading
    }
}

/// The latest event whose line tells the year: a line without one gets the latest that isn't in the future.
fn dated(facts: &[Fact], now: Wall) -> Option<Fact> {
    const LONG_AGO_MS: u64 = 5 * 366 * 86_400_000;
    let then = Wall(now.0.saturating_sub(LONG_AGO_MS));
    let (at, fact) = facts
        .iter()
        .rev()
        .filter(|f| matches!(f.what, Known::Happened { .. }))
        .filter_map(|f| Some((f.at?, f)))
        .fold(None, |latest: Option<(Wall, &Fact)>, (at, f)| {
            let later = latest.is_none_or(|(latest, _)| at > latest);
            // What was packed up has its time, with the year, beside the line.
            let dated = || {
                prefix(&f.source.text, then)
                    .at
                    .is_none_or(|told| told == at)
            };
            (later && dated()).then_some((at, f)).or(latest)
        })?;
    Some(Fact {
        subject: None,
        role: None,
        what: Known::Host {
            state: Box::new(HostState::Dated { at }),
        },
        ..fact.clone()
    })
}

impl Readers {
    fn line(&mut self, line: &Line<'_>, place: &dyn Fn() -> Place) {
        self.telltales.line(line.program.unwrap_or_default());
        self.telltales.line(line.body);
        if is_no_report(line) {
            return;
        }
        if is_of_another_time(line) {
            self.account.line(line, place);
            return;
        }
        let heard = self.unsaid.line(line, || place().source.line);
        let told = &Line {
            body: &heard.by_readers,
            ..*line
        };
        let named = &Line {
            body: heard.by_tables,
            ..*line
        };
        let charons = self.charon.line(told, place);
        let audit = self.audit.line(line, place);
        self.record(audit.record);
        let known = !audit.held && self.phrases.line(named, place);
        if charons.wrote {
            // No other reader has a word for it, and most lines of most logs are such.
            self.torn.log(told);
            self.statuses.daemon(line, place);
            return;
        }
        self.prompts.line(line, || place().source.line);
        let plutos = self.pluto.line(told, place);
        self.asa.line(line, place);
        self.printed.line(line, place);
        self.statuses.line(line, place);
        self.account.line(line, place);
        if !(charons.taken || known || plutos || self.left_out.line(told, place)) {
            self.plainly.line(told, place);
        }
        for body in quoted(told) {
            // Phrases are found wherever they stand; the daemons' readers want them whole.
            let line = Line {
                at: None,
                program: None,
                body,
            };
            self.charon.line(&line, place);
            self.pluto.line(&line, place);
        }
        if let Some(joined) = self.torn.line(told) {
            let heard = self.joined(&joined, place);
            if let Some(word) = joined.within_a_word().filter(|_| !heard) {
                self.joined(&word, place);
            }
        }
    }

    /// A record that was broken over lines.
    fn record(&mut self, record: Option<Record>) {
        let Some(record) = record else {
            return;
        };
        let line = Line {
            at: record.place.at,
            program: None,
            body: &record.text,
        };
        self.phrases.line(&line, &|| record.place.clone());
    }

    /// What two lines of a person, or a broken one of a log, say together, and neither alone. Whether it is anything.
    fn joined(&mut self, joined: &Joined, place: &dyn Fn() -> Place) -> bool {
        let line = Line {
            at: None,
            program: None,
            body: &joined.text,
        };
        let quoted = || {
            let mut place = place();
            place.source.text = redact(&joined.text);
            place
        };
        let heard = self
            .phrases
            .torn(&line, [joined.first(), joined.second()], &quoted);
        let [first, second] = [joined.first(), joined.second()].map(charon::cites);
        let cites = !first && !second && charon::cites(&joined.text);
        if cites {
            self.charon.line(&line, quoted);
        }
        heard || cites
    }
}

/// Takes a line's dress off and hands it on, with how it is quoted.
fn spoken(
    name: &str,
    side: Side,
    now: Wall,
    number: u64,
    raw: &[u8],
    mut hear: impl FnMut(&Line<'_>, &dyn Fn() -> Place),
) {
    let text = decoded(head(raw));
    let mut say = |line: &Line<'_>, quoted: &str| {
        hear(line, &|| Place {
            source: Source {
                name: name.to_owned(),
                line: Some(number),
                text: redact(quoted.trim()),
            },
            at: line.at,
            side,
        });
    };
    if let Some(packed) = packed(&text, now) {
        let line = prefix(&packed.body, now);
        let at = line.at.or(packed.at);
        let program = line.program.or(packed.program.as_deref());
        say(
            &Line {
                at,
                program,
                ..line
            },
            &packed.body,
        );
        return;
    }
    unescaped(&text, |text| {
        let text = clean(text);
        let is_time = |text: &str| leading(text, now).is_some();
        charon::apart(&text, is_time, |text| say(&prefix(text, now), text));
    });
}

/// A line that another program put into a JSON object.
fn packed(text: &str, now: Wall) -> Option<Unpacked> {
    memchr::memchr(b'{', text.as_bytes())
        .is_some()
        .then(|| unpack(&clean(text), now))?
}

/// The lines in a line: tools that report a program's output as a string write its line breaks as `\n`. One of them
/// alone is more likely part of a path.
fn unescaped(text: &str, mut each: impl FnMut(&str)) {
    let several =
        memchr::memchr(b'\\', text.as_bytes()).is_some() && text.matches("\\n").nth(1).is_some();
    if several {
        text.split("\\n").for_each(each);
    } else {
        each(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::LONGEST;

    #[test]
    fn no_more_of_a_line_is_heard_than_is_read() {
        let raw = "ab\\n".repeat(1 << 18);
        let mut heard = 0;
        spoken("x", Side::Local, Wall(0), 1, raw.as_bytes(), |line, _| {
            heard += line.body.len() + 2;
        });
        assert!(heard > LONGEST / 2 && heard <= LONGEST + 2, "{heard}");
    }
}
