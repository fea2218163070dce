//! Arguments of the commands that ask: what is wrong, what will be, what a peer or a packet meets.

use std::path::PathBuf;

use clap::Args;

use super::StateArgs;

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
