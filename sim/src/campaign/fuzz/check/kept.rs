//! Findings of a check in a folder: the one place where the library touches files, and only where it was told to.

use std::{fs, path::Path};

/// Keeps a finding; gives its path.
#[expect(
    clippy::disallowed_methods,
    reason = "there is no command around a test that could write it, and the test asked for it"
)]
pub(super) fn write(folder: &str, name: &str, text: &str) -> Result<String, String> {
    let path = Path::new(folder).join(name);
    let written = fs::create_dir_all(folder).and_then(|()| {
        // Whole or not at all: half a finding would be refused for ever after.
        let half = path.with_extension("half");
        fs::write(&half, text)?;
        fs::rename(&half, &path)
    });
    let shown = path.display();
    match written {
        Ok(()) => Ok(shown.to_string()),
        Err(why) => Err(format!("{shown} could not be written: {why}")),
    }
}

/// What is kept, by path, in the order of the names.
#[expect(
    clippy::disallowed_methods,
    reason = "there is no command around a test that could read it, and the test asked for it"
)]
pub(super) fn all(folder: &str) -> Result<Vec<(String, String)>, String> {
    let Ok(entries) = fs::read_dir(folder) else {
        // Nothing was found yet.
        return Ok(Vec::new());
    };
    let mut paths: Vec<_> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|it| it == "toml"))
        .collect();
    paths.sort();
    let read = paths.into_iter().map(|path| {
        let shown = path.display().to_string();
        let text = fs::read_to_string(&path);
        let text = text.map_err(|why| format!("{shown} could not be read: {why}"))?;
        Ok((shown, text))
    });
    read.collect()
}
