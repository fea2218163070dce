//! Whose output a line is: what somebody typed at a prompt before it. What a shell answers to a user without rights, a tool
//! that breaks or a mistyped question says nothing of the daemon.

use adit_model::sign::Sign;

use crate::text::Line;

/// So many lines behind a command may be its output.
const NEAR: u64 = 120;

/// A longer line is no command, and of a command no more than this matters.
const LONGEST: usize = 200;

/// What was typed last.
#[derive(Debug, Default)]
pub(super) struct Typed {
    last: Option<Command>,
    /// The unit of which systemd tells, and whether it is one that tunnels need.
    unit: Option<(u64, bool)>,
}

#[derive(Debug)]
struct Command {
    line: u64,
    /// The prompt's last sign.
    sign: u8,
    /// The prompt is of a router that is being configured.
    configures: bool,
    /// The words, without those that lend rights.
    words: String,
    /// They were lent.
    lent: bool,
}

impl Command {
    fn program(&self) -> &str {
        let first = self.words.split_whitespace().next().unwrap_or_default();
        first.rsplit('/').next().unwrap_or(first)
    }

    /// It shows what somebody else wrote, or runs elsewhere.
    fn shows(&self) -> bool {
        const SHOWS: [&str; 34] = [
            "awk",
            "bash",
            "cat",
            "coredumpctl",
            "crictl",
            "dmesg",
            "docker",
            "docker-compose",
            "egrep",
            "gdb",
            "grep",
            "head",
            "journalctl",
            "kubectl",
            "less",
            "logread",
            "lxc",
            "make",
            "monit",
            "more",
            "nerdctl",
            "nsenter",
            "oc",
            "podman",
            "sed",
            "service",
            "sh",
            "ssh",
            "strings",
            "systemctl",
            "tail",
            "vagrant",
            "zcat",
            "zgrep",
        ];
        let program = self.program();
        SHOWS.contains(&program) || program.ends_with(".sh") || self.words.starts_with("./")
    }
}

impl Typed {
    /// The next line.
    pub(super) fn line(&mut self, line: &Line<'_>, number: impl Fn() -> Option<u64>) {
        let body = line.body;
        if line.at.is_some() || line.program.is_some() || body.len() > LONGEST {
            return;
        }
        if let Some(name) = unit(body) {
            self.unit = number().map(|n| (n, super::crash::is_ours(name)));
        } else if let Some(command) = command(body)
            && let Some(line) = number()
        {
            self.unit = None;
            self.last = Some(Command { line, ..command });
        }
    }

    fn before(&self, number: Option<u64>) -> Option<&Command> {
        let number = number?;
        self.last
            .as_ref()
            .filter(|c| c.line <= number && number - c.line <= NEAR)
    }

    /// Whether what the line says has nothing to do with a tunnel, because of what was typed before it.
    pub(super) fn is_foreign(
        &self,
        sign: Sign,
        line: &Line<'_>,
        number: impl Fn() -> Option<u64>,
    ) -> bool {
        if line.at.is_some() || line.program.is_some() || self.last.is_none() && self.unit.is_none()
        {
            return false;
        }
        match sign {
            Sign::DaemonCrashed => {
                self.of_other_unit(line.body, number())
                    || self
                        .before(number())
                        .is_some_and(|c| broke(c, line.body.trim()))
            }
            Sign::CommandNotTaken => self.before(number()).is_some_and(only_asks),
            Sign::CertificateExpired
            | Sign::CertificateNotYetValid
            | Sign::CertificateOutsideValidity
            | Sign::CertificateNameMismatch
            | Sign::IssuerUnknown
            | Sign::PeerNameUnresolved => self.before(number()).is_some_and(asks_a_server),
            _ => false,
        }
    }

    /// Whether a right was denied to a user who typed a command without having it, and not to a daemon.
    pub(super) fn is_users(&self, line: &Line<'_>, number: Option<u64>) -> bool {
        if line.at.is_some() || line.program.is_some() || is_of_a_thread(line.body) {
            return false;
        }
        match self.before(number) {
            Some(c) if c.lent || matches!(c.sign, b'#') => false,
            Some(c) if matches!(c.sign, b'$' | b'%') => !c.shows(),
            _ => is_control_socket(line.body),
        }
    }

    fn of_other_unit(&self, body: &str, number: Option<u64>) -> bool {
        if !(body.contains("code=") || body.contains("Result: ")) {
            return false;
        }
        let Some(number) = number else {
            return false;
        };
        match self.unit {
            Some((at, ours)) if number >= at && number - at <= NEAR => !ours,
            _ => self.before(Some(number)).is_some_and(|c| {
                let mut units = c
                    .words
                    .split_whitespace()
                    .skip(1)
                    .filter(|w| !w.starts_with('-') && *w != "status")
                    .peekable();
                matches!(c.program(), "systemctl" | "service")
                    && c.words.contains(" status")
                    && units.peek().is_some()
                    && !units.any(super::crash::is_ours)
            }),
        }
    }
}

/// Permission to talk to the daemon was denied: so there is one, and it is the asker who lacks the right.
pub(super) fn told(sign: Sign, body: &str) -> Sign {
    if sign == Sign::DaemonNotRunning && is_control_socket(body) {
        Sign::Denied
    } else {
        sign
    }
}

fn is_control_socket(body: &str) -> bool {
    let denied = ["Permission denied", "errno 13", "failed (13"]
        .iter()
        .any(|words| body.contains(words));
    denied
        && [
            "pluto.ctl",
            "pluto_ctl",
            ".vici",
            "charon.ctl",
            "URI failed",
        ]
        .iter()
        .any(|socket| body.contains(socket))
}

/// `07[IKE] …`: a line of charon without its time.
fn is_of_a_thread(body: &str) -> bool {
    let digits = body.bytes().take_while(u8::is_ascii_digit).count();
    digits > 0 && body.as_bytes().get(digits) == Some(&b'[')
}

/// Whether it is the typed program that broke, as a shell says it, and none of a tunnel's.
fn broke(command: &Command, body: &str) -> bool {
    let shells = [
        "Segmentation fault",
        "Aborted",
        "Bus error",
        "Illegal instruction",
    ]
    .iter()
    .any(|words| body.starts_with(words))
        || ["zsh: ", "bash: ", "-bash: "]
            .iter()
            .any(|sh| body.starts_with(sh));
    shells
        && !command.shows()
        && (command.program() == "ike-scan"
            || !super::crash::names_ours(&command.words) && !super::crash::names_ours(body))
}

/// Whether the command only asks, so that nothing of a configuration is lost when it isn't understood.
fn only_asks(command: &Command) -> bool {
    const ASKS: [&str; 26] = [
        "capture",
        "clear",
        "copy",
        "debug",
        "diagnose",
        "dir",
        "display",
        "enable",
        "execute",
        "get",
        "logging",
        "monitor",
        "more",
        "packet-tracer",
        "ping",
        "reload",
        "request",
        "show",
        "ssh",
        "telnet",
        "terminal",
        "test",
        "traceroute",
        "undebug",
        "vpn-sessiondb",
        "write",
    ];
    let words = command.words.trim_start_matches("do ");
    let Some(first) = words.split_whitespace().next() else {
        return false;
    };
    // Routers take a word that is cut short; one that is mistyped begins as it should.
    let asks = |word: &&str| first.len() > 1 && word.starts_with(first);
    if command.configures && words.len() == command.words.len() && !"show".starts_with(first) {
        return false;
    }
    command.sign == b'$' || ASKS.iter().any(asks)
}

/// Whether it is a program that looks at a server's certificate or name for itself.
fn asks_a_server(command: &Command) -> bool {
    const CLIENTS: [&str; 22] = [
        "apk", "apt", "apt-get", "aws", "az", "certbot", "curl", "dnf", "docker", "gcloud", "git",
        "helm", "kubectl", "npm", "oc", "openssl", "opkg", "pip", "pip3", "podman", "wget", "yum",
    ];
    let program = command.program();
    let of_tunnel = super::crash::names_ours(&command.words);
    CLIENTS.contains(&program)
        && !of_tunnel
        && match program {
            "openssl" => command.words.contains("s_client"),
            "docker" | "podman" | "kubectl" | "oc" => !["exec", "logs", "run"]
                .iter()
                .any(|verb| command.words.contains(verb)),
            _ => true,
        }
}

/// The unit at the head of what systemd tells of it: `● snmpd.service - Simple …`.
fn unit(body: &str) -> Option<&str> {
    let rest = ["● ", "* ", "× ", "○ ", "↻ "]
        .iter()
        .find_map(|mark| body.trim_start().strip_prefix(mark))?;
    let name = rest.split_whitespace().next()?;
    name.ends_with(".service").then_some(name)
}

/// What stands behind a prompt, if that is how the line begins.
fn command(body: &str) -> Option<Command> {
    let at = body
        .bytes()
        .take(64)
        .position(|b| matches!(b, b'#' | b'$' | b'>' | b'%'))?;
    let sign = *body.as_bytes().get(at)?;
    let (prompt, typed) = (body.get(..at)?.trim_end(), body.get(at + 1..)?);
    let bracketed = prompt.starts_with('[') && prompt.ends_with(']');
    if prompt.contains(char::is_whitespace) && !bracketed
        || prompt.is_empty() && (!matches!(sign, b'#' | b'$') || !typed.starts_with(' '))
        || !prompt.is_empty() && !prompt.contains(|c: char| c.is_alphabetic() || matches!(c, '~' | '/'))
        // A percentage, a redirection, a row of a table.
        || sign == b'%' && prompt.ends_with(|c: char| c.is_ascii_digit() || c == ':')
        || prompt.ends_with(['-', '=', '<', ',', ';', '"', '\''])
    {
        return None;
    }
    let words = typed.trim();
    let mut lent = false;
    let mut rest = words;
    for lender in ["sudo ", "doas "] {
        if let Some(after) = rest.strip_prefix(lender) {
            lent = true;
            rest = after.trim_start();
            while let Some(option) = rest.strip_prefix('-') {
                rest = option.split_once(' ').map_or("", |(_, r)| r).trim_start();
            }
        }
    }
    lent |= words == "sudo" || rest.starts_with("su ");
    Some(Command {
        line: 0,
        sign,
        configures: prompt.contains("(config") || prompt.contains("(conf"),
        words: rest.to_owned(),
        lent,
    })
}

#[cfg(test)]
mod tests {
    use adit_model::fact::{Known, Side};
    use adit_model::now::Wall;
    use adit_model::sign::Sign;

    use super::*;
    use crate::reading::read;

    fn signs(text: &str) -> Vec<(Sign, bool)> {
        let facts = read("paste", Side::Local, text.as_bytes(), Wall(0)).facts;
        let signs = facts.into_iter().filter_map(|f| match f.what {
            Known::Sign { sign, values } => {
                Some((sign, values.get("by").is_some_and(|by| by == "user")))
            }
            _ => None,
        });
        signs.collect()
    }

    #[test]
    fn a_prompt_tells_who_typed() {
        for (body, sign, words, lent) in [
            ("$ ip xfrm state", b'$', "ip xfrm state", false),
            (
                "jan@gw:~$ sudo -n ip xfrm state",
                b'$',
                "ip xfrm state",
                true,
            ),
            ("[root@gw ~]# ip x s", b'#', "ip x s", false),
            (
                "R1#show crypto isakmp sa",
                b'#',
                "show crypto isakmp sa",
                false,
            ),
            ("FGT01 # get vpn ike", b'#', "get vpn ike", false),
        ] {
            let got = command(body).map(|c| (c.sign, c.words, c.lent));
            assert_eq!(got, Some((sign, words.to_owned(), lent)), "{body}");
        }
        for body in [
            "100% packet loss",
            "a sentence, then # more",
            "> quoted",
            "peer -> hub",
        ] {
            assert!(command(body).is_none(), "{body}");
        }
    }

    #[test]
    fn rights_are_denied_to_users_and_to_daemons() {
        let denied = "RTNETLINK answers: Operation not permitted\n";
        for (before, users) in [
            ("$ ip xfrm state\n", true),
            ("jan@gw:~$ ip xfrm state\n", true),
            ("$ sudo ip xfrm state\n", false),
            ("# ip xfrm state\n", false),
            ("$ docker exec vpn ip xfrm state\n", false),
            ("$ tail charon.log\n", false),
            ("", false),
        ] {
            let text = format!("{before}{denied}");
            assert_eq!(signs(&text), [(Sign::Denied, users)], "{text}");
        }
        let socket =
            "whack: connect() for \"/run/pluto/pluto.ctl\" failed (13 Permission denied)\n";
        assert_eq!(signs(socket), [(Sign::Denied, true)]);
        let none =
            "whack: connect() for \"/run/pluto/pluto.ctl\" failed (111 Connection refused)\n";
        assert_eq!(signs(none), [(Sign::DaemonNotRunning, false)]);
    }

    #[test]
    fn a_question_that_is_not_understood_loses_nothing() {
        let refused = "% Invalid input detected at '^' marker.\n";
        for (typed, lost) in [
            ("R1#show crypto isakmp sa detial\n", false),
            ("ciscoasa# sh crypto ikev2 sa detials\n", false),
            ("R1(config)#do show crypto sessoin\n", false),
            ("R1(config)#sh crypto sessoin\n", false),
            ("R1>ping vrf\n", false),
            ("R1(config-isakmp)#grop 14\n", true),
            ("R1#crypto isakmp polcy 10\n", true),
            ("R1(config)#crypto isakmp enabel\n", true),
        ] {
            let text = format!("{typed}      ^\n{refused}");
            assert_eq!(!signs(&text).is_empty(), lost, "{text}");
        }
    }

    #[test]
    fn a_shell_tells_which_program_broke() {
        let broke = "Segmentation fault (core dumped)\n";
        for (typed, ours) in [
            ("# hping3 -2 -p 500 203.0.113.9\n", false),
            ("# ipsec start --nofork\n", true),
            ("# /usr/sbin/charon-systemd\n", true),
            ("# ./start.sh\n", true),
            ("# tail -5 /var/log/boot\n", true),
            ("", true),
        ] {
            let text = format!("{typed}{broke}");
            assert_eq!(!signs(&text).is_empty(), ours, "{text}");
        }
        let unit =
            |name: &str| format!("* {name} - X\n Main PID: 811 (code=killed, signal=SEGV)\n");
        assert!(signs(&unit("snmpd.service")).is_empty());
        assert_eq!(
            signs(&unit("strongswan.service")),
            [(Sign::DaemonCrashed, false)]
        );
    }
}
