//! The command line as clap sees it; one word, one verb.

mod cert;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::cmd::apply;
use crate::examples;

pub use self::cert::{
    CertArgs, CertCommand, CertInitArgs, CertInspectArgs, CertIssueArgs, CertRotateArgs, KeyChoice,
};

/// The whole command line.
#[derive(Debug, Parser)]
#[command(
    name = "adit",
    version,
    propagate_version = true,
    arg_required_else_help = true
)]
#[command(
    about = "An IPsec gateway that says why",
    after_long_help = examples::ADIT,
    // Terminals wider than that don't make better reading.
    max_term_width = 100
)]
pub struct Cli {
    /// When to use colour.
    #[arg(long, value_enum, default_value_t = ColorChoice::Auto, global = true, value_name = "WHEN")]
    pub color: ColorChoice,

    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// When to use colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ColorChoice {
    /// On a terminal, unless NO_COLOR is set or the terminal is dumb.
    Auto,
    /// Also into files and pipes.
    Always,
    /// Nowhere.
    Never,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// See a tunnel in one minute: two gateways, a NAT between them, real traffic, then a fault and its explanation.
    ///
    /// Runs in private network namespaces that end with it, as root or as anybody; the host's network isn't touched.
    /// Where the system closes these, it says which setting does and tells the story in the virtual world.
    #[command(after_long_help = examples::DEMO)]
    Demo(DemoArgs),
    /// Run the gateway in the foreground.
    ///
    /// It needs CAP_NET_ADMIN and CAP_NET_RAW, CAP_NET_BIND_SERVICE for the ports 500 and 4500, and /dev/net/tun. SIGTERM
    /// and SIGINT end it: peers are told, and what it has set up is undone, except the block against traffic in clear.
    #[command(after_long_help = examples::RUN)]
    Run(RunArgs),
    /// Set a tunnel up and wait for it.
    ///
    /// Ends with 1 if it was refused, with 4 if time ran out.
    #[command(after_long_help = examples::UP)]
    Up(TunnelArgs),
    /// Take a tunnel down; its traffic stays blocked.
    #[command(after_long_help = examples::DOWN)]
    Down(DownArgs),
    /// Give a tunnel that is up new keys, without a gap: its IKE SA and every child, one child, or only the IKE SA.
    ///
    /// With --reauth both sides authenticate anew: new certificates are used at once, after `adit reload` has read them.
    /// Ends with 1 if the peer refused, with 4 if time ran out; what there was stays then.
    #[command(after_long_help = examples::REKEY)]
    Rekey(RekeyArgs),
    /// Cut a child, a tunnel or everything, and set it up again; says what it cuts and asks first.
    ///
    /// Status, SAs, counters, events, what `adit why` knows and the recorder's last messages are kept before, in a folder that
    /// the answer names; the last eight are.
    ///
    /// What a packet or the peer has to set up comes back when they do. Ends with 1 if something didn't come back, with 4 if
    /// time ran out.
    #[command(after_long_help = examples::RESET)]
    Reset(ResetArgs),
    /// Have the running gateway read its configuration again, with keys and certificates.
    ///
    /// With one error nothing changes. A tunnel that is as before keeps its SAs and loses no packet; a child that changed is
    /// cut and set up again, without its siblings; a tunnel that can't go on with its IKE SA is cut and set up again once;
    /// what is gone is deleted, which its peer is told. SIGHUP does the same.
    #[command(after_long_help = examples::RELOAD)]
    Reload(ReloadArgs),
    /// Have the running gateway use another configuration, which goes again unless it is confirmed in time.
    ///
    /// Who locks himself out can't confirm, and the former configuration comes back by itself, also when the command, the
    /// connection to the host or the gateway ends meanwhile. What is confirmed is written into the gateway's configuration file. Says what it
    /// cuts, and whose login it would catch: without a time to confirm in, that is refused. Names of files in it are relative to where the gateway's own
    /// configuration is. Ends with 1 if it is refused because it may lock somebody out, with 2 if the configuration has an error.
    #[command(after_long_help = examples::APPLY)]
    Apply(ApplyArgs),
    /// Show every configured tunnel, broken first, with one sentence of cause.
    ///
    /// Ends with 1 if a tunnel is neither up nor taken down by command.
    #[command(after_long_help = examples::STATUS)]
    Status(StatusArgs),
    /// Show SAs, policies, certificates, drop counters or events in detail, with what differs from the configuration marked.
    ///
    /// A line with ≠ is something negotiated that isn't simply what was configured, and says how that comes.
    #[command(after_long_help = examples::SHOW)]
    Show(ShowArgs),
    /// Test what a tunnel's packets meet: this host's ports, routes and filters, the path, the peer, the inside.
    ///
    /// Tests of the host only read; the others send a few packets, of which each test says how many, and never anything
    /// that could hurt a tunnel that is up. `adit why` uses the same tests. Ends with 1 if something was found that
    /// stops or harms the tunnel.
    #[command(after_long_help = examples::PROBE)]
    Probe(ProbeArgs),
    /// Find out what an IKE peer answers and accepts: ports, versions, vendor, groups, ciphers, with advice.
    ///
    /// Sends at most 40 first messages in about ten seconds and agrees on nothing; at most two half-open IKE SAs stay with
    /// the peer until it forgets them. No gateway has to run here. Ask only of hosts that are yours to ask. Ends with 1 if
    /// something weak or broken is accepted, with 4 if nobody answers.
    #[command(after_long_help = examples::SCAN)]
    Scan(ScanArgs),
    /// Follow packets between two hosts on their way through this gateway and back, and say where they stay.
    ///
    /// If the local end is this host, one packet is sent (an ICMP echo, a TCP connection, an empty UDP datagram); else
    /// packets of others are waited for. Counters on the way are in a table of their own, which is removed afterwards.
    /// Ends with 1 if packets stay somewhere.
    #[command(after_long_help = examples::TRACE)]
    Trace(TraceArgs),
    /// Show what happened to tunnels, oldest first; with -f go on with what happens.
    ///
    /// What changes a tunnel's state, and what went wrong; --all has every message and dropped packet that is remembered.
    #[command(after_long_help = examples::LOG)]
    Log(LogArgs),
    /// Say why a tunnel is down: cause, side at fault, evidence, fix, and what to tell the other administrator.
    ///
    /// A peer that doesn't answer is probed, which takes up to four seconds. Ends with 0 if nothing is wrong, else with
    /// 1, also if the evidence doesn't decide; then it says what would.
    #[command(after_long_help = examples::WHY)]
    Why(WhyArgs),
    /// Gather what a verdict needs from a host that runs strongSwan, Libreswan, VyOS or racoon, without secrets.
    ///
    /// Only reads: logs, status, configuration, routes, filters, SAs without keys, certificates' public parts. The file
    /// is given to `adit why`, here or elsewhere.
    #[command(after_long_help = examples::COLLECT)]
    Collect(CollectArgs),
    /// Put together what a stranger needs to say why, without keys, addresses and names, in one file.
    ///
    /// Version, host, configuration, status, SAs, counters, events, the flight recorder's messages as text, and what
    /// `adit why` knows. Secrets are taken out; addresses, host names, identities and certificate subjects become pseudonyms
    /// that keep their relations, so that `adit why` on the file comes to the same verdict. It only reads, and sends nothing
    /// but what `adit why` sends.
    #[command(after_long_help = examples::BUGREPORT)]
    Bugreport(BugreportArgs),
    /// Explain a cause: what it is, how each side sees it, look-alikes, fixes.
    #[command(after_long_help = examples::EXPLAIN)]
    Explain(ExplainArgs),
    /// Check a configuration of any product, two ends' configurations against each other, or, with --live, what will fail
    /// of the running gateway.
    ///
    /// One end: words that the product doesn't know, lost lines, keys that are written wrongly, what can't work or isn't safe.
    /// Two ends: whether they will agree, and if not, where it fails. Keys are compared and never shown.
    ///
    /// With --live: rekeys that were refused on trial, certificates that end, what was agreed on and isn't what is configured, room in packets,
    /// networks that are at both ends, mounts that don't wait for the tunnel, and so on. Ends with 1 if something will fail.
    #[command(after_long_help = examples::CHECK)]
    Check(CheckArgs),
    /// Let two configurations of any product negotiate with each other in a virtual world, and say where they fail.
    ///
    /// Our engine plays both ends, with the defaults of their products: set-up, traffic, the first rekey of each child,
    /// IKE rekey and reauthentication, in virtual time. Nothing is sent. IKEv1 is compared instead of played.
    #[command(after_long_help = examples::REHEARSE)]
    Rehearse(RehearseArgs),
    /// Prove from the wire whether traffic to a peer is encrypted.
    ///
    /// Watches the interface that leads to the peer, or reads a capture: counts ESP, IKE, and packets between the
    /// protected networks that crossed in clear, and quotes those, without what they carry.
    #[command(after_long_help = examples::VERIFY)]
    Verify(VerifyArgs),
    /// Show what a capture file or a gateway's recording has of IPsec: exchanges as ladders, ESP flows, ICMP errors, events.
    ///
    /// Reads pcap and pcapng of any size. What is encrypted stays so; what can't be read is counted, with the reason. A
    /// recording is the folder `flight` in the gateway's state directory.
    #[command(after_long_help = examples::READ)]
    Read(ReadArgs),
    /// Make a CA, issue hosts their certificates, see what expires, and renew without a gap.
    ///
    /// Everything is in one folder; private keys are readable by their owner alone and never shown. Nothing of it needs a
    /// gateway.
    #[command(after_long_help = examples::CERT)]
    Cert(CertArgs),
    /// Put up the block against traffic in clear without a gateway: before the network is there, so that nothing leaves
    /// between the host's start and the gateway's.
    ///
    /// It takes no keys and no network, and replaces an older block at once. The gateway takes it over; nothing else takes it
    /// away but `adit unblock`.
    #[command(after_long_help = examples::BLOCK)]
    Block(BlockArgs),
    /// Let traffic of tunnels that are down leave in clear: removes the block, also one that a killed gateway left.
    #[command(after_long_help = examples::UNBLOCK)]
    Unblock(UnblockArgs),
    /// Write the manual pages to a folder.
    #[command(hide = true)]
    Man {
        /// The folder.
        dir: PathBuf,
    },
}

/// Where a gateway keeps its state.
#[derive(Clone, Debug, Args)]
pub struct StateArgs {
    /// The gateway's state directory, which holds its control socket.
    #[arg(long, value_name = "DIR", default_value = "/run/adit")]
    pub state: PathBuf,
}

/// A command that is answered at once and takes its time.
#[derive(Clone, Debug, Args)]
pub struct WaitArgs {
    /// Which gateway.
    #[command(flatten)]
    pub state: StateArgs,
    /// How long to wait for what comes of it, in seconds; 0 doesn't wait.
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    pub timeout: u64,
}

/// `adit demo`.
#[derive(Clone, Debug, Args)]
pub struct DemoArgs {
    /// Inject one fault; the demo succeeds only if the diagnosis names it.
    #[arg(long = "break", value_enum, value_name = "FAULT")]
    pub fault: Option<crate::demo::Fault>,
    /// Leave everything running until Ctrl-C, and say how to look around.
    #[arg(long, conflicts_with = "in_virtual_world")]
    pub keep: bool,
    /// Write what crossed the wire between the NAT and the far gateway.
    #[arg(long, value_name = "FILE")]
    pub pcap: Option<PathBuf>,
    /// One JSON document on standard output (`adit.demo/1`); the story goes to standard error.
    #[arg(long)]
    pub json: bool,
    /// Use the virtual world even where namespaces are open.
    #[arg(long = "virtual")]
    pub in_virtual_world: bool,
}

/// `adit run`.
#[derive(Clone, Debug, Args)]
pub struct RunArgs {
    /// Configuration file.
    #[arg(
        short,
        long,
        value_name = "FILE",
        default_value = "/etc/adit/adit.toml"
    )]
    pub config: PathBuf,
    /// Where state goes.
    #[command(flatten)]
    pub state: StateArgs,
    /// Who carries ESP: our own data plane (user), Linux XFRM (kernel), or the best one there is (auto).
    #[arg(long, value_enum, default_value_t = BackendChoice::Auto)]
    pub backend: BackendChoice,
    /// Name of the TUN device.
    #[arg(long, value_name = "NAME", default_value = "adit0")]
    pub tun: String,
    /// Only read the configuration and the keys, and say whether they are good.
    #[arg(long)]
    pub check: bool,
}

/// The data planes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum BackendChoice {
    /// The best one there is.
    Auto,
    /// Our own, in user space.
    User,
    /// Linux XFRM.
    Kernel,
}

/// A command on one tunnel.
#[derive(Clone, Debug, Args)]
pub struct TunnelArgs {
    /// The tunnel.
    pub name: String,
    /// Which gateway, and how long to wait.
    #[command(flatten)]
    pub wait: WaitArgs,
    /// One JSON document on standard output: the tunnel's status.
    #[arg(long)]
    pub json: bool,
}

/// `adit down`.
#[derive(Clone, Debug, Args)]
pub struct DownArgs {
    /// The tunnel.
    pub name: String,
    /// Which gateway.
    #[command(flatten)]
    pub state: StateArgs,
    /// One JSON document on standard output: the tunnel's status.
    #[arg(long)]
    pub json: bool,
}

/// `adit rekey`.
#[derive(Clone, Debug, Args)]
pub struct RekeyArgs {
    /// The tunnel.
    pub name: String,
    /// Only this child.
    #[arg(conflicts_with = "ike")]
    pub child: Option<String>,
    /// Only the IKE SA.
    #[arg(long)]
    pub ike: bool,
    /// Have both sides authenticate anew, with the certificates and keys that they have now.
    #[arg(long, conflicts_with_all = ["child", "ike"])]
    pub reauth: bool,
    /// Which gateway, and how long to wait.
    #[command(flatten)]
    pub wait: WaitArgs,
    /// One JSON document on standard output: the tunnel's status.
    #[arg(long)]
    pub json: bool,
}

/// `adit reset`.
#[derive(Clone, Debug, Args)]
pub struct ResetArgs {
    /// The tunnel.
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    pub name: Option<String>,
    /// Only this child of it.
    pub child: Option<String>,
    /// Every tunnel.
    #[arg(long)]
    pub all: bool,
    /// Don't ask.
    #[arg(short, long)]
    pub yes: bool,
    /// Only say what would be cut.
    #[arg(long, conflicts_with = "yes")]
    pub dry_run: bool,
    /// Which gateway, and how long to wait.
    #[command(flatten)]
    pub wait: WaitArgs,
    /// One JSON document on standard output (`adit.plan/1`).
    #[arg(long)]
    pub json: bool,
}

/// `adit reload`.
#[derive(Clone, Debug, Args)]
pub struct ReloadArgs {
    /// Only say what would change and what it would cut.
    #[arg(long)]
    pub dry_run: bool,
    /// Which gateway.
    #[command(flatten)]
    pub state: StateArgs,
    /// One JSON document on standard output (`adit.plan/1`).
    #[arg(long)]
    pub json: bool,
}

/// `adit apply`.
#[derive(Clone, Debug, Args)]
pub struct ApplyArgs {
    /// The configuration; `-` is standard input.
    pub file: Option<PathBuf>,
    /// With a file: the time in which it has to be confirmed (60s, 5m; 60 s if nothing is said). Without one: keep what was applied.
    #[arg(long, value_name = "TIME", num_args = 0..=1, default_missing_value = apply::NOW, value_parser = apply::time, conflicts_with = "keep")]
    pub confirm: Option<apply::Confirm>,
    /// Bring the former configuration back now.
    #[arg(long, conflicts_with_all = ["file", "confirm"])]
    pub revert: bool,
    /// Keep it at once, without a time to confirm in.
    #[arg(long, requires = "file")]
    pub keep: bool,
    /// With --keep: also if it may lock somebody out.
    #[arg(long, requires = "keep")]
    pub anyway: bool,
    /// Only say what it would do.
    #[arg(long, requires = "file", conflicts_with_all = ["confirm", "keep"])]
    pub dry_run: bool,
    /// Which gateway.
    #[command(flatten)]
    pub state: StateArgs,
    /// One JSON document on standard output (`adit.apply/1`).
    #[arg(long)]
    pub json: bool,
}

/// `adit block`.
#[derive(Clone, Debug, Args)]
pub struct BlockArgs {
    /// Configuration file.
    #[arg(
        short,
        long,
        value_name = "FILE",
        default_value = "/etc/adit/adit.toml"
    )]
    pub config: PathBuf,
    /// Name of the TUN device that tunnels share.
    #[arg(long, value_name = "NAME", default_value = "adit0")]
    pub tun: String,
}

/// `adit unblock`.
#[derive(Clone, Debug, Args)]
pub struct UnblockArgs {
    /// Only this tunnel, which must have been taken down; the gateway must be running.
    pub name: Option<String>,
    /// Which gateway.
    #[command(flatten)]
    pub state: StateArgs,
}

/// `adit status`.
#[derive(Clone, Debug, Args)]
pub struct StatusArgs {
    /// Only this tunnel.
    pub name: Option<String>,
    /// Which gateway.
    #[command(flatten)]
    pub state: StateArgs,
    /// One JSON document on standard output (`adit.status/1`).
    #[arg(long)]
    pub json: bool,
    /// Show it again every second until Ctrl-C.
    #[arg(long, conflicts_with = "json")]
    pub watch: bool,
}

/// `adit show`.
#[derive(Clone, Debug, Args)]
pub struct ShowArgs {
    /// What to show.
    #[arg(value_enum, value_name = "WHAT")]
    pub topic: ShowTopic,
    /// Only of this tunnel.
    pub name: Option<String>,
    /// Which gateway.
    #[command(flatten)]
    pub state: StateArgs,
    /// One JSON document on standard output (`adit.show.WHAT/1`).
    #[arg(long)]
    pub json: bool,
}

/// `adit scan`.
#[derive(Clone, Debug, Args)]
pub struct ScanArgs {
    /// Its name or address.
    pub host: String,
    /// Its port of IKE.
    #[arg(long, value_name = "PORT", default_value_t = 500, value_parser = clap::value_parser!(u16).range(1..))]
    pub port: u16,
    /// Its port for IKE and ESP in UDP.
    #[arg(long, value_name = "PORT", default_value_t = 4500, value_parser = clap::value_parser!(u16).range(1..))]
    pub nat_port: u16,
    /// Send no more messages than this.
    #[arg(long, value_name = "MESSAGES", default_value_t = 40, value_parser = clap::value_parser!(u64).range(1..=40))]
    pub most: u64,
    /// One JSON document on standard output (`adit.scan/1`).
    #[arg(long)]
    pub json: bool,
}

/// `adit trace`.
#[derive(Clone, Debug, Args)]
pub struct TraceArgs {
    /// Whose packets.
    pub source: std::net::IpAddr,
    /// To whom.
    pub destination: std::net::IpAddr,
    /// Only of this protocol: icmp, tcp, udp, or a number.
    #[arg(value_parser = protocol, value_name = "PROTO")]
    pub protocol: Option<u8>,
    /// To this port of TCP or UDP.
    pub port: Option<u16>,
    /// Send nothing and follow nothing: say what would happen.
    #[arg(long)]
    pub no_send: bool,
    /// How long packets of others are waited for.
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=60))]
    pub wait: u64,
    /// Which gateway.
    #[command(flatten)]
    pub state: StateArgs,
    /// One JSON document on standard output (`adit.trace/1`).
    #[arg(long)]
    pub json: bool,
}

/// A protocol by name or number.
fn protocol(text: &str) -> Result<u8, String> {
    match text {
        "icmp" => Ok(1),
        "tcp" => Ok(6),
        "udp" => Ok(17),
        "icmpv6" | "ipv6-icmp" => Ok(58),
        other => other
            .parse()
            .map_err(|_| "expected icmp, icmpv6, tcp, udp or a protocol number".to_owned()),
    }
}

/// `adit probe`.
#[derive(Clone, Debug, Args)]
pub struct ProbeArgs {
    /// The tunnel.
    pub name: String,
    /// Whom to ask through the tunnel, instead of addresses that are likely to answer.
    #[arg(long, value_name = "ADDRESS")]
    pub inside: Option<std::net::IpAddr>,
    /// Which gateway.
    #[command(flatten)]
    pub state: StateArgs,
    /// One JSON document on standard output (`adit.probe/1`).
    #[arg(long)]
    pub json: bool,
}

/// What can be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ShowTopic {
    /// IKE SAs: both ends, SPIs, algorithms, NAT, times.
    IkeSa,
    /// Pairs of ESP SAs: SPIs, algorithms, selectors, path, counters, times.
    IpsecSa,
    /// What is protected, what passes by, what goes nowhere, and what becomes of it now.
    Policy,
    /// Certificates of ours and of CAs that the gateway has read: names, validity, days left, tunnels that use them.
    Certs,
    /// Every drop counter with its meaning and severity.
    Drops,
    /// What happened, oldest first.
    Log,
}

/// `adit log`.
#[derive(Clone, Debug, Args)]
pub struct LogArgs {
    /// Only this tunnel.
    pub name: Option<String>,
    /// Go on with what happens from now on, until the gateway ends or Ctrl-C.
    #[arg(short, long)]
    pub follow: bool,
    /// Messages and dropped packets, too.
    #[arg(short, long)]
    pub all: bool,
    /// Which gateway.
    #[command(flatten)]
    pub state: StateArgs,
    /// One JSON document a line (`adit.log/1`).
    #[arg(long)]
    pub json: bool,
}

/// `adit why`.
#[derive(Clone, Debug, Args)]
pub struct WhyArgs {
    /// The tunnel, which may be left out when only one is configured; or files of evidence (`-` is standard input), or the
    /// folder of a gateway's recording: an argument with `/` or `.` is a file.
    #[arg(value_name = "TUNNEL|FILE")]
    pub what: Vec<String>,
    /// The tunnel, whatever its name looks like; with files, the connection in them that is meant.
    #[arg(long, value_name = "NAME")]
    pub tunnel: Option<String>,
    /// Our side's evidence, as a file given without this option is; more than one may be given.
    #[arg(long, value_name = "FILE")]
    pub local: Vec<PathBuf>,
    /// Our gateway's address as captures have it; without it, it is guessed.
    #[arg(long, value_name = "IP")]
    pub address: Option<std::net::IpAddr>,
    /// Keys that open captures, as `adit read` takes them; they are never shown.
    #[arg(long, value_name = "FILE")]
    pub keys: Vec<PathBuf>,
    /// Which gateway.
    #[command(flatten)]
    pub state: StateArgs,
    /// One JSON document on standard output (`adit.why/1`).
    #[arg(long)]
    pub json: bool,
    /// Write what this side knows instead of a verdict, for `--remote` on the other side; keys are never part of it.
    #[arg(long, conflicts_with_all = ["json", "remote"])]
    pub export: bool,
    /// Follow the log of a running daemon, and speak when the verdict changes; until interrupted.
    #[arg(short, long, conflicts_with_all = ["export", "remote", "ask"])]
    pub follow: bool,
    /// Before the verdict, everything that both sides tell in one order of time, by our clock.
    #[arg(long, conflicts_with_all = ["export", "json"])]
    pub timeline: bool,
    /// While the verdict is undecided, put the questions that separate what is left, and take the answers into
    /// account.
    #[arg(long)]
    pub ask: bool,
    /// Send nothing to find out more: no echo, no message to the peer's ports.
    #[arg(long)]
    pub no_probe: bool,
    /// Let the peer begin for once, since only who is asked knows why it refuses: if the tunnel isn't up, this side doesn't
    /// try for six seconds at most. A tunnel that is up isn't touched.
    #[arg(long)]
    pub ask_peer: bool,
    /// What the other side knows: what its `adit why NAME --export` wrote, its log, its configuration; `-` is standard
    /// input. More than one may be given.
    #[arg(long, value_name = "FILE")]
    pub remote: Vec<PathBuf>,
}

/// `adit collect`.
#[derive(Clone, Debug, Args)]
pub struct CollectArgs {
    /// Whose gateway runs here (strongswan, libreswan, vyos, racoon); without it, every one that is installed.
    #[arg(long, value_name = "PRODUCT")]
    pub product: Option<String>,
    /// Where to write; `-` is standard output, without it adit-HOST.txt in this folder.
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// How many minutes of the journal.
    #[arg(long, value_name = "MINUTES", default_value_t = 60)]
    pub minutes: u32,
    /// A log file that stands elsewhere; more than one may be given.
    #[arg(long, value_name = "FILE")]
    pub log: Vec<PathBuf>,
}

/// `adit bugreport`.
#[derive(Clone, Debug, Args)]
pub struct BugreportArgs {
    /// Only this tunnel; with --translate, the file to translate, `-` for standard input.
    #[arg(value_name = "NAME|FILE")]
    pub what: Option<String>,
    /// Where to write; `-` is standard output, without it adit-bugreport.txt in this folder.
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Show exactly what would be written, with how many values were replaced in each part, and write nothing.
    #[arg(long, conflicts_with_all = ["output", "translate"])]
    pub preview: bool,
    /// Write the key and the table of pseudonyms for yourself alone: with it an answer is translated back. If the file is
    /// there, its key is used, and a second report has the same pseudonyms.
    #[arg(long, value_name = "FILE")]
    pub map: Option<PathBuf>,
    /// Translate FILE, which speaks of a report, back with the map that was written then.
    #[arg(long, value_name = "MAP", conflicts_with_all = ["output", "map"])]
    pub translate: Option<PathBuf>,
    /// Configuration file.
    #[arg(
        short,
        long,
        value_name = "FILE",
        default_value = "/etc/adit/adit.toml"
    )]
    pub config: PathBuf,
    /// Send nothing to find out more: no echo, no message to the peer's ports.
    #[arg(long)]
    pub no_probe: bool,
    /// How many minutes of the journal.
    #[arg(long, value_name = "MINUTES", default_value_t = 60)]
    pub minutes: u32,
    /// Which gateway.
    #[command(flatten)]
    pub state: StateArgs,
}

/// `adit explain`.
#[derive(Clone, Debug, Args)]
pub struct ExplainArgs {
    /// Cause id, such as `psk-mismatch`; without it, the list of causes.
    pub cause: Option<String>,
    /// One JSON document on standard output (`adit.explain/1`).
    #[arg(long)]
    pub json: bool,
}

/// `adit check`.
#[derive(Clone, Debug, Args)]
pub struct CheckArgs {
    /// A configuration, or a folder with its files; a second one is the other end's. `-` is standard input.
    #[arg(value_name = "FILE", required_unless_present_any = ["local", "remote", "live"])]
    pub files: Vec<PathBuf>,
    /// What will fail of the running gateway's tunnels, or of the one that is named instead of a file.
    #[arg(long, conflicts_with_all = ["local", "remote", "local_version", "remote_version", "root"])]
    pub live: bool,
    /// Our end's file; more than one may be given.
    #[arg(long, value_name = "FILE")]
    pub local: Vec<PathBuf>,
    /// The other end's file; more than one may be given.
    #[arg(long, value_name = "FILE")]
    pub remote: Vec<PathBuf>,
    /// Version of the product at our end (5.9.8, 4.12): what isn't written is that version's default.
    #[arg(long, value_name = "VERSION", value_parser = version)]
    pub local_version: Option<(u16, u16)>,
    /// Version of the product at the other end.
    #[arg(long, value_name = "VERSION", value_parser = version)]
    pub remote_version: Option<(u16, u16)>,
    /// The folder that stands for `/` of the host that the configurations are of: absolute names in them are looked for
    /// below it.
    #[arg(long, value_name = "DIR")]
    pub root: Option<PathBuf>,
    /// Which gateway, with --live.
    #[command(flatten)]
    pub state: StateArgs,
    /// One JSON document on standard output (`adit.check/1`; `adit.check.live/1` with --live).
    #[arg(long)]
    pub json: bool,
}

/// `adit verify`.
#[derive(Clone, Debug, Args)]
pub struct VerifyArgs {
    /// The peer's address, or the name of a tunnel.
    #[arg(value_name = "PEER")]
    pub peer: String,
    /// A network behind the peer whose traffic is to be protected; more than one may be given. Without it, those of the
    /// configuration.
    #[arg(long, value_name = "NETWORK")]
    pub net: Vec<ipnet::IpNet>,
    /// Adit's configuration, instead of the running gateway's.
    #[arg(short, long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The interface to watch; without it, the one that leads to the peer.
    #[arg(long, value_name = "NAME", conflicts_with = "from")]
    pub interface: Option<String>,
    /// How long to watch.
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub seconds: u64,
    /// A capture file, pcap or pcapng, instead of the wire; `-` is standard input.
    #[arg(long, value_name = "FILE")]
    pub from: Option<PathBuf>,
    /// The capture was made on a gateway whose kernel decrypts: what it shows in clear right behind ESP didn't cross like that.
    #[arg(long, requires = "from")]
    pub kernel_ipsec: bool,
    /// Which gateway.
    #[command(flatten)]
    pub state: StateArgs,
    /// One JSON document on standard output (`adit.verify/1`).
    #[arg(long)]
    pub json: bool,
}

/// `adit rehearse`.
#[derive(Clone, Debug, Args)]
pub struct RehearseArgs {
    /// The two ends' configurations, or folders with their files; `-` is standard input.
    #[arg(value_name = "FILE", required_unless_present_all = ["local", "remote"])]
    pub files: Vec<PathBuf>,
    /// A file of the first end, A; more than one may be given.
    #[arg(long, value_name = "FILE")]
    pub local: Vec<PathBuf>,
    /// A file of the second end, B; more than one may be given.
    #[arg(long, value_name = "FILE")]
    pub remote: Vec<PathBuf>,
    /// The connection that is meant at an end, where its file has several: `A=office`, `B=gw`. Without it, the two that
    /// fit each other best.
    #[arg(long, value_name = "END=NAME", value_parser = chosen)]
    pub connection: Vec<Chosen>,
    /// Version of the product at A (5.9.8, 4.12): what isn't written is that version's default.
    #[arg(long, value_name = "VERSION", value_parser = version)]
    pub local_version: Option<(u16, u16)>,
    /// Version of the product at B.
    #[arg(long, value_name = "VERSION", value_parser = version)]
    pub remote_version: Option<(u16, u16)>,
    /// The folder that stands for `/` of the host that the configurations are of.
    #[arg(long, value_name = "DIR")]
    pub root: Option<PathBuf>,
    /// The world's seed: the same one makes everything happen again.
    #[arg(long, value_name = "NUMBER", default_value_t = 7296)]
    pub seed: u64,
    /// One JSON document on standard output (`adit.rehearse/1`).
    #[arg(long)]
    pub json: bool,
}

/// A connection of one end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chosen {
    /// Whether of the first end.
    pub first: bool,
    /// Its name there.
    pub name: String,
}

/// `A=office`.
fn chosen(text: &str) -> Result<Chosen, String> {
    let (end, name) = text.split_once('=').unwrap_or_default();
    let first = match end {
        "A" | "a" => true,
        "B" | "b" => false,
        _ => return Err("write A=NAME or B=NAME".to_owned()),
    };
    Ok(Chosen {
        first,
        name: name.to_owned(),
    })
}

/// `5.9.8`, `v4.12`.
fn version(text: &str) -> Result<(u16, u16), String> {
    let mut parts = text
        .trim_start_matches(|c: char| !c.is_ascii_digit())
        .split('.');
    let mut number = || parts.next()?.parse().ok();
    number()
        .zip(number())
        .ok_or_else(|| "a version is two numbers at least: 5.9.8, 4.12".to_owned())
}

/// `adit read`.
#[derive(Clone, Debug, Args)]
pub struct ReadArgs {
    /// Capture file, pcap or pcapng, `-` is standard input; or what a gateway's flight recorder has written, a file or the
    /// whole folder.
    #[arg(value_name = "FILE|DIR")]
    pub file: PathBuf,
    /// Of a recording, only this tunnel.
    #[arg(long, value_name = "NAME")]
    pub tunnel: Option<String>,
    /// Write the messages of a recording as a capture file: in clear, without what is secret.
    #[arg(long, value_name = "FILE")]
    pub export_pcapng: Option<PathBuf>,
    /// Write the capture as it was on the wire, and the keys that open it into FILE.keys, for its owner alone. Only what was
    /// recorded with `record_keys = true` has any.
    #[arg(long, requires = "export_pcapng")]
    pub with_keys: bool,
    /// Keys that open what is encrypted: Wireshark's `ikev1_decryption_table`, `ikev2_decryption_table` or `esp_sa`, what
    /// `ip xfrm state` shows, a log of charon, pluto or racoon that shows them, or lines as docs/evidence.md has them. They
    /// are never shown.
    #[arg(long, value_name = "FILE")]
    pub keys: Vec<PathBuf>,
    /// One JSON document on standard output (`adit.read/1`).
    #[arg(long)]
    pub json: bool,
}
