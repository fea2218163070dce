//! Examples of every verb, shown by `--help` and in the manual pages.

/// `adit`.
pub const ADIT: &str = "\
Examples:
  adit demo                        see a tunnel, and a fault explained, in a few seconds
  adit run -c adit.toml            run a gateway
  adit status                      is everything up?
  adit why office                  why isn't it?

Exit codes: 0 healthy or done, 1 findings, 2 usage or configuration error, 3 cannot observe, 4 timeout.";

/// `adit demo`.
pub const DEMO: &str = "\
Examples:
  adit demo                        the whole story
  adit demo --break psk            two different keys, and what each side can know
  adit demo --keep                 look around while it runs
  adit demo --pcap wire.pcapng     and look at the packets afterwards";

/// `adit run`.
pub const RUN: &str = "\
Examples:
  adit run                         with /etc/adit/adit.toml
  adit run -c adit.toml --check    is this configuration good?
  RUST_LOG=debug adit run          with more in the log";

/// `adit up`.
pub const UP: &str = "\
Examples:
  adit up office                   wait until it is up, half a minute at most
  adit up office --timeout 0       only start it";

/// `adit down`.
pub const DOWN: &str = "\
Examples:
  adit down office                 close it; its traffic stays blocked
  adit down office && adit unblock office
                                   close it and let its traffic leave in clear";

/// `adit rekey`.
pub const REKEY: &str = "\
Examples:
  adit rekey office                its IKE SA and every child
  adit rekey office lan            one child
  adit rekey office --ike          only the IKE SA
  adit rekey office --reauth       with the certificates and keys that adit reload has read";

/// `adit reset`.
pub const RESET: &str = "\
Examples:
  adit reset office lan            one child
  adit reset office                one peer: its IKE SA and every child
  adit reset --all --dry-run       what would everything cost?
  adit reset office --yes          without asking, for scripts";

/// `adit reload`.
pub const RELOAD: &str = "\
Examples:
  adit reload --dry-run            what would the file cut now?
  adit reload                      change what has changed; the rest loses no packet";

/// `adit apply`.
pub const APPLY: &str = "\
Examples:
  adit apply new.toml --dry-run    what would it cut, and whom may it lock out?
  adit apply new.toml              it holds at once; asks whether to keep it
  adit apply new.toml --confirm 5m more time; then, from a new login:
  adit apply --confirm             it stays, and is written into the configuration file
  adit apply --revert              the former one comes back now";

/// `adit status`.
pub const STATUS: &str = "\
Examples:
  adit status                      every tunnel, broken ones first
  adit status --watch              again and again
  adit status office --json | jq -r '.tunnels[0].state'";

/// `adit show`.
pub const SHOW: &str = "\
Examples:
  adit show ike-sa                 who is at the other end, and what was agreed
  adit show ipsec-sa office        its pairs of SAs, and where they aren't simply as configured
  adit show policy                 what is protected, what passes by, what is held back
  adit show certs                  which certificates the gateway has read, and how long they last
  adit show drops --json | jq '.drops[] | select(.packets > 0)'";

/// `adit log`.
pub const LOG: &str = "\
Examples:
  adit log office                  what happened to it
  adit log -f                      to all, and what happens now
  adit log office -f --json | jq -r .text
  journalctl ADIT_TUNNEL=office    under systemd: the same, and what was before";

/// `adit why`.
pub const PROBE: &str = "\
Examples:
  adit probe office                      what this host, the path and the peer do with its packets
  adit probe office --inside 10.2.0.7    and whether that host answers through the tunnel
  adit probe office --json | jq '.checks[] | select(.outcome == \"finding\")'";

pub const SCAN: &str = "\
Examples:
  adit scan vpn.example.org                what it answers and accepts, and what to change there
  adit scan 192.0.2.2 --most 4             only versions, vendor and what it chooses
  adit scan 192.0.2.2 --json | jq -r '.algorithms[] | select(.accepted) | .name'";

pub const TRACE: &str = "\
Examples:
  adit trace 10.1.0.1 10.2.0.7             one echo from this host through the tunnel, step by step
  adit trace 10.1.0.9 10.2.0.7 tcp 443     waits for a connection of that host and follows it
  adit trace 10.2.0.7 10.1.0.9 --no-send   what would happen, by tables and rules
  adit trace 10.1.0.1 10.2.0.7 --json | jq .stopped";

pub const WHY: &str = "\
Examples:
  adit why                         of the only tunnel
  adit why office --json           for scripts
  adit why office --ask-peer       let the peer begin: we can say why we refuse it
  adit why office --export > east.json
                                   on the other side, to be sent here
  adit why office --remote east.json
                                   with what both sides know";

/// `adit collect`.
pub const COLLECT: &str = "\
Examples:
  adit collect                     into adit-HOST.txt; then: adit why adit-HOST.txt
  adit collect -o - | ssh west adit why -
                                   judged on another host
  adit collect --log /var/log/vpn/charon.log
                                   with a log that stands elsewhere";

/// `adit bugreport`.
pub const BUGREPORT: &str = "\
Examples:
  adit bugreport --preview | less  what a report would have
  adit bugreport --map my.map      a report, and the table that stays here
  adit why adit-bugreport.txt      what whoever gets it does
  adit bugreport --translate my.map answer.txt
                                   an answer with the real names and addresses";

/// `adit explain`.
pub const EXPLAIN: &str = "\
Examples:
  adit explain                     the list of causes
  adit explain psk-mismatch        one of them";

/// `adit check`.
pub const CHECK: &str = "\
Examples:
  adit check /etc/ipsec.conf /etc/ipsec.secrets
                                   one end by itself
  adit check ipsec.conf gw.pem gw.key
                                   with the files that it names
  adit check ipsec.conf router.txt both ends: do they fit?
  adit check --local ipsec.conf --local ipsec.secrets --remote fw.set --json
                                   for scripts
  adit check --live                what of the running gateway will fail
  adit check --live office --json | jq -r '.tunnels[].ahead[].cause'";

/// `adit read`.
pub const READ: &str = "\
Examples:
  adit read wire.pcap              who asked what, who answered, and what never came
  tcpdump -i eth0 -w - udp port 500 or udp port 4500 or esp | adit read -
                                   until Ctrl-C
  adit read wire.pcap --json | jq '.flows[] | select(.one_way)'
  adit read /run/adit/flight --tunnel office
                                   what the gateway has recorded of the last hours
  adit read /run/adit/flight --export-pcapng office.pcapng";

/// `adit cert`.
pub const CERT: &str = "\
Examples:
  adit cert init pki               a CA in the folder pki
  adit cert issue gw1.example.org --dir pki
                                   a certificate for a gateway
  adit cert inspect pki/*.pem      what needs renewal?
  adit cert rotate gw1.example.org --dir pki";

/// `adit cert init`.
pub const CERT_INIT: &str = "\
Examples:
  adit cert init                   in /etc/adit/pki
  adit cert init pki --name 'O=Lab, CN=Lab CA' --days 7300";

/// `adit cert issue`.
pub const CERT_ISSUE: &str = "\
Examples:
  adit cert issue gw1.example.org --san 192.0.2.1
                                   by name and by address
  adit cert issue ops@example.org --days 90 --key rsa3072";

/// `adit cert inspect`.
pub const CERT_INSPECT: &str = "\
Examples:
  adit cert inspect /etc/adit/pki/*.pem
  adit cert inspect gw1.pem gw1.key ca.pem --json | jq '.findings'
  adit cert inspect --within 7 gw1.pem || mail -s 'renew' ops@example.org";

/// `adit cert rotate`.
pub const CERT_ROTATE: &str = "\
Examples:
  adit cert rotate gw1.example.org new certificate and key; the old ones are kept
  adit cert rotate --ca            a new CA beside the old one, and what to do next
  adit cert rotate --ca --finish   once every host has a certificate of the new one";

/// `adit block`.
pub const BLOCK: &str = "\
Examples:
  adit block -c /etc/adit/adit.toml
  systemctl enable adit-block.service   does that before the network is up
  nft list table inet adit              what it has put up, and counted";

/// `adit unblock`.
pub const UNBLOCK: &str = "\
Examples:
  adit unblock office              after adit down office
  adit unblock                     what a gateway that was killed has left";

/// `adit rehearse`.
pub const REHEARSE: &str = "\
Examples:
  adit rehearse adit.toml their-swanctl.conf
                                   will it come up, and survive its rekeys?
  adit rehearse fortigate.conf ipsec.conf --connection A=to-hq --connection B=branch
                                   two other products; one connection of each
  adit rehearse --local ipsec.conf --local ipsec.secrets --remote asa.txt
                                   several files of one end
  adit rehearse adit.toml peer.conf --json | jq '.runs[].stages'

Exit codes: 0 it works, 1 it fails somewhere, 2 a file can't be read.";

/// `adit verify`.
pub const VERIFY: &str = "\
Examples:
  adit verify office               is traffic of this tunnel encrypted? (watches 10 s)
  adit verify 203.0.113.2 --net 10.2.0.0/16 --seconds 60
                                   of any product's tunnel
  adit verify 203.0.113.2 --net 10.2.0.0/16 --from wan.pcap
                                   from a capture made outside of the gateway

Exit codes: 0 encrypted, 1 packets in clear, nothing seen or not all of it, 2 usage, 3 the wire can't be watched.";
