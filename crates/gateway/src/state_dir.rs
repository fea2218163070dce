//! The state directory and its lock: one gateway each.
//!
//! The lock is the kernel's (`flock`), so it goes with its holder however that ends; the number in the file only says
//! whom to look for.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::{FlockOperation, flock};

use crate::error::GatewayError;

/// The lock on a state directory, held as long as this value lives.
#[derive(Debug)]
pub struct StateDir {
    _lock: File,
}

impl StateDir {
    /// Makes the directory if need be and locks it.
    ///
    /// # Errors
    /// [`GatewayError::AlreadyRunning`] with the other gateway's process id, or what the system said; also for a
    /// directory that others than root and us can write to.
    pub fn lock(dir: &Path) -> Result<Self, GatewayError> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(dir)
            .map_err(|cause| GatewayError::State {
                what: "make the state directory",
                path: dir.to_owned(),
                cause,
            })?;
        check_private(dir).map_err(|cause| GatewayError::State {
            what: "trust the state directory",
            path: dir.to_owned(),
            cause,
        })?;
        let path = dir.join("gateway.pid");
        let fail = |cause| GatewayError::State {
            what: "lock",
            path: path.clone(),
            cause,
        };
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .custom_flags(libc::O_NOFOLLOW)
            .open(&path)
            .map_err(fail)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => {
                return Err(GatewayError::AlreadyRunning {
                    pid: read_pid(&mut file),
                    dir: dir.to_owned(),
                });
            }
            Err(error) => return Err(fail(error.into())),
        }
        write_pid(&mut file).map_err(fail)?;
        Ok(Self { _lock: file })
    }
}

/// Whoever can write to the directory could put a socket of their own in the place of ours.
pub(crate) fn check_private(dir: &Path) -> io::Result<()> {
    let meta = std::fs::metadata(dir)?;
    let refuse = |problem: String| Err(io::Error::new(io::ErrorKind::PermissionDenied, problem));
    let us = rustix::process::geteuid().as_raw();
    if meta.uid() != 0 && meta.uid() != us {
        let owner = meta.uid();
        return refuse(format!(
            "it belongs to user {owner}. Fix: chown {us} {}",
            dir.display()
        ));
    }
    let mode = meta.mode() & 0o7777;
    if mode & 0o022 != 0 {
        return refuse(format!(
            "it has mode {mode:04o}, so others than its owner can write to it. Fix: chmod go-w {}",
            dir.display()
        ));
    }
    Ok(())
}

fn read_pid(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

fn write_pid(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    file.seek(SeekFrom::Start(0))?;
    writeln!(file, "{}", std::process::id())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::scratch::Scratch;
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn the_second_gateway_is_told_the_first_ones_pid_and_a_dead_ones_file_is_no_obstacle() {
        let scratch = Scratch::new("state-dir");
        let dir = scratch.path().join("run");
        let held = StateDir::lock(&dir).unwrap();
        match StateDir::lock(&dir) {
            Err(GatewayError::AlreadyRunning { pid, .. }) => {
                assert_eq!(pid, Some(std::process::id()));
            }
            other => panic!("{other:?}"),
        }
        drop(held);
        assert!(dir.join("gateway.pid").exists());
        StateDir::lock(&dir).unwrap();
    }

    #[test]
    fn a_directory_that_others_can_write_to_is_refused() {
        let scratch = Scratch::new("state-dir-open");
        for mode in [0o777, 0o1777, 0o770] {
            let dir = scratch.path().join(format!("{mode:o}"));
            std::fs::create_dir(&dir).unwrap();
            std::fs::set_permissions(&dir, Permissions::from_mode(mode)).unwrap();
            let text = StateDir::lock(&dir).err().unwrap().to_string();
            assert!(
                text.contains(&format!("chmod go-w {}", dir.display())),
                "{text}"
            );
            assert!(!dir.join("gateway.pid").exists());
        }
    }

    #[test]
    fn a_link_in_the_place_of_the_lock_is_not_followed() {
        let scratch = Scratch::new("state-dir-link");
        let precious = scratch.path().join("precious");
        std::fs::write(&precious, "precious").unwrap();
        std::os::unix::fs::symlink(&precious, scratch.path().join("gateway.pid")).unwrap();
        assert!(StateDir::lock(scratch.path()).is_err());
        assert_eq!(std::fs::read_to_string(&precious).unwrap(), "precious");
    }
}
