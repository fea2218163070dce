//! What went wrong at the edge, in words an operator can act on.

use std::fmt;
use std::io;

/// A request the kernel refused.
///
/// It always says what was attempted and on what; where the remedy is known it is in `hint`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KernelError {
    /// The attempt, as an infinitive: `create the TUN device`.
    pub what: &'static str,
    /// What it was attempted on: a device, an address, a path.
    pub object: String,
    /// The kernel's error number, where the kernel gave one.
    pub errno: Option<i32>,
    /// What to do about it, or what the kernel itself said.
    pub hint: Option<String>,
}

impl KernelError {
    /// An error with the kernel's number and, for refused permissions, the usual remedy.
    pub fn new(what: &'static str, object: impl fmt::Display, cause: impl Into<io::Error>) -> Self {
        let errno = cause.into().raw_os_error();
        Self {
            what,
            object: object.to_string(),
            errno,
            hint: errno.and_then(usual_hint).map(str::to_owned),
        }
    }

    /// An error that is our own finding, not the kernel's: an answer that makes no sense, an impossible request.
    pub fn own(what: &'static str, object: impl fmt::Display, hint: impl Into<String>) -> Self {
        Self {
            what,
            object: object.to_string(),
            errno: None,
            hint: Some(hint.into()),
        }
    }

    /// The same error with a better remedy.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Whether a capability or a file mode stands in the way (EPERM, EACCES).
    pub fn is_permission(&self) -> bool {
        matches!(self.errno, Some(libc::EPERM | libc::EACCES))
    }

    /// Whether this kernel lacks the facility altogether.
    pub fn is_unsupported(&self) -> bool {
        matches!(
            self.errno,
            Some(
                libc::EOPNOTSUPP
                    | libc::EPROTONOSUPPORT
                    | libc::EAFNOSUPPORT
                    | libc::ENOSYS
                    | libc::ENODEV
                    | libc::ESOCKTNOSUPPORT
            )
        )
    }

    /// Whether the object of the request doesn't exist.
    pub fn is_not_found(&self) -> bool {
        matches!(
            self.errno,
            Some(libc::ENOENT | libc::ESRCH | libc::ENODEV | libc::EADDRNOTAVAIL | libc::ENXIO)
        )
    }

    /// Whether the object of the request is there already.
    pub fn is_present(&self) -> bool {
        self.errno == Some(libc::EEXIST)
    }
}

impl fmt::Display for KernelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot {}", self.what)?;
        if !self.object.is_empty() {
            write!(f, " {}", self.object)?;
        }
        if let Some(errno) = self.errno {
            write!(f, ": {}", io::Error::from_raw_os_error(errno))?;
        }
        if let Some(hint) = &self.hint {
            write!(f, ": {hint}")?;
        }
        Ok(())
    }
}

impl std::error::Error for KernelError {}

/// Result of an edge operation.
pub type Result<T> = std::result::Result<T, KernelError>;

fn usual_hint(errno: i32) -> Option<&'static str> {
    match errno {
        libc::EPERM => Some("needs CAP_NET_ADMIN"),
        libc::EACCES => Some("this user has no access"),
        libc::EROFS => Some("mounted read-only, as /proc/sys is in most containers"),
        libc::EADDRINUSE => Some("another program holds the port"),
        libc::EADDRNOTAVAIL => Some("no interface of this host has the address"),
        libc::ENETUNREACH => Some("there is no route to it"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_on_what_why_and_the_remedy() {
        let error = KernelError::new(
            "create the TUN device",
            "adit0",
            io::Error::from_raw_os_error(libc::EPERM),
        );
        assert!(error.is_permission());
        assert_eq!(
            error.to_string(),
            "cannot create the TUN device adit0: Operation not permitted (os error 1): needs CAP_NET_ADMIN"
        );
    }
}
