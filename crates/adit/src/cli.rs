//! The command line as clap sees it; one word, one verb.

mod asking;
mod cert;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::cmd::apply;
use crate::examples;

pub use self::asking::{
    BugreportArgs, CheckArgs, CollectArgs, ExplainArgs, ProbeArgs, ReadArgs, RehearseArgs,
    ScanArgs, TraceArgs, VerifyArgs, WhyArgs,
};
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
    /// MTU of the TUN device, in octets: how long packets into the tunnels may be that have no interface of their own. Without it, what
    /// the links to the peers take.
    #[arg(long, value_name = "OCTETS", value_parser = clap::value_parser!(u32).range(576..=65535))]
    pub tun_mtu: Option<u32>,
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
