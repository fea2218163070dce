//! What is known of a tunnel's future in one sentence, as the quoted line of evidence.

use core::fmt;

use crate::ahead::{Ahead, TrialOutcome};
use crate::now::Wall;

impl fmt::Display for Ahead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Ahead::Certificate {
                used_as,
                subject,
                not_after,
                now,
                ..
            } => match days(*now, *not_after) {
                left @ 1.. => write!(f, "{used_as} {subject} ends in {left} days"),
                _ => write!(f, "{used_as} {subject} has ended"),
            },
            Ahead::RevocationList {
                issuer,
                this_update,
                now,
                ..
            } => {
                let age = now.0.saturating_sub(this_update.0) / HOUR_MS;
                write!(f, "the revocation list of {issuer} is {age} hours old")
            }
            Ahead::Clock { offset_ms, source } => {
                write!(f, "our clock is {offset_ms} ms ahead of {source}")
            }
            Ahead::Waiting { ever_up: true, .. } => f.write_str("it has been up"),
            Ahead::Waiting { for_s, .. } => write!(f, "it hasn't been up in {for_s} s"),
            Ahead::Watched { dpd_s, monitored } => {
                match dpd_s {
                    0 => f.write_str("dead peer detection is off")?,
                    s => write!(f, "the peer is asked after {s} s of silence")?,
                }
                let monitor = if *monitored { "" } else { "no " };
                write!(f, "; there is {monitor}monitor through the tunnel")
            }
            Ahead::Agreed {
                child,
                suite,
                ts_local,
                ts_remote,
                ..
            } => write!(
                f,
                "{child}: agreed on {suite}, {} to {}",
                list(ts_local),
                list(ts_remote)
            ),
            Ahead::AgreedIke { suite } => write!(f, "IKE SA: agreed on {suite}"),
            Ahead::Room {
                child,
                path_mtu,
                overhead,
                fits,
                device_mtu,
                ..
            } => {
                write!(
                    f,
                    "{child}: of {path_mtu} octets on the path protection takes {overhead} and padding, {fits} are left inside"
                )?;
                device_mtu.map_or(Ok(()), |mtu| write!(f, "; the device takes {mtu}"))
            }
            Ahead::Reauthentication {
                began,
                told_s,
                told_until,
                ours_at,
                given_until,
                end,
                now,
                ..
            } => {
                let who = if *began {
                    "we set it up"
                } else {
                    "the peer set it up"
                };
                write!(f, "authenticating anew: {who}")?;
                if let (Some(seconds), Some(until)) = (told_s, told_until) {
                    write!(
                        f,
                        "; the peer has given it {seconds} s, {}",
                        when(*now, *until)
                    )?;
                }
                if let Some(at) = ours_at {
                    write!(f, "; we do {}", when(*now, *at))?;
                }
                if let Some(until) = given_until {
                    write!(f, "; we have told it to, until {}", when(*now, *until))?;
                }
                match end {
                    Some(end) => write!(f, "; without it we end the IKE SA {}", when(*now, *end)),
                    None => Ok(()),
                }
            }
            Ahead::Nat {
                local,
                remote,
                local_behind,
                remote_behind,
                peer_supports,
                in_udp,
                packets_out,
                packets_in,
            } => {
                let found = match (peer_supports, local_behind, remote_behind) {
                    (false, ..) => "the peer doesn't do NAT traversal",
                    (true, false, false) => "no NAT was found",
                    (true, true, false) => "we are behind a NAT",
                    (true, false, true) => "the peer is behind a NAT",
                    (true, true, true) => "both are behind a NAT",
                };
                let esp = if *in_udp { "ESP in UDP" } else { "plain ESP" };
                write!(
                    f,
                    "{local} to {remote}: {found}; {esp}, {packets_out} packets out, {packets_in} in"
                )
            }
            Ahead::Trial { child, outcome } => write!(f, "{child}: rekeyed on trial: {outcome}"),
            Ahead::PeerLife {
                child,
                seconds,
                renewed,
                times,
            } => {
                let how = if *renewed { "renewed" } else { "deleted" };
                write!(
                    f,
                    "{child}: the peer {how} it after {seconds} s ({times} times)"
                )
            }
            Ahead::Network { net, device } => write!(f, "{net} is connected by {device}"),
            Ahead::Neighbour {
                tunnel,
                child,
                ts_local,
                ts_remote,
            } => write!(
                f,
                "{tunnel}/{child} carries {} to {}",
                list(ts_local),
                list(ts_remote)
            ),
            Ahead::Clear {
                left,
                came,
                stopped,
            } => write!(
                f,
                "in clear {left} packets have left and {came} have come in; {stopped} were stopped"
            ),
            Ahead::Gap {
                since,
                until,
                seconds,
                held,
                stopped,
                left,
            } => {
                let how = if until.is_some() { "was" } else { "is" };
                write!(f, "there {how} no SA from {since} on for {seconds} s: ")?;
                if let Some(held) = held {
                    write!(f, "{held} packets were held back, ")?;
                }
                if let Some(stopped) = stopped {
                    write!(f, "{stopped} were stopped by the block, ")?;
                }
                match (left, held) {
                    (None, _) => f.write_str("too short for its packets to be counted"),
                    (Some(left), Some(_)) => write!(f, "{left} left in clear"),
                    (Some(left), None) => write!(
                        f,
                        "{left} left in clear; what was held back is counted for the whole host alone"
                    ),
                }
            }
            Ahead::Mount {
                server,
                point,
                kind,
                listed,
                options,
            } => {
                let place = if *listed { "/etc/fstab" } else { "mounted" };
                write!(
                    f,
                    "{place}: {kind} of {server} at {point} ({})",
                    options.join(",")
                )
            }
            Ahead::Management {
                address,
                what,
                inside,
                ..
            } => {
                let way = if *inside { "through" } else { "beside" };
                write!(f, "{what}: {address}, reached {way} the tunnel")
            }
        }
    }
}

impl fmt::Display for TrialOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TrialOutcome::Passed => f.write_str("it has new keys"),
            TrialOutcome::RefusedByPeer { notify, offered } => {
                write!(f, "the peer answered {notify} to {offered}")
            }
            TrialOutcome::RefusedByUs { why } => write!(f, "we refused what the peer asked: {why}"),
            TrialOutcome::Unanswered => f.write_str("nothing was agreed on in time"),
        }
    }
}

/// A time: its date and what the clock shows then, and how far away it is.
#[must_use]
pub fn when(now: Wall, at: Wall) -> String {
    // Always with a date and in seconds: only numbers may change as time passes.
    if at >= now {
        format!("{at} (in {} s)", (at.0 - now.0) / 1000)
    } else {
        format!("{at} ({} s ago)", (now.0 - at.0) / 1000)
    }
}

/// Days from one time to another, the begun one included; 0 or less when that has passed.
#[must_use]
pub fn days(from: Wall, to: Wall) -> i64 {
    let (from, to) = (
        i64::try_from(from.0).unwrap_or(i64::MAX),
        i64::try_from(to.0).unwrap_or(i64::MAX),
    );
    let left = to.saturating_sub(from);
    left.div_euclid(DAY_MS) + i64::from(left.rem_euclid(DAY_MS) > 0)
}

fn list<T: fmt::Display>(all: &[T]) -> String {
    let texts: Vec<String> = all.iter().map(ToString::to_string).collect();
    texts.join(", ")
}

const HOUR_MS: u64 = 3_600_000;
const DAY_MS: i64 = 86_400_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_told_by_the_clock_and_by_how_far_it_is() {
        let now = Wall(1_700_000_000_000);
        let after = |ms| when(now, Wall(now.0 + ms));
        assert_eq!(after(90_000), "2023-11-14T22:14:50Z (in 90 s)");
        let days = "2023-11-24T22:13:20Z (in 864000 s)";
        assert_eq!(after(10 * 86_400_000), days, "which day is told");
        let before = when(now, Wall(now.0 - 5_000));
        assert_eq!(before, "2023-11-14T22:13:15Z (5 s ago)");
    }

    #[test]
    fn what_of_a_gap_isnt_counted_is_no_zero() {
        let gap = |held, stopped, left| {
            let gap = Ahead::Gap {
                since: Wall(1_700_000_000_000),
                until: None,
                seconds: 8,
                held,
                stopped,
                left,
            };
            let text = gap.to_string();
            text.split_once(": ").map(|(_, told)| told.to_owned())
        };
        let told = gap(Some(5), Some(0), Some(0)).unwrap_or_default();
        assert_eq!(
            told,
            "5 packets were held back, 0 were stopped by the block, 0 left in clear"
        );
        let told = gap(None, None, Some(3)).unwrap_or_default();
        assert_eq!(
            told,
            "3 left in clear; what was held back is counted for the whole host alone"
        );
        let told = gap(None, None, None).unwrap_or_default();
        assert_eq!(told, "too short for its packets to be counted");
    }

    #[test]
    fn a_begun_day_counts() {
        let day = |n: u64| Wall(n * 86_400_000);
        assert_eq!(days(day(10), day(15)), 5);
        assert_eq!(days(day(10), Wall(day(10).0 + 1)), 1);
        assert_eq!(days(day(10), day(10)), 0);
        assert_eq!(days(day(10), day(9)), -1);
    }
}
