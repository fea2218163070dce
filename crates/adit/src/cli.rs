//! The command line as clap sees it; one word, one verb.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// An IPsec gateway that says why.
#[derive(Debug, Parser)]
#[command(
    name = "adit",
    version,
    propagate_version = true,
    arg_required_else_help = true
)]
#[command(
    after_help = "Exit codes: 0 healthy or done, 1 findings, 2 usage or configuration error, 3 cannot observe, 4 timeout."
)]
pub struct Cli {
    /// When to use colour; NO_COLOR is honoured.
    #[arg(long, value_enum, default_value_t = ColorChoice::Auto, global = true, value_name = "WHEN")]
    pub color: ColorChoice,

    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// When to use colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ColorChoice {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// See a tunnel in one minute: two gateways, a NAT between them, real traffic, then a fault and its explanation.
    Demo(DemoArgs),
    /// Run the gateway in the foreground.
    Run(RunArgs),
    /// Set a tunnel up and wait for it.
    Up(TunnelArgs),
    /// Take a tunnel down; its traffic stays blocked.
    Down(DownArgs),
    /// Show every configured tunnel, broken first, with one sentence of cause.
    Status(StatusArgs),
    /// Say why a tunnel is down: cause, side at fault, evidence, fix, and what to tell the other administrator.
    Why(WhyArgs),
    /// Explain a cause: what it is, how each side sees it, look-alikes, fixes.
    Explain(ExplainArgs),
    /// Let traffic of tunnels that are down leave in clear: removes the block, also one that a killed gateway left.
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

/// `adit demo`.
#[derive(Clone, Debug, Args)]
pub struct DemoArgs {
    /// Inject one fault; the demo succeeds only if the diagnosis names it.
    #[arg(long = "break", value_enum, value_name = "FAULT")]
    pub fault: Option<crate::demo::Fault>,
    /// Leave everything running until Ctrl-C, and say how to look around.
    #[arg(long)]
    pub keep: bool,
    /// Write what crossed the wire between the NAT and the far gateway.
    #[arg(long, value_name = "FILE")]
    pub pcap: Option<PathBuf>,
    /// One JSON document on standard output.
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
    /// Tunnel.
    pub name: String,
    /// Which gateway.
    #[command(flatten)]
    pub state: StateArgs,
    /// How long to wait, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    pub timeout: u64,
    /// One JSON document on standard output: the tunnel's status.
    #[arg(long)]
    pub json: bool,
}

/// `adit down`.
#[derive(Clone, Debug, Args)]
pub struct DownArgs {
    /// Tunnel.
    pub name: String,
    /// Which gateway.
    #[command(flatten)]
    pub state: StateArgs,
    /// One JSON document on standard output: the tunnel's status.
    #[arg(long)]
    pub json: bool,
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

/// `adit why`.
#[derive(Clone, Debug, Args)]
pub struct WhyArgs {
    /// The tunnel; may be left out when only one is configured.
    pub name: Option<String>,
    /// Which gateway.
    #[command(flatten)]
    pub state: StateArgs,
    /// One JSON document on standard output (`adit.why/1`).
    #[arg(long)]
    pub json: bool,
    /// Write what this side knows instead of a verdict, for `--remote` on the other side; keys are never part of it.
    #[arg(long, conflicts_with_all = ["json", "remote"])]
    pub export: bool,
    /// What the other side knows, as its `adit why NAME --export` wrote it; `-` is standard input.
    #[arg(long, value_name = "FILE")]
    pub remote: Option<PathBuf>,
}

/// `adit explain`.
#[derive(Clone, Debug, Args)]
pub struct ExplainArgs {
    /// Cause id, such as `psk-mismatch`; without it, the list of causes.
    pub cause: Option<String>,
    /// One JSON document on standard output.
    #[arg(long)]
    pub json: bool,
}
