//! What a gateway is started with, and how it ends.

use std::path::PathBuf;

use adit_config::Configuration;

/// Everything that [`run`](crate::run()) needs.
#[derive(Clone, Debug)]
pub struct Options {
    /// The configuration, already read and found right.
    pub config: Configuration,
    /// The file that the configuration came from, for reading it again; `None` when it can't be.
    pub source: Option<PathBuf>,
    /// Directory that key files are relative to: where the configuration file is.
    pub base_dir: PathBuf,
    /// Directory of the control socket, made with mode 0700 if it isn't there.
    pub state_dir: PathBuf,
    /// What carries packets.
    pub backend: BackendChoice,
    /// Why that, once it is decided: half a sentence.
    pub because: String,
    /// Name of the TUN device.
    pub tun_name: String,
    /// The folder that stands for `/` where mounts and logins of this host are looked up.
    pub root: PathBuf,
    /// MTU of the TUN device in octets; `None` computes it from the links that lead to the peers.
    pub tun_mtu: Option<u32>,
}

impl Options {
    /// The usual settings for `config`, whose relative paths are relative to `base_dir`.
    #[must_use]
    pub fn new(config: Configuration, base_dir: PathBuf) -> Self {
        let state_dir = config
            .gateway
            .state_dir
            .clone()
            .unwrap_or_else(|| PathBuf::from(DEFAULT_STATE_DIR));
        Self {
            config,
            source: None,
            base_dir,
            state_dir,
            backend: BackendChoice::Auto,
            because: String::new(),
            tun_name: "adit0".to_owned(),
            root: PathBuf::from("/"),
            tun_mtu: None,
        }
    }
}

/// What carries packets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BackendChoice {
    /// The best that works here.
    #[default]
    Auto,
    /// Our own data plane over a TUN device.
    User,
    /// The kernel's IPsec (XFRM).
    Kernel,
    /// Nothing: SAs are negotiated and kept, no packet is carried, and neither TUN device, routes nor block are made.
    /// For tests of everything else, without privileges.
    Fake,
}

impl BackendChoice {
    /// What carries packets, in words.
    #[must_use]
    pub const fn carrier(self) -> &'static str {
        match self {
            Self::Auto => "whatever works best",
            Self::User => "this process, over a TUN device",
            Self::Kernel => "the kernel's IPsec",
            Self::Fake => "nobody",
        }
    }
}

impl From<adit_config::Backend> for BackendChoice {
    fn from(configured: adit_config::Backend) -> Self {
        match configured {
            adit_config::Backend::Auto => Self::Auto,
            adit_config::Backend::Kernel => Self::Kernel,
            adit_config::Backend::User => Self::User,
        }
    }
}

/// Why a gateway ended in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitReason {
    /// SIGTERM or SIGINT.
    Signal,
    /// A shutdown request on the control socket.
    Command,
}

/// Where the control socket is unless said otherwise.
pub const DEFAULT_STATE_DIR: &str = "/run/adit";
