//! Packets of which people tell the size: *ping with size 1400 fails, with 1300 it works*.

use adit_model::complaint::Complaint;

use super::holds;

const PINGS: &str = "ping|pings|pinging|icmp|packet|packets|payload|payloads|datagram|frame|frames";
const SIZE: &str = "size|sizes|byte|bytes|octets|s #|l #|mtu|larger|bigger|greater|above|over|more than|up to|below|under|smaller|df |dont fragment|do not fragment|do #";
const FAILS: &str = "fail|doesnt work|does not work|dont work|do not work|not work|times out|time out|timeout|lost|no reply|no replies|no answer|no response|drop|cant|cannot|hang|not go through|doesnt go|dont go|not pass|doesnt pass|dont pass|dont get through|doesnt get through|not get through|never arriv|not arriv|dont arriv|doesnt arriv|disappear|vanish|stops|stop working|#100 loss|not answered";
const PASSES: &str = "works|work fine|work ok|is fine|are fine|is ok|are ok|pass|success|succeed|up to|goes through|go through|get through|gets through|but not|only";
const TOLD: &str = "message too long|local error|frag needed|need to frag|needs to be fragmented|packet needs to be|packet too big";
/// Data of a packet that an Ethernet with a tunnel may not carry, and that it carries in any case.
const LARGE: u32 = 1200;
const LARGEST: u32 = 9100;

/// What the sentence tells by sizes.
pub(super) fn sized(sentence: &str) -> Vec<Complaint> {
    let sizes: Vec<u32> = sentence
        .split_whitespace()
        .filter_map(|w| {
            let digits = w.strip_prefix('#')?;
            let digits = digits
                .strip_suffix("bytes")
                .or_else(|| digits.strip_suffix("byte"))
                .or_else(|| digits.strip_suffix('b'))
                .unwrap_or(digits);
            digits.parse().ok()
        })
        .filter(|n| (64..=LARGEST).contains(n))
        .collect();
    let large = sizes.iter().any(|n| *n >= LARGE);
    // The path told its MTU: nothing is lost unheard.
    if holds(sentence, TOLD) {
        return Vec::new();
    }
    if !large || !holds(sentence, PINGS) || !holds(sentence, SIZE) || !holds(sentence, FAILS) {
        return Vec::new();
    }
    let passes = holds(sentence, PASSES);
    let mut out = vec![Complaint::LargeFails];
    if passes {
        out.push(Complaint::SmallPasses);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::plain;
    use super::*;
    use adit_model::complaint::Complaint::*;

    #[test]
    fn sizes_are_told_with_what_came_of_them() {
        for (text, expected) in [
            ("A ping with size 1400 fails.", vec![LargeFails]),
            (
                "ping -s 1300 works, but ping -s 1400 doesn't work.",
                vec![LargeFails, SmallPasses],
            ),
            (
                "Packets up to 1372 bytes pass, above that they are dropped.",
                vec![LargeFails, SmallPasses],
            ),
            ("Pings of 1472 bytes work on the WAN.", vec![]),
            ("The ping fails since port 4500 is closed.", vec![]),
            ("We set the MTU to 1400.", vec![]),
        ] {
            assert_eq!(sized(&plain(text)), expected, "{text}");
        }
    }
}
