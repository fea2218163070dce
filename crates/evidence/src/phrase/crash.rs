//! What broke when a line says that a daemon came to its end: the daemon by itself, somebody's signal, or the kernel; and
//! the words of systems, libraries and runtimes for it.

use adit_model::sign::Sign;

use super::{Phrase, any, by};

/// Programs that are part of IPsec, as their lines begin.
const DAEMONS: &[&str] = &[
    "charon",
    "pluto",
    "racoon",
    "iked",
    "isakmpd",
    "ipsec",
    "strongswan",
    "swanctl",
    "vpp",
];

pub(super) static PHRASES: &[Phrase] = &[
    // Kernels name the process: Linux by architecture, then FreeBSD.
    any(Sign::DaemonCrashed, "traps: charon[{:n}] trap {problem}"),
    any(Sign::DaemonCrashed, "traps: pluto[{:n}] trap {problem}"),
    any(
        Sign::DaemonCrashed,
        "traps: charon[{:n}] general protection{problem}",
    ),
    any(
        Sign::DaemonCrashed,
        "traps: pluto[{:n}] general protection{problem}",
    ),
    any(Sign::DaemonCrashed, "sending SIGSEGV to charon{problem}"),
    any(Sign::DaemonCrashed, "sending SIGSEGV to pluto{problem}"),
    any(Sign::DaemonCrashed, "sending SIGBUS to charon{problem}"),
    any(Sign::DaemonCrashed, "charon[{:n}]: unhandled {problem}"),
    any(Sign::DaemonCrashed, "pluto[{:n}]: unhandled {problem}"),
    by(
        &["charon", "pluto", "kernel"],
        Sign::DaemonCrashed,
        "unhandled signal 11{problem}",
    ),
    any(Sign::DaemonCrashed, "(charon){}: exited on signal 11"),
    any(Sign::DaemonCrashed, "(charon){}: exited on signal 10"),
    any(Sign::DaemonCrashed, "(charon){}: exited on signal 6"),
    any(Sign::DaemonCrashed, "(racoon){}: exited on signal 11"),
    any(Sign::DaemonCrashed, "(racoon){}: exited on signal 6"),
    // The C library.
    by(DAEMONS, Sign::DaemonCrashed, "Assertion `{problem}' failed"),
    any(Sign::DaemonCrashed, "*** buffer overflow detected ***"),
    any(Sign::DaemonCrashed, "free(): double free {problem}"),
    any(Sign::DaemonCrashed, "corrupted size vs. prev_size"),
    any(Sign::DaemonCrashed, "munmap_chunk(): invalid pointer"),
    any(Sign::DaemonCrashed, "realloc(): invalid {problem}"),
    // A debugger's trace through charon's own handler of signals.
    any(Sign::DaemonCrashed, "segv_handler (signal={problem:n}"),
    // Runtimes and supervisors.
    any(Sign::DaemonCrashed, "panic: runtime error: {problem}"),
    any(
        Sign::DaemonCrashed,
        "fatal error: unexpected signal during runtime execution",
    ),
    any(Sign::DaemonCrashed, "received signal SIGSEGV, PC {problem}"),
    any(Sign::DaemonCrashed, "received signal SIGABRT, PC {problem}"),
    any(Sign::DaemonCrashed, "received signal SIGBUS, PC {problem}"),
    any(Sign::DaemonCrashed, "received signal SIGILL, PC {problem}"),
    any(Sign::DaemonCrashed, "terminated by signal SIGSEGV"),
    any(Sign::DaemonCrashed, "terminated by signal SIGABRT"),
    any(Sign::DaemonCrashed, "terminated by signal SIGBUS"),
    by(DAEMONS, Sign::DaemonCrashed, "exited with code 139"),
    any(Sign::DaemonCrashed, "code=exited, status=139/"),
    by(DAEMONS, Sign::DaemonCrashed, "Bus error"),
];

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

/// How the names of programs begin that a tunnel needs.
const OURS: [&str; 24] = [
    "charon",
    "pluto",
    "racoon",
    "iked",
    "in.iked",
    "isakmpd",
    "ike",
    "ipsec",
    "strongswan",
    "libreswan",
    "openswan",
    "swanctl",
    "starter",
    "stroke",
    "whack",
    "addconn",
    "xl2tpd",
    "kl2tpd",
    "pppd",
    "nm-l2tp",
    "nm-strongswan",
    "vpp",
    // A gateway for what isn't a mobile network's own radio.
    "n3iwf",
    "N3IWF",
];

/// What libraries, runtimes and supervisors say of any program.
const NAMELESS: [&str; 15] = [
    "*** buffer overflow detected ***",
    "stack smashing detected",
    "free(): ",
    "double free or corruption",
    "corrupted double-linked list",
    "corrupted size vs. prev_size",
    "munmap_chunk(): ",
    "malloc(): ",
    "realloc(): ",
    "panic: runtime error: ",
    "fatal error: unexpected signal during runtime execution",
    "received signal SIG",
    "terminated by signal SIG",
    "terminated by SIG",
    "exited with code 139",
];

/// Whether it is a program that has nothing to do with tunnels which a line says broke.
pub(super) fn of_another(body: &str, program: Option<&str>) -> bool {
    match process(body, program) {
        Some(name) => !is_ours(name.rsplit('/').next().unwrap_or(name)),
        None => {
            is_elsewhere(body)
                || is_nameless(body) && !program.is_some_and(is_ours) && !names_ours(body)
        }
    }
}

/// Whether the kernel broke where no packet of a tunnel goes, or hung without naming in whose process.
fn is_elsewhere(body: &str) -> bool {
    const ELSEWHERE: [&str; 6] = [
        "kernel BUG at fs/",
        "kernel BUG at mm/",
        "kernel BUG at block/",
        "kernel BUG at drivers/gpu/",
        "kernel BUG at drivers/md/",
        "kernel BUG at drivers/scsi/",
    ];
    let unnamed = body.contains("soft lockup - ") && !body.contains("s! [");
    unnamed && !names_ours(body) || ELSEWHERE.iter().any(|at| body.contains(at))
}

pub(super) fn is_ours(name: &str) -> bool {
    let vpn = name.contains("vpn") || name.contains("swan");
    vpn || OURS.iter().any(|ours| name.starts_with(ours))
}

/// Whether these are words of a library, a runtime or a supervisor, which are the same for every program.
fn is_nameless(body: &str) -> bool {
    NAMELESS.iter().any(|words| body.contains(words))
}

/// Whether a word of the line is the name of a program that a tunnel needs, as before a container's lines.
pub(super) fn names_ours(body: &str) -> bool {
    body.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '.'))
        .any(is_ours)
}

/// The program that a line says broke, where it names one: of the kernel `php-fpm[99]: segfault at`, of systemd
/// `cups.service: … code=dumped` and `Process 99 (cupsd) of user 0 dumped core`, of gdb ``generated by `/usr/bin/x'``.
fn process<'t>(body: &'t str, program: Option<&'t str>) -> Option<&'t str> {
    for fault in [": segfault at ", " general protection", " trap "] {
        let Some((head, _)) = body.split_once(fault) else {
            continue;
        };
        // `abort trap` is what a shell calls a signal.
        if fault == " trap " && !head.contains("traps: ") {
            continue;
        }
        let name = head.rsplit(' ').next()?.split('[').next()?;
        return Some(name).filter(|n| n.starts_with(|c: char| c.is_ascii_alphabetic()));
    }
    if body.starts_with("segfault at ") {
        return program.filter(|p| *p != "kernel");
    }
    // `BUG: soft lockup - CPU#1 stuck for 22s! [qemu-kvm:8812]`; the kernel's own threads may work for anybody.
    if let Some((_, rest)) = body.split_once("s! [")
        && body.contains("soft lockup")
    {
        let name = rest.split(':').next()?;
        return Some(name).filter(|n| !THREADS.iter().any(|o| n.starts_with(o)));
    }
    // `Process: 811 ExecStart=/usr/sbin/snmpd -f (code=killed, …`.
    if let Some((_, rest)) = body.split_once(" ExecStart=")
        && body.contains("(code=")
    {
        let path = rest.split(' ').next()?;
        return Some(path).filter(|path| !names_ours(path) && !path.ends_with("/sh"));
    }
    if let Some((head, _)) = body.split_once(".service: ") {
        return head.rsplit(' ').next();
    }
    if let Some((_, rest)) = body.split_once("Core was generated by `") {
        return rest.split([' ', '\'']).next();
    }
    let (head, _) = body.split_once(") of user ")?;
    let (before, name) = head.rsplit_once(" (")?;
    before
        .ends_with(|c: char| c.is_ascii_digit())
        .then_some(name)
}

/// In whose process the kernel broke, as its next lines tell it: `CPU: 0 PID: 811 Comm: hostapd Not tainted 5.15.0`.
#[derive(Debug, Default)]
pub(super) struct Fault {
    /// The line of the fault, how many lines more may tell of it, and whether it is another program's.
    open: Option<(u64, u8, bool)>,
    /// The lines of the faults in which no packet of a tunnel is known to have been.
    foreign: Vec<u64>,
}

impl Fault {
    /// So many lines behind a fault belong to it.
    const NEAR: u8 = 40;

    /// The kernel told of a fault in that line.
    pub(super) fn begins(&mut self, line: u64, body: &str) {
        self.ends();
        self.open = (!is_on_our_way(body)).then_some((line, Self::NEAR, false));
    }

    /// The next line.
    pub(super) fn line(&mut self, body: &str) {
        let Some((_, left, foreign)) = &mut self.open else {
            return;
        };
        if is_on_our_way(body) {
            self.open = None;
            return;
        }
        if let Some((_, rest)) = body.split_once(" Comm: ") {
            let name = rest.split(' ').next().unwrap_or_default();
            *foreign = !is_ours(name) && !THREADS.iter().any(|own| name.starts_with(own));
        }
        *left -= 1;
        if *left == 0 {
            self.ends();
        }
    }

    fn ends(&mut self) {
        if let Some((line, _, true)) = self.open.take() {
            self.foreign.push(line);
        }
    }

    /// The lines of the faults of other programs.
    pub(super) fn finish(mut self) -> Vec<u64> {
        self.ends();
        self.foreign
    }
}

/// The kernel's own threads may work for anybody.
const THREADS: [&str; 8] = [
    "kworker",
    "ksoftirqd",
    "swapper",
    "irq/",
    "migration",
    "rcu",
    "napi/",
    "cryptd",
];

/// Whether a line of a trace names what a tunnel's packets go through.
fn is_on_our_way(body: &str) -> bool {
    [
        "xfrm", "esp_", "esp4", "esp6", "ipsec", "klips", "ah4", "ah6", "ipcomp", "af_key",
    ]
    .iter()
    .any(|part| body.contains(part))
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
        assert!(!of_another(own, None));
        assert!(!of_the_kernel(own));
        assert!(of_the_kernel("kernel BUG at net/xfrm/xfrm_state.c:71!"));
    }

    #[test]
    fn a_crash_of_a_stranger_is_nothing_to_us() {
        for (body, program) in [
            (
                "php-fpm[9911]: segfault at 10 ip 0000 sp 00 error 4",
                Some("kernel"),
            ),
            ("[ 41.5] gnome-shell[99]: segfault at 10 ip 0000", None),
            ("segfault at 10 ip 0000 sp 00 error 4", Some("chrome")),
            ("traps: node[81] general protection fault ip:55 sp:7f", None),
            (
                "Process 801 (tracker-miner-f) of user 1000 dumped core.",
                None,
            ),
            (
                "cups.service: Main process exited, code=dumped, status=11/SEGV",
                Some("systemd"),
            ),
            ("Core was generated by `/usr/bin/python3 x.py'.", None),
            ("*** buffer overflow detected ***: terminated", Some("smbd")),
            (
                "panic: runtime error: slice bounds out of range",
                Some("node_exporter"),
            ),
            ("panic: runtime error: slice bounds out of range", None),
            (
                "exited: grafana (terminated by SIGSEGV)",
                Some("supervisord"),
            ),
            ("grafana: terminated by signal SIGSEGV", Some("runsv")),
            ("grafana exited with code 139", None),
            (
                "watchdog: BUG: soft lockup - CPU#1 stuck for 22s! [qemu-kvm:8812]",
                Some("kernel"),
            ),
            ("BUG: soft lockup - CPU#1 stuck for 22s!", Some("kernel")),
            ("kernel BUG at fs/ext4/inode.c:2721!", Some("kernel")),
        ] {
            assert!(of_another(body, program), "{body}");
        }
        for (body, program) in [
            ("charon[99]: segfault at 10 ip 0000", Some("kernel")),
            (
                "watchdog: BUG: soft lockup - CPU#1 stuck for 22s! [kworker/1:2:88]",
                Some("kernel"),
            ),
            (
                "BUG: soft lockup - CPU#0 stuck for 23s! [charon:711]",
                Some("kernel"),
            ),
            ("segfault at 10 ip 0000 sp 00 error 4", Some("kernel")),
            ("Process 801 (charon-systemd) of user 0 dumped core.", None),
            (
                "*** buffer overflow detected ***: terminated",
                Some("charon"),
            ),
            ("free(): double free detected in tcache 2", Some("ipsec")),
            (
                "exited: charon (terminated by SIGSEGV)",
                Some("supervisord"),
            ),
            ("strongswan exited with code 139", None),
            ("strongswan-1 exited with code 139", None),
            (
                "strongswan-starter.service: Failed with result 'core-dump'.",
                Some("systemd"),
            ),
            (
                "Core was generated by `/usr/libexec/ipsec/pluto --config x'.",
                None,
            ),
            ("pluto: Segmentation fault (core dumped)", None),
            ("isakmpd[99]: isakmpd: abort trap (core dumped)", None),
            (
                "traps: charon[81] general protection fault ip:55 sp:7f",
                None,
            ),
        ] {
            assert!(!of_another(body, program), "{body}");
        }
    }

    #[test]
    fn systems_and_libraries_say_it_in_their_own_words() {
        use adit_model::fact::{Known, Side};
        use adit_model::now::Wall;

        let broke = |text: &str| {
            let read = crate::read("x", Side::Local, text.as_bytes(), Wall(1_795_241_285_000));
            let mut signs = read.facts.iter().filter_map(|f| match f.what {
                Known::Sign { sign, .. } => Some(sign),
                _ => None,
            });
            signs.any(|sign| sign == Sign::DaemonCrashed)
        };
        for line in [
            "Mar  1 10:00:00 gw kernel: traps: charon[512] trap divide error ip:7f3a sp:7ffc error:0",
            "do_page_fault(): sending SIGSEGV to charon for invalid read access from 00000004",
            "pid 4123 (charon), jid 0, uid 0: exited on signal 11",
            "pluto: connections.c:4012: orient: Assertion `c != NULL' failed.",
            "charon: *** buffer overflow detected ***: terminated",
            "ipsec[9]: free(): double free detected in tcache 2",
            "vpn-agent[9]: panic: runtime error: index out of range [3] with length 3",
            "vpp[812]: received signal SIGSEGV, PC 0x7f1e33c20a11, faulting address 0x10",
            "strongswan exited with code 139",
        ] {
            assert!(broke(line), "{line}");
        }
        for line in [
            "pid 4123 (charon), jid 0, uid 0: exited on signal 15",
            "vpp[812]: received signal SIGTERM, PC 0x7f1e33c20a11",
            "strongswan exited with code 137",
            "nginx[7]: Bus error",
        ] {
            assert!(!broke(line), "{line}");
        }
    }
}
