//! The pair of cookies that tells how far a phase 1 of IKEv1 got: until the responder's first message the second is
//! zero.

use adit_model::sign::Sign;

/// What a line that ends a negotiation by time says when it names the SA by its cookies: racoon and its kin, PAN-OS
/// (`due to time up. 1f0e…:0000000000000000`). The initiator knows the responder's cookie once it was answered; a
/// responder has both from the beginning, so that they say nothing there.
pub(super) fn told(sign: Sign, body: &str) -> Sign {
    if sign != Sign::NegotiationTimedOut || body.contains("as responder") {
        return sign;
    }
    match responders(body) {
        Some(0) => Sign::FirstMessageUnanswered,
        Some(_) => Sign::LaterMessageUnanswered,
        None => sign,
    }
}

/// The second of two cookies of 64 bits in hex, with a colon or (FortiOS) a slash between them.
fn responders(body: &str) -> Option<u64> {
    const DIGITS: usize = 16;
    let hex = |b: u8| b.is_ascii_hexdigit();
    body.match_indices([':', '/']).find_map(|(at, _)| {
        let before = body.as_bytes().get(at.checked_sub(DIGITS)?..at)?;
        let after = body.get(at + 1..at + 1 + DIGITS)?;
        let ends = body
            .as_bytes()
            .get(at + 1 + DIGITS)
            .is_none_or(|b| !hex(*b));
        (ends && before.iter().copied().all(hex) && after.bytes().all(hex))
            .then(|| u64::from_str_radix(after, 16).ok())?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_cookie_tells_whether_an_answer_came() {
        let told = |text| told(Sign::NegotiationTimedOut, text);
        assert_eq!(
            told("phase1 negotiation failed due to time up. 1f2e3d4c5b6a7988:0000000000000000"),
            Sign::FirstMessageUnanswered
        );
        assert_eq!(
            told("phase1 negotiation failed due to time up. 1f2e3d4c5b6a7988:8877665544332211"),
            Sign::LaterMessageUnanswered
        );
        assert_eq!(
            told(
                "sent IKE msg (P1_RETRANSMIT): 192.0.2.1:500->203.0.113.2:500, len=500, id=1a2b3c4d5e6f7081/0000000000000000"
            ),
            Sign::FirstMessageUnanswered
        );
        for text in [
            "phase1 negotiation failed due to time up.",
            "negotiation is failed as responder, main mode. cookie:1f2e3d4c5b6a7988:0000000000000000",
            "2001:db8::1 time up",
        ] {
            assert_eq!(told(text), Sign::NegotiationTimedOut, "{text}");
        }
    }
}
