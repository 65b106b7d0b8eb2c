//! `bivalent check-history`: recorded histories, each judged linearizable or not.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bivalent_sim::judge::history::{self, Format as Written, Histories, History};
use bivalent_sim::judge::linear::models::{Act, Answer, Call, Kv, Register};
use bivalent_sim::judge::linear::{self, Budget, Judgement, Model, Verdict};

use crate::cli::{CheckHistoryArgs, Format, ModelName};
use crate::console::{Console, Stream};
use crate::exit::{Exit, Failure};
use crate::render::history as text;
use crate::render::history::Sum;
use crate::render::json::{Sequence, Shape};
use crate::{bug, files, interrupt};

/// Where histories come from.
enum Source {
    Stdin,
    /// A file that was named.
    File(PathBuf),
    /// A file of a folder that was named: if it is something else it is left out.
    Found(PathBuf),
}

/// One history with its verdict.
pub(crate) struct Judged<'a> {
    /// The file's name.
    pub(crate) file: &'a str,
    /// The history's name.
    pub(crate) name: &'a str,
    pub(crate) read: &'a Histories,
    pub(crate) history: &'a History,
    pub(crate) judgement: Judgement,
    /// The time to the verdict; saying why takes longer.
    pub(crate) took: Duration,
}

/// Judges what was named.
pub(crate) fn check_history(
    args: &CheckHistoryArgs,
    console: &mut Console,
) -> Result<Exit, Failure> {
    let mut session = Session {
        args,
        stop: interrupt::listen(),
        sequence: match args.format {
            Format::Json => Some(Sequence::new(Shape::Array)),
            Format::Jsonl => Some(Sequence::new(Shape::Lines)),
            Format::Human | Format::Github => None,
        },
        sum: Sum::default(),
        exit: Exit::Ok,
    };
    let began = Instant::now();
    for source in sources(&args.what)? {
        if session.is_stopped() {
            break;
        }
        // One bad file leaves the verdicts of the others worth having.
        if let Err(failure) = session.check(&source, console) {
            if failure.exit == Exit::PipeClosed {
                return Err(failure);
            }
            session.exit = session.exit.or_worse(failure.exit);
            console.flush()?;
            console.failure(&failure);
        }
    }
    session.end(began.elapsed(), console)
}

fn sources(what: &[String]) -> Result<Vec<Source>, Failure> {
    let mut sources = Vec::new();
    for what in what {
        let path = Path::new(what);
        if what == "-" {
            sources.push(Source::Stdin);
        } else if path.is_dir() {
            sources.extend(files::files_below(path)?.into_iter().map(Source::Found));
        } else {
            sources.push(Source::File(path.to_owned()));
        }
    }
    Ok(sources)
}

/// A command in progress.
struct Session<'a> {
    args: &'a CheckHistoryArgs,
    stop: &'static AtomicBool,
    sequence: Option<Sequence>,
    sum: Sum,
    exit: Exit,
}

impl Session<'_> {
    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Judges the histories of a file.
    fn check(&mut self, source: &Source, console: &mut Console) -> Result<(), Failure> {
        let (path, bytes) = match source {
            Source::Stdin => (Path::new("-"), files::read_histories_from_stdin()?),
            Source::File(path) | Source::Found(path) => (&**path, files::read_histories(path)?),
        };
        let file = path.display().to_string();
        if matches!(source, Source::Found(_)) && history::format(&bytes).is_none() {
            console.warning(&format!("{file} is left out: it holds no histories"));
            return Ok(());
        }
        bug::while_running(&*file);
        let read = history::parse(&bytes).map_err(|error| {
            self.annotate(&file, error.line, "invalid", &error.message, console);
            let message = format!("{file}, line {}: {}", error.line, error.message);
            Failure::new(Exit::Invalid, message).help(error.help)
        })?;
        drop(bytes);
        let model = self.model(&read);
        if model == ModelName::Register {
            fits_register(&file, &read)?;
        }
        let stem = match source {
            Source::Stdin => "stdin".into(),
            Source::File(path) | Source::Found(path) => {
                path.file_stem().unwrap_or_default().to_string_lossy()
            }
        };
        let names = read.histories.iter().filter_map(|one| one.name.as_deref());
        let width = names.map(str::len).max().unwrap_or(0).min(40);
        for history in &read.histories {
            if self.is_stopped() {
                break;
            }
            let name = history.name.as_deref().unwrap_or(&stem);
            let judged = match model {
                ModelName::Register => self.judge(&Register, history),
                ModelName::Kv => self.judge(&Kv { texts: &read.texts }, history),
            };
            let Some((judgement, took)) = judged else {
                break;
            };
            let judged = Judged {
                file: &file,
                name,
                read: &read,
                history,
                judgement,
                took,
            };
            self.tell(&judged, width, console)?;
        }
        Ok(())
    }

    fn model(&self, read: &Histories) -> ModelName {
        self.args.model.unwrap_or(match read.format {
            Written::Jepsen => ModelName::Register,
            Written::Edn | Written::Many => ModelName::Kv,
        })
    }

    /// The judgement, and the time to the verdict; `None` if Ctrl-C came first.
    fn judge<M>(&self, model: &M, history: &History) -> Option<(Judgement, Duration)>
    where
        M: Model<Call = Call, Answer = Answer>,
    {
        let began = Instant::now();
        let in_time = || began.elapsed() < self.args.timeout && !self.is_stopped();
        let mut budget = Budget {
            steps: u64::MAX,
            go_on: Some(&in_time),
        };
        let verdict = linear::judge(model, &history.ops, &mut budget);
        let took = began.elapsed();
        let judgement = match verdict {
            Verdict::Linearizable => Judgement::Linearizable,
            Verdict::Unknown if self.is_stopped() => return None,
            Verdict::Unknown => Judgement::Unknown,
            Verdict::NotLinearizable(stuck) => {
                let go_on = || !self.is_stopped();
                let mut budget = Budget {
                    steps: u64::MAX,
                    go_on: Some(&go_on),
                };
                let why = linear::explain(model, &history.ops, stuck, &mut budget);
                Judgement::NotLinearizable(why)
            }
        };
        Some((judgement, took))
    }

    fn tell(
        &mut self,
        judged: &Judged<'_>,
        width: usize,
        console: &mut Console,
    ) -> Result<(), Failure> {
        self.sum.add(judged);
        let is_good = judged.judgement == Judgement::Linearizable;
        self.exit = self.exit.or_worse(match judged.judgement {
            Judgement::Linearizable => Exit::Ok,
            Judgement::NotLinearizable(_) => Exit::Unsafe,
            Judgement::Unknown => Exit::Inconclusive,
        });
        if self.args.quiet && is_good {
            return Ok(());
        }
        if let Some(sequence) = &mut self.sequence {
            return console.data(sequence.add(&text::object(judged)).as_bytes());
        }
        if !is_good {
            let (line, title) = (text::line(judged), text::word(&judged.judgement));
            let title = format!("{title} {}", judged.name);
            self.annotate(judged.file, line, &title, &text::outcome(judged), console);
        }
        let stream = self.stream();
        let told = text::tell(judged, width, console.paint(stream));
        console.put(stream, &told)
    }

    /// A line for GitHub, if that is who reads.
    fn annotate(&self, file: &str, line: u32, title: &str, message: &str, console: &mut Console) {
        if self.args.format == Format::Github {
            let text = crate::render::github::error(file, line, title, message);
            // If it can't be written, what follows can't be either, and says so.
            let _ = console.put(Stream::Out, &text);
        }
    }

    /// Where people's text goes.
    fn stream(&self) -> Stream {
        match self.args.format {
            Format::Github => Stream::Err,
            Format::Human | Format::Json | Format::Jsonl => Stream::Out,
        }
    }

    fn end(self, took: Duration, console: &mut Console) -> Result<Exit, Failure> {
        let all_well = self.args.quiet && self.exit == Exit::Ok;
        if let Some(sequence) = &self.sequence {
            console.data(sequence.end().as_bytes())?;
        } else if self.sum.histories > 0 && !all_well {
            let stream = self.stream();
            let told = self.sum.tell(took, console.paint(stream));
            console.put(stream, &told)?;
        }
        if self.is_stopped() {
            return Ok(Exit::Interrupted);
        }
        if self.sum.calls == 0 && self.exit == Exit::Ok {
            let found = match self.sum.histories {
                0 => "there is no history in what was named",
                _ => "the histories have no calls: nothing was tested",
            };
            return Err(Failure::new(Exit::Nothing, found)
                .help("`bivalent check-history --help` shows the formats"));
        }
        Ok(self.exit)
    }
}

/// Refuses histories that can't be of one register.
fn fits_register(file: &str, read: &Histories) -> Result<(), Failure> {
    for history in &read.histories {
        let appends = |act| matches!(act, Act::Append(_));
        let keys: BTreeSet<u32> = history.ops.iter().map(|op| op.call.key).collect();
        let why = if history.ops.iter().any(|op| appends(op.call.act)) {
            "it appends, which a register can't".to_owned()
        } else if keys.len() > 1 {
            format!("it has {} keys, and a register has none", keys.len())
        } else {
            continue;
        };
        let name = history
            .name
            .as_deref()
            .map_or(String::new(), |name| format!(", history {name}"));
        let message = format!("{file}{name} is no history of a register: {why}");
        return Err(Failure::new(Exit::Invalid, message).help("use --model kv"));
    }
    Ok(())
}
