//! `esp-fragmented-on-wire`: every large packet is fragmented after it was encrypted.

use crate::finding::{CONDITION, SYMPTOM};
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::Signals;
use crate::verdict::AtFault;

pub(crate) static RULE: Rule = Rule {
    id: "esp-fragmented-on-wire",
    recurs: false,
    page: Page {
        title: "Large ESP packets are fragmented on the wire",
        what: "The MTU inside of the tunnel is as large as outside, so that a full packet with the ESP around it doesn't fit and is cut in two after encryption. The receiver must put each together before it can decrypt it: slow, and lost wherever fragments aren't liked.",
        initiator: "Slow transfers; pairs of fragments, the first of full size and a small one.",
        responder: "The same; counters of reassembly grow.",
        look_alikes: &[
            ("ip-fragments-dropped", "Do all fragments arrive?"),
            (
                "pmtu-blackhole",
                "Is DF set, so that nothing arrives at all?",
            ),
        ],
        fix: &[
            (
                "any",
                "Lower the MTU inside of the tunnel (or of the overlay) by 50 to 100 octets below that of the path, clamp the MSS, or fragment before encryption.",
            ),
            ("illumos", "lower the MTU in the overlay rule definition."),
            (
                "linux",
                "`ip link set dev vti0 mtu 1400`, and clamp the MSS to the path's MTU.",
            ),
        ],
        source: "RFC 4301 8.2; RFC 8900",
    },
    needs: &[Need::TwoSidedCapture],
    depends_on: &["ip-fragments-dropped"],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    let esp: Vec<_> = s.fragments().filter(|f| f.protocol == 50).collect();
    let whole: u64 = esp.iter().map(|f| f.complete).sum();
    let torn: u64 = esp.iter().map(|f| f.incomplete).sum();
    let Some(first) = esp.iter().max_by_key(|f| f.complete) else {
        return Judgement::Silent;
    };
    if whole < 2 || torn > whole {
        return Judgement::Silent;
    }
    Found::on(
        first.fact,
        if whole >= 4 { SYMPTOM } else { CONDITION },
        AtFault::Both,
        format!("{whole} packets of ESP crossed the wire in IP fragments: the MTU inside of the tunnel is too large"),
    )
    .with(esp.iter().map(|f| f.fact))
    .because("They were fragmented after encryption: what goes into the tunnel plus the ESP around it doesn't fit into the path's MTU.")
    .fix("lower the MTU inside of the tunnel (of the overlay) by 50 to 100 octets below the path's, and clamp the MSS")
    .done()
}
