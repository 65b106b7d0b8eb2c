//! `bivalent probe`: how long operations take on a real store, as delays of a scenario.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::Duration;

use bivalent_driver::{
    Bucket, KindReport, ProbeEnd, ProbeError, ProbeKind, ProbePlan, ProbeProgress, ProbeReport,
    TokioClock,
};
use bivalent_sim::scenario::hlog;

use crate::agent::stores;
use crate::cli::{PlainFormat, ProbeArgs};
use crate::console::{Console, Stream};
use crate::exit::{Exit, Failure};
use crate::files::{self, Existing};
use crate::progress::Progress;
use crate::render::json::{Sequence, Shape};
use crate::render::probe as text;
use crate::render::units::counted;
use crate::{bug, interrupt};

/// What a store is called whose name has no scheme.
const DIRECTORY: &str = "directory";
/// What is measured if nobody says how much.
const OPERATIONS: u64 = 1000;
const SECONDS: u64 = 60;

/// Measures the store that was named.
pub(crate) fn probe(args: &ProbeArgs, console: &mut Console) -> Result<Exit, Failure> {
    let stop = interrupt::listen();
    if let Some(output) = &args.output {
        is_writable(output)?;
    }
    let bucket = open(args)?;
    bug::while_running(format!("a probe of a {}", kind_of_store(&args.store)));
    let plan = plan(args);
    let line = Progress::new(&label(args, &plan), u64::MAX, false);
    let report = measure(&bucket, plan, &mut |now| {
        match (plan.operations, plan.time) {
            (None, Some(time)) => line.done_of(now.took.as_secs(), time.as_secs()),
            (Some(_) | None, _) => line.done_of(now.done, now.of.unwrap_or(u64::MAX)),
        }
        if stop.load(Ordering::SeqCst) {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    });
    line.clear();
    let report = report?;
    let files = args
        .output
        .as_deref()
        .map(|output| keep(&report, args, output));
    let files = files.transpose()?.unwrap_or_default();
    match args.format {
        PlainFormat::Human => {
            let (paint, width) = (console.paint(Stream::Out), Console::width(Stream::Out));
            console.put(Stream::Out, &text::tell(args, &report, width, paint))?;
            console.put(Stream::Out, &text::to_paste(&files))?;
        }
        PlainFormat::Json => objects(Shape::Array, args, &report, &files, console)?,
        PlainFormat::Jsonl => objects(Shape::Lines, args, &report, &files, console)?,
    }
    end(args, &report, console)
}

fn objects(
    shape: Shape,
    args: &ProbeArgs,
    report: &ProbeReport,
    files: &[(ProbeKind, PathBuf)],
    console: &mut Console,
) -> Result<(), Failure> {
    let mut sequence = Sequence::new(shape);
    for kind in &report.kinds {
        let file = files.iter().find(|(of, _)| *of == kind.kind);
        let object = text::object(args, kind, file.map(|(_, path)| path.as_path()));
        console.data(sequence.add(&object).as_bytes())?;
    }
    console.data(sequence.end().as_bytes())
}

/// What was not as it should be, and the exit code.
fn end(args: &ProbeArgs, report: &ProbeReport, console: &Console) -> Result<Exit, Failure> {
    for kind in &report.kinds {
        if let Some(error) = &kind.last_error {
            let failed = counted(kind.errors, "operation", "operations");
            console.warning(&format!(
                "{}: {failed} failed, the last one so: {error}",
                kind.kind
            ));
        }
    }
    if let Some(why) = &report.left_behind {
        console.warning(&format!(
            "the folder {} below {} could not be removed: {why}",
            report.folder, args.store
        ));
    }
    match report.ended {
        ProbeEnd::Stopped => return Ok(Exit::Interrupted),
        ProbeEnd::GaveUp => {
            let message = format!("{} answers no more: given up", args.store);
            return Err(Failure::new(Exit::File, message).help(remedy(&args.store)));
        }
        ProbeEnd::Done => {}
    }
    let needed = [ProbeKind::Read, ProbeKind::Write];
    let lacks = |kind: &&KindReport| needed.contains(&kind.kind) && kind.latencies.is_empty();
    if let Some(kind) = report.kinds.iter().find(lacks) {
        let message = format!("no {} was answered: there is no delay to use", kind.kind);
        return Err(
            Failure::new(Exit::Nothing, message).help("measure longer: --operations, --seconds")
        );
    }
    Ok(Exit::Ok)
}

fn plan(args: &ProbeArgs) -> ProbePlan {
    let mut plan = ProbePlan::default();
    plan.size = args.size as usize;
    plan.concurrency = args.concurrency;
    (plan.operations, plan.time) = match (args.operations, args.seconds) {
        (None, None) => (Some(OPERATIONS), Some(Duration::from_secs(SECONDS))),
        (operations, seconds) => (operations, seconds.map(Duration::from_secs)),
    };
    plan.patience = args.timeout;
    plan
}

fn label(args: &ProbeArgs, plan: &ProbePlan) -> String {
    let unit = if plan.operations.is_some() {
        "operations"
    } else {
        "seconds"
    };
    format!("{}  {unit}", args.store)
}

fn open(args: &ProbeArgs) -> Result<Bucket, Failure> {
    let (opening, settings) = (stores::opening(args.no_sync), stores::settings());
    bivalent_driver::open(&args.store, opening, &settings).map_err(|error| {
        let failure = Failure::new(Exit::Usage, error.to_string());
        // Of a directory the message has said it all; a bucket may lack a setting.
        match kind_of_store(&args.store) {
            DIRECTORY => failure,
            _ => failure.help(remedy(&args.store)),
        }
    })
}

fn measure(
    bucket: &Bucket,
    plan: ProbePlan,
    progress: &mut dyn FnMut(&ProbeProgress) -> ControlFlow<()>,
) -> Result<ProbeReport, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(Exit::File, format!("no asynchronous I/O: {error}")))?;
    // Two probes of one store must not meet.
    let seed = stores::entropy();
    let report = runtime.block_on(async {
        let clock = TokioClock::start();
        bivalent_driver::probe(bucket, plan, &clock, seed, progress).await
    });
    // An operation that never ends must not keep the command from ending.
    runtime.shutdown_background();
    report.map_err(|error| failure(&error, bucket))
}

fn failure(error: &ProbeError, bucket: &Bucket) -> Failure {
    let message = error.to_string();
    if matches!(error, ProbeError::Plan(_)) {
        return Failure::new(Exit::Usage, message);
    }
    let help = if matches!(error, ProbeError::Missing { .. }) {
        "make the directory first; it is not made here, so that no disk is measured for one that is not mounted"
    } else {
        remedy(bucket.name())
    };
    Failure::new(Exit::File, message).help(help)
}

/// What a store's name says of its kind.
fn scheme(store: &str) -> &str {
    match store.split_once(':') {
        Some((scheme, _)) if scheme.len() > 1 => scheme,
        Some(_) | None => "file",
    }
}

/// What kind of store it is, in words, without saying which.
fn kind_of_store(store: &str) -> &'static str {
    match scheme(store) {
        "memory" => "store in memory",
        "s3" | "s3a" => "bucket (S3)",
        "gs" => "bucket (Google Cloud Storage)",
        "az" | "azure" | "adl" | "abfs" | "abfss" => "container (Azure)",
        "http" | "https" => "store behind HTTP",
        _ => DIRECTORY,
    }
}

/// What to do about a store that refuses or says nothing.
fn remedy(store: &str) -> &'static str {
    match scheme(store) {
        "memory" => "a store in memory needs nothing: this is a bug, please report it",
        "s3" | "s3a" | "http" | "https" => {
            "look at the network, the bucket's name and what the environment says: AWS_ACCESS_KEY_ID, \
             AWS_SECRET_ACCESS_KEY, AWS_REGION, and of a store that is not Amazon's AWS_ENDPOINT (with \
             AWS_ALLOW_HTTP=true if that is no https);\n  reading, writing, listing and deleting must be allowed"
        }
        "gs" => {
            "look at the network, the bucket's name and GOOGLE_SERVICE_ACCOUNT in the environment (the path of a \
             key file);\n  reading, writing, listing and deleting must be allowed"
        }
        "az" | "azure" | "adl" | "abfs" | "abfss" => {
            "look at the network, the container's name and what the environment says: \
             AZURE_STORAGE_ACCOUNT_NAME, AZURE_STORAGE_ACCOUNT_KEY;\n  reading, writing, listing and deleting \
             must be allowed"
        }
        _ => {
            "look at the directory: is its disk mounted and not full, and may you read, write and delete in it?"
        }
    }
}

/// The file for the delays of one kind: `delays-read.hlog` of `delays.hlog`.
fn file_of(output: &Path, kind: ProbeKind) -> PathBuf {
    let mut name = match output.extension() {
        Some(extension) if extension == "hlog" => output.file_stem(),
        Some(_) | None => output.file_name(),
    }
    .unwrap_or_default()
    .to_owned();
    name.push(format!("-{kind}.hlog"));
    output.with_file_name(name)
}

/// Says at once what would otherwise be said after all the measuring.
fn is_writable(output: &Path) -> Result<(), Failure> {
    if output.file_name().is_none() || output.is_dir() {
        let message = format!("{} is a folder, and a file is needed", output.display());
        return Err(Failure::new(Exit::Usage, message).help("-o FOLDER/delays.hlog"));
    }
    let folder = output.parent().filter(|folder| *folder != Path::new(""));
    match folder {
        Some(folder) if !folder.is_dir() => {
            let message = format!(
                "{} can't be written: its folder is not there",
                output.display()
            );
            Err(Failure::new(Exit::File, message).help("make the folder first"))
        }
        Some(_) | None => Ok(()),
    }
}

/// Writes the delays, and says where.
fn keep(
    report: &ProbeReport,
    args: &ProbeArgs,
    output: &Path,
) -> Result<Vec<(ProbeKind, PathBuf)>, Failure> {
    let mut files = Vec::new();
    for kind in report
        .kinds
        .iter()
        .filter(|kind| !kind.latencies.is_empty())
    {
        let name = kind.kind;
        // Not which store: the file is made to be passed on.
        let mut comment = format!(
            "bivalent probe of a {}: {name}, {} bytes, {} at a time",
            kind_of_store(&args.store),
            args.size,
            args.concurrency,
        );
        if scheme(&args.store) == "file" {
            comment += if args.no_sync {
                ", not synced"
            } else {
                ", synced"
            };
        }
        let log = hlog::log(&kind.latencies, &comment, report.took);
        let path = file_of(output, name);
        files::write(&path, log.as_bytes(), Existing::Replace)?;
        files.push((name, path));
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_file_beside_the_one_that_was_named() {
        let of = |output: &str| file_of(Path::new(output), ProbeKind::Read);

        assert_eq!(of("delays.hlog"), Path::new("delays-read.hlog"));
        assert_eq!(of("a/b.c.hlog"), Path::new("a/b.c-read.hlog"));
        assert_eq!(of("a/b.c"), Path::new("a/b.c-read.hlog"));
        assert_eq!(of("delays"), Path::new("delays-read.hlog"));
    }

    #[test]
    fn what_a_store_is_shows_in_its_name() {
        assert_eq!(scheme("C:\\data"), "file");
        assert_eq!(scheme("/mnt/x"), "file");
        assert_eq!(scheme("s3://bucket/x"), "s3");
        assert!(remedy("s3://bucket").contains("AWS_REGION"));
        assert!(remedy("az://c").contains("AZURE_STORAGE_ACCOUNT_KEY"));
        assert!(remedy("some/dir").contains("mounted"));
    }
}
