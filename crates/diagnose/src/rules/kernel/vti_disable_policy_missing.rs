//! `vti-disable-policy-missing`: a VTI checks policies that were already checked.

use adit_model::sign::Sign;

use crate::finding::{CONDITION, COUNTED};
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::Signals;

pub(crate) static RULE: Rule = Rule {
    id: "vti-disable-policy-missing",
    recurs: false,
    page: Page {
        title: "A VTI checks policies that were already checked",
        what: "Packets that come out of a VTI were decrypted, and their policy was checked. With `disable_policy` off the kernel looks for a policy once more on the VTI itself, finds none for it, and drops them.",
        initiator: "The tunnel is up; ESP comes in, and nothing comes out of the VTI. XfrmInNoPols or XfrmInTmplMismatch grows.",
        responder: "The same.",
        look_alikes: &[
            (
                "if-id-or-mark-mismatch",
                "Is the mark of the SA the key of the VTI?",
            ),
            (
                "inbound-policy-mismatch",
                "Which counter of /proc/net/xfrm_stat grows?",
            ),
        ],
        fix: &[
            (
                "any",
                "Switch the check off on the VTI, and encryption off on it too.",
            ),
            (
                "linux",
                "`sysctl -w net.ipv4.conf.VTI.disable_policy=1 net.ipv4.conf.VTI.rp_filter=0`.",
            ),
            ("strongswan", "XFRM interfaces (`if_id`) need neither."),
            (
                "vyos",
                "Bind the tunnel to a VTI in the configuration; it sets the switch itself.",
            ),
        ],
        source: "Linux ip-sysctl, disable_policy",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &["daemon-not-running", "kernel-module-or-algo-missing"],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    let Some(seen) = s.sign(Sign::InterfacePolicyChecked) else {
        return Judgement::Silent;
    };
    let drops = s
        .signs_of(Sign::KernelDrops)
        .find(|d| matches!(d.value("name"), Some("XfrmInNoPols" | "XfrmInTmplMismatch")));
    if !s.calm() || s.fails_in_ike() || s.works_in_between() {
        return Judgement::Possible {
            weight: 8,
            because: format!(
                "{} isn't 1",
                seen.value_or("path", "disable_policy of the VTI")
            ),
            separated_by: "whether the tunnel is up, and XfrmInNoPols grows",
        };
    }
    Found::by(
        seen,
        if drops.is_some() { COUNTED } else { CONDITION },
        format!(
            "{} of {} isn't 1, so the kernel looks for a policy on packets that come out of the VTI and drops them",
            seen.value_or("path", "disable_policy"),
            seen.who()
        ),
    )
    .with(drops.map(|d| d.fact))
    .because("The policy was checked when the packet was decrypted; on the VTI there is none for it.")
    .fix("set disable_policy=1 (and rp_filter=0) for the VTI, and keep it in /etc/sysctl.d")
    .then("XfrmInNoPols in /proc/net/xfrm_stat: it grows with each dropped packet")
    .done()
}
