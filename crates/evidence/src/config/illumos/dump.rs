//! `ikeadm dump rule`: the rules as in.iked has them, which may not be what the file says.
//!
//! Each property is a line behind a tag of five letters. They are put back into the words of ike/config, each on the
//! number of its line, so that one reader knows what they mean.

use super::Line;

/// The tags of a rule's lines, and `XF  0:` of each of its transforms.
pub(crate) const TAGS: [&str; 7] = [
    "GLOBL:", "LOCIP:", "REMIP:", "LOCID:", "REMID:", "XFRMS:", "XF ",
];

/// How a rule begins.
pub(crate) const BEGINS: &str = "GLOBL: Label '";

/// Lines of ike/config for what was dumped; `None` when none of it was.
pub(super) fn written(lines: &[Line]) -> Option<Vec<Line>> {
    lines
        .iter()
        .any(|l| l.text.trim_start().starts_with(BEGINS))
        .then(|| lines.iter().flat_map(Rules::default().reader()).collect())
}

/// What the lines so far have opened.
#[derive(Debug, Default)]
struct Rules {
    open: bool,
    /// Identities that a rule doesn't take are listed behind those that it takes.
    excludes: bool,
}

impl Rules {
    fn reader(mut self) -> impl FnMut(&Line) -> Vec<Line> {
        move |line| {
            let text = line.text.trim();
            self.line(text)
                .unwrap_or_else(|| vec![text.to_owned()])
                .into_iter()
                .map(|text| Line {
                    number: line.number,
                    text,
                })
                .collect()
        }
    }

    /// `None` when it isn't a line of a dump.
    fn line(&mut self, text: &str) -> Option<Vec<String>> {
        let tag = TAGS.iter().find(|tag| text.starts_with(**tag))?;
        let rest = text.split_once(':').map_or("", |(_, rest)| rest).trim();
        Some(match *tag {
            "GLOBL:" => self.global(rest),
            "LOCIP:" => address("local_addr", rest).into_iter().collect(),
            "REMIP:" => address("remote_addr", rest).into_iter().collect(),
            "LOCID:" => self.identity("local_id", rest).into_iter().collect(),
            "REMID:" => self.identity("remote_id", rest).into_iter().collect(),
            "XF " => transform(rest).into_iter().collect(),
            _ => Vec::new(),
        })
    }

    fn global(&mut self, rest: &str) -> Vec<String> {
        if let Some(label) = rest
            .strip_prefix("Label '")
            .and_then(|r| r.split_once("', key manager"))
            .map(|(label, _)| label.replace('"', "'"))
        {
            let close = if core::mem::replace(&mut self.open, true) {
                "} "
            } else {
                ""
            };
            return vec![format!("{close}{{ label \"{label}\"")];
        }
        if let Some((_, mode)) = rest.split_once("ike_mode=") {
            let mode = if mode.to_ascii_lowercase().contains("aggressive") {
                "aggressive"
            } else {
                "main"
            };
            return vec![format!("p1_mode {mode}")];
        }
        if let Some((_, group)) = rest.split_once("p2_pfs=") {
            let number = group
                .split_once("(group ")
                .and_then(|(_, n)| n.split(')').next())
                .unwrap_or("0");
            return vec![format!("p2_pfs {number}")];
        }
        Vec::new()
    }

    fn identity(&mut self, key: &str, rest: &str) -> Option<String> {
        match rest {
            "Identity descriptors:" | "Includes:" => {
                self.excludes = false;
                None
            }
            "Excludes:" => {
                self.excludes = true;
                None
            }
            _ if self.excludes || rest.is_empty() => None,
            id => Some(format!("{key} \"{}\"", id.replace('"', "'"))),
        }
    }
}

/// `192.0.2.1`, also with a family and a name around it, and `first - last`.
fn address(key: &str, rest: &str) -> Option<String> {
    let mut ends = rest
        .split(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | '(' | ')'))
        .map(|word| word.trim_end_matches('.'))
        .filter(|word| word.parse::<core::net::IpAddr>().is_ok());
    let first = ends.next()?;
    Some(match ends.next() {
        Some(last) if last != first => format!("{key} {first}-{last}"),
        _ => format!("{key} {first}"),
    })
}

fn transform(rest: &str) -> Option<String> {
    if let Some(method) = rest.strip_prefix("Authentication method: ") {
        let method = match method {
            "pre-shared key" => "preshared",
            "DSS signatures" => "dss_sig",
            _ => "rsa_sig",
        };
        return Some(format!("p1_xform {{ auth_method {method}"));
    }
    if let Some(algorithms) = rest.strip_prefix("Encryption alg: ") {
        let (encryption, hash) = algorithms.split_once("; Authentication alg: ")?;
        let hash = hash.to_ascii_lowercase();
        let hash = hash.strip_prefix("hmac-").unwrap_or(&hash);
        return Some(format!(
            "encr_alg {} auth_alg {hash}",
            encryption.to_ascii_lowercase()
        ));
    }
    let (_, group) = rest
        .split_once("Oakley Group: ")
        .filter(|_| rest.starts_with("PRF:"))?;
    let number = group
        .split_once("(group ")
        .and_then(|(_, n)| n.split(')').next());
    Some(match number {
        Some(number) => format!("oakley_group {number} }}"),
        None => "}".to_owned(),
    })
}
