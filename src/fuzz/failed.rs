//! A failed run of a campaign, a regression or a single fault, told: its word and its exit code.

use bivalent_sim::campaign::failure::Failure;

use crate::exit::Exit;
use crate::render::paint::Paint;

/// The exit code of a run that failed.
pub(crate) const fn exit(failure: &Failure) -> Exit {
    match failure {
        Failure::Violation { .. } | Failure::Panic { .. } | Failure::Endless => Exit::Unsafe,
        Failure::Differs => Exit::Diverged,
        Failure::Wedge | Failure::Stall { .. } | Failure::OtherValue => Exit::Liveness,
    }
}

/// The word that a line about it begins with.
pub(crate) fn word(failure: &Failure, paint: Paint) -> String {
    match failure {
        Failure::Violation { .. } | Failure::Panic { .. } | Failure::Endless => paint.bad("FAIL"),
        Failure::Differs => paint.bad("DIFFERS"),
        Failure::Wedge | Failure::Stall { .. } => paint.odd("STALL"),
        Failure::OtherValue => paint.odd("MISS"),
    }
}
