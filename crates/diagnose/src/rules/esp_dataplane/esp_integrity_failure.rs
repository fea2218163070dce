//! `esp-integrity-failure`: the integrity check of ESP packets fails.

use adit_model::sign::Sign;

use crate::finding::{COUNTED, SYMPTOM};
use crate::plane::{found, possible};
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::Signals;
use crate::verdict::AtFault;

pub(crate) static RULE: Rule = Rule {
    id: "esp-integrity-failure",
    recurs: false,
    page: Page {
        title: "The integrity check of ESP packets fails",
        what: "The packet belongs to an SA of the receiver, and its integrity check value is wrong: both sides hold different keys, understand an algorithm differently (length of the ICV), the hardware computes wrongly, or the packet was changed on the way.",
        initiator: "Sends, and gets no answer.",
        responder: "Drops: XfrmInStateProtoError, `failed` in `ip -s xfrm state`, `mac verify failed`, `failed authentication`.",
        look_alikes: &[
            (
                "sha256-truncation-bug",
                "Is the algorithm HMAC-SHA2-256, with an old or mobile system at one end?",
            ),
            (
                "hw-offload-fault",
                "Does it stop when crypto offload is off?",
            ),
            ("esp-spi-unknown", "Is the SPI known to the receiver?"),
        ],
        fix: &[
            (
                "any",
                "Use an AEAD (AES-GCM) on both sides, which leaves no truncation to differ; switch crypto offload off to test; renegotiate, so that both have fresh keys.",
            ),
            ("linux", "`ethtool -K IFACE esp-hw-offload off`."),
            (
                "strongswan",
                "`esp_proposals = aes256gcm16`, or `sha256_96 = yes` where the peer truncates to 96 bits.",
            ),
            ("libreswan", "`esp=aes_gcm256`, or `sha2-truncbug=yes`."),
            (
                "fortigate",
                "`set npu-offload disable` in the phase 1 interface.",
            ),
            ("cisco-ios", "`no crypto engine accelerator` to test."),
        ],
        source: "RFC 4303 3.4.4",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &["sha256-truncation-bug", "hw-offload-fault"],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    if let Some((seen, count)) = s.kernel_drops(&["InStateProtoError"]) {
        if s.everyday(seen) {
            return possible(
                36,
                format!(
                    "{} counted {count} of these, which may be nothing",
                    seen.who()
                ),
                "whether the counter grows with each packet that is lost",
            );
        }
        return Found::by(
            seen,
            COUNTED,
            format!("the integrity check of {count} ESP packets failed at {}", seen.who()),
        )
        .at(AtFault::Both)
        .because("XfrmInStateProtoError counts packets of a known SA that couldn't be authenticated or decrypted: keys or algorithms are understood differently, or packets change on the way.")
        .fix(CHANGE)
        .done();
    }
    if let Some(few) = s.sign(Sign::EspIntegrityFailed).filter(|x| s.everyday(*x)) {
        return possible(
            34,
            format!("few packets failed the check at {}", few.who()),
            "whether the counter grows with each packet that is lost",
        );
    }
    // Beside an SA that couldn't be installed, as another was there, its keys may be the older ones.
    if s.signs_of(Sign::PolicyInUse)
        .any(|x| x.value("policy").is_none())
    {
        return possible(
            44,
            "packets fail the check, and an SA couldn't be installed because of one that was there"
                .to_owned(),
            "whether it is the same SA: ip -s xfrm state at both ends, and when each began",
        );
    }
    let confidence = if s
        .first_sign(&[Sign::EspIntegrityFailed])
        .is_some_and(|x| x.value("count").is_none())
    {
        SYMPTOM + 0.02
    } else {
        SYMPTOM
    };
    found(s, &[Sign::EspIntegrityFailed], confidence, |seen, times| {
        format!("the integrity check of ESP packets fails at {}{times}", seen.who())
    })
    .map_or(Judgement::Silent, |found| {
        found
            .at(AtFault::Both)
            .because("The receiver knows the SA and the check value doesn't fit: keys or algorithms are understood differently, or packets change on the way.")
            .fix(CHANGE)
            .done()
    })
}

const CHANGE: &str = "use the same AEAD (AES-GCM) for ESP on both sides, switch crypto offload off to test, and set the tunnel up anew";
