//! Planted bugs by name: so that traces can say which one they need, in every build.

/// A bug for every agent, where the build has bugs (feature `planted-bugs`); elsewhere always none.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Planted {
    #[cfg(feature = "planted-bugs")]
    pub(crate) bug: Option<bivalent_core::Bug>,
}

#[cfg(feature = "planted-bugs")]
impl From<Option<bivalent_core::Bug>> for Planted {
    fn from(bug: Option<bivalent_core::Bug>) -> Self {
        Self { bug }
    }
}

impl Planted {
    /// The bug of this name; none if this build has no such bug.
    #[cfg(feature = "planted-bugs")]
    pub fn named(name: &str) -> Option<Self> {
        let bug = bivalent_core::Bug::named(name)?;
        Some(Self { bug: Some(bug) })
    }

    /// The bug of this name: this build has none.
    #[cfg(not(feature = "planted-bugs"))]
    pub const fn named(_: &str) -> Option<Self> {
        None
    }

    /// Its name, if there is a bug.
    #[cfg(feature = "planted-bugs")]
    pub fn name(self) -> Option<String> {
        self.bug.map(|bug| bug.name().to_owned())
    }

    /// Its name, if there is a bug: there is none in this build.
    #[cfg(not(feature = "planted-bugs"))]
    pub const fn name(self) -> Option<String> {
        None
    }
}
