//! pluto's log as a ladder: lines in, happenings out.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use adit_evidence::{Product, read};
use adit_model::fact::{Known, Side};
use adit_model::now::Wall;

/// 2026-11-22T00:00:00Z.
const NOW: Wall = Wall(1_795_305_600_000);

/// What a paste tells, each happening as a person reads it.
fn told(paste: &str) -> Vec<String> {
    let reading = read("paste", Side::Local, paste.as_bytes(), NOW);
    assert_eq!(reading.recognised[0].product, Product::Pluto);
    reading
        .facts
        .iter()
        .filter_map(|f| match &f.what {
            Known::Happened { happening } => Some(happening.to_string()),
            _ => None,
        })
        .collect()
}

#[test]
fn main_and_quick_mode_of_openswan() {
    let ladder = told(
        r#"104 "gw" #1: STATE_MAIN_I1: initiate
003 "gw" #1: received Vendor ID payload [RFC 3947] method set to=109
106 "gw" #1: STATE_MAIN_I2: sent MI2, expecting MR2
003 "gw" #1: NAT-Traversal: Result using RFC 3947 (NAT-Traversal): i am NATed
108 "gw" #1: STATE_MAIN_I3: sent MI3, expecting MR3
004 "gw" #1: STATE_MAIN_I4: ISAKMP SA established {auth=OAKLEY_PRESHARED_KEY cipher=aes_256 prf=oakley_sha group=modp1024}
117 "gw" #2: STATE_QUICK_I1: initiate
004 "gw" #2: STATE_QUICK_I2: sent QI2, IPsec SA established tunnel mode {ESP/NAT=>0xc1a2b3c4 <0xcd5e6f70 xfrm=AES_128-HMAC_SHA1 NATOA=none NATD=198.51.100.1:4500 DPD=none}
"#,
    );
    assert_eq!(
        ladder,
        [
            "initiating, offering nothing",
            "sent MI1 request 0 [  ]",
            "received MR1 response 0 [  ]",
            "sent MI2 request 0 [  ]",
            "we are behind a NAT",
            "received MR2 response 0 [  ]",
            "moved to port 4500",
            "sent MI3 request 0 [  ]",
            "received MR3 response 0 [  ]",
            "IKE proposal agreed: aes256-sha1-prfsha1-modp1024",
            "IKE SA 0000000000000000_0000000000000000 established between keyid:(not in the log) and keyid:(not in the log), aes256-sha1-prfsha1-modp1024",
            "sent QI1 request 0 [  ]",
            "received QR1 response 0 [  ]",
            "sent QI2 request 0 [  ]",
            "CHILD SA gw established, SPIs cd5e6f70 in c1a2b3c4 out, aes128-sha1 in UDP, nothing === nothing",
        ]
    );
}

#[test]
fn a_responder_of_ikev2_in_version_5() {
    let ladder = told(
        r#""gw"[1] 203.0.113.9 #1: proposal 1:IKE=AES_GCM_C_256-HMAC_SHA2_512-DH19 chosen from remote proposals 1:IKE:ENCR=AES_GCM_C_256;PRF=HMAC_SHA2_512;DH=DH19[first-match]
"gw"[1] 203.0.113.9 #1: processed IKE_SA_INIT request from 203.0.113.9:UDP/500 {cipher=AES_GCM_16_256 integ=n/a prf=HMAC_SHA2_512 ke=DH19}
"gw"[1] 203.0.113.9 #1: processing IKE_AUTH request from 203.0.113.9:UDP/4500 containing SK{IDi,CERT,AUTH,SA,TSi,TSr}
"gw"[1] 203.0.113.9 #1: responder established IKE SA; authenticated peer using authby=secret and FQDN '@road'
"gw"[1] 203.0.113.9 #2: responder established Child SA using #1; IPsec tunnel [10.1.0.0/24===10.2.0.5/32] {ESPinUDP/ESN=>0xc1a2b3c4 <0xcd5e6f70 xfrm=AES_GCM_16_256-NONE NATD=203.0.113.9:4500 DPD=passive}
"#,
    );
    assert_eq!(
        ladder,
        [
            "IKE proposal agreed: aes256gcm16-prfsha512-ecp256",
            "received IKE_SA_INIT request 0 [  ]",
            "sent IKE_SA_INIT response 0 [  ]",
            "received IKE_AUTH request 1 [ IDi CERT AUTH SA TSi TSr ]",
            "moved to port 4500",
            "IKE SA 0000000000000000_0000000000000000 established between keyid:(not in the log) and road, aes256gcm16-prfsha512-ecp256",
            "CHILD SA gw established, SPIs cd5e6f70 in c1a2b3c4 out, aes256gcm16-esn in UDP, 10.1.0.0/24 === 10.2.0.5/32",
        ]
    );
}

#[test]
fn a_log_that_begins_in_the_middle_tells_what_must_have_been() {
    let ladder = told(
        "\"gw\" #7: STATE_MAIN_I3: retransmission; will wait 4 seconds for response\n\
         \"gw\" #7: STATE_MAIN_I3: 60 second timeout exceeded after 7 retransmits.  Possible authentication failure: no acceptable response to our first encrypted message\n",
    );
    assert_eq!(
        ladder,
        [
            "initiating, offering nothing",
            "received MR2 response 0 [  ]",
            "sent MI3 request 0 [  ]",
            "retransmission 1 of MI3 request 0",
            "no answer to MI3 request 0 after 8 transmissions in 60.000 s",
        ]
    );
}

#[test]
fn an_error_of_ikev1_is_about_what_its_octets_say() {
    let paste = |protocol: &str| {
        format!(
            "\"gw\" #1: ignoring informational payload NO_PROPOSAL_CHOSEN, msgid=00000000, length=16\n\
             | ISAKMP Notification Payload\n\
             |   00 00 00 10  00 00 00 01  {protocol} 04 00 0e\n\
             \"gw\" #1: received and ignored informational message\n"
        )
    };
    assert_eq!(
        told(&paste("03")),
        [
            "received INFORMATIONAL_V1 request 0 [ N(NO_PROPOSAL_CHOSEN) ]",
            "the peer refused CHILD_SA gw with NO_PROPOSAL_CHOSEN"
        ]
    );
    assert_eq!(
        told(&paste("01")),
        [
            "received INFORMATIONAL_V1 request 0 [ N(NO_PROPOSAL_CHOSEN) ]",
            "the peer refused IKEv1 phase 1 with NO_PROPOSAL_CHOSEN"
        ]
    );
}

#[test]
fn both_lists_of_a_refused_first_exchange() {
    let ladder = told(
        "\"gw\": IKE SA proposals (connection add):\n\
         \"gw\":   1:IKE=AES_CBC_256-HMAC_SHA1-HMAC_SHA1_96-MODP1536\n\
         \"gw\" #1: no local proposal matches remote proposals 1:IKE:ENCR=AES_CBC_128;PRF=HMAC_SHA1;INTEG=HMAC_SHA1_96;DH=MODP1536\n\
         \"gw\" #1: responding to IKE_SA_INIT message (ID 0) from 192.0.2.1:500 with unencrypted notification NO_PROPOSAL_CHOSEN\n",
    );
    assert_eq!(
        ladder,
        [
            "refused IKE_SA_INIT: no IKE proposal in common: offered aes128-sha1-prfsha1-modp1536; configured aes256-sha1-prfsha1-modp1536; they differ in encryption"
        ]
    );
}

/// Debugging shows the search method by method; only when it ends without a connection there is none.
#[test]
fn a_search_that_goes_on_found_something() {
    let search = "| initial parent SA message received on 192.0.2.1:500 but no connection has been authorized with policy RSASIG+IKEV2_ALLOW\n";
    let found = format!(
        "{search}\"gw\" #1: STATE_PARENT_R1: received v2I1, sent v2R1 {{auth=IKEv2 cipher=aes_256}}\n"
    );
    assert!(told(search).iter().any(|t| t.contains("no connection")));
    assert!(!told(&found).iter().any(|t| t.contains("no connection")));
}

#[test]
fn status_tells_how_far_things_are() {
    let ladder = told(
        "000 #1: \"gw\":500 STATE_MAIN_I1 (sent MI1, expecting MR1); EVENT_RETRANSMIT in 7s; nodpd; idle\n\
         000 #1: pending Phase 2 for \"gw\" replacing #0\n",
    );
    assert_eq!(
        ladder,
        [
            "initiating, offering nothing",
            "sent MI1 request 0 [  ]",
            "retransmission 1 of MI1 request 0",
        ]
    );
    let up = told(
        "000 #4: \"gw\"[1] 192.0.2.9:4500 IKEv1.0 STATE_QUICK_R2 (IPsec SA established); EVENT_SA_REPLACE in 3288s; newest IPSEC; eroute owner\n",
    );
    assert!(up[1].starts_with("CHILD SA gw established"), "{up:?}");
}
