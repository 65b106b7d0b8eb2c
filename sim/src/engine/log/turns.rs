//! Clients' turns: what they ask for next, how long they wait, and what they make of answers.

use bivalent_core::{Event as Told, Incarnation, Outcome, StateMachine, Ticket};

use super::{
    Answer, Call, Deed, Draw, LogEngine, Seat,
    clients::{Doing, Want},
    machines::Load,
    replica,
};
use crate::{
    engine::{
        Status,
        dice::Purpose,
        event::{Event, Turn},
        is_down,
    },
    judge::probe::Probe,
    scenario::workload::Pace,
};

impl<L: Load> LogEngine<L> {
    /// All clients begin.
    pub(super) fn begin_clients(&mut self) {
        for client in 0..self.system.part.clients.all.len() as u32 {
            let start = self.plan.start;
            let begins = self.net.dice.within(Purpose::Pause, 0, start).max(1);
            self.system.part.clients.all[client as usize].due = begins;
            let next = Event::Client {
                client,
                count: 0,
                turn: Turn::Next,
            };
            self.put(begins, next);
        }
    }

    /// A client's turn.
    pub(super) fn on_turn(&mut self, client: u32, count: u16, turn: Turn) {
        match turn {
            Turn::Next => self.on_next(client, count),
            Turn::Again => self.on_again(client, count),
            Turn::Request => self.on_request(client, count),
        }
    }

    /// A client wants the next thing.
    fn on_next(&mut self, index: u32, count: u16) {
        let client = &self.system.part.clients.all[index as usize];
        if client.count != count || client.doing.is_some() || client.done {
            return;
        }
        let due = client.due;
        let worn = client.seq >= u64::from(self.system.part.workload.session);
        let want = match (client.session, client.left) {
            (Some(_), 0) => Want::End,
            (None, 0) => {
                self.finish(index);
                return;
            }
            (None, _) => Want::Open,
            (Some(_), _) if worn => Want::End,
            (Some(_), _) => Want::Call(self.draw_call(index)),
        };
        let Want::Call(call) = &want else {
            self.begin(index, want, None, due);
            return;
        };
        if let Call::Query(query) = call
            && self.system.part.workload.stale_reads > 0
            && self.net.dice.below(Purpose::Load, 1_000_000_000)
                < u64::from(self.system.part.workload.stale_reads)
        {
            self.query_stale(index, query.clone());
            return;
        }
        let name = self.system.part.clients.all[index as usize].name;
        let record = self.system.part.clients.invoked(name, call.clone());
        let agent = self.system.part.clients.all[index as usize].at;
        self.enter(|_| Deed::Asked { record, agent });
        self.begin(index, want, Some(record), due);
    }

    fn draw_call(&mut self, index: u32) -> Call<L::Machine> {
        let client = &self.system.part.clients.all[index as usize];
        let mut draw = Draw {
            dice: &mut self.net.dice,
            reads: self.system.part.workload.reads,
            skew: self.system.part.workload.skew,
            keys: self.system.part.workload.keys,
        };
        self.system
            .part
            .load
            .draw(client.name, client.last.as_ref(), &mut draw)
    }

    fn query_stale(&mut self, index: u32, query: <L::Machine as StateMachine>::Query) {
        let client = &mut self.system.part.clients.all[index as usize];
        let seat = &self.participants[client.at.index()];
        client.left -= 1;
        if seat.status == Status::Up
            && let Some(replica) = replica(&seat.agent)
        {
            let answer = replica.query_stale(&query);
            client.last = Some((Call::Query(query), Some(answer)));
        }
        self.schedule(index);
    }

    fn begin(&mut self, index: u32, want: Want<L::Machine>, record: Option<usize>, since: u64) {
        self.system.part.clients.all[index as usize].doing = Some(Doing {
            want,
            ticket: None,
            since,
            record,
        });
        self.submit(index);
    }

    /// Asks, or asks again.
    fn submit(&mut self, index: u32) {
        let again = self.plan.ticks(self.system.part.workload.retry_ns).max(1);
        let client = &mut self.system.part.clients.all[index as usize];
        client.count = client.count.wrapping_add(1);
        let (at, count) = (client.at, client.count);
        self.put(
            self.now() + again,
            Event::Client {
                client: index,
                count,
                turn: Turn::Again,
            },
        );
        let deaf = self.solo.is_some_and(|solo| solo != at);
        match self.participants[at.index()].status {
            Status::Up if !deaf => self.give(index),
            Status::Paused if !deaf => {
                // It waits where a process's requests wait until it reads them.
                let event = Event::Client {
                    client: index,
                    count,
                    turn: Turn::Request,
                };
                self.participants[at.index()].inbox.push(event.pack());
            }
            // Nobody takes it; the client finds out when it has waited long enough.
            Status::Up | Status::Paused | Status::Down { .. } => {}
        }
    }

    /// An agent that stood still reads a request that came meanwhile.
    fn on_request(&mut self, index: u32, count: u16) {
        let client = &self.system.part.clients.all[index as usize];
        let (current, at) = (client.count == count, client.at);
        let deaf = self.solo.is_some_and(|solo| solo != at);
        match self.participants[at.index()].status {
            Status::Up if current && !deaf => self.give(index),
            Status::Paused if current && !deaf => {
                let event = Event::Client {
                    client: index,
                    count,
                    turn: Turn::Request,
                };
                self.participants[at.index()].inbox.push(event.pack());
            }
            Status::Up | Status::Paused | Status::Down { .. } => {}
        }
    }

    /// A replica takes a client's request.
    fn give(&mut self, index: u32) {
        let client = &self.system.part.clients.all[index as usize];
        let at = client.at;
        if self.participants[at.index()].agent.is_none() {
            // The client finds out when it has waited long enough.
            return;
        }
        let request = client
            .doing
            .as_ref()
            .and_then(|doing| client.request(&doing.want));
        let Some(request) = request else { return };
        let incarnation = Incarnation(self.participants[at.index()].incarnation.into());
        let own = &mut self.system.part.own[at.index()];
        let ticket = Ticket {
            agent: at,
            incarnation,
            number: own.asked,
        };
        own.asked += 1;
        if let Some(doing) = &mut self.system.part.clients.all[index as usize].doing {
            doing.ticket = Some(ticket);
            self.system.part.clients.tickets.insert(ticket, index);
        }
        self.step_of(at, Told::Asked(ticket.number, request));
    }

    /// A client has waited long enough: it gives up, or asks again, possibly elsewhere.
    fn on_again(&mut self, index: u32, count: u16) {
        let client = &self.system.part.clients.all[index as usize];
        if client.count != count {
            return;
        }
        let Some(doing) = &client.doing else { return };
        let call = matches!(doing.want, Want::Call(_));
        if let Some(ticket) = doing.ticket {
            self.system.part.clients.tickets.remove(&ticket);
            let seat = &self.participants[ticket.agent.index()];
            if u64::from(seat.incarnation) == ticket.incarnation.0 && seat.status == Status::Up {
                self.step_of(ticket.agent, Told::Withdrawn(ticket.number));
            }
        }
        let gives_up = self.system.part.workload.give_up;
        if call
            && gives_up > 0
            && self.net.dice.below(Purpose::Load, 1_000_000_000) < u64::from(gives_up)
        {
            // What it asked for may still happen: it is somebody else from now on.
            let name = self.system.part.clients.new_name();
            let client = &mut self.system.part.clients.all[index as usize];
            client.name = name;
            client.session = None;
            client.seq = 0;
            client.doing = None;
            client.last = None;
            client.left -= 1;
            self.schedule(index);
            return;
        }
        self.move_on(index);
        self.submit(index);
    }

    /// Picks the agent to ask next: the solo one, else any that has not crashed. One that stands still
    /// can't be told from one that is slow.
    fn move_on(&mut self, index: u32) {
        if let Some(solo) = self.solo {
            self.system.part.clients.all[index as usize].at = solo;
            return;
        }
        let up = |seat: &&Seat<L>| !is_down(seat.status);
        let count = self.participants.iter().filter(up).count() as u64;
        if count == 0 {
            return;
        }
        let nth = self.net.dice.below(Purpose::Load, count) as usize;
        if let Some(seat) = self.participants.iter().filter(up).nth(nth) {
            self.system.part.clients.all[index as usize].at = seat.id;
        }
    }

    /// A replica has an answer for whoever holds a ticket.
    pub(super) fn on_answer(&mut self, ticket: Ticket, outcome: Outcome<L::Machine>) {
        let Some(index) = self.system.part.clients.tickets.remove(&ticket) else {
            return;
        };
        let client = &mut self.system.part.clients.all[index as usize];
        let Some(doing) = client.doing.take() else {
            return;
        };
        match (&doing.want, outcome) {
            (Want::Open, Outcome::Opened(session)) => {
                client.session = Some(session);
                client.seq = 0;
                self.progressed();
                self.go_on(index, 0);
            }
            (Want::End, Outcome::Ended) => {
                client.session = None;
                self.progressed();
                self.go_on(index, 0);
            }
            (Want::Call(call), Outcome::Answer(answer)) => {
                let call = call.clone();
                self.on_call_answered(index, &doing, call, answer);
            }
            (want, outcome) => {
                let detail = format!(
                    "{{a{}}} answers {outcome:?} to {want:?} of an open session",
                    ticket.agent.0
                );
                client.session = None;
                client.left = client.left.saturating_sub(1);
                self.found("exactly-once", detail);
                self.schedule(index);
            }
        }
    }

    fn on_call_answered(
        &mut self,
        index: u32,
        doing: &Doing<L::Machine>,
        call: Call<L::Machine>,
        answer: Answer<L::Machine>,
    ) {
        let now = self.now();
        self.progressed();
        let log = &mut self.system.part;
        let client = &mut log.clients.all[index as usize];
        if matches!(call, Call::Run(_)) {
            client.seq += 1;
        } else {
            log.tally.queries += 1;
            self.net.hit(Probe::Queried);
        }
        client.left -= 1;
        client.last = Some((call, Some(answer.clone())));
        self.system
            .part
            .tally
            .commits
            .push(now.saturating_sub(doing.since));
        if let Some(record) = doing.record {
            self.system.part.clients.answered(record, answer);
            if let Some(ticket) = doing.ticket {
                let agent = ticket.agent;
                self.enter(|_| Deed::Answered { record, agent });
            }
        }
        self.schedule(index);
    }

    /// When the client wants the next thing.
    fn schedule(&mut self, index: u32) {
        let now = self.now();
        match self.system.part.workload.pace {
            Pace::Closed(span) => {
                let (min, max) = (self.plan.ticks(span.min), self.plan.ticks(span.max));
                let pause = self.net.dice.within(Purpose::Load, min, max);
                self.system.part.clients.all[index as usize].due = now + pause;
                self.go_on(index, pause);
            }
            Pace::Open(span) => {
                let (min, max) = (self.plan.ticks(span.min), self.plan.ticks(span.max));
                let pause = self.net.dice.within(Purpose::Load, min, max).max(1);
                let client = &mut self.system.part.clients.all[index as usize];
                client.due += pause;
                let wait = client.due.saturating_sub(now);
                self.go_on(index, wait);
            }
        }
    }

    fn go_on(&mut self, index: u32, pause: u64) {
        let client = &mut self.system.part.clients.all[index as usize];
        client.count = client.count.wrapping_add(1);
        let count = client.count;
        self.put(
            self.now() + pause.max(1),
            Event::Client {
                client: index,
                count,
                turn: Turn::Next,
            },
        );
    }

    fn finish(&mut self, index: u32) {
        self.system.part.clients.all[index as usize].done = true;
        if self.system.part.clients.are_done() {
            self.system.part.done_at = Some(self.now());
            self.judge_whether_over();
        }
    }
}
