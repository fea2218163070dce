//! `kernel-module-or-algo-missing`: the kernel can't do what the SA needs.

use adit_model::sign::Sign;

use crate::compare::configured_over_there;
use crate::complaint::carries_nothing;
use crate::finding::{CONDITION, SAID, SYMPTOM};
use crate::kernel_answer::{Answer, error, refusals};
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::seen::Seen;
use crate::signals::{Signals, notify};

pub(crate) static RULE: Rule = Rule {
    id: "kernel-module-or-algo-missing",
    recurs: false,
    page: Page {
        title: "The kernel can't do what the SA needs",
        what: "IKE agrees on an SA and the kernel doesn't take it: XFRM or PF_KEY isn't built in, a module for ESP or for an algorithm isn't there, a container's host or a virtual server doesn't offer it. Or the daemon finds no kernel interface when it starts, and stops.",
        initiator: "The IKE SA comes up; installing the CHILD SA fails, and it is deleted again. Or the daemon doesn't start.",
        responder: "The same.",
        look_alikes: &[
            (
                "esp-proposal-mismatch",
                "Does the own log tell of an error when the SA is installed?",
            ),
            (
                "selinux-apparmor-or-caps",
                "Is the kernel's error *Operation not permitted*?",
            ),
            (
                "kernel-policy-conflict",
                "Is the kernel's error *File exists*?",
            ),
        ],
        fix: &[
            (
                "any",
                "Load or install the modules (xfrm_user, esp4, esp6, af_key, the algorithms); choose algorithms that the kernel has; on a shared kernel ask its owner, or use a data plane in user space.",
            ),
            (
                "linux",
                "`modprobe -a xfrm_user esp4 esp6 xfrm4_tunnel`; `grep name /proc/crypto`; after a kernel update reboot first. Ubuntu on a Raspberry Pi: `apt install linux-modules-extra-raspi`.",
            ),
            (
                "openwrt",
                "`opkg install kmod-ipsec kmod-ipsec4 kmod-crypto-...` for each algorithm in use.",
            ),
            (
                "docker",
                "The modules are the host's: load them there and pass /lib/modules in.",
            ),
            (
                "strongswan",
                "`swanctl --list-algs`; the plugin kernel-libipsec needs only /dev/net/tun.",
            ),
        ],
        source: "RFC 7296 2.8; Linux net/xfrm",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &[],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    let missing = s
        .signs_of(Sign::KernelSupportMissing)
        .filter(|x| !forbidden(*x) && crate::kernel_release::has_it(s, *x).is_none())
        .filter(|x| !taken_by_another(s, *x))
        .last();
    // What one may not ask for looks missing.
    let denied = error(s, Answer::Denied).is_some() && error(s, Answer::Unsupported).is_none();
    if let Some(seen) = missing.filter(|_| !denied) {
        return found(
            s,
            seen,
            SAID,
            format!(
                "the kernel of {} lacks what IPsec needs: {}",
                seen.who(),
                thing(seen)
            ),
        );
    }
    let refused = refusals(s);
    if let Some(r) = refused.iter().find(|r| r.answer == Answer::Unsupported) {
        let what = if r.is_state() { "the SA" } else { "the policy" };
        return found(
            s,
            r.why.unwrap_or(r.what),
            SAID,
            format!(
                "the kernel of {} doesn't take {what}, because it has no such protocol or algorithm: {}",
                r.what.who(),
                r.words()
            ),
        );
    }
    // Where the kernel's answer to others is known and another one, it may be that here too.
    let untold = refused.iter().all(|r| r.answer == Answer::Unknown);
    if let Some(r) = refused.iter().find(|r| {
        r.is_state() && (r.answer == Answer::Invalid || untold && r.answer == Answer::Unknown)
    }) {
        return found(
            s,
            r.what,
            CONDITION,
            format!(
                "the kernel of {} doesn't take the SA ({}), most likely for an algorithm or a flag that it doesn't have",
                r.what.who(),
                r.words()
            ),
        );
    }
    // The plugin is part of every build; what it doesn't find is the kernel.
    let unserved = s
        .signs_of(Sign::FeatureMissing)
        .find(|x| x.value("needs").is_some_and(|n| n.contains("kernel-ipsec")));
    if let Some(seen) = unserved {
        return found(
            s,
            seen,
            SYMPTOM,
            format!("the daemon of {} finds no IPsec in its kernel", seen.who()),
        );
    }
    if let Some(seen) = s.sign(Sign::StackNotLoaded) {
        // A guest of OpenVZ has its host's kernel: no service loads anything into it.
        let guest = s
            .signs
            .iter()
            .any(|x| x.value("path").is_some_and(|p| p.contains("/venet")));
        if guest || s.sign(Sign::DaemonNotRunning).is_none() {
            return found(
                s,
                seen,
                SYMPTOM,
                format!("no IPsec is loaded in the kernel of {}", seen.who()),
            );
        }
        return Judgement::Possible {
            weight: 40,
            because:
                "no IPsec is loaded in the kernel; it may be that only the service hasn't loaded it"
                    .to_owned(),
            separated_by: "whether the check still fails once the service is started",
        };
    }
    let module = s
        .signs_of(Sign::ModuleMissing)
        .find(|x| !spare(s, *x) && x.value("stack").is_none())
        .or_else(|| s.sign(Sign::ModuleMissing));
    match module {
        // strongSwan's starter looks for files of PF_KEY and KLIPS. charon needs neither of them, and starts all the same.
        Some(seen) if seen.value("stack").is_some() => Judgement::Possible {
            weight: 30,
            because: "no IPsec stack was found at the start; the daemon goes on and asks the kernel itself".to_owned(),
            separated_by: "whether the kernel takes an SA: ip xfrm state, and the daemon's own log of an attempt",
        },
        Some(seen) if s.calm() && !spare(s, seen) => found(
            s,
            seen,
            CONDITION,
            format!(
                "a module can't be loaded into the kernel of {}: {}",
                seen.who(),
                thing(seen)
            ),
        ),
        Some(seen) => Judgement::Possible {
            weight: 20,
            because: format!("a module can't be loaded: {}", thing(seen)),
            separated_by: "whether the kernel takes the SA: ip xfrm state",
        },
        None if s.sign(Sign::StackUnlisted).is_some() && s.calm() && !s.up => Judgement::Possible {
            weight: 25,
            because: "none of IPsec's modules is loaded; they may be built into the kernel"
                .to_owned(),
            separated_by: "whether the kernel takes an SA: ip xfrm state; grep ESP /boot/config-$(uname -r)",
        },
        None => filter_missing(s)
            .or_else(|| by_itself(s))
            .or_else(|| not_taken_out(s))
            .unwrap_or_else(|| refused_as_traffic(s)),
    }
}

/// Libreswan tries the kernel with an interface of a name, and where that name is taken it remembers that the kernel can't.
fn taken_by_another(s: &Signals<'_>, seen: Seen<'_>) -> bool {
    seen.fact.source.text.contains("XFRM_INTERFACE")
        && s.signs.iter().any(|x| {
            let text = &x.fact.source.text;
            text.contains("device name conflict")
                || x.sign == Sign::InterfaceIdMissing && text.contains("already exist")
        })
}

/// The packet filter has no such table: what should translate or forward the tunnel's traffic isn't there.
fn filter_missing(s: &Signals<'_>) -> Option<Judgement> {
    let seen = s.sign(Sign::FilterTableMissing)?;
    let what = format!("table {}", seen.value_or("table", "filter"));
    if s.up && !carries_nothing(s) {
        return None;
    }
    if !s.calm() {
        return Some(Judgement::Possible {
            weight: 20,
            because: format!("the kernel has no {what} for iptables"),
            separated_by: "whether the rules for the tunnel's traffic are in place: iptables-save -c",
        });
    }
    let found = Found::by(
        seen,
        CONDITION,
        format!(
            "the kernel of {} has no {what} for iptables: its module isn't loaded",
            seen.who()
        ),
    )
    .because("The rules that let the tunnel's traffic through, or translate its addresses, couldn't be put in place. IKE doesn't need them, so the tunnel comes up and carries nothing further.")
    .fix("load the modules on the host (modprobe ip_tables iptable_filter iptable_nat; /etc/modules-load.d), or use the iptables that goes with nf_tables; a container has the kernel of its host. Then set the rules again")
    .then("`iptables -V`, `lsmod | grep -e ip_tables -e nf_tables`, `iptables-save -c`")
    .done();
    Some(found)
}

/// Nothing is told but that the kernel has no such thing, by somebody for whom it doesn't work. Beside other lines it is
/// mostly IPv6, which charon does without.
fn by_itself(s: &Signals<'_>) -> Option<Judgement> {
    let seen = crate::kernel_answer::error(s, Answer::Unsupported)?;
    let alone = s.signs.iter().all(|x| x.sign == Sign::KernelError) && s.facts.is_empty();
    // Of ENOENT alone it may be a policy that isn't there.
    let unsupported = seen.value_or("errno", "").contains("not supported");
    (alone && unsupported && crate::complaint::complained(s)).then(|| {
        found(
            s,
            seen,
            CONDITION,
            format!(
                "the kernel of {} lacks what the daemon asks of it: {}",
                seen.who(),
                thing(seen)
            ),
        )
    })
}

/// ESP in UDP comes to the socket of IKE, and the kernel takes it out there before the daemon sees it.
fn not_taken_out(s: &Signals<'_>) -> Option<Judgement> {
    let several = s.signs_of(Sign::EspReachedDaemon).nth(1).is_some();
    let seen = s.sign(Sign::EspReachedDaemon).filter(|_| several)?;
    // A capture of both ends, or what else is told, may say more of such packets.
    s.calm().then(|| {
        found(
            s,
            seen,
            SYMPTOM,
            format!(
                "the kernel of {} leaves ESP in UDP to the daemon, which can do nothing with it",
                seen.who()
            ),
        )
    })
}

/// Libreswan 4 answers TS_UNACCEPTABLE when its kernel refuses the SA.
fn refused_as_traffic(s: &Signals<'_>) -> Judgement {
    let asked = s.told(notify::TS_UNACCEPTABLE, false).and_then(|t| t.asked);
    let there = asked.and_then(|a| configured_over_there(s, &a.ts_local, &a.ts_remote));
    match there {
        Some(_) => Judgement::Possible {
            weight: 35,
            because: "the peer refuses networks that its configuration has; Libreswan 4 does so when its kernel doesn't take the SA".to_owned(),
            separated_by: "the peer's log of the attempt: `netlink response for Add SA` or the like before its answer",
        },
        None => Judgement::Silent,
    }
}

/// What charon does without: a TUN device for ESP of its own where the kernel has none, and rules for its table of
/// routes, which may stand there from before. A kernel that says that it can't have them is another matter.
fn spare(s: &Signals<'_>, seen: Seen<'_>) -> bool {
    let text = &seen.fact.source.text;
    // A daemon that has nothing but ESP of its own doesn't start without.
    if s.sign(Sign::DaemonNotRunning).is_some()
        && s.signs_of(Sign::PluginMissing)
            .any(|x| x.value("plugin") == Some("kernel-libipsec"))
    {
        return false;
    }
    let unsupported = || {
        s.signs_of(Sign::KernelError)
            .any(|x| x.value_or("errno", "").contains("not supported"))
    };
    ["net/tun", "TUN device"]
        .iter()
        .any(|part| text.contains(part))
        || (text.contains("routing table rule") && !unsupported())
}

/// A right that is missing isn't support that is missing.
fn forbidden(seen: Seen<'_>) -> bool {
    ["what", "errno"].iter().any(|name| {
        seen.value(name)
            .is_some_and(|v| v.contains("ermission denied") || v.contains("not permitted"))
    })
}

fn thing<'a>(seen: Seen<'a>) -> &'a str {
    seen.value("what")
        .or_else(|| seen.value("errno"))
        .unwrap_or(seen.said())
}

fn found(s: &Signals<'_>, seen: Seen<'_>, confidence: f64, summary: String) -> Judgement {
    let others = s
        .signs
        .iter()
        .filter(|x| {
            matches!(
                x.sign,
                Sign::KernelSupportMissing | Sign::StateNotInstalled | Sign::ModuleMissing
            )
        })
        .map(|x| x.fact)
        .take(4);
    Found::by(seen, confidence, summary)
        .with(others)
        .because("What two daemons agree on is of no use before the kernel takes it.")
        .fix("load or install the kernel modules (xfrm_user, esp4, esp6, af_key and those of the algorithms), or choose algorithms that `grep name /proc/crypto` shows; in a container or on a shared kernel the host must have them")
        .then("`ip xfrm state`, `lsmod | grep -e xfrm -e esp`, `grep name /proc/crypto` and the last lines of dmesg")
        .done()
}
