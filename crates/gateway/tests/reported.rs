//! What `adit bugreport` makes of a running gateway's own account: nothing of the originals, and the same verdict.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod pair;

use adit_diagnose::{Answer, Verdict, diagnose};
use adit_evidence::pseudonym::{Entry, Kind, MapKey, Originals, Pseudonyms};
use adit_model::fact::Case;
use adit_model::show::Topic;
use adit_model::status::TunnelState;
use pair::{At, Pair, Running, eventually};
use serde_json::{Value, json};

/// Everything of a gateway's account that has names or addresses in it.
fn account(running: &mut Running) -> Vec<Value> {
    let client = &mut running.client;
    let status = client.status(None).unwrap();
    let mut out = vec![serde_json::to_value(status).unwrap()];
    for topic in [
        Topic::IkeSa,
        Topic::IpsecSa,
        Topic::Policy,
        Topic::Certs,
        Topic::Log,
    ] {
        let shown = client.show(topic, None).unwrap();
        out.push(serde_json::to_value(shown).unwrap());
    }
    for case in client.cases(None, false).unwrap() {
        out.push(json!({ "case": case }));
    }
    out
}

fn redacted(account: &[Value]) -> (Vec<Value>, Pseudonyms) {
    let mut names = Pseudonyms::new(MapKey::new([0x33; 32])).unwrap();
    for document in account {
        names.learn(document);
    }
    let mut out = account.to_vec();
    for document in &mut out {
        names.document(document);
    }
    (out, names)
}

fn verdict(account: &[Value]) -> Verdict {
    let case = account.iter().find_map(|document| document.get("case"));
    let case: Case = serde_json::from_value(case.unwrap().clone()).unwrap();
    diagnose(&case)
}

fn told(verdict: &Verdict) -> String {
    let causes = verdict.findings.iter().map(|f| (&f.cause, f.side));
    format!("{:?} {:?}", verdict.verdict, causes.collect::<Vec<_>>())
}

const ORIGINALS: [&str; 6] = [
    "gw1.office.example",
    "gw2.office",
    "office.example",
    "10.1.0.",
    "10.2.0.",
    "branch-seven",
];

#[test]
fn a_tunnel_that_is_up_is_healthy_in_the_report_too() {
    let pair = Pair::new("report-up");
    for at in [At::West, At::East] {
        pair.configure(at, &[pair.tunnel(at, "office", 0)]);
    }
    let (mut west, mut east) = pair.start_both();
    west.wait_for("office", TunnelState::Up);
    east.wait_for("office", TunnelState::Up);
    let raw = account(&mut west);
    let (new, names) = redacted(&raw);
    let text = new.iter().map(Value::to_string).collect::<String>();
    for original in ORIGINALS {
        assert!(!text.contains(original), "{original}: {text}");
    }
    assert_eq!(verdict(&raw).verdict, Answer::Healthy);
    assert_eq!(told(&verdict(&new)), told(&verdict(&raw)));
    assert!(names.counts()[&Kind::Address] > 0 && names.counts()[&Kind::Host] > 0);
    // What a stranger writes about it is understood.
    let table: Vec<Entry> = names.table().collect();
    let network = table.iter().find(|e| e.original == "10.1.0.0/24").unwrap();
    let originals = Originals::new(MapKey::new([0x33; 32]), &table).unwrap();
    assert_eq!(
        originals.text(&format!("is {} yours?", network.pseudonym)),
        "is 10.1.0.0/24 yours?"
    );
    west.end();
    east.end();
}

#[test]
fn a_refusal_is_the_same_cause_in_the_report() {
    let pair = Pair::new("report-refused");
    let west = pair
        .tunnel(At::West, "office", 0)
        .replace("gw1.office.example", "keyid:branch-seven");
    pair.configure(At::West, &[west]);
    pair.configure(At::East, &[pair.tunnel(At::East, "office", 0)]);
    let (mut west, mut east) = pair.start_both();
    let refused = eventually(|| {
        let cases = east.client.cases(Some("office"), false).unwrap();
        let verdict = diagnose(cases.first()?);
        (verdict.verdict == Answer::Cause).then_some(verdict)
    });
    assert!(refused.is_some(), "{:?}", east.tunnel("office"));
    for side in [&mut west, &mut east] {
        let raw = account(side);
        let (new, _) = redacted(&raw);
        let text = new.iter().map(Value::to_string).collect::<String>();
        for original in ORIGINALS {
            assert!(!text.contains(original), "{original}: {text}");
        }
        assert_eq!(told(&verdict(&new)), told(&verdict(&raw)));
    }
    assert_eq!(verdict(&account(&mut east)).cause(), Some("id-mismatch"));
    west.end();
    east.end();
}
