//! `esp-spi-unknown`: eSP arrives with an SPI that the receiver does not have.

use adit_model::fact::Side;
use adit_model::sign::Sign;

use crate::complaint::carries_nothing;
use crate::finding::{CONDITION, COUNTED, SYMPTOM};
use crate::plane::{found, possible};
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::seen::Seen;
use crate::signals::Signals;
use crate::verdict::AtFault;

pub(crate) static RULE: Rule = Rule {
    id: "esp-spi-unknown",
    recurs: false,
    page: Page {
        title: "ESP arrives with an SPI that the receiver does not have",
        what: "The receiver finds an SA by the SPI of a packet. After a restart, a flush, a lost delete or an expiry one side goes on sending with an SA that the other has no more (or not yet); each packet is dropped without an answer, since ESP knows none.",
        initiator: "Sends, counters out grow, nothing comes back.",
        responder: "Counters of unknown SPIs grow (XfrmInNoStates, esp_no_sa, `invalid spi`), perhaps it sends INVALID_SPI.",
        look_alikes: &[
            (
                "esp-integrity-failure",
                "Does XfrmInNoStates grow, or XfrmInStateProtoError?",
            ),
            (
                "delete-lost-stale-sa",
                "Does the sender hold an SA whose SPI the receiver deleted?",
            ),
            (
                "reboot-no-initial-contact",
                "Did the receiver restart, and the sender not notice?",
            ),
        ],
        fix: &[
            (
                "any",
                "Clear the SAs on the side that holds the old ones (the sender), so that both negotiate anew; switch dead peer detection on at both ends.",
            ),
            (
                "cisco-ios",
                "`crypto isakmp invalid-spi-recovery`, `clear crypto sa peer ADDRESS` on the sender.",
            ),
            (
                "cisco-asa",
                "`clear crypto ipsec sa peer ADDRESS` on the sender.",
            ),
            (
                "strongswan",
                "`swanctl --terminate --ike NAME`, then `--initiate`; `dpd_delay = 30s`.",
            ),
            (
                "libreswan",
                "`ipsec auto --down NAME; ipsec auto --up NAME`.",
            ),
            (
                "fortigate",
                "`diagnose vpn tunnel flush NAME` on the sender.",
            ),
            ("panos", "`clear vpn ipsec-sa tunnel NAME` on both sides."),
            ("illumos", "`ipseckey flush` on both nodes."),
        ],
        source: "RFC 4301 5.2; RFC 7296 1.5",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &[
        "sa-desync-one-side-flushed",
        "reboot-no-initial-contact",
        "delete-lost-stale-sa",
        "ha-seq-not-synced",
        "dpd-disabled-stale-sa",
        "rekey-failed-no-answer",
    ],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    if let Some(judgement) = not_listed(s) {
        return judgement;
    }
    if let Some((seen, count)) = s.kernel_drops(&["InNoStates"]) {
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
            format!("{count} ESP packets came to {} with an SPI that it has no SA for", seen.who()),
        )
        .at(AtFault::Both)
        .because("XfrmInNoStates counts packets whose SPI, address and protocol fit no SA: the sender uses an SA that the receiver has lost.")
        .fix(CHANGE)
        .then("compare the SPIs of `ip xfrm state` on both sides: what one sends with must be an inbound SA of the other")
        .done();
    }
    if let Some(few) = s.sign(Sign::SpiUnknown).filter(|x| s.everyday(*x)) {
        return possible(
            34,
            format!("few packets had an SPI that {} doesn't know", few.who()),
            "whether the counter grows with each packet that is lost",
        );
    }
    // A counter of the whole host says that no SA was found, and not for which packets or since when. Somebody whose packets
    // are lost and who shows it tells that it is theirs.
    if let Some(lost) = s
        .signs_of(Sign::SpiUnknown)
        .find(|x| x.value("of") == Some("host"))
        .filter(|_| carries_nothing(s) && s.calm())
    {
        return Found::by(
            lost,
            CONDITION,
            format!(
                "{} finds no SA for the ESP that comes in ({} packets)",
                lost.who(),
                lost.value_or("count", "some")
            ),
        )
        .at(AtFault::Both)
        .because("Nothing gets through, and the counter tells that packets came and no SA had their address, protocol, SPI and UDP port. The sender uses an SA that the receiver has lost, or one was installed with other values there.")
        .fix(CHANGE)
        .then("the SPIs, addresses and UDP ports of the SAs (setkey -D, ipsecctl -sa) beside those of the packets that come in (tcpdump); whether the daemon installs what was agreed")
        .done();
    }
    if let Some(sum) = s.sign(Sign::SpiUnknown).filter(|_| {
        s.signs_of(Sign::SpiUnknown)
            .all(|x| x.value("of") == Some("host"))
    }) {
        return possible(
            55,
            format!(
                "{} counted ESP for which it found no SA ({} packets), and the counter is the whole host's",
                sum.who(),
                sum.value_or("count", "some")
            ),
            "the SPIs, addresses and UDP ports of the SAs (setkey -D, ipsecctl -sa) beside those of the packets that come in (tcpdump)",
        );
    }
    if let Some(single) = single(s) {
        return possible(
            60,
            format!(
                "one packet came with an SPI that {} has no SA for, which also happens once after SAs are replaced or cleared",
                single.who()
            ),
            "whether the line comes again with the same SPI, and which side was cleared or restarted before",
        );
    }
    let told = found(s, &[Sign::SpiUnknown], SYMPTOM, |seen, times| {
        let spi = seen
            .value("spi")
            .map(|spi| format!(" {}", spi.trim_end_matches([',', ')', '.'])))
            .unwrap_or_default();
        format!(
            "ESP came to {} with an SPI{spi} that it has no SA for{times}",
            seen.who()
        )
    });
    if let Some(found) = told {
        let found = found
            .at(AtFault::Both)
            .because("The receiver looked the SPI up and has no SA for it: the sender uses one that the receiver lost or never had.")
            .fix(CHANGE);
        // Packets on several SAs that were replaced may come from two.
        return match s.sign(Sign::ReplacedSends) {
            Some(seen) => found
                .with([seen.fact])
                .then("if the peer is a cluster: whether both of its nodes take themselves for the active one (VRRP: master on both)")
                .done(),
            None => found.done(),
        };
    }
    if let Some(dropped) = s
        .signs_of(Sign::IpsecDropped)
        .find(|d| d.value("by").is_some_and(|by| by.contains("no_sa")))
    {
        return Found::by(
            dropped,
            COUNTED,
            format!("{} drops ESP for want of an SA", dropped.who()),
        )
        .at(AtFault::Both)
        .because("What dropped the packet is the look-up of the SA.")
        .fix(CHANGE)
        .done();
    }
    if s.sign(Sign::SpiRefusedByPeer).is_some() {
        return possible(
            40,
            "the peer says that it doesn't know an SPI",
            "the SPIs of both sides' SAs, and whether one of them restarted",
        );
    }
    Judgement::Silent
}

/// The capture shows ESP coming in on an SPI that the kernel's list, shown to its end, doesn't have.
fn not_listed(s: &Signals<'_>) -> Option<Judgement> {
    const SEVERAL: u64 = 2;
    let side = Side::Local;
    let spd = s.kernel(side)?;
    let has = |spi: u32| spd.sas.iter().any(|(_, sa)| sa.spi == spi);
    let coming = || s.flows(side).filter(|f| f.from == side.other());
    let stray = coming().find(|f| f.packets >= SEVERAL && !has(f.spi))?;
    // Taken at another time, the capture would know none of the list's SPIs.
    let other_time = s.flows(side).any(|f| f.from == side && !has(f.spi));
    let known = coming().any(|f| has(f.spi));
    if !spd.sas_whole() || spd.sas.is_empty() || other_time || known {
        return None;
    }
    let (first, _) = spd.sas.first()?;
    Some(
        Found::on(
            stray.fact,
            SYMPTOM,
            AtFault::Both,
            format!(
                "ESP comes to {} with the SPI {:08x}, and it has no SA of that number",
                crate::signals::who(side),
                stray.spi
            ),
        )
        .with([*first])
        .because("The list of SAs is whole, and the SPI of what comes in isn't in it: the sender uses an SA that the receiver has lost, or never had.")
        .fix(CHANGE)
        .then("compare the SPIs of `ip xfrm state` on both sides: what one sends with must be an inbound SA of the other")
        .done(),
    )
}

/// A router logs a packet with its SPI, and nothing says that there were more, or that it had no SA left at all: after
/// each rekey, reload or change of a configuration such a line may come.
fn single<'a>(s: &Signals<'a>) -> Option<Seen<'a>> {
    let seen = s.sign(Sign::SpiUnknown)?;
    let of_packet = seen.fact.source.text.contains("INV_SPI");
    (of_packet && s.signs_of(Sign::SpiUnknown).count() == 1).then_some(seen)
}

const CHANGE: &str = "clear the SAs of this tunnel on the side that sends, so that both negotiate anew, and switch dead peer detection on at both ends";
