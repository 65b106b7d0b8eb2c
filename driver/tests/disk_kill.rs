//! Agents that are processes, killed at any moment and started anew on the same disks.

#![cfg(test)] // else clippy takes the helpers for ordinary code
#![cfg(all(unix, feature = "local", feature = "tokio"))]

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use bivalent_core::{AgentId, StoreId};
use bivalent_driver::{DecisionStore, Disk, Options, Protocol, TokioClock, propose};

const AGENTS: u16 = 3;
/// What a process is told: its folder, its agent, and which start of it this is.
const FOLDER: &str = "BIVALENT_TEST_FOLDER";
const AGENT: &str = "BIVALENT_TEST_AGENT";
const LIFE: &str = "BIVALENT_TEST_LIFE";

/// Proposes what no other process does, and leaves a file that says what was decided.
#[tokio::test]
#[ignore = "the other test has this run by processes of its own"]
async fn one_agent() {
    let said = |name| env::var(name).expect("told by the other test");
    let (folder, life) = (PathBuf::from(said(FOLDER)), said(LIFE));
    let agent: u16 = said(AGENT).parse().unwrap();
    let stores = (0..3).map(|disk| {
        let path = folder.join(format!("disk-{disk}"));
        let disk = Disk::open(path.to_str().unwrap(), StoreId(disk), AGENTS).unwrap();
        Box::new(disk) as Box<dyn DecisionStore>
    });
    let mut options = Options::new(AgentId(agent), AGENTS, 3, u64::from(agent)).unwrap();
    options.patience = Duration::from_millis(50);
    let text = format!("{agent} in life {life}");

    let stores = stores.collect();
    let clock = TokioClock::start();
    let decided = propose(options, stores, Protocol::DiskPaxos, &text, clock).await;

    let name = folder.join(format!("decided-{agent}-{life}"));
    fs::write(name, decided.unwrap().text).unwrap();
}

fn spawn(folder: &Path, agent: u16, life: u8) -> Child {
    Command::new(env::current_exe().unwrap())
        .args(["--exact", "one_agent", "--ignored"])
        .env(FOLDER, folder)
        .env(AGENT, agent.to_string())
        .env(LIFE, life.to_string())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn decisions(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    names
        .filter(|entry| entry.file_name().to_str().unwrap().starts_with("decided"))
        .map(|entry| fs::read_to_string(entry.path()).unwrap())
        .filter(|text| !text.is_empty())
        .collect()
}

/// Two rivals are killed and started anew again and again; then all three agents are left alone.
#[test]
fn agents_that_are_killed_and_started_anew_agree() {
    const LIVES: u8 = 6;
    for round in 0..5_u64 {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        for life in 0..LIVES {
            let rivals = [0, 1].map(|agent| spawn(folder, agent, life));
            // From the first sector of the first disk to after the decision.
            std::thread::sleep(Duration::from_millis(2 + 3 * round + 4 * u64::from(life)));
            for mut rival in rivals {
                rival.kill().unwrap();
                rival.wait().unwrap();
            }
        }

        let last = [0, 1, 2].map(|agent| spawn(folder, agent, LIVES));
        for mut agent in last {
            assert!(agent.wait().unwrap().success(), "round {round}");
        }

        let decisions = decisions(folder);
        assert!(decisions.len() >= usize::from(AGENTS));
        let first = &decisions[0];
        assert!(decisions.iter().all(|text| text == first), "{decisions:?}");
    }
}
