//! Clients: they ask, wait, ask again, and remember what they were told.

use std::collections::BTreeMap;

use bivalent_core::{AgentId, Request, SessionId, StateMachine, Ticket};

use super::machines::{Asked, Call};

/// What a client wants right now.
#[derive(Clone, Debug)]
pub(super) enum Want<M: StateMachine> {
    Open,
    Call(Call<M>),
    End,
}

/// A request that waits for its answer.
#[derive(Clone, Debug)]
pub(super) struct Doing<M: StateMachine> {
    pub(super) want: Want<M>,
    pub(super) ticket: Option<Ticket>,
    /// When it was first wanted, ticks.
    pub(super) since: u64,
    /// Its place in the history, if it is a command or a query.
    pub(super) record: Option<usize>,
}

/// One client.
#[derive(Clone, Debug)]
pub(super) struct Client<M: StateMachine> {
    /// Its name in the history: a new one after giving up, since what was given up may still happen.
    pub(super) name: u32,
    /// The agent that it asks.
    pub(super) at: AgentId,
    pub(super) session: Option<SessionId>,
    /// The number of its session's last command.
    pub(super) seq: u64,
    pub(super) doing: Option<Doing<M>>,
    /// What it will still ask for.
    pub(super) left: u32,
    /// Tells its alarms from outdated ones.
    pub(super) count: u16,
    /// The last request with its answer.
    pub(super) last: Option<Asked<M>>,
    /// Open loop: when it wants, or wanted, to ask next, ticks.
    pub(super) due: u64,
    pub(super) done: bool,
}

/// A command or query as a client saw it. Times are places in the order of all that clients saw.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Seen<M: StateMachine> {
    /// The client.
    pub client: u32,
    /// What it asked for.
    pub call: Call<M>,
    /// The answer, if it came.
    pub answer: Option<M::Answer>,
    /// When it asked.
    pub invoked: u64,
    /// When the answer came, `u64::MAX` if it did not.
    pub answered: u64,
}

/// All clients of a run.
#[derive(Clone, Debug)]
pub(super) struct Clients<M: StateMachine> {
    pub(super) all: Vec<Client<M>>,
    /// Who waits for which ticket.
    pub(super) tickets: BTreeMap<Ticket, u32>,
    pub(super) history: Vec<Seen<M>>,
    clock: u64,
    names: u32,
}

impl<M: StateMachine> Clients<M> {
    /// Clients of the agents that have some.
    pub(super) fn new(homes: impl Iterator<Item = AgentId>, requests: u32) -> Self {
        let client = |(name, at): (usize, AgentId)| Client {
            name: name as u32,
            at,
            session: None,
            seq: 0,
            doing: None,
            left: requests,
            count: 0,
            last: None,
            due: 0,
            done: false,
        };
        let all: Vec<_> = homes.enumerate().map(client).collect();
        Self {
            names: all.len() as u32,
            all,
            tickets: BTreeMap::new(),
            history: Vec::new(),
            clock: 0,
        }
    }

    /// A name that nobody has had.
    pub(super) const fn new_name(&mut self) -> u32 {
        self.names += 1;
        self.names - 1
    }

    /// A client asks for something that goes into the history.
    pub(super) fn invoked(&mut self, client: u32, call: Call<M>) -> usize {
        self.clock += 1;
        self.history.push(Seen {
            client,
            call,
            answer: None,
            invoked: self.clock,
            answered: u64::MAX,
        });
        self.history.len() - 1
    }

    /// It has its answer.
    pub(super) fn answered(&mut self, record: usize, answer: M::Answer) {
        self.clock += 1;
        let seen = &mut self.history[record];
        seen.answer = Some(answer);
        seen.answered = self.clock;
    }

    /// Everybody has asked for everything and knows what came of it.
    pub(super) fn are_done(&self) -> bool {
        self.all.iter().all(|client| client.done)
    }

    /// Somebody waits for an answer.
    pub(super) fn wait(&self) -> bool {
        self.all.iter().any(|client| client.doing.is_some())
    }
}

impl<M: StateMachine> Client<M> {
    /// What it wants, as it asks a replica for it.
    pub(super) fn request(&self, want: &Want<M>) -> Option<Request<M>> {
        Some(match want {
            Want::Open => Request::Open,
            Want::Call(Call::Query(query)) => Request::Query(query.clone()),
            Want::Call(Call::Run(command)) => Request::Run {
                session: self.session?,
                seq: self.seq + 1,
                command: command.clone(),
            },
            Want::End => Request::End {
                session: self.session?,
            },
        })
    }
}
