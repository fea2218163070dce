//! The first file system of a guest in QEMU: one static program, the modules that reach the host's files, and a script.
//!
//! As the kernel reads it from memory: an archive of `cpio`, in the format that it calls newc.

use std::fmt::Write as _;

/// What is in it, by and by.
#[derive(Default)]
pub struct Archive {
    bytes: Vec<u8>,
    count: u32,
}

impl Archive {
    /// A folder, whose own folder is there already.
    pub fn folder(&mut self, name: &str) {
        self.entry(name, 0o040_755, &[]);
    }

    /// A program, whose folder is there already.
    pub fn program(&mut self, name: &str, content: &[u8]) {
        self.entry(name, 0o100_755, content);
    }

    /// All of it.
    pub fn finish(mut self) -> Vec<u8> {
        self.entry("TRAILER!!!", 0, &[]);
        self.bytes
    }

    fn entry(&mut self, name: &str, mode: u32, content: &[u8]) {
        self.count += 1;
        let length = u32::try_from(content.len()).unwrap_or(u32::MAX);
        let name_length = u32::try_from(name.len() + 1).unwrap_or(u32::MAX);
        let mut header = "070701".to_owned();
        // Number, mode, owner, group, links, time, length, device and the file's own device, length of the name, sum.
        let fields = [
            self.count,
            mode,
            0,
            0,
            1,
            0,
            length,
            0,
            0,
            0,
            0,
            name_length,
            0,
        ];
        for field in fields {
            let _ = write!(header, "{field:08x}");
        }
        self.bytes.extend_from_slice(header.as_bytes());
        self.bytes.extend_from_slice(name.as_bytes());
        self.bytes.push(0);
        self.align();
        self.bytes.extend_from_slice(content);
        self.align();
    }

    fn align(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_aligned_and_name_their_lengths() {
        let mut archive = Archive::default();
        archive.folder("bin");
        archive.program("bin/a", b"12345");
        let bytes = archive.finish();
        assert_eq!(bytes.len() % 4, 0);
        let text = String::from_utf8_lossy(&bytes);
        let entries: Vec<&str> = text.split("070701").skip(1).collect();
        assert_eq!(entries.len(), 3);
        let field = |entry: &str, at: usize| u32::from_str_radix(&entry[at * 8..][..8], 16);
        assert_eq!(field(entries[0], 1), Ok(0o040_755));
        assert_eq!(field(entries[1], 6), Ok(5));
        assert_eq!(field(entries[1], 11), Ok(6));
        assert!(entries[1][104..].starts_with("bin/a\0"));
        assert!(entries[2].ends_with("TRAILER!!!\0\0\0\0"));
    }
}
