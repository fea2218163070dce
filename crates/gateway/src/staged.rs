//! A text that is to take a file's place: written beside it first, so that what can't be written is known before anything
//! goes by it.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// What is written beside a file (`.new`); gone again unless it takes the file's place.
pub(crate) struct Staged {
    path: PathBuf,
    new: PathBuf,
}

impl Staged {
    /// Writes `text` beside the file, with the mode that the file has.
    ///
    /// # Errors
    /// When the folder can't be written to, or is full.
    pub fn beside(path: &Path, text: &str) -> io::Result<Self> {
        // A link stays one.
        let path = std::fs::canonicalize(path)?;
        let mode = std::fs::metadata(&path)?.permissions();
        let new = with_end(&path, ".new");
        let mut file = File::create(&new)?;
        let staged = Self { path, new };
        file.set_permissions(mode)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        Ok(staged)
    }

    /// Has it take the file's place, as a whole; what that was stays beside it (`.before`).
    ///
    /// # Errors
    /// When the folder can't be written to any more; the file is as it was then.
    pub fn replace(self) -> io::Result<()> {
        std::fs::copy(&self.path, with_end(&self.path, ".before"))?;
        std::fs::rename(&self.new, &self.path)
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        // There is none once it has taken the file's place.
        let _ = std::fs::remove_file(&self.new);
    }
}

fn with_end(path: &Path, end: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(end);
    name.into()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::scratch::Scratch;
    use std::fs::{Permissions, metadata, read_to_string, set_permissions, write};
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_file_is_replaced_as_a_whole_and_what_it_was_stays() {
        let dir = Scratch::new("staged-file");
        let path = dir.path().join("adit.toml");
        write(&path, "old").unwrap();
        set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
        let new = dir.path().join("adit.toml.new");
        drop(Staged::beside(&path, "another").unwrap());
        assert!(!new.exists());
        let staged = Staged::beside(&path, "new").unwrap();
        assert_eq!(read_to_string(&path).unwrap(), "old");
        staged.replace().unwrap();
        assert_eq!(read_to_string(&path).unwrap(), "new");
        let mode = metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o640);
        let before = dir.path().join("adit.toml.before");
        assert_eq!(read_to_string(before).unwrap(), "old");
        assert!(!new.exists());
    }

    #[test]
    fn what_can_not_be_written_is_known_before() {
        let dir = Scratch::new("staged-not");
        let path = dir.path().join("adit.toml");
        write(&path, "old").unwrap();
        std::fs::create_dir(dir.path().join("adit.toml.new")).unwrap();
        assert!(Staged::beside(&path, "new").is_err());
        assert_eq!(read_to_string(&path).unwrap(), "old");
    }
}
