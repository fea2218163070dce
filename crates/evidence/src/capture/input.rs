//! Tells captures from text by the first bytes of a file, however these come.

use std::borrow::Cow;

use super::{Capture, CaptureError, Dissector};

/// A file of evidence that may be a capture.
#[derive(Debug)]
pub(crate) enum Input {
    /// Too few bytes to tell.
    Start(Vec<u8>),
    /// It is text, which somebody else reads.
    Text,
    /// It is a capture.
    Capture(Box<Dissector>),
    /// It is a capture that can't be read.
    Unreadable(CaptureError),
}

impl Default for Input {
    fn default() -> Self {
        Input::Start(Vec::new())
    }
}

impl Input {
    /// Takes the next piece; returns what of it is text.
    pub(crate) fn feed<'a>(&mut self, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        match self {
            Input::Text => return Cow::Borrowed(bytes),
            Input::Start(before) if before.is_empty() && bytes.len() >= 4 => {
                return self.begin(Cow::Borrowed(bytes));
            }
            Input::Start(before) => {
                before.extend_from_slice(bytes);
                if before.len() >= 4 {
                    let all = std::mem::take(before);
                    return self.begin(Cow::Owned(all));
                }
            }
            Input::Capture(dissector) => {
                if let Err(error) = dissector.feed(bytes) {
                    *self = Input::Unreadable(error);
                }
            }
            Input::Unreadable(_) => {}
        }
        Cow::Borrowed(&[])
    }

    fn begin<'a>(&mut self, bytes: Cow<'a, [u8]>) -> Cow<'a, [u8]> {
        let mut dissector = Dissector::new();
        match dissector.feed(&bytes) {
            Ok(()) => *self = Input::Capture(Box::new(dissector)),
            Err(CaptureError::NotACapture) => {
                *self = Input::Text;
                return bytes;
            }
            Err(error) => *self = Input::Unreadable(error),
        }
        Cow::Borrowed(&[])
    }

    /// What was too short to be told, which is text.
    pub(crate) fn rest(&mut self) -> Vec<u8> {
        match self {
            Input::Start(before) => std::mem::take(before),
            _ => Vec::new(),
        }
    }

    /// The capture, if it was one, or why it couldn't be read.
    pub(crate) fn finish(self) -> Option<Result<Capture, CaptureError>> {
        match self {
            Input::Start(_) | Input::Text => None,
            Input::Capture(dissector) => Some(dissector.finish()),
            Input::Unreadable(error) => Some(Err(error)),
        }
    }
}
