//! The built-in catalogue: the files of `scenarios/`, embedded.

/// One scenario of the catalogue.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Chapter {
    /// Its path from the repository's root.
    pub name: &'static str,
    /// The file's text.
    pub text: &'static str,
}

macro_rules! chapters {
    ($($path:literal),* $(,)?) => {
        &[$(Chapter {
            name: concat!("scenarios/", $path, ".toml"),
            text: include_str!(concat!("../../scenarios/", $path, ".toml")),
        }),*]
    };
}

macro_rules! delays {
    ($($file:literal),* $(,)?) => {
        &[$((
            concat!("delays/", $file),
            include_str!(concat!("../../scenarios/measured/delays/", $file)),
        )),*]
    };
}

/// All chapters, in the order of their names. A test holds the list against the folder.
pub const fn chapters() -> &'static [Chapter] {
    CHAPTERS
}

/// The text of a file that a chapter names.
pub fn open(path: &str) -> Result<String, String> {
    let found = DELAYS.iter().find(|(name, _)| *name == path);
    found
        .map(|(_, text)| (*text).to_owned())
        .ok_or_else(|| "no such built-in file".to_owned())
}

const DELAYS: &[(&str, &str)] = delays![
    "local-disk-read.hlog",
    "local-disk-write.hlog",
    "postgres-read.hlog",
    "postgres-write.hlog",
    "redis-aof-read.hlog",
    "redis-aof-write.hlog",
];

const CHAPTERS: &[Chapter] = chapters![];
