//! The arguments of `watch`, and of the pictures of a run.

use std::path::PathBuf;

use bivalent_tui::theme::{Look, Theme};
use clap::{Args, ValueEnum};

use super::planted::PlantedArgs;

pub(super) const EXAMPLES: &str = "\
Examples:
  bivalent watch duelling-agents                two agents that never let each other finish
  bivalent watch duel.toml@0x5eed#1284          one run, opened at a step
  bivalent watch split-brain.trace              a recorded run, opened at its violation
  bivalent watch --tour                         consensus on passive stores, in eight chapters
  bivalent watch --adversary keep-bivalent      choose what happens next, and keep it undecided";

pub(super) const MORE: &str = "\
Keys: space plays and pauses, the arrows step, , and . go to the fault, stall, decision or violation before and
after, b branches off, p takes the schedule over, w says why, ? lists all keys, q leaves.

Values that are still possible are exact where the system is small enough for all schedules to be looked at;
else they are counted over 128 copies that run on under other luck, and n says so: two values seen prove that
both are possible, one seen proves nothing.

What the adversary plays is saved (^S) as a scenario, which `bivalent run` replays to the same fingerprint.
Without a terminal the run's events are printed, a line each.";

/// Colours.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum ThemeName {
    /// For dark backgrounds; hues that colour-blind people tell apart.
    Dark,
    /// The same for light backgrounds.
    Light,
    /// Few colours, far apart.
    HighContrast,
    /// No colours.
    Mono,
}

/// How screens look.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct LookArgs {
    /// Colours, also with `NO_COLOR` and `--color never`. [default: dark; mono with those]
    #[arg(long, value_enum, value_name = "THEME")]
    pub(crate) theme: Option<ThemeName>,
    /// Only ASCII signs.
    #[arg(long)]
    pub(crate) ascii: bool,
}

impl LookArgs {
    /// The look that was asked for; without a wish, with colours or not.
    pub(crate) fn look(self, colours: bool) -> Look {
        let theme = match self.theme {
            Some(ThemeName::Dark) => Theme::Dark,
            Some(ThemeName::Light) => Theme::Light,
            Some(ThemeName::HighContrast) => Theme::HighContrast,
            None if colours => Theme::Dark,
            Some(ThemeName::Mono) | None => Theme::Mono,
        };
        Look::new(theme, self.ascii)
    }
}

/// Arguments of `watch`.
#[derive(Args, Debug)]
pub(crate) struct WatchArgs {
    /// A trace, a coordinate SCENARIO@SEED, a scenario file, or the name of a built-in one; each with #STEP.
    #[arg(value_name = "TRACE|COORD|SCENARIO")]
    pub(crate) what: Option<String>,
    /// Be shown around: built-in scenarios as eight chapters, and a game at the end.
    #[arg(long, conflicts_with_all = ["what", "adversary"])]
    pub(crate) tour: bool,
    /// Take the schedule over at once.
    #[arg(long)]
    pub(crate) adversary: bool,
    /// Where games and screens are saved.
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(crate) save: PathBuf,
    #[command(flatten)]
    pub(crate) look: LookArgs,
    #[command(flatten)]
    pub(crate) planted: PlantedArgs,
}

/// Columns and rows, as typed: `120x36`.
pub(crate) fn size(text: &str) -> Result<(u16, u16), String> {
    let read = |text: &str| text.parse::<u16>().ok().filter(|it| (1..=500).contains(it));
    let pair = text.split_once(['x', 'X']);
    let pair = pair.and_then(|(columns, rows)| Some((read(columns)?, read(rows)?)));
    pair.ok_or_else(|| "a size is columns x rows, each from 1 to 500, such as 120x36".to_owned())
}
