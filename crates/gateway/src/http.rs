//! As much of HTTP as revocation lists and status answers are fetched with: one request, one answer, in clear, since what
//! comes is signed.
//!
//! The address was in a certificate that a trusted CA signed, and still isn't followed everywhere: not to this host
//! itself, not to the link, where clouds answer with credentials, and not elsewhere when the server says so.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

/// One address of a server may take this long to be reached.
const REACHED: Duration = Duration::from_secs(2);
/// The head of an answer isn't longer.
const LONGEST_HEAD: usize = 16 << 10;

/// A request.
pub(crate) struct Request<'a> {
    /// `http://host/path`.
    pub url: &'a str,
    /// Content type and body of a POST; without it, it is a GET.
    pub body: Option<(&'a str, &'a [u8])>,
    /// More octets aren't read.
    pub longest: usize,
    /// This host itself may be asked; for tests.
    pub loopback: bool,
}

/// Asks, and gives the answer's body, or what was in the way. Takes no longer than `patience`.
pub(crate) async fn ask(request: Request<'_>, patience: Duration) -> Result<Vec<u8>, String> {
    match timeout(patience, exchange(&request)).await {
        Ok(answer) => answer,
        Err(_) => Err(format!("no answer within {} s", patience.as_secs())),
    }
}

async fn exchange(request: &Request<'_>) -> Result<Vec<u8>, String> {
    let (host, port, path) = parts(request.url).ok_or("it isn't an address of HTTP")?;
    let found = lookup_host((host.as_str(), port)).await;
    let found: Vec<SocketAddr> = found
        .map_err(|e| format!("looking {host} up: {e}"))?
        .collect();
    let mut problem = "it has no address that may be asked".to_owned();
    for address in found {
        if !allowed(address.ip(), request.loopback) {
            continue;
        }
        match timeout(REACHED, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return converse(stream, request, &host, &path).await,
            Ok(Err(error)) => problem = format!("{address}: {error}"),
            Err(_) => problem = format!("{address} can't be reached"),
        }
    }
    Err(problem)
}

async fn converse(
    mut stream: TcpStream,
    request: &Request<'_>,
    host: &str,
    path: &str,
) -> Result<Vec<u8>, String> {
    // Version 1.0, so that the answer comes in one piece and ends with the connection.
    let shown = if host.contains(':') {
        format!("[{host}]")
    } else {
        host.to_owned()
    };
    let mut head = match request.body {
        Some((kind, body)) => format!(
            "POST {path} HTTP/1.0\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n",
            body.len()
        ),
        None => format!("GET {path} HTTP/1.0\r\n"),
    };
    head.push_str(&format!(
        "Host: {shown}\r\nUser-Agent: adit\r\nConnection: close\r\n\r\n"
    ));
    let failed = |error: std::io::Error| error.to_string();
    let mut sent = head.into_bytes();
    sent.extend_from_slice(request.body.map_or(&[][..], |(_, body)| body));
    stream.write_all(&sent).await.map_err(failed)?;
    let mut received = Vec::new();
    let mut piece = vec![0; 16 << 10];
    loop {
        if let Some(answer) = whole(&received, false)? {
            return Ok(answer);
        }
        let count = stream.read(&mut piece).await.map_err(failed)?;
        if count == 0 {
            break;
        }
        received.extend_from_slice(piece.get(..count).unwrap_or_default());
        if received.len() > request.longest + LONGEST_HEAD {
            return Err(format!(
                "the answer has more than {} octets",
                request.longest
            ));
        }
    }
    whole(&received, true)?.ok_or_else(|| "the answer was cut".to_owned())
}

/// The body, once it is all there.
fn whole(received: &[u8], ended: bool) -> Result<Option<Vec<u8>>, String> {
    let Some(end) = received.windows(4).position(|w| w == b"\r\n\r\n") else {
        return if ended || received.len() > LONGEST_HEAD {
            Err("the answer isn't one of HTTP".to_owned())
        } else {
            Ok(None)
        };
    };
    let (head, body) = received.split_at_checked(end + 4).unwrap_or_default();
    let head = String::from_utf8_lossy(head);
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap_or_default();
    let code = status
        .strip_prefix("HTTP/1.")
        .and_then(|s| s.split(' ').nth(1));
    if code != Some("200") {
        let status: String = status
            .chars()
            .filter(|c| !c.is_control())
            .take(80)
            .collect();
        return Err(format!("the server says `{status}`"));
    }
    let mut length = None;
    for line in lines {
        let Some((name, value)) = line.split_once(':') else {
            continue;
        };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse::<usize>().ok();
        }
        if name.eq_ignore_ascii_case("transfer-encoding") {
            return Err("the server sends in pieces, which wasn't asked for".to_owned());
        }
    }
    match length {
        Some(length) if body.len() >= length => Ok(body.get(..length).map(<[u8]>::to_vec)),
        None if ended => Ok(Some(body.to_vec())),
        _ => Ok(None),
    }
}

/// Host, port and path of `http://host[:port]/path`.
pub(crate) fn parts(url: &str) -> Option<(String, u16, String)> {
    let rest = url.strip_prefix("http://")?;
    if !rest.bytes().all(|c| c.is_ascii_graphic()) {
        return None;
    }
    let rest = rest.split('#').next()?;
    let (authority, path) = match rest.find(['/', '?']) {
        Some(at) => rest.split_at_checked(at)?,
        None => (rest, ""),
    };
    let path = if path.starts_with('/') {
        path.to_owned()
    } else {
        format!("/{path}")
    };
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']')?;
            (host, port.strip_prefix(':'))
        }
        None => match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        },
    };
    // Nobody is let in by name and password.
    if host.is_empty() || host.contains('@') {
        return None;
    }
    let port = match port {
        Some(port) => port.parse().ok()?,
        None => 80,
    };
    Some((host.to_owned(), port, path))
}

pub(crate) fn allowed(address: IpAddr, loopback: bool) -> bool {
    let address = address.to_canonical();
    let link = match address {
        IpAddr::V4(a) => a.is_link_local() || a.is_broadcast(),
        IpAddr::V6(a) => a.is_unicast_link_local(),
    };
    !link
        && !address.is_multicast()
        && !address.is_unspecified()
        && (loopback || !address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_apart() {
        let read = |url: &str| parts(url).map(|(h, p, path)| format!("{h} {p} {path}"));
        assert_eq!(
            read("http://crl.lab/a.crl").as_deref(),
            Some("crl.lab 80 /a.crl")
        );
        assert_eq!(
            read("http://crl.lab:8080").as_deref(),
            Some("crl.lab 8080 /")
        );
        assert_eq!(
            read("http://[2001:db8::1]:81/x?y#z").as_deref(),
            Some("2001:db8::1 81 /x?y")
        );
        assert_eq!(read("http://crl.lab?q").as_deref(), Some("crl.lab 80 /?q"));
        for other in [
            "https://crl.lab/",
            "ldap://crl.lab/",
            "http:///x",
            "http://a@b/",
            "http://a/ b",
            "http://a/\r\nX: y",
            "http://a:b/",
            "file:///etc/passwd",
        ] {
            assert_eq!(read(other), None, "{other}");
        }
    }

    #[test]
    fn abuse_61_some_addresses_are_never_asked() {
        for address in [
            "127.0.0.1",
            "::1",
            "169.254.169.254",
            "fe80::1",
            "224.0.0.1",
            "0.0.0.0",
            "::ffff:127.0.0.1",
        ] {
            assert!(
                !allowed(address.parse().unwrap_or(IpAddr::from([0, 0, 0, 0])), false),
                "{address}"
            );
        }
        assert!(allowed(IpAddr::from([192, 0, 2, 1]), false));
    }

    #[test]
    fn answers_are_whole_or_none() {
        let ok = |text: &str, ended| whole(text.as_bytes(), ended);
        let body = Ok(Some(b"abc".to_vec()));
        assert_eq!(
            ok("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", false),
            body
        );
        assert_eq!(ok("HTTP/1.0 200 OK\r\n\r\nabc", true), body);
        assert_eq!(ok("HTTP/1.0 200 OK\r\n\r\nabc", false), Ok(None));
        assert_eq!(
            ok("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabc", true),
            Ok(None)
        );
        assert_eq!(ok("HTTP/1.1 200", false), Ok(None));
        for wrong in [
            "HTTP/1.1 302 Found\r\nLocation: http://a/\r\n\r\n",
            "HTTP/1.1 404 Not Found\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n",
            "SSH-2.0-x\r\n\r\n",
        ] {
            assert!(ok(wrong, true).is_err(), "{wrong}");
        }
    }
}
