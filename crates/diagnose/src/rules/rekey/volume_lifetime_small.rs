//! `volume-lifetime-small`: a lifetime in octets or packets ends SAs every few seconds under load.

use adit_model::sign::Sign;

use crate::finding::SYMPTOM;
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::Signals;

pub(crate) static RULE: Rule = Rule {
    id: "volume-lifetime-small",
    recurs: false,
    page: Page {
        title: "A lifetime in octets or packets ends SAs too often",
        what: "Beside time, an SA may end after so many octets or packets. A small limit is reached within seconds under load, and the tunnel does little but rekey.",
        initiator: "Rekeys come with load, not with the clock.",
        responder: "The same.",
        look_alikes: &[("lifetime-mismatch-flap", "Do the rekeys depend on load?")],
        fix: &[
            (
                "any",
                "No lifetime in octets, or one of many gigabytes; with AES-GCM the time limit is enough.",
            ),
            ("strongswan", "`life_bytes = 0`, `rekey_bytes = 0`"),
            ("libreswan", "`ipsec-max-bytes=`"),
            (
                "cisco",
                "`set security-association lifetime kilobytes disable`",
            ),
            ("panos", "Lifesize of the IPsec crypto profile"),
        ],
        source: "RFC 4301 4.4.2.1",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &[],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    let all = s.ever(Sign::VolumeLimit);
    let Some(seen) = all.last() else {
        return Judgement::Silent;
    };
    Found::by(*seen, SYMPTOM, "SAs end because a limit of octets or packets is reached")
        .with(all.iter().map(|x| x.fact))
        .because("The line says that it was the volume, not the time.")
        .fix("raise the lifetime in octets (kilobytes) by far, or switch it off and keep the one in seconds")
        .done()
}
