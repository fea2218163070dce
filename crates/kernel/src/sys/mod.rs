//! The only module with `unsafe`: thin wrappers over system calls that no safe crate offers in the shape needed here.
//!
//! Each wrapper takes slices and owned or borrowed descriptors, so that nothing above it can misuse memory.

pub(crate) mod address;
pub(crate) mod batch;
pub(crate) mod device;
pub(crate) mod process;
pub(crate) mod socket;

use std::io;

/// The result of a libc call that reports failure as -1.
fn check(result: libc::c_int) -> io::Result<libc::c_int> {
    if result < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(result)
    }
}
