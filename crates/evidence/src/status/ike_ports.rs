//! A port of its own that a side was set to for IKE, and requests that leave from it for port 500 all the same.

use adit_model::fact::Fact;
use adit_model::sign::Sign;

use super::sign;
use crate::account::{holds, plain};
use crate::reading::Place;
use crate::text::Line;

/// What precedes the number of such a port.
const SET: [&str; 6] = [
    "IKE port ",
    "ikeport=",
    "ikeport ",
    "ike-port ",
    "ike_port: ",
    "IKE port: ",
];

/// Who is to use it.
const BOTH: &str = "both sides|both ends|both gateways|both peers|both clusters|both hosts|both routers|both machines|both of them|both endpoints";

/// Follows a text.
#[derive(Debug, Default)]
pub(super) struct IkePorts {
    set: Option<u16>,
    /// The first such request.
    leaves: Option<Place>,
    /// Both ends are to use that port, as somebody tells.
    both: bool,
}

impl IkePorts {
    /// The next line.
    pub(super) fn line(&mut self, line: &Line<'_>, place: &dyn Fn() -> Place) {
        /// Longer lines are dumps.
        const LONG: usize = 600;
        let body = line.body;
        let has = |word: &[u8]| memchr::memmem::find(body.as_bytes(), word).is_some();
        if body.len() > LONG {
            return;
        }
        if self.set.is_none() && has(b"port") {
            self.set = SET
                .iter()
                .find_map(|name| number(body.split_once(name)?.1))
                .filter(|port| !matches!(port, 0 | 500 | 4500));
        }
        let Some(port) = self.set else {
            return;
        };
        if !self.both && has(b"oth ") {
            let told = plain(body);
            self.both = holds(&told, BOTH) && holds(&told, &format!("#{port} "));
        }
        if self.leaves.is_none() && (has(b"port") || has(b"isakmp")) && leaves_for_500(body, port) {
            self.leaves = Some(place());
        }
    }

    /// What was seen of it.
    pub(super) fn finish(self, facts: &mut Vec<Fact>) {
        if let (Some(place), Some(port)) = (self.leaves, self.set) {
            let port = port.to_string();
            let mut values = vec![("port", "500"), ("own", port.as_str())];
            if self.both {
                values.push(("peer", port.as_str()));
            }
            facts.push(sign(place, Sign::IkePortUnusual, &values));
        }
    }
}

fn number(text: &str) -> Option<u16> {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    text.get(..end)?.parse().ok()
}

/// `192.0.2.1.1500 > 198.51.100.1.500: isakmp`, `source port 1500 and destination port 500`.
fn leaves_for_500(body: &str, own: u16) -> bool {
    if let Some((head, rest)) = body.split_once(" > ") {
        let from = head.rsplit(['.', ':']).next().and_then(number);
        let to = rest.split_once(": isakmp").map(|(to, _)| to);
        return from == Some(own) && to.is_some_and(|to| to.ends_with(".500"));
    }
    let told = |names: [&str; 3], port: u16| {
        names.iter().any(|name| {
            body.split_once(name)
                .is_some_and(|(_, rest)| number(rest) == Some(port))
        })
    };
    told(["source port ", "from port ", "sport "], own)
        && told(["destination port ", "to port ", "dport "], 500)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_that_goes_to_the_port_of_old() {
        assert!(leaves_for_500(
            "10:00:00.1 IP 192.0.2.1.1500 > 198.51.100.1.500: isakmp: parent_sa ikev2_init[I]",
            1500
        ));
        assert!(leaves_for_500(
            "it goes out with source port 1500 and destination port 500",
            1500
        ));
        assert!(!leaves_for_500(
            "it goes out with source port 1500 and destination port 1500",
            1500
        ));
        assert!(!leaves_for_500(
            "10:00:00.1 IP 192.0.2.1.500 > 198.51.100.1.500: isakmp: parent_sa ikev2_init[I]",
            1500
        ));
    }
}
