//! Replicas on buckets: heads, votes and snapshots are objects there, which the core's layout lists, gets, puts and
//! deletes. What replicas ask of stores and what they are told is seen here as they see it, as whole operations.

use bivalent_core::{
    AgentId, Ballot, Folder, Incarnation, LogBody, LogOp, LogReply, LogSaid, ObjectName, Replica,
    ReplicaSetup, StoreId, Ticket,
};

use super::{
    Accused, Deed, Errand, Load, Log, LogEngine, LogReport,
    ledger::{cast, shown},
    view,
};
use crate::{
    engine::{
        About, Outcome,
        event::Event,
        objects::Part,
        view::{Act, AgentRow, LogView, Standing},
    },
    scenario::Scenario,
};

impl<L: Load> Part for Log<L> {
    type Agent = Replica<L::Machine>;
    const AWAITED: (&'static str, &'static str) = ("no client is answered", "an answer");
    const CONTENTION: u64 = 3;
    const PROBE_STEPS: u64 = 30_000;

    fn setup(engine: &LogEngine<L>, id: AgentId) -> ReplicaSetup<L::Machine> {
        engine.replica_setup(id)
    }

    fn reset(engine: &mut LogEngine<L>) {
        engine.system.part.reset();
    }

    fn begin(engine: &mut LogEngine<L>) {
        engine.begin_clients();
    }

    fn begins(engine: &mut LogEngine<L>, id: AgentId) {
        let part = &mut engine.system.part;
        part.own[id.index()].asked = 0;
        part.open.retain(|(agent, ..), _| *agent != id);
        part.looked.retain(|(agent, ..), _| *agent != id);
    }

    fn took(engine: &mut LogEngine<L>, id: AgentId, start: Incarnation) {
        // It reads what it promised from here on.
        engine.system.part.vows.restarted(id, start);
    }

    fn take(engine: &mut LogEngine<L>, event: Event) {
        if let Event::Client {
            client,
            count,
            turn,
        } = event
        {
            engine.on_turn(client, count, turn);
        } else {
            engine.take_common(event);
        }
    }

    fn about(engine: &LogEngine<L>, event: Event, tick: Option<u64>) -> Option<About> {
        if let Event::Client {
            client,
            count,
            turn,
        } = event
        {
            let agent = engine.about_client(client, count, turn)?;
            return Some((Some(agent), None));
        }
        engine.about(event, tick)
    }

    fn to_come(engine: &LogEngine<L>, scenario: &Scenario, event: Event) -> (Act, String, String) {
        if let Event::Client { client, turn, .. } = event {
            return engine.turn_in_words(client, turn);
        }
        engine.to_come(scenario, event)
    }

    fn said(engine: &mut LogEngine<L>, id: AgentId, said: LogSaid<L::Machine>) {
        let said = match said {
            // A replica's tickets are of the start that it took; clients know which life they asked.
            LogSaid::Answer { ticket, outcome } => LogSaid::Answer {
                ticket: Ticket {
                    incarnation: Incarnation(engine.participants[id.index()].incarnation.into()),
                    ..ticket
                },
                outcome,
            },
            LogSaid::Chosen { .. }
            | LogSaid::Applied { .. }
            | LogSaid::Installed { .. }
            | LogSaid::Leads { .. }
            | LogSaid::Follows { .. } => said,
        };
        engine.on_said(id, said);
    }

    fn asked(
        engine: &mut LogEngine<L>,
        id: AgentId,
        (store, tag): (StoreId, u64),
        op: LogOp<L::Machine>,
    ) {
        engine.on_asked(id, &op);
        engine.system.part.open.insert((id, store, tag), op);
    }

    fn answered(
        engine: &mut LogEngine<L>,
        id: AgentId,
        (store, tag, job): (StoreId, u64, u64),
        reply: &LogReply<L::Machine>,
    ) {
        let Some(op) = engine.system.part.open.remove(&(id, store, tag)) else {
            return;
        };
        let errand = Errand {
            agent: id,
            store,
            tag,
        };
        // What it was shown is as old as the listings.
        let mut looked = |folder| {
            let looked = &mut engine.system.part.looked;
            looked.remove(&(id, job, folder)).unwrap_or(engine.steps)
        };
        let (votes_at, heads_at) = (looked(Folder::Votes), looked(Folder::Agents));
        let log = &mut engine.system.part;
        let ops = &mut log.tally.ops;
        let mut name = None;
        match (op, reply) {
            (LogOp::WriteHead { version, head }, LogReply::Written) => {
                // Whether it is true or not: its agent will count it.
                let start = version.incarnation();
                log.vows.taken(id, start, store, &head);
            }
            (LogOp::Drop { .. }, _) => ops.drops += 1,
            (LogOp::Scan { from, to }, LogReply::Scanned { votes, heads }) => {
                ops.scans += 1;
                engine.enter_at(votes_at, |_| Deed::Scanned {
                    errand,
                    from,
                    to,
                    votes: votes.iter().map(cast).collect(),
                });
                engine.enter_at(heads_at, |_| shown(errand, heads));
            }
            (LogOp::ReadHeads, LogReply::Heads(heads)) => {
                ops.head_reads += 1;
                engine.enter_at(heads_at, |_| shown(errand, heads));
            }
            (LogOp::ReadSnapshot { name: asked }, _) => {
                ops.snapshot_reads += 1;
                name = Some(asked);
            }
            _ => {}
        }
        engine.clock_read(id, reply, name);
        if !matches!(reply, LogReply::Written) {
            engine.enter(|_| Deed::Told { errand });
        }
    }

    fn landed(
        engine: &mut LogEngine<L>,
        by: AgentId,
        (store, name): (StoreId, ObjectName),
        body: &LogBody<L::Machine>,
    ) {
        let op = match (name, body) {
            (ObjectName::Version(_, version), LogBody::Head(head)) => LogOp::WriteHead {
                version,
                head: head.clone(),
            },
            (ObjectName::Snapshot(name), LogBody::Snapshot(snapshot)) => LogOp::WriteSnapshot {
                name,
                snapshot: snapshot.clone(),
            },
            (_, LogBody::Vote(vote)) => LogOp::WriteVote(vote.clone()),
            (_, LogBody::Head(_) | LogBody::Snapshot(_)) => return,
        };
        engine.on_landed(by, store, &op);
    }

    fn listed(engine: &mut LogEngine<L>, id: AgentId, job: u64, folder: Folder) {
        let step = engine.steps;
        engine.system.part.looked.insert((id, job, folder), step);
    }

    fn deleted(engine: &mut LogEngine<L>, by: AgentId, store: StoreId, names: &[ObjectName]) {
        let slots = names.iter().filter_map(|name| match name {
            ObjectName::Vote(slot, _) => Some(slot.next()),
            ObjectName::Identity
            | ObjectName::Start(..)
            | ObjectName::Version(..)
            | ObjectName::Record
            | ObjectName::Trial
            | ObjectName::Snapshot(_)
            | ObjectName::Text(..) => None,
        });
        if let Some(below) = slots.max() {
            engine.enter(|_| Deed::Dropped {
                store,
                agent: by,
                below,
            });
            engine.check_durable(below);
        }
    }

    fn outline(engine: &LogEngine<L>) -> (u64, u64) {
        engine.log_outline()
    }

    fn is_done(engine: &LogEngine<L>) -> bool {
        engine.system.part.done_at.is_some()
    }

    fn waits(engine: &LogEngine<L>) -> bool {
        engine.system.part.clients.wait()
    }

    fn see_whether_over(engine: &mut LogEngine<L>) {
        engine.judge_whether_over();
    }

    fn wind_up(engine: &mut LogEngine<L>) {
        engine.judge_the_whole();
    }

    fn outcome(engine: &LogEngine<L>) -> Outcome<'_> {
        Outcome {
            decided: engine.slots(),
            is_done: engine.system.part.done_at.is_some(),
            done_at: engine.system.part.done_at,
            probes: engine.log_probes(),
            log: Some(engine.sums()),
            ..Outcome::default()
        }
    }

    fn latencies(engine: &LogEngine<L>, each: &mut dyn FnMut(u64)) {
        engine
            .system
            .part
            .tally
            .commits
            .iter()
            .copied()
            .for_each(each);
    }

    fn progress(engine: &LogEngine<L>) -> usize {
        engine.system.part.tally.commits.len()
    }

    fn ballots(agent: &Replica<L::Machine>) -> (Option<Ballot>, Option<Ballot>) {
        (None, agent.ballot())
    }

    fn accused(engine: &LogEngine<L>) -> Accused {
        engine.accused()
    }

    fn log_report(engine: &LogEngine<L>) -> Option<LogReport> {
        Some(engine.log_report())
    }

    fn log_view(engine: &LogEngine<L>) -> Option<LogView> {
        Some(engine.log_view())
    }

    fn standing(engine: &LogEngine<L>) -> Standing {
        engine.log_standing()
    }

    fn words(body: &LogBody<L::Machine>) -> String {
        match body {
            LogBody::Head(head) => {
                let round = head.mbal.map_or(0, Ballot::round);
                format!("ballot {round}, beat {}", head.beat)
            }
            LogBody::Vote(vote) => {
                let count = vote.batch.len();
                format!("{count} request{}", if count == 1 { "" } else { "s" })
            }
            LogBody::Snapshot(_) => "a state".to_owned(),
        }
    }

    fn is_vote(body: &LogBody<L::Machine>) -> bool {
        matches!(body, LogBody::Vote(_))
    }

    fn row(_: &LogEngine<L>, agent: &Replica<L::Machine>, row: &mut AgentRow) {
        view::replica_of(agent, row);
    }
}
