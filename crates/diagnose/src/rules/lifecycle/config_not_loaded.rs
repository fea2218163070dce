//! `config-not-loaded`: what runs isn't what is configured.

use adit_model::event::Happening;
use adit_model::fact::{Known, Side};
use adit_model::listed::{Layer, Stage};
use adit_model::peer_config::{Dialect, PeerConnection};
use adit_model::sign::Sign;

use crate::finding::{CONDITION, SAID, SYMPTOM};
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::{Signals, who};

pub(crate) static RULE: Rule = Rule {
    id: "config-not-loaded",
    recurs: false,
    page: Page {
        title: "The configuration was never loaded, or runs in an older form",
        what: "A daemon works with what it loaded. A connection that isn't loaded can't be set up, and one that was edited runs as it was until it is loaded again and set up anew.",
        initiator: "strongSwan: \"no config named 'X'\"; Libreswan: \"no connection named\", \"failed to add connection\"; Vyatta and PAN-OS: no commit.",
        responder: "No connection for the peer.",
        look_alikes: &[
            (
                "config-line-lost",
                "Is the line missing in the file, or was the file not loaded?",
            ),
            ("config-syntax-rejected", "Is there an error in a line?"),
            (
                "no-matching-connection-on-responder",
                "Is the connection there under another peer?",
            ),
        ],
        fix: &[
            (
                "any",
                "Load or commit the configuration and set the tunnel up anew.",
            ),
            (
                "strongswan",
                "`swanctl --load-all` (`ipsec update`), then `swanctl --list-conns`",
            ),
            (
                "libreswan",
                "`ipsec auto --replace X`, `ipsec auto --rereadsecrets`, `ipsec auto --status`",
            ),
            ("vyos", "`commit`, `save`"),
            ("panos", "Commit"),
        ],
        source: "the products' manuals",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &[
        "config-syntax-rejected",
        "config-line-lost",
        "daemon-not-running",
    ],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    if let Some(seen) = s.sign(Sign::ConnectionLoadFailed) {
        let name = seen.value_or("name", "the connection");
        // What is begun later is there.
        let refused: Vec<&str> = seen.value("name").into_iter().collect();
        if s.began_later(seen, &refused) {
            return Judgement::Possible {
                weight: 20,
                because: format!("{name} couldn't be loaded; later a connection was begun that is"),
                separated_by: "whether the connection that fails is the one that wasn't loaded",
            };
        }
        let problem = seen
            .value("problem")
            .map(|p| format!(" ({p})"))
            .unwrap_or_default();
        return Found::by(seen, SAID - 0.02, format!("{name} couldn't be loaded{problem}"))
            .because("What isn't loaded can't be set up and isn't found by a peer that asks.")
            .fix("correct what the loader complains about (a path that isn't there, a value it doesn't take) and load the configuration again")
            .done();
    }
    // Who asked for a wrong name and then for the right one has another problem.
    let asked = s.signs_of(Sign::ConnectionNotLoaded).filter(|x| {
        !s.overtaken(*x, |h| {
            matches!(h, Happening::Initiating { .. } | Happening::Received(_))
        })
    });
    if let Some(seen) = asked.last() {
        let name = seen.value_or("name", "of that name");
        return Found::by(seen, SAID - 0.02, format!("connection {name} isn't loaded at {}", seen.who()))
            .because("It was asked for by name, and the daemon doesn't have it.")
            .fix("load the configuration (swanctl --load-all; ipsec auto --add NAME; commit) and see that it is listed")
            .done();
    }
    if let Some(judgement) = for_its_certificate(s) {
        return judgement;
    }
    if let Some(seen) = s.sign(Sign::NothingLoaded).filter(|_| s.calm()) {
        return Found::by(
            seen,
            CONDITION,
            format!("{} runs without any connection: its configuration wasn't loaded", seen.who()),
        )
        .because("The daemon listed no connection until it was told to load them.")
        .fix("load the configuration whenever the daemon starts (swanctl --load-all as ExecStartPost of the unit or in the init script; charon.start-scripts)")
        .done();
    }
    if let Some(seen) = s
        .sign(Sign::NoConnections)
        .filter(|x| s.happenings(x.side()).next().is_none())
    {
        return Found::by(
            seen,
            CONDITION,
            format!("the daemon of {} runs and has no connection loaded", seen.who()),
        )
        .because("It lists not one connection, so it begins none and finds none for a peer that asks.")
        .fix("see that the connection is in a file that the daemon reads, load it (swanctl --load-all, ipsec update, ipsec auto --add NAME), and look at what the loader says")
        .done();
    }
    if let Some(found) = another_group(s).or_else(|| another_file(s)) {
        return found;
    }
    // What people say of a status is about that alone.
    let pending = s
        .sign(Sign::ConfigPending)
        .filter(|seen| s.calm() || !seen.fact.source.text.contains("previous configuration"));
    match pending {
        Some(seen) => Found::by(
            seen,
            CONDITION,
            "changes of the configuration aren't in force yet",
        )
        .because("The daemon runs with what was loaded before.")
        .fix("commit or load the configuration and set the tunnel up anew")
        .done(),
        None => Judgement::Silent,
    }
}

/// The loader discards a connection because it can't read the certificate that the connection names.
fn for_its_certificate(s: &Signals<'_>) -> Option<Judgement> {
    let seen = s.signs_of(Sign::ConnectionRejected).find(|x| {
        x.value("problem")
            .is_some_and(|p| p.contains("certs") && p.contains("discarded"))
    })?;
    let file = s
        .signs_of(Sign::ConfigUnreadable)
        .find(|x| x.value("kind").is_some() && x.side() == seen.side())?;
    if !s.calm() || s.up || s.began_later(seen, &[]) {
        return None;
    }
    let name = seen.value_or("name", "a connection");
    Some(
        Found::by(
            seen,
            SYMPTOM,
            format!("{name} isn't loaded at {}: a certificate that it names can't be read", seen.who()),
        )
        .with([file.fact])
        .because("The loader takes a connection as a whole or not at all. The certificate is damaged, of another form than its name says, or of a kind of key for which no plugin is loaded.")
        .fix("look at the file with the daemon's own tool (pki --print --in FILE) and with openssl x509 -text; where only the latter reads it, load the plugin of its key and signature (openssl, or x509 with pkcs1, pubkey, gmp). Then swanctl --load-all")
        .then("pki --print --in FILE; openssl x509 -noout -text -in FILE; the list of loaded plugins (swanctl --stats)")
        .done(),
    )
}

/// The daemon reads what a tool has made for it, and what is shown was written by hand: nobody begins, and nobody complains.
fn another_file(s: &Signals<'_>) -> Option<Judgement> {
    let seen = s.sign(Sign::GeneratedConfigRead)?;
    let shown = s.case.of(seen.side()).find(
        |f| matches!(&f.what, Known::PeerConfigured { connection } if connection.dialect == Dialect::Racoon && !connection.listed),
    )?;
    if !s.calm() || !s.never_began() || s.up {
        return None;
    }
    Some(
        Found::by(
            seen,
            CONDITION,
            format!("the daemon of {} reads a file that racoon-tool has made, and not the one that was written by hand", seen.who()),
        )
        .with([shown])
        .because("racoon-tool makes its own racoon.conf and policies from racoon-tool.conf whenever it starts the daemon, and flushes what was loaded before. So nothing of the tunnel that is shown is known to the daemon, which says nothing of it.")
        .fix("have the daemon started without the tool (dpkg-reconfigure racoon: direct; setkey -f /etc/ipsec-tools.conf), or write the tunnel into /etc/racoon/racoon-tool.conf")
        .then("`setkey -DP`: are the policies there? and the line of the log that names the file which was read")
        .done(),
    )
}

/// An SA runs with a group that none of the side's proposals has: they were changed since, or never loaded.
fn another_group(s: &Signals<'_>) -> Option<Judgement> {
    [Side::Local, Side::Remote].into_iter().find_map(|side| {
        let configured: Vec<_> = s
            .case
            .of(side)
            .filter_map(|f| match &f.what {
                Known::PeerConfigured { connection } => Some(&**connection),
                _ => None,
            })
            .collect();
        let (fact, sa, ke) = s.case.of(side).find_map(|f| match &f.what {
            Known::Listed { sa } if sa.layer == Layer::Ike && sa.stage == Stage::Up => {
                Some((f, sa, sa.ke?))
            }
            _ => None,
        })?;
        let to = |c: &&&PeerConnection| match &sa.peer {
            Some(peer) => c.remote.value.iter().any(|p| p.to_string() == *peer),
            None => configured.len() == 1,
        };
        let connection = configured.iter().find(to).filter(|c| c.ike.is_written())?;
        let proposals = connection.ike.value.as_ref()?;
        let wanted: Vec<u16> = proposals.iter().flat_map(|p| &p.ke).map(|k| k.0).collect();
        if wanted.is_empty() || wanted.contains(&ke) {
            return None;
        }
        let list: Vec<String> = proposals
            .iter()
            .flat_map(|p| &p.ke)
            .map(ToString::to_string)
            .collect();
        Some(
            Found::on(
                fact,
                CONDITION,
                side.into(),
                format!(
                    "the IKE SA of {} runs with group {ke}, and its configuration wants {}: what runs isn't what is configured",
                    who(side),
                    list.join(", ")
                ),
            )
            .because("An SA can only be agreed with what was configured when it was set up.")
            .fix("commit or load the configuration on this side, reset the tunnel, and compare what is negotiated then with both sides' configurations")
            .done(),
        )
    })
}
