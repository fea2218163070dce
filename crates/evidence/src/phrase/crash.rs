//! What broke when a line says that a daemon came to its end: the daemon by itself, somebody's signal, or the kernel.

use adit_model::sign::Sign;

/// Who ended the daemon, where it didn't break by itself: the system for want of memory, a supervisor, a self-test that
/// it has to pass.
const ENDED: [&str; 7] = [
    "FIPS",
    "Out of memory",
    "has died",
    "has quit",
    "crypto chip",
    "9/KILL",
    "15/TERM",
];

/// The words of the kernel about itself.
const KERNEL: [&str; 3] = ["kernel BUG", "BUG: ", "net/xfrm"];

/// The signals of a process that breaks by itself: SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGSEGV, SIGSYS.
const OWN: [u32; 7] = [4, 5, 6, 7, 8, 11, 31];

/// A crash that wasn't the daemon's own doing is an end from outside.
pub(super) fn told(sign: Sign, body: &str) -> Sign {
    if sign != Sign::DaemonCrashed {
        return sign;
    }
    let signal = body.split_once("killed by sig ").and_then(|(_, rest)| {
        let digits = rest.split(|c: char| !c.is_ascii_digit()).next()?;
        digits.parse::<u32>().ok()
    });
    if signal.is_some_and(|n| !OWN.contains(&n)) || ENDED.iter().any(|words| body.contains(words)) {
        Sign::DaemonKilled
    } else {
        sign
    }
}

/// Whether it is the kernel under the daemon that broke.
pub(super) fn of_the_kernel(body: &str) -> bool {
    KERNEL.iter().any(|words| body.contains(words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_from_outside_is_no_crash() {
        for body in [
            "ipsec.service: main process exited, code=dumped, status=9/KILL",
            "pluto: ASSERTION FAILED: FIPS integrity check",
            "child 411 (charon) has been killed by sig 9",
        ] {
            assert_eq!(
                told(Sign::DaemonCrashed, body),
                Sign::DaemonKilled,
                "{body}"
            );
        }
        let own = "pluto[7]: segfault at 8 ip 00007f";
        assert_eq!(told(Sign::DaemonCrashed, own), Sign::DaemonCrashed);
        let abort = "child 411 (charon) has been killed by sig 6";
        assert_eq!(told(Sign::DaemonCrashed, abort), Sign::DaemonCrashed);
        assert!(!of_the_kernel(own));
        assert!(of_the_kernel("kernel BUG at net/xfrm/xfrm_state.c:71!"));
    }
}
