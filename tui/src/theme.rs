//! Colours and signs. A state is always told by its sign and its word; colour only helps.

use ratatui::{
    style::{Color, Modifier, Style},
    symbols::border,
};

/// A set of colours.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Theme {
    /// For dark backgrounds. All hues are told apart by colour-blind people (Okabe and Ito 2008).
    #[default]
    Dark,
    /// The same for light backgrounds.
    Light,
    /// Few colours, far apart.
    HighContrast,
    /// None: bold, dim and reversed only.
    Mono,
}

impl Theme {
    /// All of them, by the words for them.
    pub const ALL: [(&'static str, Self); 4] = [
        ("dark", Self::Dark),
        ("light", Self::Light),
        ("high-contrast", Self::HighContrast),
        ("mono", Self::Mono),
    ];
}

/// What a piece of text is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Role {
    /// Plain.
    Text,
    /// Of little weight.
    Dim,
    /// A heading or a key.
    Strong,
    /// As it should be.
    Good,
    /// A stall or a fault.
    Warn,
    /// A broken promise.
    Bad,
    /// What the cursor is on.
    Chosen,
    /// An agent, by number from 0.
    Agent(u16),
}

/// How everything looks: colours and signs.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// The colours.
    pub theme: Theme,
    /// The signs.
    pub signs: &'static Signs,
}

impl Look {
    /// A look; ASCII signs only, if so wished.
    pub const fn new(theme: Theme, ascii: bool) -> Self {
        Self {
            theme,
            signs: if ascii { &ASCII } else { &UNICODE },
        }
    }

    /// How something is painted.
    pub fn style(&self, role: Role) -> Style {
        let style = Style::new();
        let (dark, light) = match (self.theme, role) {
            (Theme::Mono, role) => return mono(role),
            (_, Role::Text) => return style,
            (_, Role::Strong) => return style.add_modifier(Modifier::BOLD),
            (_, Role::Chosen) => return style.add_modifier(Modifier::REVERSED),
            (_, Role::Dim) => ((140, 140, 140), (110, 110, 110)),
            (_, Role::Good) => ((86, 180, 233), (0, 90, 160)),
            (_, Role::Warn) => ((230, 159, 0), (160, 90, 0)),
            (_, Role::Bad) => ((235, 100, 50), (190, 50, 0)),
            (_, Role::Agent(agent)) => AGENTS[usize::from(agent) % AGENTS.len()],
        };
        let (r, g, b) = match self.theme {
            Theme::Light => light,
            Theme::Dark | Theme::Mono => dark,
            Theme::HighContrast => bright(dark),
        };
        let style = style.fg(Color::Rgb(r, g, b));
        if matches!(role, Role::Bad) || self.theme == Theme::HighContrast {
            style.add_modifier(Modifier::BOLD)
        } else {
            style
        }
    }
}

type Rgb = (u8, u8, u8);

/// On dark and on light backgrounds.
const AGENTS: [(Rgb, Rgb); 8] = [
    ((86, 180, 233), (0, 100, 170)),
    ((230, 159, 0), (165, 95, 0)),
    ((0, 190, 140), (0, 120, 85)),
    ((240, 228, 66), (125, 115, 0)),
    ((204, 121, 167), (160, 60, 120)),
    ((235, 110, 60), (190, 60, 0)),
    ((120, 140, 255), (40, 60, 190)),
    ((190, 190, 190), (90, 90, 90)),
];

/// The same hue as far from black as it goes.
fn bright((r, g, b): Rgb) -> Rgb {
    let most = u16::from(r.max(g).max(b).max(1));
    let lift = |part: u8| (u16::from(part) * 255 / most) as u8;
    (lift(r), lift(g), lift(b))
}

const fn mono(role: Role) -> Style {
    let style = Style::new();
    match role {
        Role::Text | Role::Agent(_) | Role::Good => style,
        Role::Dim => style.add_modifier(Modifier::DIM),
        Role::Strong | Role::Warn => style.add_modifier(Modifier::BOLD),
        Role::Bad => style.add_modifier(Modifier::BOLD.union(Modifier::UNDERLINED)),
        Role::Chosen => style.add_modifier(Modifier::REVERSED),
    }
}

/// The signs that are drawn.
#[derive(Debug)]
pub struct Signs {
    /// An agent runs; a store is up.
    pub run: &'static str,
    /// An agent has nothing in flight.
    pub idle: &'static str,
    /// It stands still; a store is slow.
    pub slow: &'static str,
    /// Down.
    pub down: &'static str,
    /// Decided.
    pub decided: &'static str,
    /// A ballot's first phase.
    pub phase1: &'static str,
    /// Its second.
    pub phase2: &'static str,
    /// It is given up.
    pub abort: &'static str,
    /// A fault on the scrubber.
    pub fault: &'static str,
    /// A stall.
    pub stall: &'static str,
    /// Faults end.
    pub healed: &'static str,
    /// A broken property.
    pub broken: &'static str,
    /// The chosen line.
    pub pointer: &'static str,
    /// The cursor on the scrubber.
    pub cursor: &'static str,
    /// Time on the scrubber.
    pub rail: &'static str,
    /// Where the scrubber begins and ends.
    pub ends: [&'static str; 2],
    /// A part of a bar that is full, and one that is empty.
    pub bar: [&'static str; 2],
    /// The vertical and horizontal axis, where they meet, and where a row begins.
    pub axes: [&'static str; 4],
    /// Between two that are in each other's way.
    pub against: &'static str,
    /// From one to another.
    pub to: &'static str,
    /// Between two facts.
    pub dot: &'static str,
    /// Playing and paused.
    pub play: [&'static str; 2],
    /// There is more than is shown.
    pub more: &'static str,
    /// Nothing.
    pub none: &'static str,
    /// The frames of panels.
    pub border: border::Set<'static>,
}

static UNICODE: Signs = Signs {
    run: "●",
    idle: "○",
    slow: "◐",
    down: "✕",
    decided: "◆",
    phase1: "─",
    phase2: "━",
    abort: "╳",
    fault: "✕",
    stall: "▲",
    healed: "+",
    broken: "‼",
    pointer: "▸",
    cursor: "●",
    rail: "─",
    ends: ["├", "┤"],
    bar: ["█", "░"],
    axes: ["│", "─", "└", "┤"],
    against: "⇄",
    to: "→",
    dot: "·",
    play: ["▶", "‖"],
    more: "…",
    none: "–",
    border: border::PLAIN,
};

static ASCII: Signs = Signs {
    run: "*",
    idle: "o",
    slow: "~",
    down: "x",
    decided: "#",
    phase1: "-",
    phase2: "=",
    abort: "X",
    fault: "x",
    stall: "^",
    healed: "+",
    broken: "!",
    pointer: ">",
    cursor: "@",
    rail: "-",
    ends: ["|", "|"],
    bar: ["#", "."],
    axes: ["|", "-", "+", "|"],
    against: "<>",
    to: "->",
    dot: "-",
    play: [">", "="],
    more: "..",
    none: "-",
    border: border::Set {
        top_left: "+",
        top_right: "+",
        bottom_left: "+",
        bottom_right: "+",
        vertical_left: "|",
        vertical_right: "|",
        horizontal_top: "-",
        horizontal_bottom: "-",
    },
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mono_has_no_colour_and_ascii_no_other_sign() {
        for role in [
            Role::Bad,
            Role::Warn,
            Role::Agent(3),
            Role::Dim,
            Role::Chosen,
        ] {
            let style = Look::new(Theme::Mono, true).style(role);
            assert_eq!((style.fg, style.bg), (None, None));
        }
        assert!(format!("{ASCII:?}").is_ascii());
    }

    #[test]
    fn neighbours_differ_in_every_theme() {
        for (_, theme) in Theme::ALL.into_iter().take(3) {
            let look = Look::new(theme, false);
            for agent in 0..7 {
                let (one, next) = (
                    look.style(Role::Agent(agent)),
                    look.style(Role::Agent(agent + 1)),
                );
                assert_ne!(one.fg, next.fg);
            }
        }
    }
}
