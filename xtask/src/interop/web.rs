//! The web server of the lab's CA: its revocation lists as files, and its OCSP responder, which is OpenSSL's.
//!
//! A process of its own, because it runs in a namespace of its own. It serves one request at a time and writes each into
//! its log: who asked, for what, and how it was answered.

use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::time::Duration;

use anyhow::{Context, Result};

use crate::exec;

/// Where requests about a certificate's status go.
pub const RESPONDER: &str = "/ocsp";
/// The index of issued certificates, the CA's certificate, the responder's certificate and its key, in the folder.
pub const INDEX: &str = "index.txt";
pub const AUTHORITY: &str = "ca.pem";
pub const SIGNER: &str = "signer.pem";
pub const SIGNER_KEY: &str = "signer.key";

/// Longest body of a request.
const LONGEST: usize = 64 << 10;

#[derive(clap::Args)]
pub struct Args {
    /// Folder of files to serve
    folder: PathBuf,
    /// Where each request is noted
    log: PathBuf,
}

/// `cargo xtask web`, which `interop` calls.
pub fn run(args: &Args) -> Result<ExitCode> {
    let listener = TcpListener::bind("0.0.0.0:80").context("port 80")?;
    for stream in listener.incoming() {
        let stream = stream?;
        stream.set_read_timeout(Some(Duration::from_secs(2)))?;
        // A client that goes away in the middle is no reason to end.
        if let Err(error) = serve(args, stream) {
            eprintln!("{error:#}");
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn serve(args: &Args, stream: TcpStream) -> Result<()> {
    let peer = stream.peer_addr()?.ip();
    let mut reader = BufReader::new(&stream);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut words = line.split_whitespace();
    let (method, path) = (
        words.next().unwrap_or_default().to_owned(),
        words.next().unwrap_or_default().to_owned(),
    );
    let mut length = 0;
    loop {
        let mut header = String::new();
        reader.read_line(&mut header)?;
        let Some((name, value)) = header.trim_end().split_once(':') else {
            break;
        };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().unwrap_or(0);
        }
    }
    anyhow::ensure!(length <= LONGEST, "a request of {length} octets");
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let answer = match (method.as_str(), path.as_str()) {
        ("POST", RESPONDER) => responder(args, &body).map(|a| ("application/ocsp-response", a)),
        ("GET", name) => file(args, name).map(|a| ("application/pkix-crl", a)),
        _ => None,
    };
    let status = if answer.is_some() { 200 } else { 404 };
    let mut log = OpenOptions::new()
        .create(true)
        .append(true)
        .open(&args.log)?;
    writeln!(log, "{peer} {method} {path} {status}")?;
    let mut stream = &stream;
    match answer {
        Some((kind, answer)) => {
            write!(
                stream,
                "HTTP/1.0 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n",
                answer.len()
            )?;
            stream.write_all(&answer)?;
        }
        None => write!(
            stream,
            "HTTP/1.0 404 Not Found\r\nContent-Length: 0\r\n\r\n"
        )?,
    }
    Ok(())
}

fn file(args: &Args, path: &str) -> Option<Vec<u8>> {
    let name = path.strip_prefix('/')?;
    // The keys lie beside the lists.
    let stem = name.strip_suffix(".crl")?;
    let plain = stem.bytes().all(|b| b.is_ascii_alphanumeric());
    plain.then(|| std::fs::read(args.folder.join(name)).ok())?
}

fn responder(args: &Args, request: &[u8]) -> Option<Vec<u8>> {
    let at = |name: &str| args.folder.join(name);
    let (asked, answered) = (at("request.der"), at("response.der"));
    std::fs::write(&asked, request).ok()?;
    let mut command = Command::new("openssl");
    command
        .args(["ocsp", "-index"])
        .arg(at(INDEX))
        .arg("-CA")
        .arg(at(AUTHORITY))
        .arg("-rsigner")
        .arg(at(SIGNER))
        .arg("-rkey")
        .arg(at(SIGNER_KEY))
        .arg("-reqin")
        .arg(&asked)
        .arg("-respout")
        .arg(&answered)
        .args(["-nmin", "5"]);
    let done = exec::output(&mut command).ok()?;
    if !done.success {
        eprintln!("{}", done.text());
        return None;
    }
    std::fs::read(&answered).ok()
}
