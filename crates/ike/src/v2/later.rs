//! What peers may ask for that isn't carried out here: each is refused by its own name, or left out of the answer where
//! its RFC says that silence declines it (MULTIPLE_AUTH_SUPPORTED, REDIRECT_SUPPORTED, TICKET_REQUEST,
//! QUICK_CRASH_DETECTION, IPCOMP_SUPPORTED).

use adit_model::feature::Feature;
use adit_model::reason::Refusal;
use adit_wire::iana::NotifyType;
use adit_wire::v2::PayloadList;
use adit_wire::v2::rules::Shape;

/// What a message of this shape would be a part of.
pub(crate) fn feature(shape: Shape) -> Feature {
    match shape {
        Shape::AuthRequestEapStart
        | Shape::AuthRequestEap
        | Shape::AuthRequestEapEnd
        | Shape::AuthResponseEap
        | Shape::AuthResponseEapEnd => Feature::Eap,
        other => Feature::message(other),
    }
}

/// The sender of an IKE_AUTH message wants to authenticate a second time, which was never agreed on (RFC 4739 2.1).
pub(crate) fn no_further(message: &PayloadList) -> Result<(), Refusal> {
    match message.notify(NotifyType::ANOTHER_AUTH_FOLLOWS) {
        Some(_) => Err(Refusal::Unsupported {
            what: Feature::FurtherAuthentication,
        }),
        None => Ok(()),
    }
}

/// Where a responder sends us (RFC 5685 3, 7.2), although we never said that we would go.
pub(crate) fn redirect(message: &PayloadList) -> Option<Refusal> {
    let data = &message.notify(NotifyType::REDIRECT)?.data;
    Some(Refusal::Unsupported {
        what: Feature::Redirect {
            to: gateway(data).unwrap_or_else(|| "nowhere that can be read".to_owned()),
        },
    })
}

/// The gateway's identity in N(REDIRECT): its type, its length, and itself.
fn gateway(data: &[u8]) -> Option<String> {
    let (&[kind, length], rest) = data.split_first_chunk()?;
    let id = rest.get(..usize::from(length))?;
    match kind {
        1 => Some(core::net::Ipv4Addr::from(<[u8; 4]>::try_from(id).ok()?).to_string()),
        2 => Some(core::net::Ipv6Addr::from(<[u8; 16]>::try_from(id).ok()?).to_string()),
        3 => Some(String::from_utf8_lossy(id).escape_debug().to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gateway_that_a_redirect_names() {
        let named = |data: &[u8]| gateway(data);
        assert_eq!(named(&[1, 4, 192, 0, 2, 7]).as_deref(), Some("192.0.2.7"));
        assert_eq!(named(b"\x03\x06gw.lab").as_deref(), Some("gw.lab"));
        // What follows is the nonce, which is nothing of the name.
        assert_eq!(named(b"\x03\x02gwNNNN").as_deref(), Some("gw"));
        assert_eq!(named(b"\x03\x02a\x1b").as_deref(), Some("a\\u{1b}"));
        for broken in [&[][..], &[1], &[1, 4, 192], &[1, 5, 1, 2, 3, 4, 5], &[9, 0]] {
            assert_eq!(named(broken), None, "{broken:?}");
        }
    }
}
