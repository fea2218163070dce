//! `adit bugreport`: what it takes out, what it keeps, and the way back.

use adit_diagnose::{Answer, Verdict};

use crate::program::{DONE, Dir, FINDINGS, USAGE, adit};
use crate::sites::{Sites, permitted};

const CONFIG: &str = "[gateway]\n\n[tunnel.hq]\nlocal = \"198.51.100.7\"\nremote = \"vpn.acme-corp.com\"\n\
    local_id = \"branch-seven\"\nremote_id = \"C=CH, O=Acme Corp, CN=vpn.acme-corp.com\"\nauth = { psk = \"hunter2 hunter2\" }\n\n\
    [tunnel.hq.child.lan]\nlocal_net = [\"10.77.1.0/24\"]\nremote_net = [\"10.77.0.0/16\"]\n";

/// Nothing of a configuration that names anybody is left, and an answer is translated back.
#[test]
fn without_a_gateway_a_report_has_the_configuration_and_what_the_host_shows() {
    let dir = Dir::new("report");
    let config = dir.write("adit.toml", CONFIG);
    let (state, map, file) = (dir.at("none"), dir.at("my.map"), dir.at("report.txt"));
    let args = ["bugreport", "-c", &config, "--state", &state];
    let shown = adit(&[&args[..], &["--preview"]].concat()).ends_with(DONE);
    assert!(shown.err.contains("nothing was written"), "{}", shown.err);
    assert!(shown.err.contains("host name") && shown.out.contains("Contents"));
    assert!(!std::path::Path::new(&map).exists());

    adit(&[&args[..], &["--output", &file, "--map", &map]].concat()).ends_with(DONE);
    let text = std::fs::read_to_string(&file).unwrap();
    for secret in [
        "hunter2",
        "acme",
        "Acme",
        "198.51.100.7",
        "10.77.",
        "branch-seven",
        "[tunnel.h1",
    ] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
    assert!(
        text.contains("[tunnel.hq.child.lan]") && text.contains("[secret 1]"),
        "{text}"
    );
    for (path, what) in [(&file, "report"), (&map, "map")] {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{what}");
    }
    // The same map makes the same pseudonyms.
    let line = |text: &str| {
        text.lines()
            .find(|l| l.starts_with("remote_net"))
            .unwrap()
            .to_owned()
    };
    let again = dir.at("again.txt");
    adit(&[&args[..], &["-o", &again, "--map", &map]].concat()).ends_with(DONE);
    assert_eq!(line(&text), line(&std::fs::read_to_string(&again).unwrap()));
    let other = adit(&[&args[..], &["-o", "-"]].concat()).ends_with(DONE);
    assert_ne!(line(&text), line(&other.out));

    let answer = dir.write("answer.txt", &format!("widen {}\n", line(&text)));
    let back = adit(&["bugreport", "--translate", &map, &answer]).ends_with(DONE);
    assert_eq!(back.out, "widen remote_net = [\"10.77.0.0/16\"]\n");
    adit(&["bugreport", "--translate", &answer, &answer]).ends_with(USAGE);
    adit(&["bugreport", "--translate", &map]).ends_with(USAGE);
    // What a stranger does with it.
    let verdict: Verdict = adit(&["why", &file, "--json"]).ends_with(FINDINGS).json();
    assert_ne!(verdict.verdict, Answer::Healthy);
}

/// Each form in which a configuration names somebody, or holds a key; some of them are errors.
const FORMS: [&str; 16] = [
    "local_id = \"acme-hq\"   # head office",
    "remote_id = 'acme-branch'",
    "\"remote_id\" = \"acme-east\"",
    "'local_id' = 'acme-west' # it's \"here\"",
    "remote = \"vpn.m\u{fc}ller.de\"",
    "remote = \"acme-gw\"",
    "auth = { eap_id = \"acme-user\", psk_file = \"/x/office.psk\" }",
    "auth = { local = { id = 'acme-inner' }, remote = { eap_id = \"acme-outer\" } }",
    "auth = { psk = \"\"\"\nhunter2\"2\n hunter2\"\"\" }",
    "psk = '''hunter2'2\nhunter2\n'''",
    "psk = \"\"\"hunter2\"2 hunter2\"\"\"",
    "remote_id = \"\"\"acme-long\"\"\"",
    "remote_id = [\n  'acme-one', # of two\n  \"acme two\",\n]",
    "remote_id = \"acme\\u002dq\"",
    "remote_id = acme-bare",
    "# remote_id = \"acme-old\"",
];

#[test]
fn nothing_of_a_name_or_key_is_left_however_it_is_written() {
    let dir = Dir::new("forms");
    let state = dir.at("none");
    let report = |forms: &[&str]| {
        let text = format!(
            "[gateway]\nhook = \"/etc/adit/hook.sh\"\n\n[tunnel.hq]\n{}\nlast = 1\n",
            forms.join("\n")
        );
        let config = dir.write("adit.toml", &text);
        let args = ["bugreport", "-c", &config, "--state", &state, "-o", "-"];
        adit(&args).ends_with(DONE).out
    };
    let all = report(&FORMS);
    let alone = FORMS.iter().map(|form| report(&[form]));
    for text in alone.chain([all]) {
        for original in ["acme", "hunter2", "ller", "vpn."] {
            let at = text.lines().find(|line| line.contains(original));
            assert_eq!(at, None, "{original}");
        }
        for stays in ["[tunnel.hq]", "/etc/adit/hook.sh", "last = 1"] {
            assert!(text.contains(stays), "{stays}: {text}");
        }
    }
}

#[test]
fn a_report_of_a_running_gateway_leads_to_its_verdict() {
    if !permitted("a report of a real tunnel") {
        return;
    }
    let sites = Sites::new("reported");
    let (west, east) = sites.pair();
    assert!(sites.connected());
    let config = sites.dir.at("none.toml");
    let file = sites.dir.at("report.txt");
    let ran = west
        .adit(&["bugreport", "-o", &file, "-c", &config])
        .ends_with(DONE);
    assert!(ran.err.contains("replaced:"), "{}", ran.err);
    let text = std::fs::read_to_string(&file).unwrap();
    for original in [
        "192.0.2.1",
        "192.0.2.2",
        "10.1.0.",
        "10.2.0.",
        "gw1.example",
        "gw2.example",
    ] {
        let at = text.lines().find(|line| line.contains(original));
        assert_eq!(at, None, "{original}");
    }
    for part in [
        "answer: status",
        "answer: ike-sa",
        "answer: log",
        "recording: flight",
        "command: ip rule",
    ] {
        assert!(text.contains(&format!("==== {part} ====")), "{part}");
    }
    let verdict: Verdict = adit(&["why", &file, "--json"]).ends_with(DONE).json();
    assert_eq!(verdict.verdict, Answer::Healthy, "{verdict:#?}");
    drop(east);
}
