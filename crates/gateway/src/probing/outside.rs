//! What else a tunnel needs: the peer's name, the servers that say whether certificates are revoked, and a clock that is
//! right.

use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::mpsc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use adit_model::connection::Remote;
use adit_model::probed::{Check, Outcome, Sent};
use adit_model::sign::Sign;

use super::{Situation, sign};
use crate::http::{allowed, parts};

/// Tests of name, servers and clock, which all end at the same time, whoever doesn't answer.
pub(super) fn checks(situation: &Situation) -> Vec<Check> {
    let until = Instant::now() + LONGEST;
    let urls = || situation.status_urls.iter().take(MOST_SERVERS);
    let (name, answers) = std::thread::scope(|scope| {
        let asked: Vec<_> = urls()
            .map(|url| scope.spawn(move || server(url, until)))
            .collect();
        let name = name(situation, until);
        let answers: Vec<_> = asked.into_iter().filter_map(|a| a.join().ok()).collect();
        (name, answers)
    });
    let mut checks: Vec<Check> = name.into_iter().collect();
    let mut ahead = Vec::new();
    for (url, (check, date)) in urls().zip(answers) {
        ahead.extend(date.map(|date| (offset(date), url.clone())));
        checks.push(check);
    }
    checks.push(clock(&ahead));
    checks
}

/// What `asked` gives, unless that takes too long: then nobody waits for it any more. Look-ups know no limit of their own.
fn within<T: Send + 'static>(
    until: Instant,
    asked: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    let (gives, given) = mpsc::sync_channel(1);
    let thread = std::thread::Builder::new().name("look-up".to_owned());
    thread
        .spawn(move || {
            // Who gave up doesn't want to know.
            let _ = gives.send(asked());
        })
        .ok()?;
    given
        .recv_timeout(until.saturating_duration_since(Instant::now()))
        .ok()
}

/// The addresses of a name.
fn look_up(name: &str, port: u16, until: Instant) -> Result<Vec<SocketAddr>, String> {
    let of = (name.to_owned(), port);
    match within(until, move || of.to_socket_addrs().map(Vec::from_iter)) {
        Some(Ok(found)) => Ok(found),
        Some(Err(error)) => Err(error.to_string()),
        None => Err(format!(
            "no name server answered within {} s",
            LONGEST.as_secs()
        )),
    }
}

/// Whether the peer's name leads to the peer.
fn name(situation: &Situation, until: Instant) -> Option<Check> {
    let Remote::Name(name) = &situation.connection.remote else {
        return None;
    };
    let id = "peer-name";
    Some(match look_up(name, 0, until) {
        Err(problem) => Check::new(
            id,
            Outcome::Finding,
            format!("{name} has no address: {problem}"),
        )
        .fix("mend the name or this host's name servers, or write the peer's address into `remote`")
        .fact(sign(
            Sign::PeerNameUnresolved,
            &[("name", name), ("problem", &problem)],
        )),
        Ok(found) => {
            let mut found: Vec<IpAddr> = found.iter().map(SocketAddr::ip).collect();
            found.dedup();
            let told: Vec<String> = found.iter().map(ToString::to_string).collect();
            let told = told.join(", ");
            match situation.peer {
                Some(peer) if !found.contains(&peer) => Check::new(
                    id,
                    Outcome::Note,
                    format!("{name} has the address {told} now, and the tunnel goes to {peer}"),
                ),
                _ => Check::new(id, Outcome::Well, format!("{name} has the address {told}")),
            }
        }
    })
}

/// Whether a server for revocation answers, and its date.
fn server(url: &str, until: Instant) -> (Check, Option<u64>) {
    let id = "revocation-server";
    if !url.starts_with("http://") {
        let summary = format!(
            "{url}, which tells whether certificates are revoked, isn't asked by HTTP, so neither the gateway nor this test asks it"
        );
        return (Check::new(id, Outcome::Note, summary), None);
    }
    let mut sent = Sent::default();
    match ask(url, until, &mut sent) {
        Ok((status, date)) => (
            Check::new(id, Outcome::Well, format!("{url} answers: {status}")).sent(sent),
            date,
        ),
        Err(problem) => (
            Check::new(
                id,
                Outcome::Finding,
                format!("{url}, which tells whether certificates are revoked, can't be reached: {problem}"),
            )
            .fix("let this host reach it outside of the tunnel, or give the list as a file (`crl`)")
            .sent(sent)
            .fact(sign(
                Sign::RevocationUnavailable,
                &[("uri", url), ("problem", &problem)],
            )),
            None,
        ),
    }
}

/// The first line of the answer to a HEAD request, and its date in seconds since 1970.
fn ask(url: &str, until: Instant, sent: &mut Sent) -> Result<(String, Option<u64>), String> {
    let (host, port, path) = parts(url).ok_or("it isn't an address of HTTP")?;
    let mut found = look_up(&host, port, until)?;
    found.retain(|address| allowed(address.ip(), false));
    ask_any(&found, &host, &path, until, sent)
}

/// Asks the server's addresses in their order, until one answers.
fn ask_any(
    addresses: &[SocketAddr],
    host: &str,
    path: &str,
    until: Instant,
    sent: &mut Sent,
) -> Result<(String, Option<u64>), String> {
    let mut problem = "it has no address that may be asked".to_owned();
    for address in addresses {
        let until = until.min(Instant::now() + PATIENCE);
        match converse(*address, host, path, until, sent) {
            Ok(head) => match read_head(&head) {
                Ok(answer) => return Ok(answer),
                Err(error) => problem = format!("{address}: {error}"),
            },
            Err(error) => problem = format!("{address}: {error}"),
        }
    }
    Err(problem)
}

/// What came of an answer's head until then.
fn converse(
    address: SocketAddr,
    host: &str,
    path: &str,
    until: Instant,
    sent: &mut Sent,
) -> std::io::Result<Vec<u8>> {
    let left = || {
        let left = until.saturating_duration_since(Instant::now());
        (!left.is_zero())
            .then_some(left)
            .ok_or(std::io::ErrorKind::TimedOut)
    };
    let mut stream = TcpStream::connect_timeout(&address, left()?)?;
    stream.set_write_timeout(Some(left()?))?;
    let shown = if host.contains(':') {
        format!("[{host}]")
    } else {
        host.to_owned()
    };
    let request = format!(
        "HEAD {path} HTTP/1.0\r\nHost: {shown}\r\nUser-Agent: adit\r\nConnection: close\r\n\r\n"
    );
    sent.add(request.len() + 40);
    stream.write_all(request.as_bytes())?;
    let mut head = Vec::new();
    let mut piece = [0; 2048];
    while head.len() < LONGEST_HEAD && !head.windows(4).any(|w| w == b"\r\n\r\n") {
        // What was cut off still has the first lines. A limit for each piece alone would be none for all of them.
        let Ok(left) = left() else { break };
        stream.set_read_timeout(Some(left))?;
        match stream.read(&mut piece) {
            Ok(0) | Err(_) => break,
            Ok(count) => head.extend_from_slice(piece.get(..count).unwrap_or_default()),
        }
    }
    Ok(head)
}

/// The first line of an answer, and its date. What a cache gives has the date of then.
fn read_head(head: &[u8]) -> Result<(String, Option<u64>), String> {
    let head = String::from_utf8_lossy(head);
    let mut lines = head.lines();
    let status: String = lines
        .next()
        .filter(|line| line.starts_with("HTTP/"))
        .ok_or("the answer isn't one of HTTP")?
        .chars()
        .filter(|c| !c.is_control())
        .take(80)
        .collect();
    let fields: Vec<(&str, &str)> = lines.filter_map(|line| line.split_once(':')).collect();
    let field = |wanted: &str| {
        let mut fields = fields.iter();
        fields.find(|(name, _)| name.eq_ignore_ascii_case(wanted))
    };
    let date = field("date").filter(|_| field("age").is_none());
    Ok((status, date.and_then(|(_, value)| http_date(value))))
}

/// `Sun, 06 Nov 1994 08:49:37 GMT` in seconds since 1970 (RFC 9110 5.6.7).
fn http_date(text: &str) -> Option<u64> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let [_, day, month, year, time, "GMT"] = words.as_slice() else {
        return None;
    };
    let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let month = months.iter().position(|name| name == month)? as u64 + 1;
    let (day, year): (u64, u64) = (day.parse().ok()?, year.parse().ok()?);
    let mut clock = time.split(':').map(|part| part.parse::<u64>().ok());
    let (hour, minute, second) = (clock.next()??, clock.next()??, clock.next()??);
    if !(1970..=9999).contains(&year)
        || !(1..=31).contains(&day)
        || hour > 23
        || minute > 59
        || second > 60
    {
        return None;
    }
    // Days since 1970, with years that begin in March.
    let (y, m) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let days = 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day;
    let days = days.checked_sub(719_469)?;
    Some(days * 86_400 + hour * 3600 + minute * 60 + second)
}

/// By how many seconds our clock is ahead of a date.
fn offset(date: u64) -> i64 {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    now.cast_signed() - date.cast_signed()
}

/// Judges our clock by how far it is ahead of each server's.
fn clock(ahead: &[(i64, String)]) -> Check {
    let id = "clock";
    let Some((least, url)) = ahead.iter().min_by_key(|(ahead, _)| ahead.abs()) else {
        return Check::new(
            id,
            Outcome::Unknown,
            "whether this host's clock is right can't be told: no server of revocation lists gave its date; `timedatectl` or `chronyc tracking` says more",
        );
    };
    let ahead_of = |(other, _): &&(i64, String)| (other - least).abs() >= FAR_OFF;
    if let Some((_, other)) = ahead
        .iter()
        .find(ahead_of)
        .filter(|_| least.abs() >= FAR_OFF)
    {
        return Check::new(
            id,
            Outcome::Unknown,
            format!(
                "whether this host's clock is right can't be told: {url} and {other} don't agree"
            ),
        );
    }
    let ahead = *least;
    let summary = match ahead {
        0 => format!("this host's clock agrees with {url}"),
        1.. => format!("this host's clock is {ahead} s ahead of {url}"),
        _ => format!("this host's clock is {} s behind {url}", -ahead),
    };
    let check = Check::new(id, Outcome::Well, summary.clone()).value("ahead_s", ahead);
    if ahead.abs() < FAR_OFF {
        return check;
    }
    let mut check = check
        .fix("set the clock and keep it by NTP (timedatectl set-ntp true; chronyc makestep)")
        .fact(sign(Sign::ClockWrong, &[("problem", &summary)]));
    check.outcome = Outcome::Finding;
    check
}

/// All of it takes no longer.
const LONGEST: Duration = Duration::from_secs(12);
/// One address may take that.
const PATIENCE: Duration = Duration::from_secs(2);
const LONGEST_HEAD: usize = 16 << 10;
const MOST_SERVERS: usize = 3;
/// Seconds from which on a clock is called wrong: servers' own are no better.
const FAR_OFF: i64 = 120;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn dates_of_http_are_read() {
        assert_eq!(
            http_date(" Sun, 06 Nov 1994 08:49:37 GMT"),
            Some(784_111_777)
        );
        assert_eq!(http_date("Thu, 01 Jan 1970 00:00:00 GMT"), Some(0));
        assert_eq!(
            http_date("Thu, 29 Feb 2024 12:00:00 GMT"),
            Some(1_709_208_000)
        );
        for wrong in [
            "",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun, 06 Nov 1994 25:00:00 GMT",
            "Sun, 00 Nov 1994 08:49:37 GMT",
            "Sun, 32 Nov 1994 08:49:37 GMT",
            "Sun, 18446744073709551615 Nov 1994 08:49:37 GMT",
        ] {
            assert_eq!(http_date(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_clock_that_is_far_off_is_a_finding() {
        let ahead = |all: &[i64]| {
            let url = "http://crl.example/".to_owned();
            let all: Vec<_> = all.iter().map(|ahead| (*ahead, url.clone())).collect();
            clock(&all)
        };
        assert_eq!(ahead(&[3]).outcome, Outcome::Well);
        let wrong = ahead(&[-86_400]);
        assert_eq!(wrong.outcome, Outcome::Finding);
        assert!(wrong.summary.contains("86400 s behind"));
        assert_eq!(ahead(&[]).outcome, Outcome::Unknown);
        // One server's own may be wrong; two that agree are not.
        assert_eq!(ahead(&[-86_400, 1]).outcome, Outcome::Well);
        assert_eq!(ahead(&[-86_400, 86_400]).outcome, Outcome::Unknown);
        assert_eq!(ahead(&[-86_400, -86_401]).outcome, Outcome::Finding);
    }

    #[test]
    fn a_date_from_a_cache_tells_nothing_of_the_clock() {
        let date = "HTTP/1.1 200 OK\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n";
        let told = read_head(date.as_bytes()).unwrap();
        assert_eq!(told, ("HTTP/1.1 200 OK".to_owned(), Some(0)));
        let kept = read_head(format!("{date}Age: 7\r\n\r\n").as_bytes()).unwrap();
        assert_eq!(kept.1, None);
        assert!(read_head(b"SSH-2.0\r\n").is_err());
    }

    #[test]
    fn what_is_not_asked_by_http_is_no_finding() {
        for url in ["ldap://dc.example/cn=ca", "https://crl.example/ca.crl"] {
            let (check, date) = server(url, Instant::now());
            assert_eq!((check.outcome, date), (Outcome::Note, None), "{url}");
            assert!(check.facts.is_empty());
        }
    }

    /// A server of one answer, which begins with `head` and goes on by single octets as long as anybody reads.
    fn trickling(head: &'static [u8], on: bool) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.read(&mut [0; 512]);
            let mut lives = stream.write_all(head).is_ok();
            while on && lives {
                std::thread::sleep(Duration::from_millis(5));
                lives = stream.write_all(b"x").is_ok();
            }
        });
        address
    }

    #[test]
    fn every_address_of_a_server_is_asked() {
        let nobody = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap();
        let there = trickling(b"HTTP/1.0 404 Not Found\r\n\r\n", false);
        let until = Instant::now() + Duration::from_secs(60);
        let mut sent = Sent::default();
        let asked = |addresses: &[SocketAddr], sent: &mut Sent| {
            ask_any(addresses, "crl.example", "/", until, sent)
        };
        let (status, _) = asked(&[nobody, there], &mut sent).unwrap();
        assert_eq!(status, "HTTP/1.0 404 Not Found");
        assert_eq!(sent.packets, 1);
        assert!(asked(&[nobody], &mut sent).is_err());
        assert!(asked(&[], &mut sent).is_err());
    }

    /// Without one limit over all it would take sixteen thousand octets, one by one.
    #[test]
    fn an_answer_that_comes_octet_by_octet_ends_with_the_time() {
        let until = Instant::now() + Duration::from_millis(300);
        let slow = trickling(b"HTTP/1.0 200 OK\r\nX: ", true);
        let head = converse(slow, "crl.example", "/", until, &mut Sent::default()).unwrap();
        assert!(head.starts_with(b"HTTP/1.0 200 OK\r\n"));
        assert!(head.len() < LONGEST_HEAD);
    }

    #[test]
    fn what_never_answers_is_given_up() {
        let (_keeps, never) = mpsc::channel::<()>();
        let until = Instant::now() + Duration::from_millis(20);
        assert_eq!(within(until, move || never.recv().is_ok()), None);
        let later = Instant::now() + Duration::from_secs(60);
        assert_eq!(within(later, || 7), Some(7));
    }
}
