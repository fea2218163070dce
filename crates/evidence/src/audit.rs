//! Records of the kernel's audit that were broken over lines: `ausearch -i`, mails and trackers break them anywhere.
//!
//! What was denied, to whom, and whether it mattered (`permissive=`) stand in one record and mean something together only.

use crate::reading::Place;
use crate::text::{Line, redact};

/// A record has so many lines and octets at most.
const LINES: usize = 8;
const OCTETS: usize = 2000;

/// Puts such records together.
#[derive(Debug, Default)]
pub(crate) struct Audit {
    open: Option<Record>,
}

/// A record: its text in one line, and where it stands.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) text: String,
    pub(crate) place: Place,
    lines: usize,
}

impl Record {
    fn is_whole(&self) -> bool {
        ends(&self.text) || self.lines >= LINES || self.text.len() >= OCTETS
    }

    fn close(mut self) -> Self {
        self.place.source.text = redact(&self.text);
        self
    }
}

/// What became of a line.
#[derive(Debug)]
pub(crate) struct Taken {
    /// A record that ended with the line, or before it.
    pub(crate) record: Option<Record>,
    /// The line is a part of a record, and says nothing by itself.
    pub(crate) held: bool,
}

impl Audit {
    /// The next line.
    pub(crate) fn line(&mut self, line: &Line<'_>, place: &dyn Fn() -> Place) -> Taken {
        let body = line.body.trim();
        if let Some(mut record) = self.open.take() {
            if line.at.is_none() && line.program.is_none() && continues(body) {
                record.text.push(' ');
                record.text.push_str(body);
                record.lines += 1;
                let whole = record.is_whole();
                let record = if whole {
                    Some(record.close())
                } else {
                    self.open = Some(record);
                    None
                };
                return Taken { record, held: true };
            }
            let held = self.begin(body, place);
            return Taken {
                record: Some(record.close()),
                held,
            };
        }
        Taken {
            record: None,
            held: self.begin(body, place),
        }
    }

    fn begin(&mut self, body: &str, place: &dyn Fn() -> Place) -> bool {
        if !begins(body) || ends(body) || body.len() > OCTETS {
            return false;
        }
        self.open = Some(Record {
            text: body.to_owned(),
            place: place(),
            lines: 1,
        });
        true
    }

    /// The record with which the text ends.
    pub(crate) fn finish(&mut self) -> Option<Record> {
        self.open.take().map(Record::close)
    }
}

/// `type=AVC msg=audit(…) : avc:  denied  { read } for …`; who only writes of such records names neither.
fn begins(body: &str) -> bool {
    // Few lines have these letters beside each other, and one look at a line finds them.
    let bytes = body.as_bytes();
    let near = |at: usize| {
        let [before, after] = [at.wrapping_sub(1), at + 1].map(|at| bytes.get(at));
        matches!((before, after), (Some(b'a' | b'A'), Some(b'c' | b'C')))
    };
    if !memchr::memchr2_iter(b'v', b'V', bytes).any(near) {
        return false;
    }
    let Some(at) = body.find("avc:").or_else(|| body.find("type=AVC")) else {
        return false;
    };
    let rest = body.get(at..).unwrap_or_default();
    rest.starts_with("type=AVC")
        || body.contains("type=AVC")
        || rest.contains("denied {")
        || rest.contains("denied  {")
}

/// Its last fields: whether SELinux only says so, or what AppArmor denied. A record of an old kernel that lacks the former
/// ends with the first line that isn't its own.
fn ends(text: &str) -> bool {
    let permissive = text.split_once("permissive=");
    permissive.is_some_and(|(_, rest)| rest.starts_with(|c: char| c.is_ascii_digit()))
        || text.contains("apparmor=") && text.contains("denied_mask=")
}

/// Names of fields that a refusal may have.
const FIELDS: [&str; 28] = [
    "pid",
    "comm",
    "name",
    "path",
    "dev",
    "ino",
    "scontext",
    "tcontext",
    "tclass",
    "permissive",
    "capability",
    "lockdown_reason",
    "src",
    "dest",
    "laddr",
    "lport",
    "faddr",
    "fport",
    "exe",
    "fsuid",
    "ouid",
    "requested_mask",
    "denied_mask",
    "profile",
    "operation",
    "apparmor",
    "ioctlcmd",
    "netif",
];

/// The rest of a record begins with a field, or with a word that stands before the fields.
fn continues(body: &str) -> bool {
    let first = body.split_whitespace().next().unwrap_or_default();
    let field = first
        .split_once('=')
        .is_some_and(|(name, _)| FIELDS.contains(&name));
    field || matches!(first, "for" | "{" | "}" | "denied" | "avc:" | ":")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use adit_model::fact::{Known, Side};
    use adit_model::now::Wall;
    use adit_model::sign::Sign;

    use crate::reading::read;

    fn denied(text: &str) -> Vec<String> {
        let reading = read(
            "audit",
            Side::Local,
            text.as_bytes(),
            Wall(1_795_305_600_000),
        );
        let signs = reading.facts.into_iter().filter_map(|f| match f.what {
            Known::Sign {
                sign: Sign::Denied,
                values,
            } => Some(values.get("operation").cloned().unwrap_or_default()),
            _ => None,
        });
        signs.collect()
    }

    #[test]
    fn a_record_is_heard_wherever_it_is_broken() {
        let record = "type=AVC msg=audit(11/22/2026 09:12:44.101:412) : avc:  denied  { write } for  pid=2291 comm=pluto name=pluto.ctl dev=\"tmpfs\" scontext=system_u:system_r:ipsec_t:s0 tcontext=system_u:object_r:var_run_t:s0 tclass=sock_file permissive=0";
        assert_eq!(denied(record), ["{ write }"]);
        for width in [40, 60, 76, 100] {
            let mut lines = vec![String::new()];
            for word in record.split(' ') {
                let last = lines.last_mut().unwrap();
                if last.len() + word.len() > width && !last.is_empty() {
                    lines.push(word.to_owned());
                } else {
                    last.push(' ');
                    last.push_str(word);
                }
            }
            for end in [
                "",
                "\n----\n",
                "\ntype=SYSCALL msg=audit(1:2): arch=x86_64\n",
            ] {
                let text = lines.join("\n") + end;
                assert_eq!(denied(&text), ["{ write }"], "{text}");
            }
        }
    }

    #[test]
    fn what_is_only_reported_denies_nothing() {
        let record = "type=AVC msg=audit(1795212074.410:88): avc:  denied  { read } for pid=550 comm=\"pluto\"\nscontext=system_u:system_r:ipsec_t:s0 tclass=file permissive=1\n";
        assert!(denied(record).is_empty());
        // Nor do words about such records hold what follows them.
        let words = "I see avc: messages in the log.\nno shared key found for 'a' - 'b'\n";
        let reading = read(
            "mail",
            Side::Local,
            words.as_bytes(),
            Wall(1_795_305_600_000),
        );
        assert!(!reading.facts.is_empty());
    }
}
