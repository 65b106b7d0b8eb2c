//! Three agents decide on three shared disks.

#![cfg(test)] // else clippy takes the helpers for ordinary code
#![cfg(all(unix, feature = "local", feature = "tokio"))]

use std::{
    fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bivalent_core::{AgentId, StoreId};
use bivalent_driver::{
    Decided, DecisionStore, Disk, Error, Opening, Options, Protocol, StoreError, TokioClock,
    open_decision, propose,
};
use tempfile::TempDir;

const AGENTS: u16 = 3;

/// Three disks in one folder.
struct Disks(TempDir);

impl Disks {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, disk: u8) -> std::path::PathBuf {
        self.0.path().join(format!("disk-{disk}"))
    }

    fn open(&self) -> Vec<Box<dyn DecisionStore>> {
        let open = |disk| named(&self.path(disk), disk);
        (0..3).map(open).collect()
    }
}

fn named(path: &Path, disk: u8) -> Box<dyn DecisionStore> {
    let name = format!("disk:{}", path.display());
    open_decision(&name, Opening::default(), &[], StoreId(disk), AGENTS, "").unwrap()
}

async fn ask(
    stores: Vec<Box<dyn DecisionStore>>,
    agent: u16,
    text: &str,
    protocol: Protocol,
) -> Result<Decided, Error> {
    let seed = u64::from(agent);
    let options = Options::new(AgentId(agent), AGENTS, stores.len(), seed)?;
    let work = propose(options, stores, protocol, text, TokioClock::start());
    let limit = tokio::time::timeout(Duration::from_secs(60), work);
    limit.await.expect("it is decided in time")
}

async fn decide(disks: &Disks, agent: u16, text: &str) -> Result<Decided, Error> {
    ask(disks.open(), agent, text, Protocol::DiskPaxos).await
}

async fn decide_all(disks: &Disks) -> Vec<Decided> {
    let (a, b, c) = tokio::join!(
        decide(disks, 0, "by the first"),
        decide(disks, 1, "by the second"),
        decide(disks, 2, "by the third"),
    );
    vec![a.unwrap(), b.unwrap(), c.unwrap()]
}

fn agree(decided: &[Decided]) -> (String, AgentId) {
    let first = (decided[0].text.clone(), decided[0].by);
    for other in decided {
        assert_eq!((other.text.clone(), other.by), first);
    }
    first
}

#[tokio::test(flavor = "multi_thread")]
async fn three_agents_agree_and_later_starts_of_them_too() {
    let disks = Disks::new();
    let decided = agree(&decide_all(&disks).await);

    let again = agree(&decide_all(&disks).await);

    assert_eq!(again, decided);
    let texts = ["by the first", "by the second", "by the third"];
    assert_eq!(texts[decided.1.index()], decided.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_disk_of_three_may_go_once_all_are_set_up() {
    let disks = Disks::new();
    let decided = decide(&disks, 0, "before").await.unwrap();
    fs::remove_file(disks.path(1)).unwrap();

    let later = agree(&decide_all(&disks).await);

    assert_eq!(later, (decided.text, decided.by));
    assert!(!disks.path(1).exists(), "it is not taken for a new one");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_goes_while_agents_decide() {
    let disks = Disks::new();
    let gone = async {
        // Once the first agent's start is marked, every disk is set up.
        let marked = || fs::read(disks.path(0)).is_ok_and(|bytes| bytes.get(4096) > Some(&0));
        while !marked() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        fs::remove_file(disks.path(2)).unwrap();
    };
    let (first, ()) = tokio::join!(decide(&disks, 0, "first"), gone);

    let later = decide(&disks, 1, "second").await.unwrap();

    agree(&[first.unwrap(), later]);
}

#[tokio::test(flavor = "multi_thread")]
async fn disks_that_were_away_are_written_again() {
    let disks = Disks::new();
    let paths = [0, 1].map(|disk| disks.path(disk));
    let kept = paths.clone().map(|path| path.with_extension("away"));
    let over = Arc::new(AtomicBool::new(false));
    let mover = std::thread::spawn({
        let over = Arc::clone(&over);
        move || {
            // The start is marked, and no block written yet, if the thread is fast.
            let marked = |path| fs::read(path).is_ok_and(|disk| disk.get(2 * 4096) > Some(&0));
            while !paths.iter().all(marked) && !over.load(Ordering::Relaxed) {}
            for (path, kept) in paths.iter().zip(&kept) {
                fs::rename(path, kept).unwrap();
            }
            std::thread::sleep(Duration::from_millis(300));
            for (path, kept) in paths.iter().zip(&kept) {
                fs::rename(kept, path).unwrap();
            }
        }
    });
    let mut options = Options::new(AgentId(0), AGENTS, 3, 1).unwrap();
    options.patience = Duration::from_millis(5);

    let clock = TokioClock::start();
    let work = propose(options, disks.open(), Protocol::DiskPaxos, "text", clock);
    let decided = tokio::time::timeout(Duration::from_secs(30), work).await;

    over.store(true, Ordering::Relaxed);
    mover.join().unwrap();
    assert_eq!(decided.expect("in time").unwrap().text, "text");
}

#[tokio::test(flavor = "multi_thread")]
async fn asking_what_was_decided_takes_no_room() {
    let disks = Disks::new();
    let decided = decide(&disks, 0, "once").await.unwrap();

    for _ in 0..40 {
        let again = decide(&disks, 0, "again").await.unwrap();
        assert_eq!(again.text, decided.text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proposal_that_is_dropped_and_begun_anew_keeps_what_it_said() {
    for pause in (0..30).step_by(3) {
        let disks = Disks::new();
        let early = decide(&disks, 0, "early");
        let early = tokio::time::timeout(Duration::from_millis(pause), early).await;

        let (late, other) = tokio::join!(decide(&disks, 0, "late"), decide(&disks, 1, "other"));

        let mut all = vec![late.unwrap(), other.unwrap()];
        all.extend(early.map(Result::unwrap));
        agree(&all);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_that_is_too_long_is_said_to_be() {
    let disks = Disks::new();
    let long = "x".repeat(5000);

    let refused = decide(&disks, 0, &long).await.unwrap_err();

    let said = refused.to_string();
    assert!(said.contains("5000 bytes is too long"), "{said}");
    let short = decide(&disks, 0, "short").await.unwrap();
    assert_eq!(short.text, "short");
}

#[tokio::test(flavor = "multi_thread")]
async fn records_are_refused_before_anything_is_set_up() {
    let disks = Disks::new();

    let refused = ask(disks.open(), 0, "text", Protocol::Records).await;

    let unconditional = matches!(refused, Err(Error::Store(StoreError::Unconditional { .. })));
    assert!(unconditional);
    assert!(!disks.path(0).exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_in_another_place_of_the_list_is_refused() {
    let disks = Disks::new();
    decide(&disks, 0, "text").await.unwrap();
    let swapped = [1, 0, 2].iter().zip(0..);
    let swapped = swapped.map(|(&disk, place)| named(&disks.path(disk), place));

    let refused = ask(swapped.collect(), 1, "text", Protocol::DiskPaxos).await;

    assert!(matches!(refused, Err(Error::OtherSystem { .. })));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_of_fewer_agents_says_so_and_does_not_grow() {
    let disks = Disks::new();
    decide(&disks, 0, "text").await.unwrap();
    let size = fs::metadata(disks.path(0)).unwrap().len();
    let open = |disk| {
        let name = disks.path(disk);
        let disk = Disk::open(name.to_str().unwrap(), StoreId(disk), AGENTS + 1).unwrap();
        Box::new(disk) as Box<dyn DecisionStore>
    };
    let options = Options::new(AgentId(3), AGENTS + 1, 3, 1).unwrap();

    let stores = (0..3).map(open).collect();
    let work = propose(
        options,
        stores,
        Protocol::DiskPaxos,
        "x",
        TokioClock::start(),
    );
    let refused = work.await.unwrap_err().to_string();

    assert!(refused.contains("decision of 3 agents"), "{refused}");
    assert!(
        refused.contains("asked for: bivalent 2: decision of 4 agents"),
        "{refused}"
    );
    assert_eq!(fs::metadata(disks.path(0)).unwrap().len(), size);
}

#[tokio::test(flavor = "multi_thread")]
async fn disks_and_folders_go_together() {
    let disks = Disks::new();
    fs::create_dir(disks.0.path().join("folder")).unwrap();
    let open = || {
        let mut stores = disks.open();
        let name = disks.0.path().join("folder");
        let name = name.to_str().unwrap();
        stores[1] = open_decision(name, Opening::default(), &[], StoreId(1), AGENTS, "d").unwrap();
        stores
    };
    let (a, b) = tokio::join!(
        ask(open(), 0, "one", Protocol::DiskPaxos),
        ask(open(), 1, "two", Protocol::DiskPaxos),
    );
    agree(&[a.unwrap(), b.unwrap()]);
}
