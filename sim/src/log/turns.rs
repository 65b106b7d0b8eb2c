//! Clients' turns: what they ask for next, how long they wait, and what they make of answers.

use bivalent_core::{Incarnation, Outcome, StateMachine, Ticket};

use super::{
    Answer, Call, Deed, Draw, Event, LogEngine,
    clients::{Doing, Want},
    liveness::is_down,
    machines::Load,
};
use crate::{dice::Purpose, engine::Status, probe::Probe, workload::Pace};

impl<L: Load> LogEngine<L> {
    /// A client wants the next thing.
    pub(super) fn on_next(&mut self, index: u32, count: u16) {
        let client = &self.clients.all[index as usize];
        if client.count != count || client.doing.is_some() || client.done {
            return;
        }
        let due = client.due;
        let worn = client.seq >= u64::from(self.workload.session);
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
            && self.workload.stale_reads > 0
            && self.net.dice.below(Purpose::Load, 1_000_000_000)
                < u64::from(self.workload.stale_reads)
        {
            self.query_stale(index, query.clone());
            return;
        }
        let name = self.clients.all[index as usize].name;
        let record = self.clients.invoked(name, call.clone());
        let agent = self.clients.all[index as usize].at;
        self.enter(|_| Deed::Asked { record, agent });
        self.begin(index, want, Some(record), due);
    }

    fn draw_call(&mut self, index: u32) -> Call<L::Machine> {
        let client = &self.clients.all[index as usize];
        let mut draw = Draw {
            dice: &mut self.net.dice,
            reads: self.workload.reads,
            skew: self.workload.skew,
            keys: self.workload.keys,
        };
        self.load.draw(client.name, client.last.as_ref(), &mut draw)
    }

    fn query_stale(&mut self, index: u32, query: <L::Machine as StateMachine>::Query) {
        let client = &mut self.clients.all[index as usize];
        let seat = &self.seats[client.at.index()];
        client.left -= 1;
        if seat.status == Status::Up {
            let answer = seat.replica.query_stale(&query);
            client.last = Some((Call::Query(query), Some(answer)));
        }
        self.schedule(index);
    }

    fn begin(&mut self, index: u32, want: Want<L::Machine>, record: Option<usize>, since: u64) {
        self.clients.all[index as usize].doing = Some(Doing {
            want,
            ticket: None,
            since,
            record,
        });
        self.submit(index);
    }

    /// Asks, or asks again.
    fn submit(&mut self, index: u32) {
        let again = self.plan.ticks(self.workload.retry_ns).max(1);
        let client = &mut self.clients.all[index as usize];
        client.count = client.count.wrapping_add(1);
        let (at, count) = (client.at, client.count);
        self.put(
            self.now() + again,
            Event::Again {
                client: index,
                count,
            },
        );
        let deaf = self.solo.is_some_and(|solo| solo != at);
        match self.seats[at.index()].status {
            Status::Up if !deaf => self.hand_over(index),
            Status::Paused if !deaf => {
                // It waits where a process's requests wait until it reads them.
                let event = Event::Request {
                    client: index,
                    count,
                };
                self.seats[at.index()].held.push(event.pack());
            }
            // Nobody takes it; the client finds out when it has waited long enough.
            Status::Up | Status::Paused | Status::Down { .. } => {}
        }
    }

    /// An agent that stood still reads a request that came meanwhile.
    pub(super) fn on_request(&mut self, index: u32, count: u16) {
        let client = &self.clients.all[index as usize];
        let (current, at) = (client.count == count, client.at);
        let deaf = self.solo.is_some_and(|solo| solo != at);
        match self.seats[at.index()].status {
            Status::Up if current && !deaf => self.hand_over(index),
            Status::Paused if current && !deaf => {
                let event = Event::Request {
                    client: index,
                    count,
                };
                self.seats[at.index()].held.push(event.pack());
            }
            Status::Up | Status::Paused | Status::Down { .. } => {}
        }
    }

    /// A replica takes a client's request.
    fn hand_over(&mut self, index: u32) {
        let client = &self.clients.all[index as usize];
        let at = client.at;
        let request = client
            .doing
            .as_ref()
            .and_then(|doing| client.request(&doing.want));
        let Some(request) = request else { return };
        let seat = &mut self.seats[at.index()];
        let ticket = Ticket {
            agent: at,
            incarnation: Incarnation(seat.incarnation),
            number: seat.asked,
        };
        seat.asked += 1;
        if let Some(doing) = &mut self.clients.all[index as usize].doing {
            doing.ticket = Some(ticket);
            self.clients.tickets.insert(ticket, index);
        }
        self.step_of(at, bivalent_core::Event::Asked(ticket.number, request));
    }

    /// A client has waited long enough: it gives up, or asks again, possibly elsewhere.
    pub(super) fn on_again(&mut self, index: u32, count: u16) {
        let client = &self.clients.all[index as usize];
        if client.count != count {
            return;
        }
        let Some(doing) = &client.doing else { return };
        let call = matches!(doing.want, Want::Call(_));
        if let Some(ticket) = doing.ticket {
            self.clients.tickets.remove(&ticket);
            let seat = &self.seats[ticket.agent.index()];
            if seat.incarnation == ticket.incarnation.0 && seat.status == Status::Up {
                self.step_of(ticket.agent, bivalent_core::Event::Withdrawn(ticket.number));
            }
        }
        let gives_up = self.workload.give_up;
        if call
            && gives_up > 0
            && self.net.dice.below(Purpose::Load, 1_000_000_000) < u64::from(gives_up)
        {
            // What it asked for may still happen: it is somebody else from now on.
            let name = self.clients.new_name();
            let client = &mut self.clients.all[index as usize];
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
            self.clients.all[index as usize].at = solo;
            return;
        }
        let up = |seat: &&super::Seat<L::Machine>| !is_down(seat.status);
        let count = self.seats.iter().filter(up).count() as u64;
        if count == 0 {
            return;
        }
        let nth = self.net.dice.below(Purpose::Load, count) as usize;
        if let Some(seat) = self.seats.iter().filter(up).nth(nth) {
            self.clients.all[index as usize].at = seat.id;
        }
    }

    /// A replica has an answer for whoever holds a ticket.
    pub(super) fn on_answer(&mut self, ticket: Ticket, outcome: Outcome<L::Machine>) {
        let Some(index) = self.clients.tickets.remove(&ticket) else {
            return;
        };
        let client = &mut self.clients.all[index as usize];
        let Some(doing) = client.doing.take() else {
            return;
        };
        match (&doing.want, outcome) {
            (Want::Open, Outcome::Opened(session)) => {
                client.session = Some(session);
                client.seq = 0;
                self.go_on(index, 0);
            }
            (Want::End, Outcome::Ended) => {
                client.session = None;
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
                self.book.found(self.steps, "exactly-once", detail);
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
        let client = &mut self.clients.all[index as usize];
        if matches!(call, Call::Run(_)) {
            client.seq += 1;
        } else {
            self.tally.queries += 1;
            self.net.hit(Probe::Queried);
        }
        client.left -= 1;
        client.last = Some((call, Some(answer.clone())));
        self.tally.commits.push(now.saturating_sub(doing.since));
        if let Some(record) = doing.record {
            self.clients.answered(record, answer);
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
        match self.workload.pace {
            Pace::Closed(span) => {
                let (min, max) = (self.plan.ticks(span.min), self.plan.ticks(span.max));
                let pause = self.net.dice.within(Purpose::Load, min, max);
                self.clients.all[index as usize].due = now + pause;
                self.go_on(index, pause);
            }
            Pace::Open(span) => {
                let (min, max) = (self.plan.ticks(span.min), self.plan.ticks(span.max));
                let pause = self.net.dice.within(Purpose::Load, min, max).max(1);
                let client = &mut self.clients.all[index as usize];
                client.due += pause;
                let wait = client.due.saturating_sub(now);
                self.go_on(index, wait);
            }
        }
    }

    fn go_on(&mut self, index: u32, pause: u64) {
        let client = &mut self.clients.all[index as usize];
        client.count = client.count.wrapping_add(1);
        let count = client.count;
        self.put(
            self.now() + pause.max(1),
            Event::Next {
                client: index,
                count,
            },
        );
    }

    fn finish(&mut self, index: u32) {
        self.clients.all[index as usize].done = true;
        if self.clients.are_done() {
            self.done_at = Some(self.now());
            self.see_whether_over();
        }
    }
}
