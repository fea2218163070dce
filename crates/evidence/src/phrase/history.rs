//! What other lines of the same text say of a message: that it is long past, another peer's, or only one step of a search
//! that went on and found something.

use std::collections::BTreeMap;

use adit_model::fact::{Fact, Known};
use adit_model::sign::Sign;

use crate::text::Line;

/// A row of Huawei's `display ike error-info` or `offline-info`: tables that keep what once was, of all peers.
#[derive(Debug)]
struct Row {
    peer: String,
    sign: Sign,
    /// Minutes, of months that all have 31 days: good enough to compare.
    at: i64,
    line: Option<u64>,
}

/// So many peers are remembered at most.
const MOST: usize = 1024;

/// What is remembered of the text.
#[derive(Debug, Default)]
pub(super) struct History {
    /// Peers of `display ike sa` that are ready, and whether their second phase is.
    ready: BTreeMap<String, bool>,
    /// Peers that it shows at all, or that a configuration names.
    named: Vec<String>,
    /// The line of the last landing of the ASA in a group that somebody configured, and of the last key that Comware found.
    landed: Option<u64>,
    key: Option<u64>,
    /// The commands that stand before a line: of the last one, whether it is about another protocol or about IPsec.
    command: Option<bool>,
    checks: Checks,
}

/// Certificates that somebody checks by hand with `openssl verify`.
#[derive(Debug, Default)]
struct Checks {
    /// The last command names nobody whom to trust.
    unaided: bool,
    /// Where an issuer was missing, since the last command.
    failed: Vec<u64>,
    /// The same of files that were named afterwards.
    of: Vec<(String, Vec<u64>)>,
    /// The lines that say nothing of what the daemons trust.
    void: Vec<u64>,
}

impl Checks {
    fn line(&mut self, body: &str, number: impl Fn() -> Option<u64>) {
        if self.void.len() + self.of.len() + self.failed.len() > MOST {
            return;
        }
        if let Some((_, asked)) = body.split_once("openssl verify ") {
            self.failed.clear();
            self.unaided = !asked.contains("-CA") && !asked.contains("-trusted");
        } else if body.contains(" depth lookup") {
            let list = match self.unaided {
                true => &mut self.void,
                false => &mut self.failed,
            };
            list.extend(number());
        } else if let Some(file) = body
            .strip_prefix("error ")
            .and_then(|rest| rest.strip_suffix(": verification failed"))
        {
            let lines = std::mem::take(&mut self.failed);
            self.of.push((file.to_owned(), lines));
        } else if let Some(file) = body.strip_suffix(": OK") {
            let (good, bad) = std::mem::take(&mut self.of)
                .into_iter()
                .partition(|(name, _)| name == file);
            self.of = bad;
            let good: Vec<(String, Vec<u64>)> = good;
            self.void
                .extend(good.into_iter().flat_map(|(_, lines)| lines));
        }
    }
}

impl History {
    /// The next line.
    pub(super) fn line(&mut self, line: &Line<'_>, number: impl Fn() -> Option<u64>) {
        let body = line.body;
        if body.contains("Connection landed on tunnel_group ") {
            if !body.contains("tunnel_group Default") {
                self.landed = number();
            }
        } else if body.contains("Found pre-shared key in keychain") {
            self.key = number();
        }
        if line.at.is_some() || line.program.is_some() || body.len() > 200 {
            return;
        }
        if let Some((prompt, command)) = body.split_once('#')
            && !prompt.trim().is_empty()
            && !prompt.trim().contains(' ')
        {
            self.command = of_ipsec(prompt, command.trim());
        }
        if body.ends_with(": OK") || body.starts_with("error ") || body.contains("openssl verify ")
        {
            self.checks.line(body.trim(), &number);
        }
        // Most lines are spared the rest.
        if self.named.len() >= MOST
            || !["RD", "NEG", "remote-address"]
                .iter()
                .any(|word| body.contains(word))
        {
            return;
        }
        let words: Vec<&str> = body.split_whitespace().take(12).collect();
        if let [.., "remote-address", peer] = words.as_slice() {
            self.named.push((*peer).to_owned());
        }
        let Some(flags) = words
            .iter()
            .position(|w| w.split('|').any(|flag| flag == "RD" || flag == "NEG"))
        else {
            return;
        };
        let Some(phase) = words.get(flags + 1) else {
            return;
        };
        let peer = words
            .iter()
            .take(flags)
            .map(|word| host(word))
            .find(|word| word.parse::<core::net::IpAddr>().is_ok());
        if let Some(peer) = peer {
            self.named.push(peer.to_owned());
            if words.iter().any(|w| w.split('|').any(|flag| flag == "RD")) {
                let second = phase.ends_with('2');
                *self.ready.entry(peer.to_owned()).or_default() |= second;
            }
        }
    }

    /// Whether a message about a missing licence answers a command of another protocol (`Some(false)`), one of IPsec
    /// (`Some(true)`), or who knows.
    pub(super) fn command(&self) -> Option<bool> {
        self.command
    }

    /// The lines that say nothing of what is wrong now.
    pub(super) fn past<'a>(self, facts: impl Iterator<Item = &'a Fact>) -> Vec<u64> {
        let mut out = Vec::new();
        let mut rows = Vec::new();
        for fact in facts {
            let Known::Sign { sign, .. } = &fact.what else {
                continue;
            };
            let text = &fact.source.text;
            let before = |other: Option<u64>| fact.source.line < other;
            let taken_back = match sign {
                Sign::NoConnectionForIdentity => {
                    before(self.landed) && text.contains("using certificate maps failed")
                }
                Sign::IssuerUnknown => {
                    let line = fact.source.line.as_ref();
                    line.is_some_and(|line| self.checks.void.contains(line))
                }
                Sign::PskNotFound => before(self.key) && text.contains("Failed to find keychain"),
                _ => false,
            };
            if taken_back {
                out.extend(fact.source.line);
            }
            rows.extend(row(text, *sign, fact.source.line));
        }
        let latest = rows.iter().map(|row: &Row| row.at).max();
        for row in &rows {
            if !self.is_of_now(row, &rows, latest) {
                out.extend(row.line);
            }
        }
        out
    }

    fn is_of_now(&self, row: &Row, rows: &[Row], latest: Option<i64>) -> bool {
        const DAY: i64 = 24 * 60;
        const HOUR: i64 = 60;
        const OFTEN: usize = 3;
        let of_peer = || rows.iter().filter(|other| other.peer == row.peer);
        let near = |within: i64| {
            of_peer()
                .filter(|other| other.sign == row.sign && (other.at - row.at).abs() <= within)
                .count()
        };
        if latest.is_some_and(|latest| latest - row.at > DAY) {
            return false;
        }
        // What came after it is what is wrong now.
        if of_peer().any(|other| {
            is_an_end(other.sign) == is_an_end(row.sign)
                && other.sign != row.sign
                && other.at > row.at
        }) {
            return false;
        }
        if row.sign == Sign::DuplicateRemoved && near(HOUR) < OFTEN {
            return false;
        }
        match self.ready.get(&row.peer) {
            Some(_) if is_an_end(row.sign) => near(DAY) >= OFTEN,
            Some(true) => false,
            Some(false) => is_of_second_phase(row.sign),
            // Others are ready, and of this one nobody speaks.
            None => !self.ready.values().any(|second| *second) || self.named.contains(&row.peer),
        }
    }
}

/// Whether the reason is one for which a tunnel went, not one for which it doesn't come.
fn is_an_end(sign: Sign) -> bool {
    matches!(
        sign,
        Sign::PeerDeclaredDead
            | Sign::PeerDeleted
            | Sign::TakenForChange
            | Sign::ReauthenticationMissed
            | Sign::SaExpired
            | Sign::DuplicateRemoved
            | Sign::AddressChanged
    )
}

fn is_of_second_phase(sign: Sign) -> bool {
    matches!(
        sign,
        Sign::TrafficRefused
            | Sign::TrafficOwnedByOther
            | Sign::EspProposalRefused
            | Sign::PfsDiffers
            | Sign::ModeDiffers
    )
}

/// A row of the tables: peer, port, reason, `v1` or `v2`, date and time.
fn row(text: &str, sign: Sign, line: Option<u64>) -> Option<Row> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let [peer, port, .., version, date, time] = words.as_slice() else {
        return None;
    };
    peer.parse::<core::net::IpAddr>().ok()?;
    port.parse::<u16>().ok()?;
    if !matches!(*version, "v1" | "v2") {
        return None;
    }
    let mut numbers = date
        .split('-')
        .chain(time.split(':'))
        .map(str::parse::<i64>);
    let mut next = |limit: i64| numbers.next()?.ok().filter(|n| (0..=limit).contains(n));
    let (year, month, day) = (next(9999)?, next(12)?, next(31)?);
    let (hour, minute) = (next(23)?, next(59)?);
    Some(Row {
        peer: (*peer).to_owned(),
        sign,
        at: (((year * 12 + month) * 31 + day) * 24 + hour) * 60 + minute,
        line,
    })
}

/// An address without the port behind it.
fn host(word: &str) -> &str {
    match word.rsplit_once(':') {
        Some((host, port)) if host.contains('.') && port.parse::<u16>().is_ok() => host,
        _ => word,
    }
}

/// Whether a command at a prompt is about IPsec, or about another protocol that encrypts.
fn of_ipsec(prompt: &str, command: &str) -> Option<bool> {
    const OTHERS: [&str; 4] = ["ssl ", "ssh ", "http ", "no ssl "];
    const OWN: [&str; 5] = ["crypto ", "isakmp ", "ikev1", "ikev2", "ipsec"];
    if OTHERS.iter().any(|word| command.starts_with(word)) {
        return Some(false);
    }
    let own = OWN.iter().any(|word| command.contains(word))
        || ["isakmp", "ikev", "crypto"]
            .iter()
            .any(|word| prompt.contains(word));
    own.then_some(true)
}

#[cfg(test)]
mod tests {
    use adit_model::fact::{Known, Side};
    use adit_model::now::Wall;
    use adit_model::sign::Sign;

    use crate::reading::read;

    fn told(text: &str) -> Vec<Sign> {
        let facts = read("paste", Side::Local, text.as_bytes(), Wall(0)).facts;
        let signs = facts.into_iter().filter_map(|f| match f.what {
            Known::Sign { sign, .. } => Some(sign),
            _ => None,
        });
        signs.collect()
    }

    const FLOW: &str = " 192.0.2.77  500  flow mismatch  v1  2025-03-04 10:00:00\n";

    #[test]
    fn a_row_of_the_past_says_nothing() {
        assert_eq!(told(FLOW), [Sign::TrafficRefused]);
        let other = " 17  198.51.100.9:500   RD|ST|A  v1:2  IP  198.51.100.9\n";
        assert!(told(&format!("{FLOW}{other}")).is_empty());
        let named = " remote-address 192.0.2.77\n";
        assert_eq!(
            told(&format!("{FLOW}{other}{named}")),
            [Sign::TrafficRefused]
        );
        let second = " 17  192.0.2.77:500   RD|A  v1:2  IP  192.0.2.77\n";
        assert!(told(&format!("{second}{FLOW}")).is_empty());
        let first = " 17  192.0.2.77:500   RD|A  v1:1  IP  192.0.2.77\n";
        assert_eq!(told(&format!("{first}{FLOW}")), [Sign::TrafficRefused]);
        let later = " 192.0.2.77  500  authentication fail  v1  2025-03-04 11:00:00\n";
        assert_eq!(told(&format!("{later}{FLOW}")), [Sign::PskDiffers]);
        let days_later = " 192.0.2.8  500  version mismatch  v1  2025-04-01 11:00:00\n";
        assert_eq!(
            told(&format!("{days_later}{FLOW}")),
            [Sign::IkeVersionRefused]
        );
    }

    #[test]
    fn a_user_who_comes_again_at_once_is_another() {
        let row = |time: &str| {
            format!(" 198.51.100.9  500  sa with same user exists  v2  2025-03-04 {time}\n")
        };
        let all = [row("10:00:00"), row("10:09:00"), row("10:31:00")];
        assert_eq!(told(&all.concat()), [Sign::DuplicateRemoved; 3]);
        assert!(told(&[row("01:00:00"), row("10:09:00"), row("19:31:00")].concat()).is_empty());
    }

    #[test]
    fn a_check_by_hand_needs_an_authority() {
        let checked = |how: &str, end: &str| {
            format!(
                "$ openssl verify {how}gw.pem\nerror 20 at 0 depth lookup: unable to get local issuer certificate\nerror gw.pem: verification failed\n{end}"
            )
        };
        assert_eq!(told(&checked("-CAfile ca.pem ", "")), [Sign::IssuerUnknown]);
        assert!(told(&checked("", "")).is_empty());
        let later = "$ openssl verify -CAfile new.pem gw.pem\ngw.pem: OK\n";
        assert!(told(&checked("-CAfile ca.pem ", later)).is_empty());
        let other = "$ openssl verify -CAfile ca.pem hub.pem\nhub.pem: OK\n";
        assert_eq!(
            told(&checked("-CAfile ca.pem ", other)),
            [Sign::IssuerUnknown]
        );
    }

    #[test]
    fn a_search_that_goes_on_takes_back_what_it_did_not_find() {
        let keychain = "IKE/7/ERROR: Failed to find keychain a in profile b.\n";
        let found = "IKE/7/EVENT: Found pre-shared key in keychain c matching address 192.0.2.1.\n";
        assert_eq!(told(keychain), [Sign::PskNotFound]);
        assert!(told(&format!("{keychain}{found}")).is_empty());
        assert_eq!(told(&format!("{found}{keychain}")), [Sign::PskNotFound]);
    }
}
