//! `adit run --check`: a configuration is judged before anything is started.

use crate::program::{DONE, Dir, USAGE, adit, command};

const GOOD: &str = r#"[tunnel.office]
local      = "192.0.2.1"
remote     = "192.0.2.2"
local_id   = "west.lab"
remote_id  = "east.lab"
auth       = { psk_file = "office.psk" }

[tunnel.office.child.lan]
local_net  = ["10.1.0.0/24"]
remote_net = ["10.2.0.0/24"]
"#;

fn site(config: &str) -> (Dir, String) {
    let dir = Dir::new("check");
    dir.write("office.psk", "correct horse battery staple\n");
    let path = dir.write("adit.toml", config);
    (dir, path)
}

#[test]
fn a_good_configuration_is_called_good_and_nothing_is_started() {
    let (dir, path) = site(GOOD);
    let state = dir.at("state");
    let ran = adit(&["run", "--check", "-c", &path, "--state", &state]).ends_with(DONE);
    assert!(ran.out.is_empty());
    assert!(ran.err.contains("1 tunnel"), "{}", ran.err);
    assert!(!dir.path().join("state").exists());
}

#[test]
fn a_dash_is_standard_input() {
    let (dir, path) = site(GOOD);
    let ran = command(&["run", "--check", "-c", "-"])
        .current_dir(dir.path())
        .stdin(std::fs::File::open(path).unwrap())
        .output()
        .unwrap();
    let said = String::from_utf8(ran.stderr).unwrap();
    assert!(ran.status.success() && said.contains("1 tunnel"), "{said}");
}

#[test]
fn an_unknown_key_is_shown_with_its_place_and_the_one_that_was_meant() {
    let (dir, path) = site(&GOOD.replace("remote_id  =", "remot_id   ="));
    let state = dir.at("state");
    for check in [&["--check"][..], &[]] {
        let args = [&["run", "-c", &path, "--state", &state][..], check].concat();
        let ran = adit(&args).ends_with(USAGE).only_complains();
        assert!(ran.err.contains(&format!("{path}:5:1")), "{}", ran.err);
        assert!(ran.err.contains("remot_id   = \"east.lab\""), "{}", ran.err);
        assert!(ran.err.contains("`remote_id`"), "{}", ran.err);
        assert!(ran.err.contains("nothing was started"), "{}", ran.err);
        // Whoever asks why it doesn't run is told; nothing else is there.
        let left: Vec<_> = std::fs::read_dir(dir.path().join("state"))
            .into_iter()
            .flatten()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        let told = if check.is_empty() {
            &["not-started.json"][..]
        } else {
            &[]
        };
        assert_eq!(left, told, "something was started");
    }
}

#[test]
fn every_error_is_told_at_once() {
    let bad = GOOD
        .replace("10.2.0.0/24", "10.2.0.0/99")
        .replace("\"192.0.2.2\"", "17");
    let (_dir, path) = site(&bad);
    let ran = adit(&["run", "--check", "-c", &path])
        .ends_with(USAGE)
        .only_complains();
    for place in [":3:", ":10:"] {
        assert!(ran.err.contains(&format!("{path}{place}")), "{}", ran.err);
    }
    assert!(ran.err.contains("2 errors"), "{}", ran.err);
}

#[test]
fn a_file_that_is_no_toml_is_shown_where_it_stops_being_it() {
    let (_dir, path) = site("[tunnel.office\nlocal = 1\n");
    let ran = adit(&["run", "--check", "-c", &path])
        .ends_with(USAGE)
        .only_complains();
    assert!(ran.err.contains(&format!("{path}:1:")), "{}", ran.err);
}

#[test]
fn a_missing_file_is_named() {
    let dir = Dir::new("missing");
    let path = dir.at("nowhere.toml");
    let ran = adit(&["run", "-c", &path])
        .ends_with(USAGE)
        .only_complains();
    assert!(
        ran.err.contains(&path) && ran.err.contains("-c FILE"),
        "{}",
        ran.err
    );
}

#[test]
fn a_key_file_that_others_can_read_is_refused_with_the_command_that_closes_it() {
    use std::os::unix::fs::PermissionsExt;
    let (dir, path) = site(GOOD);
    let key = dir.path().join("office.psk");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    let state = dir.at("state");
    for check in [&["--check"][..], &[]] {
        let args = [&["run", "-c", &path, "--state", &state][..], check].concat();
        let ran = adit(&args).ends_with(USAGE).only_complains();
        assert!(ran.err.contains("chmod 600"), "{}", ran.err);
        assert!(ran.err.contains(&key.display().to_string()), "{}", ran.err);
        assert!(
            !ran.err.contains("horse"),
            "a secret was shown: {}",
            ran.err
        );
    }
}

#[test]
fn a_missing_key_file_is_named_with_its_tunnel() {
    let (dir, path) = site(GOOD);
    std::fs::remove_file(dir.path().join("office.psk")).unwrap();
    let ran = adit(&["run", "--check", "-c", &path])
        .ends_with(USAGE)
        .only_complains();
    assert!(
        ran.err.contains("office.psk") && ran.err.contains("tunnel `office`"),
        "{}",
        ran.err
    );
    let line = GOOD.lines().position(|l| l.starts_with("auth")).unwrap() + 1;
    let place = format!("{path}:{line}:");
    assert!(ran.err.contains(&place), "{place}: {}", ran.err);
}
