//! A value, and whether it was written.

use serde::{Deserialize, Serialize};

use crate::fact::Source;

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// It is written there.
    Written(Source),
    /// It isn't written; the product takes this one.
    Default,
}

/// A value with its origin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setting<T> {
    /// The value.
    pub value: T,
    /// Where it comes from.
    pub origin: Origin,
}

impl<T> Setting<T> {
    /// A value that the product takes when nothing is written.
    pub fn default_of(value: T) -> Self {
        Self {
            value,
            origin: Origin::Default,
        }
    }

    /// A value that is written.
    pub fn written(value: T, source: Source) -> Self {
        Self {
            value,
            origin: Origin::Written(source),
        }
    }

    /// Whether it is written.
    #[must_use]
    pub fn is_written(&self) -> bool {
        matches!(self.origin, Origin::Written(_))
    }

    /// Where it is written.
    #[must_use]
    pub fn source(&self) -> Option<&Source> {
        match &self.origin {
            Origin::Written(source) => Some(source),
            Origin::Default => None,
        }
    }
}

impl<T: Default> Default for Setting<T> {
    fn default() -> Self {
        Self::default_of(T::default())
    }
}
