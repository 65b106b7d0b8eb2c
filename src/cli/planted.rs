//! The option `--bug`: a planted bug for every agent, in builds that have bugs.

use bivalent_sim::scenario::planted::Planted;
use clap::Args;

use crate::exit::{Exit, Failure};

/// Which bug; without the feature `planted-bugs` there is no such option.
#[derive(Args, Clone, Copy, Debug, Default)]
pub(crate) struct PlantedArgs {
    /// Give every agent a planted bug.
    #[cfg(feature = "planted-bugs")]
    #[arg(long, value_name = "BUG", value_parser = bug)]
    bug: Option<bivalent_sim::Bug>,
}

impl PlantedArgs {
    #[cfg(feature = "planted-bugs")]
    pub(crate) fn planted(self) -> Planted {
        self.bug.into()
    }

    #[cfg(not(feature = "planted-bugs"))]
    #[expect(clippy::unused_self, reason = "a build with bugs needs it")]
    pub(crate) fn planted(self) -> Planted {
        Planted::default()
    }
}

/// What a command line needs so that a run has this bug again; nothing if there is none.
pub(crate) fn again(planted: Planted) -> String {
    let name = planted.name();
    name.map_or_else(String::new, |name| format!(" --bug {name}"))
}

/// Refuses a bug for the agents of a trace.
pub(crate) fn not_with_trace(planted: Planted, trace: &str) -> Result<(), Failure> {
    if planted == Planted::default() {
        return Ok(());
    }
    let message = format!("{trace} is a trace, which says itself which bug its agents had");
    Err(Failure::new(Exit::Usage, message).help("leave out `--bug`"))
}

/// A planted bug, by name.
#[cfg(feature = "planted-bugs")]
fn bug(name: &str) -> Result<bivalent_sim::Bug, String> {
    let all = bivalent_sim::Bug::ALL;
    all.into_iter()
        .find(|bug| format!("{bug:?}") == name)
        .ok_or_else(|| {
            let names: Vec<String> = all.iter().map(|bug| format!("{bug:?}")).collect();
            format!("there are {}", names.join(", "))
        })
}
