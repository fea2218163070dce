//! Why the threads that carry packets have no time left: the cipher's part of their work, measured here and now, and the
//! processors that they may use.

use std::time::{Duration, Instant};

use adit_crypto::{EspCipher, Provider};
use adit_kernel::load::processors_of;
use adit_model::probed::{Check, Outcome};
use adit_model::proposal::Suite;
use adit_model::sign::Sign;

use super::{Situation, sign};
use crate::load::Burden;

/// Nothing where there is time left, or it is other tunnels' packets that take it, or packets of no tunnel.
pub(super) fn check(situation: &Situation) -> Option<Check> {
    let burden = situation.load.as_ref()?;
    let full = &burden.full;
    let seconds = full.lasting.as_secs().max(1);
    // A host that is slow for other reasons makes an idle gateway wait, too.
    let much = full.all.packets / seconds >= MUCH || full.lost >= MUCH;
    let part = full.own.packets > 0 && full.own.packets * A_PART >= full.all.packets;
    // What is thrown at the gateway takes time too, and what is lost may be of that.
    let flood = full.refused * A_PART >= full.all.packets;
    if !much || !part || flood {
        return None;
    }
    let cost = cost_of(burden);
    let share = cost.map(|cost| {
        let all = cost.each.as_nanos() * u128::from(full.own.packets);
        u64::try_from(all * 100 / full.wanted.as_nanos().max(1))
            .unwrap_or(u64::MAX)
            .min(100)
    });
    let throttled = full.throttled.as_micros() * 100 / full.lasting.as_micros().max(1);
    let (allowed, processors) = processors_of(full.thread).unwrap_or((0, 0));
    let mut summary = format!(
        "for {seconds} s {} of {} threads that carry packets {} had no time left ({} % at work or waiting for a processor, {} % waiting); {} packets a second, {} lost for want of time",
        full.full,
        full.threads,
        if full.full == 1 { "has" } else { "have" },
        full.busy,
        full.waits,
        full.all.packets / seconds,
        full.lost,
    );
    let mut values = vec![
        ("seconds", seconds.to_string()),
        ("busy", full.busy.to_string()),
        ("waits", full.waits.to_string()),
        ("full", full.full.to_string()),
        ("threads", full.threads.to_string()),
        ("allowed", allowed.to_string()),
        ("processors", processors.to_string()),
        ("lost", full.lost.to_string()),
        ("packets", full.all.packets.to_string()),
        ("throttled", throttled.to_string()),
    ];
    if burden.configured {
        values.push(("configured", "yes".to_owned()));
    }
    if let (Some(suite), Some(cost), Some(share)) = (burden.suite, cost, share) {
        let cipher = name(&suite);
        summary = format!(
            "{summary}; {cipher} takes {} ns for a packet of {} octets here, {share} % of their time, {} would take {} ns",
            cost.each.as_nanos(),
            cost.octets,
            cost.faster,
            cost.faster_each.as_nanos(),
        );
        values.extend([
            ("cipher", cipher),
            ("share", share.to_string()),
            ("ns", cost.each.as_nanos().to_string()),
            ("faster", cost.faster.to_owned()),
            ("faster_ns", cost.faster_each.as_nanos().to_string()),
        ]);
    }
    let pairs: Vec<(&str, &str)> = values.iter().map(|(k, v)| (*k, v.as_str())).collect();
    let mut check = Check::new("load", Outcome::Note, summary).fact(sign(Sign::PlaneFull, &pairs));
    for (name, value) in pairs {
        check = check.value(name, value);
    }
    Some(check)
}

/// Without what doesn't cost time with each packet.
fn name(suite: &Suite) -> String {
    let suite = Suite {
        ke: None,
        esn: false,
        ..*suite
    };
    suite.to_string().trim_end_matches("-noesn").to_owned()
}

/// What a cipher costs, beside the one that costs least.
#[derive(Clone, Copy, Debug)]
struct Cost {
    octets: usize,
    each: Duration,
    faster: &'static str,
    faster_each: Duration,
}

fn cost_of(burden: &Burden) -> Option<Cost> {
    let own = burden.full.own;
    let octets = usize::try_from(own.octets / own.packets.max(1)).ok()?;
    let octets = octets.clamp(64, 1500);
    let provider = &burden.provider;
    // What came was opened, what went was sealed.
    let mixed = |(seal, open): (Duration, Duration)| {
        let nanos = |each: Duration| u64::try_from(each.as_nanos()).unwrap_or(u64::MAX);
        let came = own.came.min(own.packets);
        let all = nanos(open).saturating_mul(came);
        let all = all.saturating_add(nanos(seal).saturating_mul(own.packets - came));
        Duration::from_nanos(all / own.packets.max(1))
    };
    let each = mixed(measured(provider, &burden.suite?, octets)?);
    let (faster_each, faster) = BETTER
        .iter()
        .filter_map(|name| {
            let suite: Suite = (*name).to_owned().try_into().ok()?;
            Some((mixed(measured(provider, &suite, octets)?), *name))
        })
        .min()?;
    Some(Cost {
        octets,
        each,
        faster,
        faster_each,
    })
}

/// How long it takes to seal a packet, and to open it: the shortest time of several, since others may have had the processor
/// meanwhile.
fn measured(provider: &Provider, suite: &Suite, octets: usize) -> Option<(Duration, Duration)> {
    let protection = provider
        .protection(suite.encr.id, suite.encr.key_bits, suite.integ)
        .ok()?;
    let keys: [u8; LONGEST_KEYS] = provider.random_octets();
    let cipher = EspCipher::new(&protection, keys.get(..protection.keymat_len())?).ok()?;
    let shape = cipher.shape();
    // Padding, pad length and next header (RFC 4303 2.4).
    let body = (octets + 2).next_multiple_of(shape.block_len.max(4));
    let mut packet = vec![0; EspCipher::HEADER_LEN + shape.iv_len + body + shape.icv_len];
    let shortest = |before: Option<Duration>, each: Duration| {
        Some(before.map_or(each, |before| before.min(each)))
    };
    let mut opened = packet.clone();
    let (mut seals, mut opens) = (None, None);
    for round in 0..ROUNDS {
        let started = Instant::now();
        for n in 0..EACH_ROUND {
            let number = u64::from(round * EACH_ROUND + n + 1);
            cipher.seal(&mut packet, None, number).ok()?;
        }
        seals = shortest(seals, started.elapsed() / EACH_ROUND);
        // It is opened in place, once.
        let started = Instant::now();
        for _ in 0..EACH_ROUND {
            opened.copy_from_slice(&packet);
            cipher.open(&mut opened, None).ok()?;
        }
        opens = shortest(opens, started.elapsed() / EACH_ROUND);
    }
    seals.zip(opens)
}

/// The algorithms of all, where they are the same.
pub(super) fn one_suite(mut all: impl Iterator<Item = Suite>) -> Option<Suite> {
    // Key exchange costs nothing with each packet.
    let cipher = |suite: Suite| Suite { ke: None, ..suite };
    let first = all.next()?;
    all.all(|other| cipher(other) == cipher(first))
        .then_some(first)
}

/// Ciphers that are quick on today's processors.
const BETTER: &[&str] = &["aes128gcm16", "aes256gcm16", "chacha20poly1305"];
/// Fewer packets a second fill nobody's time.
const MUCH: u64 = 200;
/// A tunnel that has less than this part of all packets doesn't fill the threads.
const A_PART: u64 = 10;
/// More than any cipher's keys are long.
const LONGEST_KEYS: usize = 128;
const ROUNDS: u32 = 8;
const EACH_ROUND: u32 = 8;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::testing::situation;
    use super::*;
    use crate::load::{Full, Work};

    fn burden(suite: &str, own: u64) -> Burden {
        let work = |packets| Work {
            packets,
            came: packets / 2,
            octets: packets * 1200,
        };
        Burden {
            full: Full {
                lasting: Duration::from_secs(6),
                thread: adit_kernel::load::this_thread(),
                busy: 98,
                waits: 5,
                full: 1,
                threads: 2,
                wanted: Duration::from_secs(6),
                lost: 4_000,
                refused: 0,
                throttled: Duration::ZERO,
                all: work(60_000),
                own: work(own),
            },
            suite: suite.to_owned().try_into().ok(),
            configured: false,
            provider: adit_crypto::provider::aws_lc(),
        }
    }

    fn checked(suite: &str, own: u64) -> Option<Check> {
        check_of(burden(suite, own))
    }

    fn check_of(burden: Burden) -> Option<Check> {
        let situation = Situation {
            load: Some(burden),
            ..situation("10.1.0.0/24", "10.2.0.0/24")
        };
        check(&situation)
    }

    #[test]
    fn what_a_cipher_costs_is_measured_against_the_quickest() {
        let check = checked("3des-sha1", 60_000).unwrap();
        let number = |name: &str| check.values[name].parse::<u64>().unwrap();
        assert!(number("ns") > 3 * number("faster_ns"), "{}", check.summary);
        assert_eq!(check.values["cipher"], "3des-sha1");
        assert!(number("share") > 5 && number("share") <= 100);
        let quick = checked("aes128gcm16-noesn", 60_000).unwrap();
        let number = |name: &str| quick.values[name].parse::<u64>().unwrap();
        assert!(number("ns") < 3 * number("faster_ns"), "{}", quick.summary);
        assert!(quick.summary.contains("4000 lost"), "{}", quick.summary);
    }

    #[test]
    fn other_tunnels_packets_are_not_this_ones() {
        assert!(checked("aes128gcm16", 100).is_none());
        assert!(check(&situation("10.1.0.0/24", "10.2.0.0/24")).is_none());
    }

    #[test]
    fn what_is_thrown_at_the_gateway_is_no_tunnels() {
        let with = |change: fn(&mut Full)| {
            let mut burden = burden("aes128gcm16", 60_000);
            change(&mut burden.full);
            check_of(burden)
        };
        assert!(with(|_| {}).is_some());
        // A few that came late happen anywhere.
        assert!(with(|full| full.refused = 100).is_some());
        assert!(with(|full| full.refused = 90_000).is_none());
        let idle = |full: &mut Full| (full.all, full.own) = Default::default();
        assert!(with(idle).is_none());
    }

    #[test]
    fn of_children_with_several_ciphers_none_is_blamed() {
        let suite = |text: &str| Suite::try_from(text.to_owned()).unwrap();
        let (slow, quick) = (suite("3des-sha1"), suite("aes128gcm16"));
        assert_eq!(one_suite([slow, slow].into_iter()), Some(slow));
        assert_eq!(one_suite([slow, quick].into_iter()), None);
        assert_eq!(one_suite([].into_iter()), None);
    }

    #[test]
    fn time_in_wait_is_no_work_of_the_cipher() {
        let share = |wanted| {
            let mut burden = burden("3des-sha1", 20_000);
            burden.full.all = burden.full.own;
            burden.full.wanted = wanted;
            let check = check_of(burden).unwrap();
            check.values["share"].parse::<u64>().unwrap()
        };
        let (short, long) = (Duration::from_secs(6), Duration::from_secs(600));
        assert!(share(long) * 10 < share(short), "{}", share(long));
    }
}
