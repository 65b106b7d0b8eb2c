//! Real processes on real directories: started, killed at random, started again, with a directory that goes away;
//! and clients that write down what they saw. Used by the tests and by `benches/agents.rs`.

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

/// What is tormented, and for how long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) agents: usize,
    pub(crate) stores: usize,
    pub(crate) clients: usize,
    pub(crate) lasts: Duration,
    /// What the choices are drawn from; the processes draw their own.
    pub(crate) seed: u64,
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) answered: usize,
    pub(crate) unknown: usize,
    pub(crate) kills: u64,
    pub(crate) outages: u64,
    /// What every agent said of its state in the end, once all had come as far.
    pub(crate) digests: Vec<String>,
    /// The clients' history, as `bivalent check-history` reads it.
    pub(crate) history: String,
}

/// Choices: a small generator, so that a seed names the torment.
#[derive(Debug)]
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }

    fn pause(&mut self, low: u64, high: u64) -> Duration {
        Duration::from_millis(low + self.below(high - low))
    }
}

/// One agent: a process, while it lives.
struct Agent {
    id: usize,
    child: Mutex<Option<Child>>,
    port: AtomicU32,
}

/// A system of agents below a folder. Dropped, it takes its processes with it.
pub(crate) struct System {
    binary: PathBuf,
    folder: PathBuf,
    agents: Vec<Agent>,
    stores: usize,
    more: Vec<String>,
}

impl System {
    pub(crate) fn start(binary: &Path, folder: &Path, agents: usize, stores: usize) -> Self {
        Self::start_with(binary, folder, agents, stores, &[])
    }

    pub(crate) fn start_with(
        binary: &Path,
        folder: &Path,
        agents: usize,
        stores: usize,
        more: &[&str],
    ) -> Self {
        let agent = |id| Agent {
            id,
            child: Mutex::default(),
            port: AtomicU32::new(0),
        };
        let system = Self {
            binary: binary.to_owned(),
            folder: folder.to_owned(),
            agents: (0..agents).map(agent).collect(),
            stores,
            more: more.iter().map(|&word| word.to_owned()).collect(),
        };
        for store in 0..stores {
            fs::create_dir_all(system.store(store)).expect("a folder can be made");
        }
        for id in 0..agents {
            system.restart(id);
        }
        system
    }

    fn store(&self, store: usize) -> PathBuf {
        self.folder.join(format!("store-{store}"))
    }

    /// Starts an agent and waits until it listens; false if it did not come up.
    pub(crate) fn restart(&self, id: usize) -> bool {
        let agent = &self.agents[id];
        let mut command = Command::new(&self.binary);
        command.args(["agent", "serve", "--listen", "127.0.0.1:0"]);
        command.args(["--id", &id.to_string()]);
        command.args(["--agents", &self.agents.len().to_string(), "--store"]);
        command.args((0..self.stores).map(|store| self.store(store)));
        command.args(&self.more);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut child = command.spawn().expect("the command starts");
        let mut line = String::new();
        let output = child.stdout.take().expect("its output is a pipe");
        let told = BufReader::new(output).read_line(&mut line);
        let port = line
            .trim()
            .rsplit(':')
            .next()
            .and_then(|port| port.parse().ok());
        agent.port.store(port.unwrap_or(0), Ordering::SeqCst);
        *agent.child.lock().unwrap() = Some(child);
        told.is_ok() && port.is_some()
    }

    /// Ends an agent with SIGKILL.
    pub(crate) fn kill(&self, id: usize) {
        let agent = &self.agents[id];
        if let Some(mut child) = agent.child.lock().unwrap().take() {
            agent.port.store(0, Ordering::SeqCst);
            child.kill().expect("a child can be killed");
            child.wait().expect("a child can be waited for");
        }
    }

    /// A connection to an agent, if it is up.
    pub(crate) fn connect(&self, id: usize) -> Option<Line> {
        let port = self.agents[id].port.load(Ordering::SeqCst);
        let port = u16::try_from(port).ok().filter(|&port| port > 0)?;
        Line::open(port)
    }
}

impl Drop for System {
    fn drop(&mut self) {
        for agent in &self.agents {
            self.kill(agent.id);
        }
    }
}

/// A connection.
pub(crate) struct Line {
    pub(crate) input: BufReader<TcpStream>,
    pub(crate) output: TcpStream,
}

impl Line {
    fn open(port: u16) -> Option<Self> {
        let output = TcpStream::connect(("127.0.0.1", port)).ok()?;
        output.set_nodelay(true).ok()?;
        output.set_read_timeout(Some(Duration::from_secs(3))).ok()?;
        let input = BufReader::new(output.try_clone().ok()?);
        Some(Self { input, output })
    }

    /// The answer to a command; `None` if there is none.
    pub(crate) fn ask(&mut self, command: &str) -> Option<String> {
        self.output
            .write_all(format!("{command}\n").as_bytes())
            .ok()?;
        let mut answer = String::new();
        let read = self.input.read_line(&mut answer).ok()?;
        (read > 0 && answer.ends_with('\n')).then(|| answer.trim_end().to_owned())
    }
}

/// The calls of all clients in the order of time.
#[derive(Default)]
struct History {
    lines: Mutex<String>,
    next: AtomicU64,
    answered: AtomicU64,
    unknown: AtomicU64,
}

impl History {
    fn call(&self, client: usize, command: &str) -> u64 {
        let id = self.next.fetch_add(1, Ordering::SeqCst);
        let _ = writeln!(self.lines.lock().unwrap(), "I {id} {client} {command}");
        id
    }

    fn answer(&self, id: u64, answer: Option<&str>) {
        match answer {
            Some(answer) if !answer.starts_with("error") => {
                let _ = writeln!(self.lines.lock().unwrap(), "O {id} {answer}");
                self.answered.fetch_add(1, Ordering::SeqCst);
            }
            Some(_) | None => {
                self.unknown.fetch_add(1, Ordering::SeqCst);
            }
        }
    }
}

/// Torments a system below `folder`.
pub(crate) fn torment(binary: &Path, folder: &Path, plan: Plan) -> Report {
    let system = System::start(binary, folder, plan.agents, plan.stores);
    let (history, over) = (History::default(), AtomicBool::new(false));
    let (kills, outages) = (AtomicU64::new(0), AtomicU64::new(0));
    let began = Instant::now();
    let names = AtomicU64::new(0);
    thread::scope(|scope| {
        for client in 0..plan.clients {
            let (system, history, over, names) = (&system, &history, &over, &names);
            let dice = Dice(plan.seed ^ (client as u64 + 1) << 20);
            scope.spawn(move || user(dice, system, history, over, names));
        }
        let deaths = scope.spawn(|| {
            let mut dice = Dice(plan.seed ^ 0xdead);
            while began.elapsed() < plan.lasts {
                sleep(dice.pause(100, 900));
                let id = dice.below(plan.agents as u64) as usize;
                system.kill(id);
                kills.fetch_add(1, Ordering::SeqCst);
                sleep(dice.pause(0, 400));
                system.restart(id);
            }
        });
        let absences = scope.spawn(|| {
            let mut dice = Dice(plan.seed ^ 0xd15c);
            while began.elapsed() < plan.lasts {
                sleep(dice.pause(300, 1500));
                let store = system.store(dice.below(plan.stores as u64) as usize);
                away(&store, dice.pause(200, 1500));
                outages.fetch_add(1, Ordering::SeqCst);
            }
        });
        deaths.join().expect("no panic");
        absences.join().expect("no panic");
        over.store(true, Ordering::SeqCst);
    });
    let digests = settle(&system, &history, plan.clients);
    Report {
        answered: history.answered.load(Ordering::SeqCst) as usize,
        unknown: history.unknown.load(Ordering::SeqCst) as usize,
        kills: kills.load(Ordering::SeqCst),
        outages: outages.load(Ordering::SeqCst),
        digests,
        history: format!("H torment\n{}", history.lines.into_inner().unwrap()),
    }
}

/// Takes a directory away for a while, as an unmounted disk is.
fn away(store: &Path, pause: Duration) {
    let aside = store.with_extension("away");
    fs::rename(store, &aside).expect("a directory can be renamed");
    sleep(pause);
    // What was written where it should be is on no disk.
    while fs::rename(&aside, store).is_err() {
        let _ = fs::remove_dir_all(store);
    }
}

fn user(mut dice: Dice, system: &System, history: &History, over: &AtomicBool, names: &AtomicU64) {
    let agents = system.agents.len() as u64;
    let mut last = "1".to_owned();
    while !over.load(Ordering::SeqCst) {
        // A process that has had no answer makes no other call: to the history it is another one.
        let client = names.fetch_add(1, Ordering::SeqCst) as usize;
        let Some(mut line) = system.connect(dice.below(agents) as usize) else {
            sleep(Duration::from_millis(20));
            continue;
        };
        for _ in 0..dice.below(40) {
            if over.load(Ordering::SeqCst) {
                return;
            }
            let key = ["x", "y", "z"][dice.below(3) as usize];
            let command = match dice.below(5) {
                0 | 1 => format!("put {key} {}", value(history)),
                2 => format!("cas {key} {last} {}", value(history)),
                _ => format!("get {key}"),
            };
            let id = history.call(client, &command);
            let answer = line.ask(&command);
            history.answer(id, answer.as_deref());
            match answer {
                Some(answer) if !answer.starts_with("error") => {
                    if command.starts_with("get") && answer != "nil" {
                        last = answer;
                    }
                }
                Some(_) | None => break,
            }
        }
    }
}

/// A value that nobody has written.
fn value(history: &History) -> u64 {
    history.next.load(Ordering::SeqCst) * 100 + 7
}

/// All is well: every agent answers, and says what its state is once all have come as far.
fn settle(system: &System, history: &History, clients: usize) -> Vec<String> {
    let until = Instant::now() + Duration::from_secs(60);
    for id in 0..system.agents.len() {
        for command in [format!("put x {}", value(history)), "get x".to_owned()] {
            let mut tries = 0;
            loop {
                assert!(Instant::now() < until, "agent {id} serves nobody");
                tries += 1;
                let client = 1_000_000 + clients + id * 100_000 + tries;
                let Some(mut line) = system.connect(id) else {
                    system.kill(id);
                    system.restart(id);
                    continue;
                };
                let made = history.call(client, &command);
                let answer = line.ask(&command);
                history.answer(made, answer.as_deref());
                if answer.is_some_and(|answer| !answer.starts_with("error")) {
                    break;
                }
            }
        }
    }
    loop {
        let digest = |id| system.connect(id)?.ask("digest");
        let digests: Vec<String> = (0..system.agents.len()).filter_map(digest).collect();
        let slot = |digest: &String| digest.split(' ').next().map(str::to_owned);
        let level = digests
            .iter()
            .all(|digest| slot(digest) == slot(&digests[0]));
        if digests.len() == system.agents.len() && level || Instant::now() > until {
            return digests;
        }
        sleep(Duration::from_millis(50));
    }
}
