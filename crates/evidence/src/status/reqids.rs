//! Request ids in strongSwan's list of SAs: two children of different networks with one id, so that the kernel takes either
//! SA for the traffic of both.

use adit_model::fact::Fact;
use adit_model::sign::Sign;

use super::sign;
use crate::reading::Place;
use crate::text::Line;

/// So many children of a list are compared.
const MOST: usize = 256;

/// Follows one list.
#[derive(Debug, Default)]
pub(super) struct Reqids {
    children: Vec<Child>,
    found: bool,
}

#[derive(Debug)]
struct Child {
    name: String,
    number: String,
    reqid: String,
    /// Ours and the peer's, as far as they are listed.
    networks: Vec<String>,
}

impl Reqids {
    /// The next line.
    pub(super) fn line(
        &mut self,
        line: &Line<'_>,
        place: &dyn Fn() -> Place,
        facts: &mut Vec<Fact>,
    ) {
        let body = line.body.trim();
        if let Some(child) = child(body) {
            // A child that is there already begins another list.
            if self.children.iter().any(|c| c.number == child.number) {
                self.children.clear();
            }
            if self.children.len() < MOST {
                self.children.push(child);
            }
            return;
        }
        if self.children.is_empty() {
            return;
        }
        if body.contains("swanctl ") || body.contains("ipsec ") {
            self.children.clear();
            return;
        }
        let Some(last) = self.children.last_mut() else {
            return;
        };
        let networks = if let Some(side) = ["local ", "remote "]
            .iter()
            .find_map(|side| body.strip_prefix(side))
        {
            // The ends of an IKE SA are in quotation marks.
            (!side.trim_start().starts_with('\'')).then(|| side.trim())
        } else {
            body.contains(" === ").then_some(body)
        };
        let Some(networks) = networks.filter(|_| last.networks.len() < 2) else {
            return;
        };
        last.networks.push(networks.to_owned());
        self.compare(place, facts);
    }

    fn compare(&mut self, place: &dyn Fn() -> Place, facts: &mut Vec<Fact>) {
        let Some((last, before)) = self.children.split_last().filter(|_| !self.found) else {
            return;
        };
        let other = before.iter().find(|c| {
            c.reqid == last.reqid
                && c.name != last.name
                && c.networks.len() == last.networks.len()
                && c.networks != last.networks
        });
        if let Some(other) = other {
            self.found = true;
            let values = [
                ("name", last.name.as_str()),
                ("other", other.name.as_str()),
                ("reqid", last.reqid.as_str()),
            ];
            facts.push(sign(place(), Sign::ConnectionDuplicate, &values));
        }
    }
}

/// `net: #7, reqid 2, INSTALLED, TUNNEL, …`, `net{7}:  INSTALLED, TUNNEL, reqid 2, …`
fn child(body: &str) -> Option<Child> {
    if !body.contains(" INSTALLED, ") {
        return None;
    }
    let (_, after) = body.split_once("reqid ")?;
    let reqid = after.split([',', ' ']).next()?;
    let (name, number) = match body.split_once(": #") {
        Some((name, rest)) => (name, rest.split(',').next()?),
        None => body.split_once("}: ")?.0.split_once('{')?,
    };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    (digits(reqid) && digits(number)).then(|| Child {
        name: name.to_owned(),
        number: number.to_owned(),
        reqid: reqid.to_owned(),
        networks: Vec::new(),
    })
}
