//! The only file I/O: sorted listings, bounded reads, atomic writes.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Component, Path, PathBuf};

use tempfile::NamedTempFile;

use crate::exit::{Exit, Failure};

/// No scenario is this large; what is gets refused before it is parsed.
const SCENARIO_BYTES_MAX: u64 = 16 << 20;
/// The same for a trace.
const TRACE_BYTES_MAX: u64 = 1 << 30;
/// The same for histories.
const HISTORY_BYTES_MAX: u64 = 1 << 30;

/// Reads a scenario. `None`: it is not text.
pub(crate) fn read_scenario(path: &Path) -> Result<Option<String>, Failure> {
    read(path, SCENARIO_BYTES_MAX)
}

/// Reads a trace. `None`: it is not text.
pub(crate) fn read_trace(path: &Path) -> Result<Option<String>, Failure> {
    read(path, TRACE_BYTES_MAX)
}

/// Reads histories, as bytes: whoever parses them says which line is not text.
pub(crate) fn read_histories(path: &Path) -> Result<Vec<u8>, Failure> {
    read_bytes(path, HISTORY_BYTES_MAX)
}

/// The same from standard input.
pub(crate) fn read_histories_from_stdin() -> Result<Vec<u8>, Failure> {
    bounded(io::stdin().lock(), "standard input", HISTORY_BYTES_MAX)
}

fn read(path: &Path, bytes_max: u64) -> Result<Option<String>, Failure> {
    Ok(String::from_utf8(read_bytes(path, bytes_max)?).ok())
}

fn read_bytes(path: &Path, bytes_max: u64) -> Result<Vec<u8>, Failure> {
    let name = path.display().to_string();
    let file = File::open(path).map_err(|e| unreadable(&name, &e))?;
    bounded(file, &name, bytes_max)
}

fn bounded(from: impl Read, name: &str, bytes_max: u64) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    from.take(bytes_max + 1)
        .read_to_end(&mut bytes)
        .map_err(|e| unreadable(name, &e))?;
    if bytes.len() as u64 > bytes_max {
        return Err(Failure::new(
            Exit::Invalid,
            format!("{name} is larger than {} MiB", bytes_max >> 20),
        ));
    }
    Ok(bytes)
}

fn unreadable(name: &str, error: &io::Error) -> Failure {
    Failure::new(Exit::File, format!("{name} can't be read: {error}"))
}

/// Reads a file that a scenario names, which must lie in or below the scenario's own folder: a
/// scenario from elsewhere must not be able to point at anything else.
pub(crate) fn read_beside(scenario: &Path, named: &str) -> Result<String, String> {
    let named = Path::new(named);
    let inside = named
        .components()
        .all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    if !inside {
        return Err("must lie in or below the scenario's own folder".to_owned());
    }
    let path = scenario.parent().unwrap_or(Path::new("")).join(named);
    match read(&path, SCENARIO_BYTES_MAX) {
        Ok(Some(text)) => Ok(text),
        Ok(None) => Err(format!("{} is not text", path.display())),
        Err(failure) => Err(failure.message),
    }
}

/// All `*.toml` files in and below a folder, sorted. Links to folders are not followed.
pub(crate) fn scenarios_below(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut found = files_below(folder)?;
    found.retain(|path| path.extension().is_some_and(|e| e == "toml"));
    Ok(found)
}

/// All files in and below a folder, sorted. Links to folders are not followed.
pub(crate) fn files_below(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let unreadable = |error| unreadable(&folder.display().to_string(), &error);
    let mut entries = fs::read_dir(folder)
        .and_then(Iterator::collect::<io::Result<Vec<_>>>)
        .map_err(unreadable)?;
    entries.sort_by_key(fs::DirEntry::file_name);
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.path();
        if entry.file_type().map_err(unreadable)?.is_dir() {
            found.extend(files_below(&path)?);
        } else if path.is_file() {
            found.push(path);
        }
    }
    Ok(found)
}

/// Whether a file may be replaced.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Existing {
    /// It may.
    Replace,
    /// It must not be there.
    Keep,
}

/// Writes a file so that it is there as a whole or not at all.
pub(crate) fn write(path: &Path, bytes: &[u8], existing: Existing) -> Result<(), Failure> {
    write_or_why(path, bytes, existing).map_err(|error| {
        let failure = Failure::new(
            Exit::File,
            format!("{} can't be written: {error}", path.display()),
        );
        if error.kind() == io::ErrorKind::AlreadyExists {
            failure.help("choose another name, or remove the file first")
        } else {
            failure
        }
    })
}

fn write_or_why(path: &Path, bytes: &[u8], existing: Existing) -> io::Result<()> {
    let folder = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        Some(_) | None => Path::new("."),
    };
    // Checked early for a clear answer; the rename below is what makes sure.
    if existing == Existing::Keep && path.symlink_metadata().is_ok() {
        return Err(io::Error::new(
            io::ErrorKind::AlreadyExists,
            "it is already there",
        ));
    }
    // Asked first for the system's own words; below, what the temporary file was called is left out.
    folder.metadata()?;
    let mut file = NamedTempFile::new_in(folder).map_err(|error| io::Error::from(error.kind()))?;
    readable_by_all(file.as_file())?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    match existing {
        Existing::Replace => file.persist(path).map_err(|e| e.error)?,
        Existing::Keep => file.persist_noclobber(path).map_err(|e| e.error)?,
    };
    sync_folder(folder)
}

/// A temporary file is for its owner alone; what it becomes is an ordinary file.
#[cfg(unix)]
fn readable_by_all(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn readable_by_all(_file: &File) -> io::Result<()> {
    Ok(())
}

/// Without this a crash of the machine could undo the rename.
#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}

/// Adds to the end of a file that others write as well.
pub(crate) fn append(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let write = || {
        fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(path)?
            .write_all(bytes)
    };
    write().map_err(|error: io::Error| {
        Failure::new(
            Exit::File,
            format!("{} can't be written: {error}", path.display()),
        )
    })
}

/// Makes a folder that the user has named, and its parents.
pub(crate) fn make_folder(folder: &Path) -> Result<(), Failure> {
    fs::create_dir_all(folder).map_err(|error| {
        let shown = folder.display();
        if folder.is_file() {
            let message = format!("{shown} is a file, and a folder is needed");
            return Failure::new(Exit::File, message)
                .help("name a folder, or one that is not there yet");
        }
        Failure::new(Exit::File, format!("{shown} can't be made: {error}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_written_file_is_whole_and_nothing_else_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.trace");

        write(&path, b"one", Existing::Replace).unwrap();
        write(&path, b"two", Existing::Replace).unwrap();
        let refused = write(&path, b"three", Existing::Keep).unwrap_err();

        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(refused.exit, Exit::File);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_scenario_cannot_point_outside_its_folder() {
        for named in ["/etc/passwd", "../secret", "a/../../secret"] {
            assert!(
                read_beside(Path::new("here/x.toml"), named).is_err(),
                "{named}"
            );
        }
    }

    #[test]
    fn listings_are_sorted_and_see_only_scenarios() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("m")).unwrap();
        for name in ["z.toml", "a.toml", "m/b.toml", "notes.md"] {
            fs::write(at(name), "").unwrap();
        }

        let found = scenarios_below(folder.path()).unwrap();

        assert_eq!(found, [at("a.toml"), at("m/b.toml"), at("z.toml")]);
    }
}
