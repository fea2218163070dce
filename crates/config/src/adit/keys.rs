//! Every key that may be written, what it takes, what holds when it isn't written, and what it means.
//!
//! The readers accept nothing that isn't here, a misspelt key gets its suggestion from here, and
//! `docs/configuration.md` is written from here.

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

/// Every key.
pub const KEYS: &[Key] = &[
    key(
        Section::Root,
        "gateway",
        "table",
        "as below",
        "[gateway]",
        "Settings of the gateway itself.",
    ),
    key(
        Section::Root,
        "tunnel",
        "tables by name",
        "required",
        "[tunnel.office]",
        "One tunnel to one peer. The name is what commands, events and findings use: letters, digits, `-` and `_`.",
    ),
    key(
        Section::Root,
        "policy",
        "tables by name",
        "none",
        "[policy.printers]",
        "Traffic that goes in clear, or nowhere, whatever tunnels would do with it. The first policy that takes a packet decides, before all tunnels.",
    ),
    key(
        Section::Policy,
        "action",
        "\"bypass\" or \"drop\"",
        "required",
        "\"bypass\"",
        "bypass lets the traffic pass in clear, in both directions, and keeps it out of tunnels; drop lets it pass nowhere.",
    ),
    key(
        Section::Policy,
        "local_net",
        "list of networks",
        "required",
        "[\"10.1.0.0/24\"]",
        "Our side of the traffic, as in a child: networks, addresses or ranges, each with an optional protocol and port.",
    ),
    key(
        Section::Policy,
        "remote_net",
        "list of networks",
        "required",
        "[\"10.2.0.9[tcp/631]\"]",
        "The other side.",
    ),
    key(
        Section::Root,
        "pool",
        "tables by name",
        "none",
        "[pool.guests]",
        "Addresses inside tunnels that peers are given.",
    ),
    key(
        Section::Gateway,
        "state_dir",
        "path",
        "/run/adit",
        "\"/run/adit\"",
        "Directory of the control sockets. `--state` overrides it.",
    ),
    key(
        Section::Gateway,
        "ike_port",
        "port",
        "500",
        "500",
        "UDP port of our IKE. Peers expect 500; another one is for tests and forwarders.",
    ),
    key(
        Section::Gateway,
        "nat_t_port",
        "port",
        "4500",
        "4500",
        "UDP port of our IKE and ESP when a NAT is on the path. Peers expect 4500.",
    ),
    key(
        Section::Tunnel,
        "local",
        "address, interface or \"any\"",
        "\"any\"",
        "\"192.168.0.1\"",
        "Our address, or the interface that has it when the gateway starts. With \"any\" the route to the peer decides.",
    ),
    key(
        Section::Tunnel,
        "remote",
        "address, host name or \"any\"",
        "required",
        "\"192.168.0.2\"",
        "The peer's address. \"any\" takes whoever comes; such a tunnel can only answer.",
    ),
    key(
        Section::Tunnel,
        "remote_port",
        "port",
        "500",
        "500",
        "UDP port of the peer's IKE.",
    ),
    key(
        Section::Tunnel,
        "local_id",
        "identity",
        "the address in `local`",
        "\"west.lab\"",
        "Who we say we are: an address, a host name, user@host, a distinguished name, or keyid:…. Required when `local` is \"any\".",
    ),
    key(
        Section::Tunnel,
        "remote_id",
        "identity or \"any\"",
        "the address or name in `remote`",
        "\"east.lab\"",
        "Who the peer must say it is; `*` in front of a domain stands for any name in it. \"any\" accepts every identity that authenticates.",
    ),
    key(
        Section::Tunnel,
        "auth",
        "table",
        "required",
        "{ psk_file = \"office.psk\" }",
        "How both sides authenticate.",
    ),
    key(
        Section::Tunnel,
        "ppk",
        "table",
        "none",
        "{ id = \"office-2030\", file = \"office.ppk\" }",
        "A pre-shared key that is mixed into the keys besides whatever authenticates, against a quantum computer of tomorrow (RFC 8784).",
    ),
    key(
        Section::Tunnel,
        "ike",
        "list of proposals",
        "a modern list, see below",
        "[\"aes128gcm16-prfsha256-x25519\"]",
        "Algorithms of the IKE SA, most wanted first, with the keywords that strongSwan uses.",
    ),
    key(
        Section::Tunnel,
        "start",
        "\"auto\", \"on-demand\" or \"passive\"",
        "\"auto\"; \"passive\" when `remote` is \"any\"",
        "\"auto\"",
        "Who starts: auto is us, at once and again whenever the tunnel is down; on-demand is us, when a packet wants through; passive is never us.",
    ),
    key(
        Section::Tunnel,
        "dpd",
        "duration or \"off\"",
        "\"30s\"",
        "\"30s\"",
        "After so long without a sign of life the peer is asked for one.",
    ),
    key(
        Section::Tunnel,
        "retransmit",
        "table",
        "as below",
        "{ tries = 6 }",
        "How unanswered requests are repeated.",
    ),
    key(
        Section::Tunnel,
        "window",
        "number",
        "4",
        "1",
        "How many requests of the peer are taken at the same time, each answered as it comes; the peer is told (RFC 7296 2.3). Our own go out as the peer tells us, one after the other if it doesn't.",
    ),
    key(
        Section::Tunnel,
        "rekey",
        "duration or \"off\"",
        "\"4h\"",
        "\"4h\"",
        "How long the IKE SA lives until we begin to rekey it, less up to a tenth, drawn anew each time, so that not all tunnels, nor both ends of one, come in the same moment. Nothing is cut by it.",
    ),
    key(
        Section::Tunnel,
        "lifetime",
        "duration or \"off\"",
        "a tenth more than `rekey`",
        "\"5h\"",
        "When an IKE SA that couldn't be rekeyed is deleted.",
    ),
    key(
        Section::Tunnel,
        "reauth",
        "duration or \"off\"",
        "\"off\"",
        "\"24h\"",
        "How long until both sides authenticate anew, with all credentials as they are then, less up to a tenth. Who was called tells the caller (RFC 4478), and deletes the IKE SA a tenth later if it doesn't.",
    ),
    key(
        Section::Tunnel,
        "make_before_break",
        "true or false",
        "true",
        "false",
        "When authenticating anew: the new IKE SA and its children are up before the old ones go, and no packet is lost.",
    ),
    key(
        Section::Tunnel,
        "unique",
        "\"replace\", \"keep\" or \"never\"",
        "\"replace\"",
        "\"never\"",
        "What a peer that comes again means: the new IKE SA replaces the older one; the new one is refused while the older is up (unless it comes from the same address); or nothing, for peers that share an identity.",
    ),
    key(
        Section::Tunnel,
        "childless",
        "\"allow\", \"prefer\", \"force\" or \"never\"",
        "\"allow\"",
        "\"prefer\"",
        "Whether the IKE SA comes up without its first child (RFC 6023), which follows with a key exchange of its own: when the peer wants to; by us, when the peer can; always; never.",
    ),
    key(
        Section::Tunnel,
        "dpd_action",
        "\"clear\", \"restart\" or \"trap\"",
        "as `start` says",
        "\"restart\"",
        "What follows when the peer is dead: nothing, we set the tunnel up again, or a packet that wants through does. Traffic stays blocked meanwhile.",
    ),
    key(
        Section::Tunnel,
        "close_action",
        "\"clear\", \"restart\" or \"trap\"",
        "as `start` says",
        "\"trap\"",
        "What follows when the peer deletes the tunnel.",
    ),
    key(
        Section::Tunnel,
        "force_encap",
        "true or false",
        "false",
        "true",
        "Put ESP into UDP even when no NAT is on the path.",
    ),
    key(
        Section::Tunnel,
        "mobike",
        "true or false",
        "true",
        "false",
        "Whether the tunnel goes on when an address of ours or of the peer's changes, or a NAT forgets it (MOBIKE, RFC 4555). A peer that can't is asked for nothing. With it IKE uses port 4500 from IKE_AUTH on.",
    ),
    key(
        Section::Tunnel,
        "virtual_ip",
        "true, an address, or a list of addresses",
        "none",
        "true",
        "Ask the peer for an address inside the tunnel: of each family that `remote_net` has, or the one written here, with 0.0.0.0 and :: for any. It takes the place of `local_net`.",
    ),
    key(
        Section::Tunnel,
        "pool",
        "list of names of pools",
        "none",
        "[\"guests\"]",
        "Give each peer an address of its own out of these pools, of each family that it asks for. A peer that doesn't ask is refused.",
    ),
    key(
        Section::Tunnel,
        "allow_weak",
        "true or false",
        "false",
        "true",
        "Permit weak algorithms in `ike` and in the children's `esp`. Nothing weak is ever offered unless it is named.",
    ),
    key(
        Section::Tunnel,
        "child",
        "tables by name",
        "required",
        "[tunnel.office.child.lan]",
        "What the tunnel carries; at least one.",
    ),
    key(
        Section::Auth,
        "psk_file",
        "path",
        "none",
        "\"office.psk\"",
        "File that holds the pre-shared key, relative to this file. The key itself is never written into the configuration. Both sides have it.",
    ),
    key(
        Section::Auth,
        "cert",
        "path or list of paths",
        "none",
        "\"west.pem\"",
        "Our certificate (PEM or DER), with the intermediate CAs above it in the same file. Several, each with its key, where peers take different ones.",
    ),
    key(
        Section::Auth,
        "key",
        "path or list of paths",
        "none",
        "\"west.key\"",
        "The private key of the certificate; with `peer_public_key` a key by itself. Only its owner may read the file.",
    ),
    key(
        Section::Auth,
        "ca",
        "list of paths",
        "required with `cert`",
        "[\"ca.pem\"]",
        "CAs that the peer's certificate may come from: files of certificates, intermediate ones among them.",
    ),
    key(
        Section::Auth,
        "crl",
        "list of paths",
        "none",
        "[\"ca.crl\"]",
        "Files of revocation lists (PEM or DER).",
    ),
    key(
        Section::Auth,
        "revocation",
        "\"strict\", \"ifuri\" or \"relaxed\"",
        "\"relaxed\"",
        "\"relaxed\"",
        "strict refuses a certificate unless a current list says that it is good; ifuri does so if the certificate says where such a list is; relaxed refuses only what is known to be revoked. With the first two, what no file tells is asked for over HTTP: of responders (OCSP), then as lists.",
    ),
    key(
        Section::Auth,
        "peer_public_key",
        "path or list of paths",
        "none",
        "\"east.pub\"",
        "Public keys of the peer (PEM), where neither side has a certificate.",
    ),
    key(
        Section::Auth,
        "allow_sha1",
        "true or false",
        "false",
        "true",
        "Make and take RSA signatures over SHA-1, for peers that don't know RFC 7427.",
    ),
    key(
        Section::Auth,
        "local",
        "table",
        "none",
        "{ cert = \"west.pem\", key = \"west.key\" }",
        "How we authenticate, where the peer does so in another way; with `remote`.",
    ),
    key(
        Section::Auth,
        "remote",
        "table",
        "none",
        "{ psk_file = \"office.psk\" }",
        "How the peer has to authenticate; with `local`.",
    ),
    key(
        Section::AuthLocal,
        "psk_file",
        "path",
        "none",
        "\"office.psk\"",
        "File that holds the pre-shared key, relative to this file. The key itself is never written into the configuration.",
    ),
    key(
        Section::AuthLocal,
        "cert",
        "path or list of paths",
        "none",
        "\"west.pem\"",
        "Our certificate (PEM or DER), with the intermediate CAs above it in the same file. Several, each with its key, where peers take different ones.",
    ),
    key(
        Section::AuthLocal,
        "key",
        "path or list of paths",
        "none",
        "\"west.key\"",
        "The private key of the certificate, or, without `cert`, one whose public half the peer knows. Only its owner may read the file.",
    ),
    key(
        Section::AuthRemote,
        "psk_file",
        "path",
        "none",
        "\"office.psk\"",
        "File that holds the pre-shared key, relative to this file. The key itself is never written into the configuration.",
    ),
    key(
        Section::AuthRemote,
        "ca",
        "list of paths",
        "none",
        "[\"ca.pem\"]",
        "CAs that the peer's certificate may come from: files of certificates, intermediate ones among them.",
    ),
    key(
        Section::AuthRemote,
        "crl",
        "list of paths",
        "none",
        "[\"ca.crl\"]",
        "Files of revocation lists (PEM or DER).",
    ),
    key(
        Section::AuthRemote,
        "revocation",
        "\"strict\", \"ifuri\" or \"relaxed\"",
        "\"relaxed\"",
        "\"relaxed\"",
        "strict refuses a certificate unless a current list says that it is good; ifuri does so if the certificate says where such a list is; relaxed refuses only what is known to be revoked. With the first two, what no file tells is asked for over HTTP: of responders (OCSP), then as lists.",
    ),
    key(
        Section::AuthRemote,
        "public_key",
        "path or list of paths",
        "none",
        "\"east.pub\"",
        "Public keys of the peer (PEM).",
    ),
    key(
        Section::Ppk,
        "id",
        "name",
        "required",
        "\"office-2030\"",
        "The name that both sides have for the key.",
    ),
    key(
        Section::Ppk,
        "file",
        "path",
        "required",
        "\"office.ppk\"",
        "File that holds the key, relative to this file. 32 random octets are plenty.",
    ),
    key(
        Section::Ppk,
        "required",
        "true or false",
        "true",
        "false",
        "Whether a peer that doesn't have the key is refused. With false both sides can be changed one after the other.",
    ),
    key(
        Section::Retransmit,
        "initial",
        "duration",
        "\"500ms\"",
        "\"500ms\"",
        "Wait before the first repetition.",
    ),
    key(
        Section::Retransmit,
        "backoff",
        "number from 1 to 10",
        "1.8",
        "1.8",
        "Each wait is the previous one times this.",
    ),
    key(
        Section::Retransmit,
        "max",
        "duration",
        "\"30s\"",
        "\"30s\"",
        "Longest wait.",
    ),
    key(
        Section::Retransmit,
        "tries",
        "number from 0 to 20",
        "6",
        "6",
        "Repetitions before giving up.",
    ),
    key(
        Section::Child,
        "local_net",
        "list of networks",
        "required",
        "[\"10.1.0.0/24\"]",
        "Our side's traffic: networks, addresses or ranges, each with an optional protocol and port such as [tcp/443].",
    ),
    key(
        Section::Child,
        "remote_net",
        "list of networks",
        "required",
        "[\"10.2.0.0/24\"]",
        "The peer's side's traffic. The peer must have the same two lists, exchanged.",
    ),
    key(
        Section::Child,
        "esp",
        "list of proposals",
        "a modern list, see below",
        "[\"aes128gcm16-x25519\"]",
        "Algorithms of the traffic, most wanted first. A key exchange in it is used when the child is rekeyed.",
    ),
    key(
        Section::Child,
        "mode",
        "\"tunnel\", \"transport\" or \"prefer-transport\"",
        "\"tunnel\"",
        "\"tunnel\"",
        "How packets are carried. Transport mode is for what the two gateways themselves say to each other, without a second IP header; the networks must be the addresses of the two ends. It needs a peer that wants it too, and no NAT on the path; \"prefer-transport\" makes do with tunnel mode then.",
    ),
    key(
        Section::Child,
        "narrow",
        "\"allow\" or \"refuse\"",
        "\"allow\"",
        "\"refuse\"",
        "Whether the child may carry less than `local_net` and `remote_net` say, where the peer wants less (or, when it asks, more).",
    ),
    key(
        Section::Child,
        "replay_window",
        "number from 32 to 32768",
        "1024",
        "1024",
        "How many packets may arrive out of order before late ones are taken for replays.",
    ),
    key(
        Section::Child,
        "rekey",
        "duration or \"off\"",
        "\"1h\"",
        "\"1h\"",
        "How long the child's SAs live until we begin to rekey them, less up to a tenth. Both pairs receive meanwhile: no packet is lost.",
    ),
    key(
        Section::Child,
        "lifetime",
        "duration or \"off\"",
        "a tenth more than `rekey`",
        "\"2h\"",
        "When SAs that couldn't be rekeyed are deleted.",
    ),
    key(
        Section::Child,
        "rekey_bytes",
        "number from 1000000",
        "no limit",
        "100000000000",
        "Rekey after so many octets of inner packets in either direction, less up to a tenth.",
    ),
    key(
        Section::Child,
        "lifetime_bytes",
        "number from 1000000",
        "no limit",
        "110000000000",
        "Delete SAs that have carried so many octets in either direction.",
    ),
    key(
        Section::Child,
        "rekey_packets",
        "number from 1000",
        "no limit; before sequence numbers of 32 bits run out",
        "1000000000",
        "Rekey after so many packets in either direction, less up to a tenth.",
    ),
    key(
        Section::Child,
        "lifetime_packets",
        "number from 1000",
        "no limit",
        "1100000000",
        "Delete SAs that have carried so many packets in either direction.",
    ),
    key(
        Section::Child,
        "inactivity",
        "duration or \"off\"",
        "\"off\"",
        "\"15m\"",
        "Close the child after so long without a packet in either direction. For tunnels that start on demand, or that only the peer starts.",
    ),
    key(
        Section::Pool,
        "addresses",
        "list of networks",
        "required",
        "[\"10.3.0.0/24\"]",
        "The addresses: networks, without the addresses that no host has, or ranges. Those of another network than the local ones, so that hosts behind this gateway send what goes there to it.",
    ),
    key(
        Section::Pool,
        "dns",
        "list of addresses",
        "none",
        "[\"10.1.0.53\"]",
        "Name servers that peers are told of.",
    ),
    key(
        Section::Pool,
        "split",
        "list of networks",
        "none",
        "[\"10.1.0.0/24\"]",
        "Networks that peers are told to reach through the tunnel; of `local_net` only these are.",
    ),
    key(
        Section::Pool,
        "per_identity",
        "number from 1 to 1000",
        "1",
        "2",
        "Most addresses that one identity holds at a time. Who has as many and comes again gets the one that it has had longest.",
    ),
];

/// The keys of one section.
pub fn of(section: Section) -> impl Iterator<Item = &'static Key> {
    KEYS.iter().filter(move |k| k.section == section)
}

/// The key by that name.
#[must_use]
pub fn find(section: Section, name: &str) -> Option<&'static Key> {
    of(section).find(|k| k.name == name)
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
