//! The text itself, `[gateway]` and `[tunnel.NAME]`.

use core::time::Duration;
use std::net::IpAddr;
use std::path::PathBuf;

use adit_model::connection::{Authentication, Connection, Remote, Retransmit, Start};
use adit_model::identity::Identity;
use adit_model::inner::{InnerAddresses, Pool};
use adit_model::limits::HalfOpen;
use adit_model::proposal::SaKind;
use adit_model::text::did_you_mean;
use toml_edit::TableLike;

use crate::adit::keys::Section;
use crate::adit::life::choice;
use crate::adit::reader::{Reader, Table, Word, describe_value};
use crate::adit::{
    algorithms, auth, checks, child, duration, interface, life, monitor, policy, pool, ppk,
};
use crate::configuration::{
    AuthFiles, Backend, Configuration, FlightRecorder, Gateway, Offload, PpkRef,
};
use crate::diagnostic::Severity;

/// The default of `dpd`.
pub(super) const DPD: Duration = Duration::from_secs(30);
/// What `window` takes.
const WINDOWS: core::ops::RangeInclusive<u32> = 1..=32;
/// The default of `window`.
pub(super) const WINDOW: u32 = 4;
const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);

/// A tunnel with the table it was read from, so that what only shows beside other tunnels finds its place.
pub(super) struct Read<'t> {
    pub(super) connection: Connection,
    pub(super) table: Table<'t>,
    pub(super) interface: Option<Table<'t>>,
    pub(super) monitor: Option<Table<'t>>,
    pub(super) children: Vec<Table<'t>>,
}

/// Reads the whole document. What it returns is only used when nothing was complained about.
pub(super) fn configuration(reader: &mut Reader<'_>, root: &dyn TableLike) -> Configuration {
    let root = Table {
        section: Section::Root,
        path: String::new(),
        span: 0..0,
        entries: root,
    };
    reader.known_keys(&root);
    let gateway = gateway(reader, &root);
    let pools = pool::all(reader, &root);
    let mut files = Vec::new();
    let mut ppks = Vec::new();
    let mut tunnels = Vec::new();
    let tables = reader.named_tables(&root, "tunnel", Section::Tunnel);
    if !root.entries.contains_key("tunnel")
        || root
            .entries
            .get("tunnel")
            .and_then(|t| t.as_table_like())
            .is_some_and(|t| t.is_empty())
    {
        reader
            .error("no-tunnel", &root.at(), "no tunnel is configured")
            .expected("at least one [tunnel.NAME]")
            .fix(EXAMPLE);
    }
    for (name, table) in tables {
        let ppk = ppk::read(reader, &table);
        let (mut tunnel, auth) = tunnel(reader, name, table, &pools);
        if let Some((ppk, file)) = ppk {
            tunnel.connection.ppk = Some(ppk);
            ppks.push(PpkRef {
                connection: name.to_owned(),
                file,
            });
        }
        files.extend(auth);
        tunnels.push(tunnel);
    }
    for tunnel in &tunnels {
        checks::tunnel(reader, tunnel);
        checks::inner(reader, tunnel, &pools);
        interface::check(reader, tunnel);
        monitor::check(reader, tunnel);
    }
    checks::together(reader, &tunnels, &files);
    interface::together(reader, &tunnels);
    monitor::together(reader, &tunnels);
    Configuration {
        policies: policy::all(reader, &root),
        gateway,
        connections: tunnels.into_iter().map(|t| t.connection).collect(),
        auth: files,
        ppks,
        pools,
    }
}

/// A whole configuration of one tunnel, to copy.
const EXAMPLE: &str = "[tunnel.office]
local      = \"192.168.0.1\"
remote     = \"192.168.0.2\"
auth       = { psk_file = \"office.psk\" }

[tunnel.office.child.lan]
local_net  = [\"10.1.0.0/24\"]
remote_net = [\"10.2.0.0/24\"]";

fn gateway(reader: &mut Reader<'_>, root: &Table<'_>) -> Gateway {
    let default = Gateway::default();
    let Some(table) = root
        .entries
        .get("gateway")
        .and_then(|item| reader.table(root, "gateway", item, Section::Gateway))
    else {
        return default;
    };
    let state_dir = directory(reader, &table, "state_dir", "/run/adit");
    let out = Gateway {
        state_dir,
        ike_port: reader.port(&table, "ike_port", default.ike_port),
        nat_t_port: reader.port(&table, "nat_t_port", default.nat_t_port),
        half_open: half_open(reader, &table),
        threads: u16::try_from(reader.number(&table, "threads", 0..=MOST_THREADS, 0)).unwrap_or(0),
        offload: choice(reader, &table, "offload", OFFLOAD).unwrap_or(default.offload),
        backend: choice(reader, &table, "backend", &Backend::NAMES).unwrap_or_default(),
        recorder: recorder(reader, &table),
        answer_trace: reader.flag(&table, "answer_trace", true),
        hook: hook(reader, &table),
    };
    if out.ike_port == out.nat_t_port {
        reader
            .error(
                "same-port",
                &table.at_value("nat_t_port"),
                "`ike_port` and `nat_t_port` must differ",
            )
            .found(out.nat_t_port)
            .expected("two ports: on the second one messages carry a marker (RFC 3948)")
            .fix("nat_t_port = 4500");
    }
    out
}

fn directory(
    reader: &mut Reader<'_>,
    table: &Table<'_>,
    name: &str,
    example: &str,
) -> Option<PathBuf> {
    let word = reader.word(table, name)?;
    if word.text.trim().is_empty() || word.text.contains('\0') {
        reader
            .error("bad-path", &word.at, format!("`{name}` names no directory"))
            .fix(format!("{name} = \"{example}\""));
        return None;
    }
    Some(PathBuf::from(word.text))
}

fn hook(reader: &mut Reader<'_>, table: &Table<'_>) -> Vec<String> {
    let words = reader.words(table, "hook").unwrap_or_default();
    let good = |program: &str| program.starts_with('/') && !program.ends_with('/');
    let strange = words.iter().any(|word| word.text.contains('\0'));
    if let Some(first) = words.first().filter(|first| strange || !good(first.text)) {
        reader
            .error(
                "bad-path",
                &first.at,
                "`hook` doesn't begin with the full name of a program",
            )
            .expected("a program and its arguments; no shell reads them")
            .fix("hook = [\"/etc/adit/hook\"]");
        return Vec::new();
    }
    words.iter().map(|word| word.text.to_owned()).collect()
}

fn recorder(reader: &mut Reader<'_>, table: &Table<'_>) -> FlightRecorder {
    const AGES: (Duration, Duration) =
        (Duration::from_secs(60), Duration::from_secs(90 * 24 * 3600));
    let default = FlightRecorder::default();
    let dir = directory(reader, table, "record_dir", "/var/lib/adit/flight");
    if dir.as_ref().is_some_and(|dir| dir.is_relative()) {
        reader
            .error(
                "bad-path",
                &table.at_value("record_dir"),
                "`record_dir` doesn't begin with /, and it would depend on where the gateway was started",
            )
            .fix("record_dir = \"/var/lib/adit/flight\"");
    }
    FlightRecorder {
        on: reader.flag(table, "record", default.on),
        dir,
        megabytes: reader.number(table, "record_size", 1..=1 << 16, default.megabytes),
        age: duration::of(reader, table, "record_age", AGES, false, default.age),
        keys: reader.flag(table, "record_keys", default.keys),
    }
}

/// More than processors of large machines have.
const MOST_THREADS: u32 = 256;

/// How the ways of carrying packets are written.
pub(super) const OFFLOAD: &[(&str, Offload)] = &[("auto", Offload::Auto), ("off", Offload::Off)];

fn half_open(reader: &mut Reader<'_>, table: &Table<'_>) -> HalfOpen {
    const MOST: u32 = 1_000_000;
    let default = HalfOpen::default();
    let mut number = |name, least, default| reader.number(table, name, least..=MOST, default);
    let out = HalfOpen {
        limit: number("half_open_limit", 1, default.limit),
        cookies_from: number("cookies_from", 0, default.cookies_from),
        per_source: number("half_open_per_source", 1, default.per_source),
        cookies_from_per_source: number(
            "cookies_from_per_source",
            0,
            default.cookies_from_per_source,
        ),
    };
    if out.cookies_from >= out.limit {
        reader
            .error(
                "cookies-never",
                &table.at_value("cookies_from"),
                "cookies would never be asked for: no more are let in by then",
            )
            .found(out.cookies_from)
            .expected(format!(
                "less than `half_open_limit`, which is {}",
                out.limit
            ))
            .fix(format!("cookies_from = {}", out.limit / 10));
    }
    out
}

fn tunnel<'t>(
    reader: &mut Reader<'_>,
    name: &str,
    table: Table<'t>,
    pools: &[Pool],
) -> (Read<'t>, Option<AuthFiles>) {
    let allow_weak = reader.flag(&table, "allow_weak", false);
    let remote = remote(reader, &table);
    let local = local(reader, &table);
    let local_id = local_id(reader, &table, &local);
    let remote_id = remote_id(reader, &table, remote.as_ref());
    let auth = auth::read(reader, &table, name);
    let start = start(reader, &table, remote.as_ref());
    let (interface, interface_table) = interface::read(reader, &table, name).unzip();
    let (monitor, monitor_table) = monitor::read(reader, &table).unzip();
    let (pool_names, mut placeholders) = pool::of_tunnel(reader, &table, pools);
    placeholders.everything = interface.is_some();
    let mut children = Vec::new();
    let mut child_tables = Vec::new();
    for (child_name, child_table) in reader.named_tables(&table, "child", Section::Child) {
        children.push(child::read(
            reader,
            child_name,
            &child_table,
            allow_weak,
            &placeholders,
        ));
        child_tables.push(child_table);
    }
    let none = table.entries.get("child").is_none_or(|c| {
        c.as_table_like()
            .is_some_and(toml_edit::TableLike::is_empty)
    });
    if none {
        reader
            .error("no-child", &table.at(), format!("tunnel `{name}` carries nothing"))
            .expected("at least one child")
            .fix(format!(
                "[tunnel.{name}.child.lan]\nlocal_net  = [\"10.1.0.0/24\"]\nremote_net = [\"10.2.0.0/24\"]"
            ));
    }
    let wanted = pool::virtual_ip(reader, &table, &mut children);
    let connection = Connection {
        name: name.to_owned(),
        local: local.address,
        local_interface: local.interface,
        protection: interface::protection(reader, &table),
        interface,
        monitor,
        remote: remote.unwrap_or(Remote::Any),
        local_id,
        remote_id,
        auth: auth
            .as_ref()
            .map_or(Authentication::PSK, AuthFiles::authentication),
        ike: algorithms::of(reader, &table, "ike", SaKind::Ike, allow_weak),
        start,
        children,
        dpd_delay: duration::of(reader, &table, "dpd", (SECOND, 24 * HOUR), true, DPD),
        retransmit: retransmit(reader, &table),
        window: reader.number(&table, "window", WINDOWS, WINDOW),
        force_encap: reader.flag(&table, "force_encap", false),
        inner: InnerAddresses {
            wanted,
            pools: pool_names,
        },
        mobike: reader.flag(&table, "mobike", true),
        remote_port: reader.port(&table, "remote_port", 500),
        ppk: None,
        life: life::of_tunnel(reader, &table),
    };
    let read = Read {
        connection,
        table,
        interface: interface_table,
        monitor: monitor_table,
        children: child_tables,
    };
    (read, auth)
}

/// Our end, as far as the text tells.
#[derive(Default)]
struct Local {
    address: Option<IpAddr>,
    interface: Option<String>,
}

fn local(reader: &mut Reader<'_>, table: &Table<'_>) -> Local {
    let Some(word) = reader.word(table, "local").filter(|w| w.text != "any") else {
        return Local::default();
    };
    match word.text.parse::<IpAddr>() {
        Ok(address) if address.is_unspecified() => {
            any_instead(reader, &word, "local");
            Local::default()
        }
        Ok(address) => {
            usable(reader, &word, "local", address);
            Local {
                address: Some(address),
                interface: None,
            }
        }
        Err(_) if is_interface_name(word.text) => Local {
            address: None,
            interface: Some(word.text.to_owned()),
        },
        Err(_) => {
            reader
                .error(
                    "bad-address",
                    &word.at,
                    format!(
                        "`{}` is neither an address of this host nor the name of an interface",
                        word.text.escape_debug()
                    ),
                )
                .expected("an IPv4 or IPv6 address, the name of an interface, or \"any\"")
                .fix("local = \"any\"");
            Local::default()
        }
    }
}

/// Whether Linux would take it as a name (at most 15 octets), and nobody would take it for a misspelt address.
pub(super) fn is_interface_name(text: &str) -> bool {
    let part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '@');
    text.len() <= 15
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(part)
}

/// The peer; `None` when nothing usable was written, which was complained about.
fn remote(reader: &mut Reader<'_>, table: &Table<'_>) -> Option<Remote> {
    if !table.entries.contains_key("remote") {
        reader.missing(table, "remote", "remote = \"192.168.0.2\"");
    }
    let word = reader.word(table, "remote")?;
    let text = word.text;
    if text == "any" {
        return Some(Remote::Any);
    }
    if let Ok(address) = text.parse::<IpAddr>() {
        if address.is_unspecified() {
            any_instead(reader, &word, "remote");
            return None;
        }
        usable(reader, &word, "remote", address);
        return Some(Remote::Address(address));
    }
    if let Some((host, port)) = with_port(text) {
        reader
            .error(
                "bad-address",
                &word.at,
                "the port of the peer has a key of its own",
            )
            .found(text)
            .expected("an address or a host name alone")
            .fix(format!("remote = \"{host}\"\nremote_port = {port}"));
        return None;
    }
    if host_name(text) {
        return Some(Remote::Name(text.to_owned()));
    }
    reader
        .error(
            "bad-address",
            &word.at,
            format!(
                "`{}` is neither an address nor a host name",
                text.escape_debug()
            ),
        )
        .expected("an IPv4 or IPv6 address, a host name, or \"any\"")
        .fix("remote = \"192.168.0.2\"");
    None
}

fn any_instead(reader: &mut Reader<'_>, word: &Word<'_>, name: &str) {
    reader
        .error(
            "bad-address",
            &word.at,
            format!("{} is no address of a host", word.text),
        )
        .expected("an address, or \"any\"")
        .fix(format!("{name} = \"any\""));
}

fn usable(reader: &mut Reader<'_>, word: &Word<'_>, name: &str, address: IpAddr) {
    let broadcast = matches!(address, IpAddr::V4(v4) if v4.is_broadcast());
    if address.is_multicast() || broadcast {
        reader
            .error(
                "bad-address",
                &word.at,
                format!("{address} is no address of a single host"),
            )
            .expected("a unicast address")
            .fix(format!("{name} = \"192.168.0.2\""));
    }
}

/// `host:port` and `[address]:port`.
fn with_port(text: &str) -> Option<(&str, u16)> {
    let (host, port) = text.rsplit_once(':')?;
    let port: u16 = port.parse().ok()?;
    let bare = host
        .strip_prefix('[')
        .and_then(|h| h.strip_suffix(']'))
        .unwrap_or(host);
    (bare.parse::<IpAddr>().is_ok() || host_name(bare)).then_some((bare, port))
}

/// A DNS name: labels of letters, digits, `-` and `_`; and not what was meant to be an IPv4 address.
fn host_name(text: &str) -> bool {
    let name = text.strip_suffix('.').unwrap_or(text);
    let label = |l: &str| {
        !l.is_empty()
            && l.len() <= 63
            && !l.starts_with('-')
            && !l.ends_with('-')
            && l.chars()
                .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
    };
    let numeric = name
        .rsplit('.')
        .next()
        .is_some_and(|l| l.bytes().all(|b| b.is_ascii_digit()));
    name.len() <= 253 && name.split('.').all(label) && !numeric
}

fn identity(reader: &mut Reader<'_>, word: &Word<'_>, name: &str) -> Option<Identity> {
    if word.text.starts_with('%') {
        reader
            .error(
                "bad-identity",
                &word.at,
                format!("`{}` isn't an identity here", word.text.escape_debug()),
            )
            .expected("an address, a host name, user@host, or keyid:…")
            .fix(format!("{name} = \"any\""));
        return None;
    }
    match word.text.parse::<Identity>() {
        Ok(id) => Some(id),
        Err(error) => {
            let d = reader.error("bad-identity", &word.at, error.to_string());
            d.expected("an address, a host name, user@host, or keyid:…")
                .fix(format!("{name} = \"gateway.example\""));
            if word.text.contains('=') {
                d.note("distinguished names belong to certificates, which aren't supported yet");
            }
            None
        }
    }
}

fn local_id(reader: &mut Reader<'_>, table: &Table<'_>, local: &Local) -> Identity {
    let placeholder = || Identity::KeyId(Vec::new());
    match reader.word(table, "local_id") {
        Some(word) if word.text == "any" => {
            reader
                .error("bad-identity", &word.at, "we can't be anybody")
                .expected("who we say we are")
                .fix("local_id = \"gateway.example\"");
            placeholder()
        }
        Some(word) => identity(reader, &word, "local_id").unwrap_or_else(placeholder),
        None => match local.address {
            Some(address) => Identity::Address(address),
            // An unreadable `local` or `local_id` was complained about already.
            None if table.entries.contains_key("local_id")
                || local.interface.is_none() && !any(table, "local") =>
            {
                placeholder()
            }
            None => {
                reader.missing(table, "local_id", "local_id = \"gateway.example\"");
                placeholder()
            }
        },
    }
}

fn any(table: &Table<'_>, name: &str) -> bool {
    table
        .entries
        .get(name)
        .is_none_or(|v| v.as_str() == Some("any"))
}

fn remote_id(
    reader: &mut Reader<'_>,
    table: &Table<'_>,
    remote: Option<&Remote>,
) -> Option<Identity> {
    match reader.word(table, "remote_id") {
        Some(word) if word.text == "any" => None,
        Some(word) => identity(reader, &word, "remote_id"),
        None => match remote? {
            Remote::Address(address) => Some(Identity::Address(*address)),
            Remote::Name(name) => Some(Identity::Fqdn(name.clone())),
            Remote::Any => {
                reader
                    .report(
                        Severity::Note,
                        "any-identity",
                        &table.at_value("remote"),
                        "whoever holds the key is accepted, from any address and with any identity",
                    )
                    .note("`remote_id` narrows it");
                None
            }
        },
    }
}

fn start(reader: &mut Reader<'_>, table: &Table<'_>, remote: Option<&Remote>) -> Start {
    const WORDS: [(&str, Start); 3] = [
        ("auto", Start::Auto),
        ("on-demand", Start::OnDemand),
        ("passive", Start::Passive),
    ];
    let any = matches!(remote, Some(Remote::Any));
    let Some(word) = reader.word(table, "start") else {
        return if any { Start::Passive } else { Start::Auto };
    };
    let Some((_, start)) = WORDS.iter().find(|(name, _)| *name == word.text) else {
        let near = did_you_mean(word.text, WORDS.iter().map(|(name, _)| *name));
        reader
            .error(
                "unknown-word",
                &word.at,
                format!("`{}` is no way to start", word.text.escape_debug()),
            )
            .expected("\"auto\", \"on-demand\" or \"passive\"")
            .fix(format!("start = \"{}\"", near.unwrap_or("auto")));
        return Start::Auto;
    };
    if any && *start != Start::Passive {
        reader
            .error(
                "start-without-peer",
                &word.at,
                format!(
                    "`start = \"{}\"` needs to know where the peer is",
                    word.text
                ),
            )
            .found("remote = \"any\"")
            .expected("start = \"passive\", or the peer's address in `remote`")
            .fix("start = \"passive\"");
    }
    *start
}

fn retransmit(reader: &mut Reader<'_>, tunnel: &Table<'_>) -> Retransmit {
    let default = Retransmit::default();
    let Some(table) = tunnel
        .entries
        .get("retransmit")
        .and_then(|item| reader.table(tunnel, "retransmit", item, Section::Retransmit))
    else {
        return default;
    };
    let out = Retransmit {
        initial: duration::of(
            reader,
            &table,
            "initial",
            (Duration::from_millis(50), 60 * SECOND),
            false,
            default.initial,
        ),
        backoff_percent: backoff(reader, &table, default.backoff_percent),
        max: duration::of(
            reader,
            &table,
            "max",
            (Duration::from_millis(50), HOUR),
            false,
            default.max,
        ),
        tries: reader.number(&table, "tries", 0..=20, default.tries),
    };
    if out.initial > out.max {
        reader
            .error(
                "retransmit-order",
                &table.at_value("initial"),
                "the first wait is longer than the longest",
            )
            .found(format!(
                "initial {}, max {}",
                duration::write(out.initial),
                duration::write(out.max)
            ))
            .expected("`initial` not above `max`")
            .fix(format!("max = \"{}\"", duration::write(out.initial)));
    }
    out
}

fn backoff(reader: &mut Reader<'_>, table: &Table<'_>, default: u32) -> u32 {
    let Some(found) = reader.value(table, "backoff") else {
        return default;
    };
    let number = found
        .value
        .as_float()
        .or_else(|| found.value.as_integer().map(|n| n as f64));
    let Some(number) = number else {
        let what = describe_value(found.value);
        reader.wrong_type(table.section, "backoff", &found.at, what);
        return default;
    };
    if !(1.0..=10.0).contains(&number) {
        reader
            .error("out-of-range", &found.at, "`backoff` is out of range")
            .found(number)
            .expected("a number from 1 to 10")
            .fix("backoff = 1.8");
        return default;
    }
    (number * 100.0).round() as u32
}
