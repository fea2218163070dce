//! Kernel settings under `/proc/sys`, those of the calling thread's network namespace where they belong to one.

use std::fs;

use crate::error::{KernelError, Result};

/// Reads a setting by its dotted name; a `/` inside a component stands for a dot (`net.ipv4.conf.eth0/7.rp_filter`).
///
/// # Errors
/// When this kernel has no such setting or it may not be read.
pub fn read(name: &str) -> Result<String> {
    fs::read_to_string(path(name))
        .map(|value| value.trim_end().to_owned())
        .map_err(|error| KernelError::new("read the setting", name, error))
}

/// Writes a setting by its dotted name.
///
/// # Errors
/// When it doesn't exist, `/proc/sys` is mounted read-only (containers), or CAP_NET_ADMIN is missing.
pub fn write(name: &str, value: &str) -> Result<()> {
    fs::write(path(name), value)
        .map_err(|error| KernelError::new("write the setting", format!("{name}={value}"), error))
}

/// Whether the host forwards packets: IPv4, IPv6. A family that is switched off counts as not forwarding.
pub fn forwarding() -> (bool, bool) {
    let on = |name| read(name).is_ok_and(|value| value == "1");
    (on(FORWARD_V4), on(FORWARD_V6))
}

/// Makes the host (its network namespace) forward both families.
///
/// # Errors
/// As for [`write()`]; a host without IPv6 is no error.
pub fn enable_forwarding() -> Result<()> {
    write(FORWARD_V4, "1")?;
    match write(FORWARD_V6, "1") {
        Err(error) if !error.is_not_found() => Err(error),
        _ => Ok(()),
    }
}

/// The effective reverse-path filter of an interface: 0 off, 1 strict, 2 loose. The kernel takes the larger of the
/// interface's value and that of `all`.
///
/// # Errors
/// As for [`read()`].
pub fn reverse_path_filter(interface: &str) -> Result<u8> {
    let value = |name: &str| -> Result<u8> {
        read(&format!("net.ipv4.conf.{name}.rp_filter"))?
            .parse()
            .map_err(|_| KernelError::own("read the setting", name, "it isn't a number"))
    };
    Ok(value("all")?.max(value(&escape(interface))?))
}

/// Sets the reverse-path filter of an interface (`all` and `default` count as interfaces).
///
/// # Errors
/// As for [`write()`].
pub fn set_reverse_path_filter(interface: &str, mode: u8) -> Result<()> {
    write(
        &format!("net.ipv4.conf.{}.rp_filter", escape(interface)),
        &mode.to_string(),
    )
}

/// Makes addresses of interfaces yet to come usable at once, without IPv6 duplicate address detection. For private
/// namespaces: until its link-local address is confirmed, a second or two after it came up, an interface can't even
/// ask for its neighbours.
///
/// # Errors
/// As for [`write()`]; a host without IPv6 is no error.
pub fn skip_duplicate_address_detection() -> Result<()> {
    match write("net.ipv6.conf.default.accept_dad", "0") {
        Err(error) if !error.is_not_found() => Err(error),
        _ => Ok(()),
    }
}

fn escape(interface: &str) -> String {
    interface.replace('.', "/")
}

fn path(name: &str) -> String {
    let components: Vec<String> = name.split('.').map(|part| part.replace('/', ".")).collect();
    format!("/proc/sys/{}", components.join("/"))
}

const FORWARD_V4: &str = "net.ipv4.ip_forward";
const FORWARD_V6: &str = "net.ipv6.conf.all.forwarding";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_in_interface_names_survive() {
        let name = format!("net.ipv4.conf.{}.rp_filter", escape("eth0.7"));
        assert_eq!(path(&name), "/proc/sys/net/ipv4/conf/eth0.7/rp_filter");
    }
}
