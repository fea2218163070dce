//! Every key that may be written, what it takes, what holds when it isn't written, and what it means.
//!
//! The readers accept nothing that isn't here, a misspelt key gets its suggestion from here, and
//! `docs/configuration.md` is written from here.

mod gateway;
mod monitor;
mod tunnel;

/// Every key, section by section.
pub fn all() -> impl Iterator<Item = &'static Key> {
    gateway::KEYS
        .iter()
        .chain(tunnel::KEYS)
        .chain(monitor::KEYS)
}

/// The kinds of table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// The text itself.
    Root,
    /// `[gateway]`
    Gateway,
    /// `[policy.NAME]`
    Policy,
    /// `[tunnel.NAME]`
    Tunnel,
    /// `auth` of a tunnel.
    Auth,
    /// `local` of `auth`.
    AuthLocal,
    /// `remote` of `auth`.
    AuthRemote,
    /// `ppk` of a tunnel.
    Ppk,
    /// `retransmit` of a tunnel.
    Retransmit,
    /// `[tunnel.NAME.interface]`
    Interface,
    /// `[tunnel.NAME.monitor]`
    Monitor,
    /// `[tunnel.NAME.child.NAME]`
    Child,
    /// `[pool.NAME]`
    Pool,
}

impl Section {
    /// Every section, in the order of the documentation.
    pub const ALL: &'static [Section] = &[
        Section::Root,
        Section::Gateway,
        Section::Policy,
        Section::Tunnel,
        Section::Auth,
        Section::AuthLocal,
        Section::AuthRemote,
        Section::Ppk,
        Section::Retransmit,
        Section::Interface,
        Section::Monitor,
        Section::Child,
        Section::Pool,
    ];

    /// How the section is written.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Section::Root => "top level",
            Section::Gateway => "[gateway]",
            Section::Policy => "[policy.NAME]",
            Section::Tunnel => "[tunnel.NAME]",
            Section::Auth => "auth = { … }",
            Section::AuthLocal => "auth = { local = { … } }",
            Section::AuthRemote => "auth = { remote = { … } }",
            Section::Ppk => "ppk = { … }",
            Section::Retransmit => "retransmit = { … }",
            Section::Interface => "[tunnel.NAME.interface]",
            Section::Monitor => "[tunnel.NAME.monitor]",
            Section::Child => "[tunnel.NAME.child.NAME]",
            Section::Pool => "[pool.NAME]",
        }
    }

    /// What a sentence calls it.
    #[must_use]
    pub fn noun(self) -> &'static str {
        match self {
            Section::Root => "the configuration",
            Section::Gateway => "the gateway",
            Section::Policy => "a policy",
            Section::Tunnel => "a tunnel",
            Section::Auth => "auth",
            Section::AuthLocal => "how we authenticate",
            Section::AuthRemote => "how the peer authenticates",
            Section::Ppk => "ppk",
            Section::Retransmit => "retransmit",
            Section::Interface => "an interface",
            Section::Monitor => "a monitor",
            Section::Child => "a child",
            Section::Pool => "a pool",
        }
    }
}

/// One key.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Where it stands.
    pub section: Section,
    /// Its name.
    pub name: &'static str,
    /// What it takes, in words.
    pub takes: &'static str,
    /// What holds without it; `required` when it must be written.
    pub default: &'static str,
    /// What it means, in a sentence or two.
    pub meaning: &'static str,
    /// An example value, as it is written.
    pub example: &'static str,
}

const fn key(
    section: Section,
    name: &'static str,
    takes: &'static str,
    default: &'static str,
    example: &'static str,
    meaning: &'static str,
) -> Key {
    Key {
        section,
        name,
        takes,
        default,
        meaning,
        example,
    }
}

/// The keys of one section.
pub fn of(section: Section) -> impl Iterator<Item = &'static Key> {
    all().filter(move |k| k.section == section)
}

/// The key by that name.
#[must_use]
pub fn find(section: Section, name: &str) -> Option<&'static Key> {
    of(section).find(|k| k.name == name)
}

/// What a key of other products asks for that isn't carried out here yet.
#[must_use]
pub fn later(name: &str) -> Option<&'static str> {
    Some(match name {
        "ah" | "ah_proposals" => "AH isn't carried out; ESP protects and encrypts",
        "ipcomp" | "compress" => "packets aren't compressed; most traffic is already",
        "tcp" | "tcp_port" | "tcp_encap" | "enable_tcp" => {
            "IKE and ESP aren't carried in TCP (RFC 9329)"
        }
        "eap" | "eap_id" | "xauth" | "aaa_id" => {
            "users aren't authenticated yet, only gateways are"
        }
        "redirect" | "accept_redirect" | "send_redirect" => {
            "nobody is sent to another gateway (RFC 5685)"
        }
        "tickets" | "session_resumption" => "IKE SAs aren't resumed by tickets (RFC 5723)",
        "delta_crl" => "delta lists aren't put together with their bases; give whole lists",
        _ => return None,
    })
}

/// The Markdown of the tables in `docs/configuration.md`.
#[must_use]
pub fn markdown() -> String {
    let cell = |text: &str| text.replace('|', "\\|");
    let mut out = String::new();
    for section in Section::ALL {
        out.push_str(&format!(
            "### {}\n\n| Key | Takes | Default | Example | Meaning |\n|---|---|---|---|---|\n",
            section.title()
        ));
        for k in of(*section) {
            out.push_str(&format!(
                "| `{}` | {} | {} | `{}` | {} |\n",
                k.name,
                cell(k.takes),
                cell(k.default),
                cell(k.example),
                cell(k.meaning)
            ));
        }
        out.push('\n');
    }
    out
}
