//! `docs/configuration.md` and the table of keys say the same. `UPDATE_DOCS=1` writes the document anew.

#![allow(clippy::unwrap_used, clippy::expect_used)]
// This test compares files, which the crate itself never touches.
#![allow(clippy::disallowed_methods)]

use std::path::Path;

use adit_config::adit;
use adit_config::adit::keys::{self, Key, Section};

const BEGIN: &str = "<!-- keys: written from crates/config/src/adit/keys.rs -->\n\n";
const END: &str = "<!-- end of keys -->\n";

fn document() -> (std::path::PathBuf, String) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/configuration.md");
    let text = std::fs::read_to_string(&path).unwrap();
    (path, text)
}

fn generated() -> String {
    let list = |proposals: Vec<adit_model::proposal::Proposal>| {
        proposals
            .iter()
            .map(|p| format!("{p}\n"))
            .collect::<String>()
    };
    format!(
        "{BEGIN}{}### Default of `ike`\n\n```text\n{}```\n\n### Default of `esp`\n\n```text\n{}```\n\n{END}",
        keys::markdown(),
        list(adit::default_ike()),
        list(adit::default_esp())
    )
}

#[test]
fn the_document_and_the_table_of_keys_agree() {
    let (path, text) = document();
    let (head, rest) = text
        .split_once(BEGIN)
        .expect("the begin of the generated part");
    let (_, tail) = rest.split_once(END).expect("the end of the generated part");
    let wanted = format!("{head}{}{tail}", generated());
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path, wanted).unwrap();
        return;
    }
    assert!(
        text == wanted,
        "run UPDATE_DOCS=1 cargo test -p adit-config --test docs"
    );
}

#[test]
fn every_example_in_the_documents_reads() {
    for name in ["docs/configuration.md", "docs/monitor.md", "README.md"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../..")
            .join(name);
        let text = std::fs::read_to_string(path).unwrap();
        let blocks: Vec<&str> = text
            .split("```toml\n")
            .skip(1)
            .map(|rest| rest.split("```").next().unwrap())
            .collect();
        assert!(!blocks.is_empty());
        for block in blocks {
            let (configuration, diagnostics) = adit::parse(name, block);
            let shown: String = diagnostics.iter().map(ToString::to_string).collect();
            assert!(configuration.is_some() && diagnostics.is_empty(), "{shown}");
        }
    }
}

#[test]
fn every_example_of_a_key_is_accepted() {
    for key in
        keys::all().filter(|k| !k.example.starts_with("[tunnel") && !k.example.starts_with("[pool"))
    {
        // A whole text, in which the key has its example.
        let write = |lines: Vec<(&str, &str)>, between: &str| {
            let lines: Vec<String> = lines.iter().map(|(k, v)| format!("{k} = {v}")).collect();
            lines.join(between)
        };
        let braces = |lines| format!("{{ {} }}", write(lines, ", "));
        let own = braces(table(key, Section::AuthLocal, beside(key)));
        let peer = braces(table(key, Section::AuthRemote, beside(key)));
        let auth = match key.section {
            Section::AuthLocal => braces(vec![("local", &own), ("remote", "{ psk_file = \"a\" }")]),
            Section::AuthRemote => {
                braces(vec![("local", "{ psk_file = \"a\" }"), ("remote", &peer)])
            }
            Section::Auth => braces(table(key, Section::Auth, beside(key))),
            _ => "{ psk_file = \"a\" }".to_owned(),
        };
        let retransmit = format!(
            "{{ {} }}",
            write(table(key, Section::Retransmit, &[]), ", ")
        );
        let ppk = format!(
            "{{ {} }}",
            write(
                table(key, Section::Ppk, &[("id", "\"a\""), ("file", "\"b\"")]),
                ", "
            )
        );
        let gives = key.section == Section::Tunnel && key.name == "pool";
        let asks = key.section == Section::Tunnel && key.name == "virtual_ip";
        let passive = [("start", "\"passive\"")];
        let tunnel: Vec<_> = [
            ("local", "\"192.168.0.9\""),
            ("remote", "\"192.168.0.8\""),
            ("auth", &auth),
            ("ppk", &ppk),
            ("retransmit", &retransmit),
        ]
        .into_iter()
        .chain(passive.into_iter().filter(|_| gives))
        .collect();
        let child: Vec<_> = [
            ("local_net", "\"10.8.0.0/24\"", asks),
            ("remote_net", "\"10.9.0.0/24\"", gives),
        ]
        .into_iter()
        .filter_map(|(name, value, instead)| (!instead).then_some((name, value)))
        .collect();
        let pool = [("addresses", "\"10.3.0.0/24\"")];
        let text = format!(
            "[gateway]\n{}\n[pool.guests]\n{}\n[tunnel.office]\n{}\n[tunnel.office.child.lan]\n{}\n",
            write(table(key, Section::Gateway, &[]), "\n"),
            write(table(key, Section::Pool, &pool), "\n"),
            write(table(key, Section::Tunnel, &tunnel), "\n"),
            write(table(key, Section::Child, &child), "\n"),
        );
        let (configuration, diagnostics) = adit::parse(key.name, &text);
        let shown: String = diagnostics.iter().map(ToString::to_string).collect();
        assert!(
            configuration.is_some() && diagnostics.is_empty(),
            "{text}{shown}"
        );
    }
}

/// What a key of `auth` needs beside it.
fn beside(key: &Key) -> &'static [(&'static str, &'static str)] {
    match (key.section, key.name) {
        (Section::Auth, "cert" | "key" | "ca" | "crl" | "revocation") => {
            &[("cert", "\"a\""), ("key", "\"b\""), ("ca", "\"c\"")]
        }
        (Section::Auth, "peer_public_key") => &[("key", "\"b\"")],
        (Section::Auth, "local" | "remote") => &[
            ("local", "{ psk_file = \"a\" }"),
            ("remote", "{ psk_file = \"a\" }"),
        ],
        (Section::Auth, "allow_sha1") => &[("psk_file", "\"a\"")],
        (Section::AuthLocal, "cert") => &[("key", "\"b\"")],
        (Section::AuthRemote, "crl" | "revocation") => &[("ca", "\"c\"")],
        _ => &[],
    }
}

/// The lines of a table, with the example of `key` among them if it belongs there.
fn table<'a>(key: &Key, section: Section, lines: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut lines = lines.to_vec();
    if key.section == section {
        lines.retain(|(name, _)| *name != key.name);
        lines.push((key.name, key.example));
    }
    lines
}
