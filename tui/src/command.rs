//! Commands: what a key asks for.

/// What the user wants.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Command {
    /// Play or pause.
    Play,
    /// So many steps on.
    Forward(u64),
    /// So many steps back.
    Back(u64),
    /// To the beginning.
    First,
    /// To the end.
    Last,
    /// Twice as fast.
    Faster,
    /// Half as fast.
    Slower,
    /// To the next mark.
    NextMark,
    /// To the mark before.
    LastMark,
    /// Which marks those are.
    Marks,
    /// Ask for a step or a time.
    Goto,
    /// Offer branches.
    Branch,
    /// To the future that was looked at before.
    Flip,
    /// To the next future of all.
    NextBranch,
    /// List all futures.
    Futures,
    /// Forget a branch.
    Drop,
    /// To the first step in which two futures differ.
    Difference,
    /// Be the adversary.
    TakeOver,
    /// Work the valence out.
    Value,
    /// Let the chosen operation take effect.
    Take,
    /// Let this one take effect, by number from 0.
    TakeNumber(usize),
    /// Take a move back.
    Undo,
    /// Show what moves leave possible.
    Hint,
    /// Let the machine play.
    PlayOn,
    /// Crash an agent.
    Crash,
    /// Start one again.
    Restart,
    /// Tear a write.
    Tear,
    /// Answer a read with an old version.
    Stale,
    /// Make an operation slow.
    Delay,
    /// Save the game.
    Save,
    /// Give the schedule back.
    GiveBack,
    /// Play the game that the tour ends with.
    PlayGame,
    /// The next page of the tour.
    NextPage,
    /// The page before.
    LastPage,
    /// The next chapter.
    NextChapter,
    /// The chapter before.
    LastChapter,
    /// The line above.
    Up,
    /// The line below.
    Down,
    /// The next panel.
    NextPanel,
    /// The panel before.
    LastPanel,
    /// A panel, by its number.
    Panel(u8),
    /// One panel alone, or all.
    Zoom,
    /// What led to this.
    Why,
    /// Ask for a word that events must have.
    Filter,
    /// Copy the coordinate.
    Copy,
    /// Write the screen to a file.
    Export,
    /// Close what is open.
    Close,
    /// So many lines of the help on, or back.
    Turn(isize),
    /// All keys.
    Help,
    /// To the shell, until it brings us back.
    Suspend,
    /// Leave.
    Quit,
}

impl Command {
    /// One of each.
    pub const ALL: [Self; 51] = [
        Self::Play,
        Self::Forward(1),
        Self::Back(1),
        Self::First,
        Self::Last,
        Self::Faster,
        Self::Slower,
        Self::NextMark,
        Self::LastMark,
        Self::Marks,
        Self::Goto,
        Self::Branch,
        Self::Flip,
        Self::NextBranch,
        Self::Futures,
        Self::Drop,
        Self::Difference,
        Self::TakeOver,
        Self::Value,
        Self::Take,
        Self::TakeNumber(0),
        Self::Undo,
        Self::Hint,
        Self::PlayOn,
        Self::Crash,
        Self::Restart,
        Self::Tear,
        Self::Stale,
        Self::Delay,
        Self::Save,
        Self::GiveBack,
        Self::PlayGame,
        Self::NextPage,
        Self::LastPage,
        Self::NextChapter,
        Self::LastChapter,
        Self::Up,
        Self::Down,
        Self::NextPanel,
        Self::LastPanel,
        Self::Panel(1),
        Self::Zoom,
        Self::Why,
        Self::Filter,
        Self::Copy,
        Self::Export,
        Self::Close,
        Self::Help,
        Self::Suspend,
        Self::Quit,
        Self::Panel(7),
    ];
}
