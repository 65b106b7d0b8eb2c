//! Agents on three stores, and whatever may happen to their operations.

use bivalent_core::{
    Agent, AgentId, Ballot, Content, Envelope, Event, Identity, Incarnation, Laid, LaidTag,
    LaidTimer, ObjectName, ObjectOp, ObjectReply, ObjectsSaid, ObjectsSetup, OnObjects, Pause,
    Port, Stop, StoreId, StoreTraits, Why,
};

use crate::bucket::Bucket;

pub(crate) const STORES: usize = 3;

pub(crate) type Op<B> = ObjectOp<ObjectName, Content<B>>;
pub(crate) type Reply<B> = ObjectReply<ObjectName, Content<B>>;
type Timer<A> = LaidTimer<<A as Agent>::Timer>;

/// A store that agents can be tormented on.
pub(crate) trait Store<B>: Default {
    /// How far an operation is.
    type Progress: Default;

    /// A process carries its operations on a store out itself: one after the other, each to its end. They die with it.
    const BY_PROCESS: bool;

    /// Takes one step of an operation of one of so many agents; gives its answer at its end. `expected`: what the store
    /// must say of itself, once the process knows that.
    fn step(
        &mut self,
        op: &Op<B>,
        progress: &mut Self::Progress,
        agents: u16,
        expected: Option<Identity>,
    ) -> Option<Reply<B>>;

    /// Whether something is written next.
    fn is_at_write(progress: &Self::Progress) -> bool;

    /// The process dies that is so far with an operation.
    fn cut(&mut self, progress: Self::Progress, dice: &mut Dice);
}

/// A stream of numbers.
#[derive(Clone, Debug)]
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn below(&mut self, below: u64) -> u64 {
        // Steele, Lea and Flood 2014: SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (word ^ (word >> 31)) % below
    }
}

/// An operation on its way.
struct InFlight<A: Laid, P> {
    /// In which order they were asked for.
    number: u64,
    by: usize,
    life: u32,
    store: StoreId,
    tag: LaidTag,
    op: Op<A::Body>,
    progress: P,
    /// Its agent has been told that there is no answer.
    late: bool,
}

/// Where agents leave what they want.
struct Wishes<'a, A: Laid, P> {
    by: usize,
    life: u32,
    dice: &'a mut Dice,
    asked: &'a mut u64,
    flying: &'a mut Vec<InFlight<A, P>>,
    alarms: &'a mut Vec<(usize, u32, Timer<A>)>,
    said: &'a mut Vec<(usize, ObjectsSaid<A>)>,
}

impl<A: Laid, P: Default> Port<OnObjects<A>> for Wishes<'_, A, P> {
    fn ask(&mut self, store: StoreId, tag: LaidTag, _: u8, op: Op<A::Body>) {
        *self.asked += 1;
        self.flying.push(InFlight {
            number: *self.asked,
            by: self.by,
            life: self.life,
            store,
            tag,
            op,
            progress: P::default(),
            late: false,
        });
    }

    fn wake(&mut self, timer: Timer<A>, _: Pause) {
        self.alarms.push((self.by, self.life, timer));
    }

    fn draw(&mut self, below: u64) -> u64 {
        self.dice.below(below)
    }

    fn ballot(&mut self, above: Option<Ballot>) -> Option<Ballot> {
        Ballot::next(above, AgentId(self.by as u16), Incarnation(0))
    }

    fn say(&mut self, said: ObjectsSaid<A>) {
        self.said.push((self.by, said));
    }
}

/// A process, in one of its lives.
struct Process<A: Laid> {
    life: u32,
    agent: OnObjects<A>,
    /// The system that it has found the stores to belong to.
    system: Option<u64>,
}

/// Agents and stores.
pub(crate) struct World<A: Laid, S: Store<A::Body> = Bucket<<A as Laid>::Body>> {
    setups: Vec<ObjectsSetup<A>>,
    /// Several processes may have the same agent's number.
    processes: Vec<Process<A>>,
    pub(crate) stores: Vec<S>,
    flying: Vec<InFlight<A, S::Progress>>,
    asked: u64,
    alarms: Vec<(usize, u32, Timer<A>)>,
    pub(crate) said: Vec<(usize, ObjectsSaid<A>)>,
    pub(crate) dice: Dice,
}

pub(crate) fn envelope() -> Envelope {
    Envelope::majority(STORES as u8).unwrap()
}

/// An agent's setup on buckets.
pub(crate) fn setup<A: Laid>(
    me: u16,
    agents: u16,
    inner: A::Setup,
    text: Option<&str>,
) -> ObjectsSetup<A> {
    let traits = StoreTraits {
        may_vanish: false,
        conditional: true,
        exclusive: false,
    };
    ObjectsSetup {
        inner,
        me: AgentId(me),
        agents,
        quorum: envelope().quorum(),
        stores: vec![traits; STORES],
        named: None,
        text: text.map(Into::into),
        grace: Pause::NONE,
        again: Pause::NONE,
    }
}

impl<A: Laid> World<A> {
    /// Buckets, and nobody has begun.
    pub(crate) fn new(seed: u64) -> Self {
        Self::on_stores(seed)
    }
}

impl<A: Laid, S: Store<A::Body>> World<A, S> {
    /// Nobody has begun.
    pub(crate) fn on_stores(seed: u64) -> Self {
        Self {
            setups: Vec::new(),
            processes: Vec::new(),
            stores: (0..STORES).map(|_| S::default()).collect(),
            flying: Vec::new(),
            asked: 0,
            alarms: Vec::new(),
            said: Vec::new(),
            dice: Dice(seed),
        }
    }

    /// Starts a process, and gives its number.
    pub(crate) fn start(&mut self, setup: ObjectsSetup<A>) -> usize {
        let by = self.processes.len();
        let agent = self.life(by, 0, &setup);
        self.setups.push(setup);
        self.processes.push(Process {
            life: 0,
            agent,
            system: None,
        });
        by
    }

    fn life(&mut self, by: usize, life: u32, setup: &ObjectsSetup<A>) -> OnObjects<A> {
        let mut wishes = Wishes {
            by,
            life,
            dice: &mut self.dice,
            asked: &mut self.asked,
            flying: &mut self.flying,
            alarms: &mut self.alarms,
            said: &mut self.said,
        };
        OnObjects::start(setup, Incarnation(0), &mut wishes)
    }

    /// A process dies and is started again. What it has in flight stays, unless it carries that out itself.
    pub(crate) fn restart(&mut self, by: usize) {
        self.kill(by);
        let life = self.processes[by].life;
        let setup = self.setups[by].clone();
        let agent = self.life(by, life, &setup);
        self.processes[by] = Process {
            life,
            agent,
            system: None,
        };
    }

    /// A process dies.
    pub(crate) fn kill(&mut self, by: usize) {
        let mut place = 0;
        while S::BY_PROCESS && place < self.flying.len() {
            if self.flying[place].by == by {
                let flight = self.flying.swap_remove(place);
                self.stores[flight.store.index()].cut(flight.progress, &mut self.dice);
            } else {
                place += 1;
            }
        }
        // Whatever it is told from now on it does not hear.
        self.processes[by].life += 1;
    }

    pub(crate) fn tell(&mut self, by: usize, life: u32, event: Event<'_, OnObjects<A>>) {
        let said = self.said.len();
        let Process {
            life: now,
            agent,
            system,
        } = &mut self.processes[by];
        if *now == life {
            let mut wishes = Wishes {
                by,
                life,
                dice: &mut self.dice,
                asked: &mut self.asked,
                flying: &mut self.flying,
                alarms: &mut self.alarms,
                said: &mut self.said,
            };
            agent.on(event, &mut wishes);
            for (_, said) in &self.said[said..] {
                if let ObjectsSaid::Settled { system: found } = said {
                    *system = Some(*found);
                }
            }
        }
    }

    /// On how many stores a process is about to write something.
    pub(crate) fn writes_of(&self, by: usize) -> usize {
        let own = self.flying.iter().filter(|flight| flight.by == by);
        own.filter(|flight| S::is_at_write(&flight.progress))
            .count()
    }

    /// Where the operation is that has to end before the one at `place` can begin, or else that one.
    fn first_of(&self, place: usize) -> usize {
        let InFlight { by, store, .. } = self.flying[place];
        let same =
            |&place: &usize| (self.flying[place].by, self.flying[place].store) == (by, store);
        let places = (0..self.flying.len()).filter(same);
        let first = places.min_by_key(|&place| self.flying[place].number);
        first.filter(|_| S::BY_PROCESS).unwrap_or(place)
    }

    /// An operation goes on; once it has taken effect, it is answered or not.
    fn land(&mut self, place: usize, answers: bool) {
        let place = self.first_of(place);
        let flight = &mut self.flying[place];
        let setup = &self.setups[flight.by];
        let system = self.processes[flight.by].system;
        let expected = system.map(|system| setup.identity(flight.store, system));
        let store = &mut self.stores[flight.store.index()];
        let step = store.step(&flight.op, &mut flight.progress, setup.agents, expected);
        let Some(reply) = step else {
            return;
        };
        let flight = self.flying.swap_remove(place);
        if answers {
            let event = Event::Replied(flight.store, flight.tag, &reply);
            self.tell(flight.by, flight.life, event);
        }
    }

    /// Lets everything that is asked of one store land, in order, and nothing else.
    pub(crate) fn serve_only(&mut self, store: StoreId) {
        while let Some(place) = self.flying.iter().position(|flight| flight.store == store) {
            self.land(place, true);
        }
    }

    /// Lets one thing land that a process has asked of a store.
    pub(crate) fn serve_one_of(&mut self, by: usize, store: StoreId) {
        let asked = |flight: &InFlight<A, _>| flight.by == by && flight.store == store;
        if let Some(place) = self.flying.iter().position(asked) {
            self.land(place, true);
        }
    }

    /// All alarms go off.
    pub(crate) fn ring_all(&mut self) {
        for _ in 0..self.alarms.len() {
            self.ring(0);
        }
    }

    /// What is asked of a store is not answered in time.
    pub(crate) fn is_silent(&mut self, store: StoreId) {
        for place in (0..self.flying.len()).rev() {
            if self.flying[place].store == store {
                self.time_out(place);
            }
        }
    }

    /// There is no answer: it may still take effect.
    fn time_out(&mut self, place: usize) {
        let flight = &mut self.flying[place];
        if !flight.late {
            flight.late = true;
            let (by, life, store, tag) = (flight.by, flight.life, flight.store, flight.tag);
            self.tell(by, life, Event::TimedOut(store, tag));
        }
    }

    fn ring(&mut self, place: usize) {
        let (by, life, timer) = self.alarms.swap_remove(place);
        self.tell(by, life, Event::Woke(timer));
    }

    /// Any one thing that may happen; false if nothing can. `harm`: of a hundred operations so many are late, lost or
    /// not answered.
    pub(crate) fn step(&mut self, harm: u64) -> bool {
        let (flying, alarms) = (self.flying.len() as u64, self.alarms.len() as u64);
        if flying + alarms == 0 {
            return false;
        }
        // Alarms go off later than operations are answered, most of the time: else nobody would ever get through.
        if flying == 0 || (alarms > 0 && self.dice.below(40) == 0) {
            let place = self.dice.below(alarms) as usize;
            self.ring(place);
            return true;
        }
        let place = self.dice.below(flying) as usize;
        if self.dice.below(100) >= harm {
            self.land(place, true);
            return true;
        }
        if S::BY_PROCESS {
            let place = self.first_of(place);
            // A write that replaces the one before it is waited for, however long that takes.
            let is_version = |name: &ObjectName| matches!(name, ObjectName::Version(..));
            if !matches!(&self.flying[place].op, ObjectOp::Put { name, .. } if is_version(name)) {
                self.time_out(place);
            }
            return true;
        }
        self.time_out(place);
        match self.dice.below(3) {
            0 => drop(self.flying.swap_remove(place)),
            1 => self.land(place, false),
            _ => {}
        }
        true
    }

    /// Runs without harm until that is so, or nothing happens any more.
    pub(crate) fn run_until(&mut self, done: impl Fn(&Self) -> bool) -> bool {
        for step in 0..100_000 {
            if step % 32 == 0 && done(self) {
                return true;
            }
            if !self.step(0) {
                break;
            }
        }
        done(self)
    }

    /// Why processes stopped.
    pub(crate) fn stops(&self) -> Vec<(usize, Stop)> {
        let said = self.said.iter().filter_map(|(by, said)| match said {
            ObjectsSaid::Stopped(stop) => Some((*by, stop.clone())),
            _ => None,
        });
        said.collect()
    }

    /// What came to nothing, and why.
    pub(crate) fn failures(&self) -> Vec<Why> {
        let said = self.said.iter().filter_map(|(_, said)| match said {
            ObjectsSaid::Failed { why, .. } => Some(why.clone()),
            _ => None,
        });
        said.collect()
    }
}
