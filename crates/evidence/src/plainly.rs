//! What a line says in words that everybody uses: the names of the standard's errors, and what engineers call them.
//!
//! Tables of sentences know products. A product that none of them knows still says *proxy ID mismatch* or
//! `TS_UNACCEPTABLE`, and so does a person who tells what the other side's log shows. Such a line is heard only where no
//! table and no reader of a daemon knows it, and where IPsec is spoken of around it.

use adit_model::fact::{Fact, Known};
use adit_model::sign::Sign;

use crate::account::{holds, is_prose, places, plain};
use crate::reading::Place;
use crate::text::Line;

/// So many lines are looked at, so many are kept, and so long is a line that is.
const LINES: usize = 20_000;
const MOST: usize = 24;
const LONGEST: usize = 600;

/// A counter of pluto's since its start, by the name of what is counted: `total.ikev2.sent.notifies.error.X=0`.
fn is_counter(body: &str) -> bool {
    body.trim_start().starts_with("total.")
}

/// A fault in words: a thing, and what is wrong with it.
struct Fault {
    sign: Of,
    groups: &'static [&'static str],
    unless: &'static str,
}

/// What a fault is, by where in the negotiation it is.
#[derive(Clone, Copy)]
enum Of {
    Always(Sign),
    /// In the first phase, in the second, and where none is named.
    Phase {
        first: Sign,
        second: Sign,
        unknown: Sign,
    },
}

const WRONG: &str = "mismatch|mis match|not match|doesnt match|dont match|didnt match|wrong|incorrect|differ|unacceptable|unexpected|not acceptable|not accepted";
const PHASE_1: &str = "phase #1|phase1|phase i |main mode|aggressive mode|isakmp|ike sa|ike proposal|ike policy|sa init|ike transform|mm msg";
const PHASE_2: &str = "phase #2|phase2|phase ii|quick mode|child|esp |ipsec sa|ipsec proposal|create child|transform set|ipsec policy|ipsec transform|qm msg";
/// It is spoken of IPsec.
const IPSEC: &str = "ike|ikev1|ikev2|ipsec|isakmp|vpn|tunnel|id payload|peer id|phase #1|phase #2|phase1|phase2|psk|preshared|pre shared|proxy id|traffic selector|ts unacceptable|quick mode|main mode|esp |charon|strongswan|libreswan|racoon|l2tp|pluto|kube ovn cni";
/// Somebody tells what a log or a program shows.
pub(crate) const SHOWS: &str = "log |logs |says|said|shows|show |showing|reports|reported|complain|get |gets |getting|got |error|errors|message|messages|see |seeing|notify|notification|fails with|failed with|returns|returned|responds with|response|answers with|rejected with|keeps logging";
/// Somebody guesses, or gives advice.
pub(crate) const GUESS: &str = "whether|should|might|maybe|perhaps|could be|may be|i think|i guess|suspect|probably|seems|assum|if |unless|not sure|wonder|possib|hypothes|theory|verify|make sure|check that|please|would|e g|for example|usually|typically|means|not a |no longer|dont see|do not see|avoid|like ";
/// The other side says so, and this one was told.
const TOLD: &str = "received|from peer|from the peer|peer sent|notify|returned|remote peer|got error|by peer|by the peer|responded";

/// A daemon that isn't to run there, or runs under another name.
const NOT_MEANT: &str = "standby|passive|backup|second|other |another|old |switched off|installer|as it should|supposed|expected|of course|meant|since |because|is called|instead|first|used to|was ";

static FAULTS: &[Fault] = &[
    Fault {
        sign: Of::Always(Sign::PskDiffers),
        groups: &[
            "psk|pre shared key|preshared key|pre shared secret|shared secret|pre shared keys|preshared keys",
            WRONG,
        ],
        unless: "length|too short|method|not found|missing|id |identity",
    },
    Fault {
        sign: Of::Always(Sign::PskDiffers),
        groups: &["hash mismatch|hash payload mismatch|hash mismatched"],
        unless: "certificat|file|digest|checksum|package",
    },
    Fault {
        sign: Of::Always(Sign::PfsDiffers),
        groups: &[
            "pfs|perfect forward",
            "mismatch|not match|doesnt match|dont match|didnt match|no matching|a matching|wrong|differ|unacceptable|not accepted",
        ],
        unless: "disabl|enabl|turn",
    },
    Fault {
        sign: Of::Phase {
            first: Sign::IkeGroupRefused,
            second: Sign::PfsDiffers,
            unknown: Sign::IkeGroupRefused,
        },
        groups: &[
            "dh group|diffie hellman|ke group|key exchange group|invalid ke payload",
            "mismatch|not match|doesnt match|differ|unacceptable|invalid ke|not supported by the peer",
        ],
        unless: "",
    },
    Fault {
        sign: Of::Always(Sign::TrafficRefused),
        groups: &[
            "proxy id|proxy ids|proxyid|proxy identit|traffic selector|traffic selectors|ts |encryption domain|encryption domains|phase #2 selector|phase2 selector|phase #2 network|proposed network|peers proposed network|remote network|local network|crypto acl|local cidr|remote cidr|local cidrs|remote cidrs",
            "mismatch|mis match|not match|doesnt match|dont match|didnt match|unacceptable|not acceptable|no match|no matching|not found|not in config|cannot find|invalid",
        ],
        unless: "route|nat |ike id|v1 id",
    },
    Fault {
        sign: Of::Always(Sign::AuthMethodUnexpected),
        groups: &["authentication method|auth method|authmethod", WRONG],
        unless: "",
    },
    Fault {
        sign: Of::Always(Sign::PeerIdentityUnexpected),
        groups: &[
            "id payload|peer id|peers id|ike id|ikeid|remote id|peer identity|peer identifier|remote identifier|peer identification|ike identity|remote identity",
            "mismatch|mismatched|not match|doesnt match|didnt match|unexpected|wrong|differ|validation failed",
        ],
        unless: "proxy|psk|pre shared|cidr",
    },
    Fault {
        sign: Of::Always(Sign::ExchangeModeRefused),
        groups: &[
            "exchange mode|exchange type|aggressive mode|main mode",
            "mismatch|not allowed|not permitted|not supported|refused|unsupported|is disabled",
        ],
        unless: "authentication|failed|proposal",
    },
    Fault {
        sign: Of::Always(Sign::IkeVersionRefused),
        groups: &[
            "ike version|ikev1|ikev2|major version",
            "version mismatch|version not supported|not supported version|unsupported version|unsupported ike version|not enabled|invalid major version|is not supported",
        ],
        unless: "cipher|algorithm|group|eap|option|kernel|plugin",
    },
    Fault {
        sign: Of::Phase {
            first: Sign::IkeProposalsRefused,
            second: Sign::EspProposalRefused,
            unknown: Sign::ProposalsRefusedByPeer,
        },
        groups: &[
            "no proposal chosen|no proposals chosen|no proposal match|proposal mismatch|proposals mismatch|no suitable proposal|no acceptable proposal|no matching proposal|no compatible proposal|no common proposal|proposals do not match|proposals dont match|proposal does not match|proposal not match|no acceptable transform|no matching transform|policy match failure|policy mismatch|no rule matches the phase|sa proposal not match|all proposals rejected|algorithms do not match|algorithm mismatch|transform mismatch",
        ],
        // FortiOS has one reason for ciphers, group and networks alike.
        unless: "reason peer sa proposal not match",
    },
    // NO_PROPOSAL_CHOSEN by its number.
    Fault {
        sign: Of::Phase {
            first: Sign::IkeProposalsRefused,
            second: Sign::EspProposalRefused,
            unknown: Sign::ProposalsRefusedByPeer,
        },
        groups: &[
            "notify|notification",
            "type #14 |notify #14 |notification #14 |code #14 ",
        ],
        unless: "",
    },
    Fault {
        sign: Of::Always(Sign::CertificateExpired),
        groups: &[
            "certificat|cert ",
            "expired|no longer valid|past its validity",
        ],
        unless: "not expired|crl|sa expired|lifetime",
    },
    Fault {
        sign: Of::Always(Sign::CertificateNotYetValid),
        groups: &["certificat|cert ", "not yet valid|not valid before"],
        unless: "expired",
    },
    Fault {
        sign: Of::Always(Sign::CertificateRevoked),
        groups: &[
            "certificat|cert ",
            "is revoked|was revoked|has been revoked",
        ],
        unless: "status|check",
    },
    Fault {
        sign: Of::Always(Sign::IssuerUnknown),
        groups: &[
            "certificat|cert |ca ",
            "unknown ca|untrusted|unknown issuer|unknown authority|unable to get issuer|unable to get local issuer|self signed certificate in|not trusted|no trust anchor",
        ],
        unless: "requests for an unknown|webhook|apiserver|api server|registry|kubelet|image",
    },
    // A script's or a tool's result, not what somebody says of a host.
    Fault {
        sign: Of::Always(Sign::DaemonNotRunning),
        groups: &[
            "script|tool|check|probe|status",
            "pluto isnt running|charon isnt running|strongswan isnt running|libreswan isnt running",
            "exits|exit |exited|gives up|refuses|aborts|stops there",
        ],
        unless: NOT_MEANT,
    },
    Fault {
        sign: Of::Always(Sign::DaemonNotRunning),
        groups: &[
            "trace|script|pod|container",
            "pgrep pluto finds nothing|pgrep charon finds nothing",
        ],
        unless: NOT_MEANT,
    },
    Fault {
        sign: Of::Always(Sign::ConnectionRejected),
        groups: &[
            "pluto|charon|whack",
            "does not recognise the option|does not recognize the option|doesnt recognise the option|doesnt recognize the option|does not know the option|doesnt know the option",
        ],
        unless: "old |older|other |another|previous|at first|first |then |instead|used to|was |man page|manual|documentation|whoever",
    },
    Fault {
        sign: Of::Always(Sign::AuthenticationRefusedByPeer),
        groups: &[
            "authentication failed|auth failed|authentication failure|authentication error|peer authentication fail|failed to authenticate",
        ],
        unless: "eap|xauth|user|radius|password|esp |packet|login|ldap|pam|sudo|ssh|icv|proxy|http|web|mail",
    },
    Fault {
        sign: Of::Always(Sign::NegotiationTimedOut),
        groups: &[
            "ike|isakmp|phase #1|phase1|negotiat|main mode",
            "timed out|timeout|no response from|not responding|no reply from",
        ],
        unless: "seconds|interval|set |dpd|idle|retransmit|will|delay|keepalive|udp timeout",
    },
];

/// Hears such lines.
#[derive(Debug, Default)]
pub(crate) struct Plainly {
    seen: usize,
    facts: Vec<Fact>,
}

impl Plainly {
    /// The next line, of which nobody else makes anything.
    pub(crate) fn line(&mut self, line: &Line<'_>, place: &dyn Fn() -> Place) {
        if self.seen >= LINES || self.facts.len() >= MOST || line.body.len() > LONGEST {
            return;
        }
        if line.program.is_some_and(is_known) {
            return;
        }
        self.seen += 1;
        // Notes in a configuration and tables of a document tell what would be.
        let note = line
            .body
            .trim_start()
            .starts_with(['#', ';', '|', '*', '!', '/']);
        if note || is_counter(line.body) || !might(line.body) {
            return;
        }
        let prose = line.at.is_none()
            && line.program.is_none()
            && !is_headed(line.body)
            && is_prose(line.body, false);
        for sentence in sentences(line.body, prose) {
            let words = plain(sentence);
            if !holds(&words, IPSEC) {
                continue;
            }
            if prose && (sentence.ends_with('?') || holds(&words, GUESS) || !holds(&words, SHOWS)) {
                continue;
            }
            if let Some(sign) = sign(&words) {
                let place = place();
                self.facts.push(Fact {
                    source: place.source,
                    at: place.at,
                    side: place.side,
                    subject: None,
                    role: None,
                    what: Known::Sign {
                        sign,
                        values: std::collections::BTreeMap::new(),
                    },
                });
                return;
            }
        }
    }

    /// What was heard.
    pub(crate) fn finish(self) -> Vec<Fact> {
        self.facts
    }
}

/// Whether the daemons' own readers know the program's words.
fn is_known(program: &str) -> bool {
    [
        "charon",
        "pluto",
        "ipsec",
        "strongswan",
        "swanctl",
        "starter",
    ]
    .iter()
    .any(|known| program.contains(known))
}

/// `IKE Responder: …`: a program's line, whatever its words are.
fn is_headed(body: &str) -> bool {
    body.split_whitespace()
        .take(3)
        .any(|w| w.len() > 2 && w.ends_with(':'))
}

/// A word without which no fault can be told: most lines have none.
fn might(body: &str) -> bool {
    const WORDS: [&[u8]; 14] = [
        b"ismatch",
        b"match",
        b"roposal",
        b"nacceptable",
        b"UNACCEPT",
        b"PROPOSAL",
        b"xpired",
        b"uthenti",
        b"imed out",
        b"imeout",
        b"evoked",
        b"rong ",
        b"NOTIFY ",
        b"otif",
    ];
    let body = body.as_bytes();
    WORDS
        .iter()
        .any(|word| memchr::memmem::find(body, word).is_some())
        || memchr::memmem::find(body, b"trusted").is_some()
        || memchr::memmem::find(body, b"ersion").is_some()
        || memchr::memmem::find(body, b"valid").is_some()
        || memchr::memmem::find(body, b"respon").is_some()
        || memchr::memmem::find(body, b"mode").is_some()
        || memchr::memmem::find(body, b"isn't running").is_some()
        || memchr::memmem::find(body, b"finds nothing").is_some()
        || memchr::memmem::find(body, b" the option ").is_some()
        || memchr::memmem::find(body, b"unknown authority").is_some()
        || memchr::memmem::find(body, b"AUTHENTI").is_some()
}

/// A person's line has sentences; a program's is one.
fn sentences(body: &str, prose: bool) -> Vec<&str> {
    if prose {
        body.split_inclusive(". ").collect()
    } else {
        vec![body]
    }
}

fn sign(words: &str) -> Option<Sign> {
    let fault = FAULTS.iter().find(|fault| {
        fault.groups.iter().all(|group| holds(words, group))
            && (fault.unless.is_empty() || !holds(words, fault.unless))
    })?;
    let (first, second) = (holds(words, PHASE_1), holds(words, PHASE_2));
    let told = holds(words, TOLD) || places(words, "no proposal chosen").next().is_some();
    Some(match fault.sign {
        Of::Always(sign) => sign,
        Of::Phase { second: sign, .. } if second && !first => sign,
        // Who was told so doesn't know what of.
        Of::Phase {
            first: Sign::IkeProposalsRefused,
            ..
        } if first && !second && told => Sign::FirstProposalsRefusedByPeer,
        Of::Phase { first: sign, .. } if first && !second => sign,
        Of::Phase { unknown, .. } => unknown,
    })
}

#[cfg(test)]
mod tests {
    use adit_model::fact::Side;
    use adit_model::now::Wall;

    use super::*;
    use crate::reading::read;

    fn signs(text: &str) -> Vec<Sign> {
        read("x", Side::Local, text.as_bytes(), Wall(1_795_305_600_000))
            .facts
            .iter()
            .filter_map(|f| match f.what {
                Known::Sign { sign, .. } => Some(sign),
                _ => None,
            })
            .collect()
    }

    #[test]
    fn a_product_that_no_table_knows_is_understood() {
        for (text, expected) in [
            (
                "[IPSEC][L2L][1:branch] Mismatch of preshared key or wrong PSK",
                Sign::PskDiffers,
            ),
            (
                "21.11.26 05:46:47 VPN error: branch, IKE-Error 0x2020 \"hash mismatch in received packet\"",
                Sign::PskDiffers,
            ),
            (
                "ipsecd: quick mode rejected, proxy IDs do not match for tunnel 4",
                Sign::TrafficRefused,
            ),
            (
                "gateway sends TS_UNACCEPTABLE, the tunnel vpn-1 stays down",
                Sign::TrafficRefused,
            ),
            (
                "Error: Mismatched IP address in the ID payload of the IKE peer, expected: 192.0.2.1",
                Sign::PeerIdentityUnexpected,
            ),
            (
                "vpnd[4]: phase 2: no matching proposal",
                Sign::EspProposalRefused,
            ),
            (
                "vpnd[4]: phase 1 proposal mismatch with 198.51.100.1",
                Sign::IkeProposalsRefused,
            ),
            (
                "IKE main mode: peer sent NOTIFY doi=1 type=14",
                Sign::FirstProposalsRefusedByPeer,
            ),
            (
                "ike: quick mode, notify type 14 (0x000e)",
                Sign::EspProposalRefused,
            ),
            (
                "vpnd[4]: IKE peer certificate has expired",
                Sign::CertificateExpired,
            ),
        ] {
            assert_eq!(signs(text), [expected], "{text}");
        }
    }

    #[test]
    fn a_person_may_tell_what_a_log_shows() {
        for (text, expected) in [
            (
                "The first part is fine, but the log on the other side says no proposal chosen for phase 2.",
                Sign::EspProposalRefused,
            ),
            (
                "On the SonicWall I get an error that the pre-shared key does not match for this tunnel.",
                Sign::PskDiffers,
            ),
            (
                "The logs of the peer say that the traffic selectors are unacceptable and the tunnel stays down.",
                Sign::TrafficRefused,
            ),
        ] {
            assert_eq!(signs(text), [expected], "{text}");
        }
    }

    #[test]
    fn guesses_advice_and_other_programs_say_nothing() {
        for text in [
            "Maybe the pre-shared key of the tunnel is wrong, the log shows nothing?",
            "You should check that the proxy IDs match, an error in them is common with a VPN.",
            "# phase 2 fails if the proxy IDs do not match",
            "| proxy ID mismatch | compare the networks of both IPsec peers |",
            "nginx[3]: certificate has expired for www.example.org",
            "sshd[7]: authentication failure for root",
            "set vpn ipsec ike-group a dead-peer-detection timeout 120",
            "    ike=aes256-sha256-modp2048!",
        ] {
            assert_eq!(signs(text), [], "{text}");
        }
    }
}
