//! Settings of the gateway itself: what is kept of peers that haven't authenticated, how packets are carried.

use adit_config::{Offload, adit};

use crate::common::*;

fn with_gateway(lines: &str) -> String {
    format!("[gateway]\n{lines}\n{GOOD}")
}

#[test]
fn bounds_of_half_open_ike_sas() {
    let text = with_gateway(
        "half_open_limit = 2000\ncookies_from = 0\nhalf_open_per_source = 200\ncookies_from_per_source = 5",
    );
    let (configuration, diagnostics) = adit::parse("west.toml", &text);
    assert!(diagnostics.is_empty(), "{}", all(&diagnostics));
    let bounds = configuration.unwrap().gateway.half_open;
    assert_eq!((bounds.limit, bounds.cookies_from), (2000, 0));
    assert_eq!(
        (bounds.per_source, bounds.cookies_from_per_source),
        (200, 5)
    );
}

/// With these nobody would ever be asked for a cookie: who forges addresses fills the room first.
#[test]
fn cookies_come_before_the_room_is_full() {
    let error_of = |lines| error(&with_gateway(lines));
    let never = error_of("half_open_limit = 300\ncookies_from = 300");
    assert_eq!((never.code, never.line), ("cookies-never", 3));
    assert_eq!(never.fix.as_deref(), Some("cookies_from = 30"));
    // The one that isn't written counts as well.
    assert_eq!(error_of("half_open_limit = 50").code, "cookies-never");
    assert_eq!(error_of("half_open_limit = 0").line, 2);
    assert_eq!(error_of("half_open_per_source = \"many\"").line, 2);
}

#[test]
fn how_packets_are_carried() {
    let text = with_gateway("threads = 4\noffload = \"off\"");
    let (configuration, diagnostics) = adit::parse("west.toml", &text);
    assert!(diagnostics.is_empty(), "{}", all(&diagnostics));
    let gateway = configuration.unwrap().gateway;
    assert_eq!((gateway.threads, gateway.offload), (4, Offload::Off));

    let many = error(&with_gateway("threads = 1000"));
    assert_eq!((many.code, many.line), ("out-of-range", 2));
    let on = error(&with_gateway("offload = \"on\""));
    assert_eq!(on.code, "unknown-word");
    assert_eq!(on.fix.as_deref(), Some("offload = \"auto\""));
}
