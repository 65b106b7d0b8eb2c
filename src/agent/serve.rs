//! `bivalent agent serve`: a replica of a key-value store, and its clients.

mod listen;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bivalent_driver::core::{Kv, KvAnswer, KvCommand, KvQuery, Standing};
use bivalent_driver::{Client, Error, Node, TokioClock, open};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::sync::watch;
use tokio::time::timeout;

use super::lines::{HELP, LINE_MAX, Line, parse, shown};
use super::{asked_to_stop, block_on, failure, is_name, options, stores};
use crate::cli::ServeArgs;
use crate::console::{Console, Stream};
use crate::exit::{Exit, Failure};

use listen::Listener;

/// Connections at a time; the next one is told so and closed.
const CLIENTS: usize = 1000;
/// How long the end waits for answers that are due.
const LAST_ANSWERS: Duration = Duration::from_secs(5);
/// The port of agent 0, where none is named.
const PORT: u16 = 7400;

type Machine = Kv<String, String>;

/// What every connection has.
#[derive(Clone)]
struct Desk {
    client: Client<Machine>,
    patience: Duration,
    /// Turns true when it is over.
    over: watch::Receiver<bool>,
    /// Commands that are not answered yet.
    due: Arc<AtomicUsize>,
    id: u16,
    agents: u16,
}

/// Serves until somebody asks it to stop.
pub(super) fn serve(args: &ServeArgs, console: &mut Console) -> Result<Exit, Failure> {
    is_name(&args.name)?;
    let names = stores::names(&args.place)?;
    let mut options = options(&args.place, names.len())?;
    let every = u64::try_from(args.heartbeat.as_nanos()).unwrap_or(u64::MAX);
    options.heartbeat.every = every;
    options.heartbeat.spread = every.saturating_mul(3);
    let (opening, settings) = (stores::opening(args.place.no_sync), stores::settings());
    block_on(async {
        let address = args.listen.clone();
        let address =
            address.unwrap_or_else(|| format!("127.0.0.1:{}", PORT.saturating_add(args.place.id)));
        let mut buckets = Vec::new();
        for name in &names {
            let bucket = open(name, opening, &settings)
                .map_err(|error| Failure::new(Exit::Usage, error.to_string()))?;
            buckets.push(bucket.folder(&args.name));
        }
        // First the address: an agent that can't be reached should not fence one that can.
        let listener = Listener::bind(&address).await?;
        let clock = TokioClock::start();
        let opened = tokio::select! {
            opened = Node::open(options, buckets, Machine::new(), clock) => opened,
            () = asked_to_stop() => return Ok(Exit::Interrupted),
        };
        let (node, client) = opened.map_err(|error| failure(&error))?;
        let (ends, over) = watch::channel(false);
        let desk = Desk {
            client: client.clone(),
            patience: args.timeout,
            over,
            due: Arc::default(),
            id: args.place.id,
            agents: args.place.agents,
        };
        console.put(Stream::Out, &format!("listening on {}\n", listener.name()))?;
        console.flush()?;
        let due = Arc::clone(&desk.due);
        let mut life = tokio::spawn(node.run());
        let ended = tokio::select! {
            ended = &mut life => Some(ended),
            () = accept(listener, desk) => None,
            () = asked_to_stop() => None,
        };
        if let Some(ended) = ended {
            return match ended {
                Ok(Ok(())) => Ok(Exit::Ok),
                Ok(Err(error)) => Err(failure(&error)),
                Err(error) => Err(Failure::new(Exit::Bug, error.to_string())),
            };
        }
        // Nobody comes in any more; those who have asked get their answers.
        let _ = ends.send(true);
        let farewell = async {
            while due.load(Ordering::SeqCst) > 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            client.end_sessions().await
        };
        let _ = timeout(LAST_ANSWERS, farewell).await;
        client.stop().await;
        let _ = life.await;
        Ok(Exit::Ok)
    })?
}

async fn accept(listener: Listener, desk: Desk) {
    let open = Arc::new(tokio::sync::Semaphore::new(CLIENTS));
    loop {
        match listener.accept().await {
            Ok((input, mut output)) => {
                let Ok(place) = Arc::clone(&open).try_acquire_owned() else {
                    let words = format!("error more than {CLIENTS} clients at a time\n");
                    // Who does not read it will see that it is over.
                    let _ =
                        timeout(Duration::from_secs(1), output.write_all(words.as_bytes())).await;
                    continue;
                };
                let desk = desk.clone();
                tokio::spawn(async move {
                    // A client that goes away in the middle of a line has nobody to tell.
                    let _ = converse(input, output, desk).await;
                    drop(place);
                });
            }
            // Out of files, say: it may pass.
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

async fn converse(
    input: impl AsyncRead + Unpin,
    mut output: impl AsyncWrite + Unpin,
    mut desk: Desk,
) -> std::io::Result<()> {
    let mut input = BufReader::new(input);
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = async {
            let mut most = (&mut input).take(LINE_MAX as u64 + 1);
            most.read_until(b'\n', &mut line).await
        };
        let read = tokio::select! {
            read = read => read?,
            _ = desk.over.wait_for(|over| *over) => return Ok(()),
        };
        if read == 0 {
            return Ok(());
        }
        if line.last() != Some(&b'\n') && line.len() <= LINE_MAX {
            // Its client is gone, or has died in the middle of a word: half a value is not what it wanted.
            return output
                .write_all(b"error the line has no end: nothing was done\n")
                .await;
        }
        let due = Due::one(&desk.due);
        let (answer, goes_on) = answer(&desk, &line).await;
        output.write_all(format!("{answer}\n").as_bytes()).await?;
        output.flush().await?;
        drop(due);
        if !goes_on || line.len() > LINE_MAX {
            return Ok(());
        }
    }
}

/// One command that is not answered yet.
struct Due<'a>(&'a AtomicUsize);

impl<'a> Due<'a> {
    fn one(due: &'a AtomicUsize) -> Self {
        due.fetch_add(1, Ordering::SeqCst);
        Self(due)
    }
}

impl Drop for Due<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// The answer to a line, and whether the conversation goes on.
async fn answer(desk: &Desk, line: &[u8]) -> (String, bool) {
    if line.len() > LINE_MAX {
        return (format!("error a line of more than {LINE_MAX} bytes"), false);
    }
    let Ok(text) = std::str::from_utf8(line) else {
        return ("error the line is no UTF-8 text".to_owned(), true);
    };
    let line = match parse(text.trim_end_matches(['\r', '\n'])) {
        Ok(line) => line,
        Err(why) => return (format!("error {why}"), true),
    };
    let goes_on = line != Line::Quit;
    match timeout(desk.patience, carry_out(desk, line)).await {
        Ok(Ok(answer)) => (answer, goes_on),
        Ok(Err(error)) => (format!("error unknown: {error}"), false),
        Err(_) => {
            let patience = desk.patience;
            let words = "it may have taken effect, or may still do so";
            (
                format!("error unknown: no answer within {patience:?}; {words}"),
                true,
            )
        }
    }
}

async fn carry_out(desk: &Desk, line: Line) -> Result<String, Error> {
    let client = &desk.client;
    let command = match line {
        Line::Get(key) => {
            let answer = client.query(KvQuery::Get { key }).await?;
            return Ok(said(&answer));
        }
        Line::Put(key, value) => KvCommand::Put { key, value },
        Line::Cas(key, from, to) => KvCommand::Swap { key, from, to },
        Line::Del(key) => KvCommand::Delete { key },
        Line::Status => return status(desk).await,
        Line::Digest => {
            let (slot, state) = client.snapshot().await?;
            return Ok(format!("{} {:016x}", slot.0, digest(&state)));
        }
        Line::Help => return Ok(HELP.to_owned()),
        Line::Quit => return Ok("bye".to_owned()),
    };
    Ok(said(&client.run(command).await?))
}

fn said(answer: &KvAnswer<String>) -> String {
    match answer {
        KvAnswer::Done => "ok".to_owned(),
        KvAnswer::Swapped(swapped) => swapped.to_string(),
        KvAnswer::Value(value) => shown(value.as_deref()),
    }
}

async fn status(desk: &Desk) -> Result<String, Error> {
    let status = desk.client.status().await?;
    let standing = match status.standing {
        Standing::Recovering => "recovering",
        Standing::Following => "following",
        Standing::Standing => "standing for leader",
        Standing::Leading => "leading",
    };
    let ballot = status.ballot.map_or_else(
        || "no ballot".to_owned(),
        |ballot| format!("ballot {ballot:?}"),
    );
    Ok(format!(
        "agent {} of {}, start {}: {standing}, {ballot}, {} slots applied, {} requests waiting",
        desk.id, desk.agents, status.start, status.applied.0, status.waiting
    ))
}

/// A checksum of the state: the same in every process (FNV-1a, 64 bits).
fn digest(state: &std::collections::BTreeMap<String, String>) -> u64 {
    let mut sum: u64 = 0xcbf2_9ce4_8422_2325;
    let mut take = |bytes: &[u8]| {
        for &byte in bytes {
            sum = (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    };
    for (key, value) in state {
        for text in [key, value] {
            take(&(text.len() as u64).to_le_bytes());
            take(text.as_bytes());
        }
    }
    sum
}
