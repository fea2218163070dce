//! What else a tunnel needs: the peer's name, the servers that say whether certificates are revoked, and a clock that is
//! right.

use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use adit_model::connection::Remote;
use adit_model::probed::{Check, Outcome, Sent};
use adit_model::sign::Sign;

use super::{Situation, sign};
use crate::http::{allowed, parts};

/// Tests of name, servers and clock.
pub(super) fn checks(situation: &Situation) -> Vec<Check> {
    let mut checks: Vec<Check> = name(situation).into_iter().collect();
    let mut ahead = None;
    for url in situation.status_urls.iter().take(MOST_SERVERS) {
        let (check, date) = server(url);
        ahead = ahead.or(date.map(|date| (offset(date), url)));
        checks.push(check);
    }
    checks.push(clock(ahead));
    checks
}

/// Whether the peer's name leads to the peer.
fn name(situation: &Situation) -> Option<Check> {
    let Remote::Name(name) = &situation.connection.remote else {
        return None;
    };
    let id = "peer-name";
    Some(match (name.as_str(), 0).to_socket_addrs() {
        Err(error) => {
            let problem = error.to_string();
            Check::new(id, Outcome::Finding, format!("{name} has no address: {problem}"))
                .fix("mend the name or this host's name servers, or write the peer's address into `remote`")
                .fact(sign(
                    Sign::PeerNameUnresolved,
                    &[("name", name), ("problem", &problem)],
                ))
        }
        Ok(found) => {
            let mut found: Vec<IpAddr> = found.map(|address| address.ip()).collect();
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
fn server(url: &str) -> (Check, Option<u64>) {
    let id = "revocation-server";
    let mut sent = Sent::default();
    match ask(url, &mut sent) {
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
fn ask(url: &str, sent: &mut Sent) -> Result<(String, Option<u64>), String> {
    let (host, port, path) = parts(url).ok_or("it isn't an address of HTTP")?;
    let told = |error: std::io::Error| error.to_string();
    let address = (host.as_str(), port)
        .to_socket_addrs()
        .map_err(told)?
        .find(|address: &SocketAddr| allowed(address.ip(), false))
        .ok_or("it has no address that may be asked")?;
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE).map_err(told)?;
    let limit = Some(PATIENCE);
    stream.set_read_timeout(limit).map_err(told)?;
    stream.set_write_timeout(limit).map_err(told)?;
    let request = format!(
        "HEAD {path} HTTP/1.0\r\nHost: {host}\r\nUser-Agent: adit\r\nConnection: close\r\n\r\n"
    );
    sent.add(request.len() + 40);
    stream.write_all(request.as_bytes()).map_err(told)?;
    let mut head = Vec::new();
    // What was cut off still has the first lines.
    let _ = stream.take(LONGEST_HEAD).read_to_end(&mut head);
    let head = String::from_utf8_lossy(&head);
    let mut lines = head.lines();
    let status: String = lines
        .next()
        .filter(|line| line.starts_with("HTTP/"))
        .ok_or("the answer isn't one of HTTP")?
        .chars()
        .filter(|c| !c.is_control())
        .take(80)
        .collect();
    let date = lines.find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("date")
            .then(|| http_date(value))?
    });
    Ok((status, date))
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
    if !(1970..=9999).contains(&year) || hour > 23 || minute > 59 || second > 60 {
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

fn clock(ahead: Option<(i64, &String)>) -> Check {
    let id = "clock";
    let Some((ahead, url)) = ahead else {
        return Check::new(
            id,
            Outcome::Unknown,
            "whether this host's clock is right can't be told: no server of revocation lists gave its date; `timedatectl` or `chronyc tracking` says more",
        );
    };
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

const PATIENCE: Duration = Duration::from_secs(2);
const LONGEST_HEAD: u64 = 16 << 10;
const MOST_SERVERS: usize = 3;
/// Seconds from which on a clock is called wrong: servers' own are no better.
const FAR_OFF: i64 = 120;

#[cfg(test)]
mod tests {
    use super::*;

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
        ] {
            assert_eq!(http_date(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_clock_that_is_far_off_is_a_finding() {
        let url = "http://crl.example/".to_owned();
        assert_eq!(clock(Some((3, &url))).outcome, Outcome::Well);
        let wrong = clock(Some((-86_400, &url)));
        assert_eq!(wrong.outcome, Outcome::Finding);
        assert!(wrong.summary.contains("86400 s behind"));
        assert_eq!(clock(None).outcome, Outcome::Unknown);
    }
}
