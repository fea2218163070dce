//! Tells captures from text by the first bytes of a file, however these come.

use std::borrow::Cow;
use std::sync::Arc;

use super::{Capture, CaptureError, Dissector, Keys};

/// A file of evidence that may be a capture.
#[derive(Debug)]
pub(crate) enum Input {
    /// Too few bytes to tell; the keys that open it, should it be a capture.
    Start(Vec<u8>, Option<Arc<Keys>>),
    /// It is text, which somebody else reads.
    Text,
    /// It is a capture.
    Capture(Box<Dissector>),
    /// It is a capture that can't be read.
    Unreadable(CaptureError),
}

impl Default for Input {
    fn default() -> Self {
        Input::Start(Vec::new(), None)
    }
}

impl Input {
    /// Opens what these keys open, should it be a capture. To be said before the first piece.
    pub(crate) fn with_keys(&mut self, keys: Arc<Keys>) {
        if let Input::Start(_, have) = self {
            *have = Some(keys);
        }
    }

    /// Takes the next piece; returns what of it is text.
    pub(crate) fn feed<'a>(&mut self, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        match self {
            Input::Text => return Cow::Borrowed(bytes),
            Input::Start(before, keys) if before.is_empty() && bytes.len() >= 4 => {
                let keys = keys.take();
                return self.begin(Cow::Borrowed(bytes), keys);
            }
            Input::Start(before, keys) => {
                before.extend_from_slice(bytes);
                if before.len() >= 4 {
                    let (all, keys) = (std::mem::take(before), keys.take());
                    return self.begin(Cow::Owned(all), keys);
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

    fn begin<'a>(&mut self, bytes: Cow<'a, [u8]>, keys: Option<Arc<Keys>>) -> Cow<'a, [u8]> {
        let mut dissector = Dissector::new();
        if let Some(keys) = keys {
            dissector = dissector.with_keys(keys);
        }
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
            Input::Start(before, _) => std::mem::take(before),
            _ => Vec::new(),
        }
    }

    /// The capture, if it was one, or why it couldn't be read.
    pub(crate) fn finish(self) -> Option<Result<Capture, CaptureError>> {
        match self {
            Input::Start(..) | Input::Text => None,
            Input::Capture(dissector) => Some(dissector.finish()),
            Input::Unreadable(error) => Some(Err(error)),
        }
    }
}
