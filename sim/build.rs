//! Gives this build a name: a hash of the sources and of the versions they are built with, the same on every machine.
#![expect(
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    reason = "runs while it is built, and is no part of it"
)]

use std::{
    fs,
    path::{Path, PathBuf},
};

/// What runs are made of, from the folder of this package.
const SOURCES: [&str; 3] = ["src", "../core/src", "../Cargo.lock"];

fn main() {
    let mut files = Vec::new();
    for source in SOURCES {
        // Where this is a dependency of somebody else's the lock file is theirs.
        if Path::new(source).exists() {
            println!("cargo::rerun-if-changed={source}");
            walk(Path::new(source), &mut files);
        }
    }
    let name = |file: &Path| file.display().to_string().replace('\\', "/");
    files.sort_by_key(|file| name(file));
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for file in files {
        let bytes = fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        // A checkout may have its own idea of how lines end.
        let bytes = bytes.into_iter().filter(|&byte| byte != b'\r');
        let text = name(&file).into_bytes().into_iter().chain([0]).chain(bytes);
        for byte in text.chain([0]) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    println!("cargo::rustc-env=BIVALENT_SOURCES={hash:016x}");
}

fn walk(path: &Path, files: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(path) else {
        files.push(path.to_owned());
        return;
    };
    for entry in entries.flatten() {
        walk(&entry.path(), files);
    }
}
