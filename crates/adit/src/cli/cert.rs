//! The command line of `adit cert`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use crate::examples;

/// `adit cert`.
#[derive(Clone, Debug, Args)]
#[command(arg_required_else_help = true)]
pub struct CertArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: CertCommand,
}

/// What can be done with certificates.
#[derive(Clone, Debug, Subcommand)]
pub enum CertCommand {
    /// Make a CA: ca.pem, which every gateway trusts, and ca.key, which signs and stays here.
    #[command(after_long_help = examples::CERT_INIT)]
    Init(CertInitArgs),
    /// Issue a host its certificate and key: NAME.pem and NAME.key.
    #[command(after_long_help = examples::CERT_ISSUE)]
    Issue(CertIssueArgs),
    /// Show what is in files: subjects, names, issuers, usage, validity, keys, and what needs renewal.
    ///
    /// Ends with 1 if something has expired or will within 30 days (--within), or can't be read.
    #[command(after_long_help = examples::CERT_INSPECT)]
    Inspect(CertInspectArgs),
    /// Renew a host's certificate and key, or the CA, and keep what is replaced.
    ///
    /// A CA is replaced in steps: ca.pem first holds the new one and the old one; when every host has a certificate of
    /// the new one, --finish leaves the old one out. No tunnel is cut on the way.
    #[command(after_long_help = examples::CERT_ROTATE)]
    Rotate(CertRotateArgs),
}

/// Kinds of keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum KeyChoice {
    /// ECDSA P-256.
    P256,
    /// ECDSA P-384.
    P384,
    /// ECDSA P-521.
    P521,
    /// RSA with 2048 bits.
    Rsa2048,
    /// RSA with 3072 bits.
    Rsa3072,
    /// RSA with 4096 bits.
    Rsa4096,
    /// Ed25519.
    Ed25519,
}

/// `adit cert init`.
#[derive(Clone, Debug, Args)]
pub struct CertInitArgs {
    /// The folder; it is made if it isn't there.
    #[arg(value_name = "DIR", default_value = "/etc/adit/pki")]
    pub dir: PathBuf,
    /// The CA's name: a common name, or a distinguished name such as `C=CH, O=Lab, CN=Lab CA`.
    #[arg(long, value_name = "NAME", default_value = "Adit CA")]
    pub name: String,
    /// Kind of its key.
    #[arg(long, value_enum, default_value_t = KeyChoice::P256, value_name = "KIND")]
    pub key: KeyChoice,
    /// How long it is valid.
    #[arg(long, value_name = "DAYS", default_value_t = 3650, value_parser = clap::value_parser!(u32).range(1..=36_500))]
    pub days: u32,
    /// One JSON document on standard output (`adit.cert/1`).
    #[arg(long)]
    pub json: bool,
}

/// `adit cert issue`.
#[derive(Clone, Debug, Args)]
pub struct CertIssueArgs {
    /// Whom it is for, which is also its files' name: a host name, user@host, or an IP address.
    pub name: String,
    /// A further name that it holds; more than one may be given.
    #[arg(long, value_name = "NAME")]
    pub san: Vec<String>,
    /// The CA's folder.
    #[arg(long, value_name = "DIR", default_value = "/etc/adit/pki")]
    pub dir: PathBuf,
    /// How long it is valid; not longer than its CA.
    #[arg(long, value_name = "DAYS", default_value_t = 365, value_parser = clap::value_parser!(u32).range(1..=36_500))]
    pub days: u32,
    /// Kind of its key.
    #[arg(long, value_enum, default_value_t = KeyChoice::P256, value_name = "KIND")]
    pub key: KeyChoice,
    /// One JSON document on standard output (`adit.cert/1`).
    #[arg(long)]
    pub json: bool,
}

/// `adit cert inspect`.
#[derive(Clone, Debug, Args)]
pub struct CertInspectArgs {
    /// Files of certificates and keys, PEM or DER; `-` is standard input.
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// Tell what expires within so many days.
    #[arg(long, value_name = "DAYS", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=36_500))]
    pub within: u32,
    /// One JSON document on standard output (`adit.cert/1`).
    #[arg(long)]
    pub json: bool,
}

/// `adit cert rotate`.
#[derive(Clone, Debug, Args)]
pub struct CertRotateArgs {
    /// The host, by the name it was issued under.
    #[arg(required_unless_present = "ca", conflicts_with = "ca")]
    pub name: Option<String>,
    /// The CA itself.
    #[arg(long)]
    pub ca: bool,
    /// Leave the old CA out of ca.pem: the last step.
    #[arg(long, requires = "ca", conflicts_with_all = ["days", "key"])]
    pub finish: bool,
    /// Leave it out although certificates of it are in use.
    #[arg(long, requires = "finish")]
    pub force: bool,
    /// The CA's folder.
    #[arg(long, value_name = "DIR", default_value = "/etc/adit/pki")]
    pub dir: PathBuf,
    /// How long the new one is valid; 365 for a host and 3650 for a CA if nothing is said.
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=36_500))]
    pub days: Option<u32>,
    /// Kind of the new key; that of the old one if nothing is said.
    #[arg(long, value_enum, value_name = "KIND")]
    pub key: Option<KeyChoice>,
    /// One JSON document on standard output (`adit.cert/1`).
    #[arg(long)]
    pub json: bool,
}
