//! What is written back as a file means what was written: the catalogue, and any scenario a file can say.
#![cfg(test)]

use std::sync::Arc;

use bivalent_core::{AgentId, Contention, Envelope, Format, Layout, Spread, Staleness, StoreId};
use bivalent_sim::scenario::catalogue;
use bivalent_sim::scenario::fault::{
    Condition, Delay, Fault, FaultKind, FaultRule, Happening, Scope, Span, StaleBound, Trigger,
};
use bivalent_sim::scenario::script::{Deed, Entry, Script};
use bivalent_sim::scenario::workload::{MachineKind, Pace};
use bivalent_sim::scenario::{
    Adversary, AgentSpec, Expected, Fuzz, Property, Protocol, Scenario, StallKind, render,
};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

const SECOND: u64 = 1_000_000_000;
const AGENTS: [&str; 4] = ["a1", "zoe", "an agent", "\"q\" = '\\'"];
const STORES: [&str; 5] = ["s1", "disk 2", "s3", "s4", "s5"];
const SMALL: &str = "title = \"T\"\nsummary = \"S\"\n[cluster]\nagents = 4\nstores = 5\n";

fn parse(text: &str) -> Scenario {
    Scenario::parse("x.toml", text, &catalogue::open)
        .unwrap_or_else(|errors| panic!("{text}\n{}", render(&errors)))
}

/// What writing does not keep is made the same.
fn settled(mut scenario: Scenario) -> Scenario {
    scenario.text.clear();
    for rule in &mut scenario.faults {
        rule.line = 0;
    }
    scenario
}

fn there_and_back(scenario: &Scenario) -> (Scenario, Scenario) {
    let text = scenario.to_toml();
    let again = Scenario::parse(&scenario.name, &text, &catalogue::open)
        .unwrap_or_else(|errors| panic!("{text}\n{}", render(&errors)));
    assert_eq!(again.to_toml(), text, "what is written is written again");
    (settled(again), settled(scenario.clone()))
}

#[test]
fn every_chapter_is_the_same_after_it_was_written() {
    for chapter in catalogue::chapters() {
        let scenario = Scenario::parse(chapter.name, chapter.text, &catalogue::open).unwrap();

        let (again, scenario) = there_and_back(&scenario);

        assert_eq!(again, scenario, "{}", chapter.name);
    }
}

#[test]
fn what_is_written_reads_as_a_person_would_write_it() {
    let text = "title = \"Duelling agents\"\nsummary = \"Never done.\"\ntags = [\"flp\", \"tour\"]\n\
                \n[cluster]\nagents = { a1 = \"0\", a2 = \"1\" }\nstores = 3\n\
                block = { size = \"1KiB\", sector = \"64B\", format = \"checked\" }\n\
                \n[schedule]\nseed = 0x5eed\nadversary = { duel = [\"a1\", \"a2\"] }\n\
                read = \"400us..2ms\"\nretry = \"0ms\"\n\
                \n[[fault]]\nat = \"9100ms\"\ncrash = { agent = \"a2\" }\n\
                \n[[fault]]\nchance = 0.01\ntimes = 3\n\
                lost-ack = { agent = [\"a1\", \"a2\"], store = \"s2\", operation = \"write\" }\n\
                \n[heal]\nat = \"60s\"\n\
                \n[expect]\nalways = [\"agreement\"]\n\
                outcome = { before-heal = \"stall\", after-heal = \"decide\", within = \"5s\" }\n";

    assert_eq!(parse(text).to_toml(), text);
}

#[test]
fn what_followed_from_the_number_of_agents_is_kept_when_that_is_changed() {
    let mut scenario = parse(SMALL);
    scenario.schedule.adversary = Adversary::StateAware;
    let (patience, time_ns) = (scenario.schedule.patience, scenario.limits.time_ns);
    scenario.cluster.agents.pop();
    scenario.cluster.agents.pop();
    scenario.heal_ns = Some(30 * SECOND);
    scenario.limits.time_ns = 31 * SECOND;

    let (again, scenario) = there_and_back(&scenario);

    assert_eq!(again, scenario);
    assert_eq!(again.schedule.patience, patience);
    assert_ne!(again.limits.time_ns, time_ns);
}

fn ns() -> impl Strategy<Value = u64> {
    prop_oneof![
        1..1_000_u64,
        (1..5_000_u64).prop_map(|us| us * 1_000),
        (1..5_000_u64).prop_map(|ms| ms * 1_000_000),
        (1..9_u64).prop_map(|s| s * SECOND),
    ]
}

fn span() -> impl Strategy<Value = Span> {
    (ns(), ns()).prop_map(|(one, other)| Span {
        min: one.min(other),
        max: one.max(other),
    })
}

fn agents() -> impl Strategy<Value = u128> {
    prop_oneof![Just(u128::MAX), 1..1_u128 << AGENTS.len()]
}

fn stores() -> impl Strategy<Value = u16> {
    prop_oneof![Just(u16::MAX), 1..1_u16 << STORES.len()]
}

fn agent() -> impl Strategy<Value = u16> {
    0..AGENTS.len() as u16
}

fn contention() -> BoxedStrategy<Contention> {
    prop_oneof![
        Just(Contention::None),
        span().prop_map(|Span { min, max }| Contention::Random { min, max }),
        span().prop_map(|Span { min, max }| Contention::Exponential { min, max }),
    ]
    .boxed()
}

fn entry() -> BoxedStrategy<Entry> {
    let deed = prop_oneof![
        Just(Deed::Write),
        (0..2_u16).prop_map(|owner| Deed::Read {
            owner: AgentId(owner)
        }),
        Just(Deed::Tear),
    ];
    let gap = prop::option::of(any::<u8>());
    (0..2_u16, 0..2_u8, deed, gap)
        .prop_map(|(agent, store, deed, gap)| Entry {
            // Only names without spaces: words part an entry.
            agent: AgentId(agent),
            store: StoreId(2 * store),
            deed,
            gap,
        })
        .boxed()
}

fn adversary() -> BoxedStrategy<Adversary> {
    let entries = || prop::collection::vec(entry(), 0..40);
    let others = prop_oneof![
        Just(Adversary::Random),
        Just(Adversary::Fair),
        (agent(), 1..AGENTS.len() as u16)
            .prop_map(|(one, by)| Adversary::Duel(one, (one + by) % AGENTS.len() as u16)),
        (1..=1000_u32, prop::option::of(1..1_000_000_000_u64))
            .prop_map(|(depth, within)| Adversary::Pct { depth, within }),
        Just(Adversary::Pos),
        Just(Adversary::Oblivious),
        Just(Adversary::ContentAware),
        Just(Adversary::StateAware),
    ]
    .boxed();
    let script = (
        0..2_u64,
        prop::option::of(others.clone()),
        entries(),
        entries(),
    );
    let script = script.prop_map(|(from, before, stem, turn)| {
        let before = before.filter(|_| from > 0).map(Box::new);
        Adversary::Script(Arc::new(Script {
            from,
            before,
            stem,
            turn,
        }))
    });
    prop_oneof![4 => others, 1 => script].boxed()
}

fn scope(reads: bool, writes: bool) -> impl Strategy<Value = Scope> {
    (agents(), stores(), agents()).prop_map(move |(agents, stores, owners)| Scope {
        agents,
        stores,
        owners,
        reads,
        writes,
    })
}

fn any_scope() -> BoxedStrategy<Scope> {
    prop_oneof![scope(true, true), scope(true, false), scope(false, true)].boxed()
}

fn fault(lasts: bool) -> BoxedStrategy<Fault> {
    let lasting = move || {
        let span = prop::option::of(span());
        span.prop_map(move |span| span.filter(|_| lasts))
    };
    let versions = || prop_oneof![1..50_u32, Just(u32::MAX)];
    let bound = prop_oneof![
        (1..u32::MAX).prop_map(StaleBound::Versions),
        ns().prop_map(StaleBound::Age),
    ];
    let states = prop_oneof![
        (agents(), prop::option::of(span()), any::<bool>()).prop_map(
            |(agents, restart, unfenced)| Fault::Crash {
                agents,
                restart,
                unfenced,
            }
        ),
        agents().prop_map(|agents| Fault::Restart { agents }),
        (agents(), lasting()).prop_map(|(agents, span)| Fault::Pause { agents, span }),
        (agents(), -990_000..99_000_000_i32)
            .prop_filter("1 is no skew", |(_, ppm)| *ppm != 0)
            .prop_map(|(agents, rate_ppm)| Fault::ClockSkew { agents, rate_ppm }),
        (stores(), lasting()).prop_map(|(stores, span)| Fault::Outage { stores, span }),
        (stores(), 101..1_000_000_u32, lasting()).prop_map(|(stores, percent, span)| {
            Fault::SlowStore {
                stores,
                percent,
                span,
            }
        }),
        (stores(), versions()).prop_map(|(stores, versions)| Fault::Amnesia { stores, versions }),
        stores().prop_map(|stores| Fault::StoreLoss { stores }),
    ];
    let operations = prop_oneof![
        (any_scope(), span()).prop_map(|(scope, by)| Fault::Delay { scope, by }),
        any_scope().prop_map(|scope| Fault::Reorder { scope }),
        any_scope().prop_map(|scope| Fault::LostRequest { scope }),
        any_scope().prop_map(|scope| Fault::LostAck { scope }),
        (scope(false, true), span()).prop_map(|(scope, by)| Fault::LateWrite { scope, by }),
        (any_scope(), span()).prop_map(|(scope, by)| Fault::Duplicate { scope, by }),
        (
            scope(false, true),
            prop::option::of(1..4_u32),
            any::<bool>()
        )
            .prop_map(|(scope, keep, acknowledged)| Fault::TornWrite {
                scope,
                keep,
                acknowledged,
            }),
        (scope(true, false), bound).prop_map(|(scope, bound)| Fault::StaleRead { scope, bound }),
        (any_scope(), 1..=8_u32).prop_map(|(scope, bits)| Fault::BitRot { scope, bits }),
        (scope(false, true), prop::option::of(agent())).prop_map(|(scope, onto)| {
            Fault::MisdirectedWrite {
                scope,
                onto: onto.map(AgentId),
            }
        }),
    ];
    prop_oneof![states, operations].boxed()
}

fn condition() -> BoxedStrategy<Condition> {
    let elsewhere = select(vec![
        Happening::Phase1,
        Happening::Phase2,
        Happening::Decided,
        Happening::Aborted,
        Happening::Recovered,
    ]);
    let on_store = select(vec![Happening::Read, Happening::Write, Happening::Vote]);
    let place = prop_oneof![
        elsewhere.prop_map(|happens| (happens, u16::MAX)),
        (on_store, stores()),
    ];
    (place, agents(), 1..u32::MAX)
        .prop_map(|((happens, stores), agents, nth)| Condition {
            happens,
            agents,
            stores,
            nth,
        })
        .boxed()
}

fn rule() -> BoxedStrategy<FaultRule> {
    // All before the end of any run.
    let during =
        (1..SECOND, 1..SECOND).prop_map(|(from, takes)| Trigger::During(from, from + takes));
    let other = prop_oneof![
        (0..SECOND).prop_map(Trigger::At),
        condition().prop_map(Trigger::When),
        (0..100_000_000_u32).prop_map(Trigger::Chance),
        (1..u32::MAX).prop_map(Trigger::Nth),
    ];
    let times = || prop::option::of(1..u32::MAX);
    let rule = |trigger: Trigger, fault, times: Option<u32>| {
        let once = trigger.strikes_once().then_some(1);
        FaultRule {
            trigger,
            times: times.or(once),
            fault,
            line: 0,
        }
    };
    prop_oneof![
        (during, fault(false), times()).prop_map(move |(at, fault, times)| rule(at, fault, times)),
        (other, fault(true), times()).prop_map(move |(at, fault, times)| rule(at, fault, times)),
    ]
    .boxed()
}

fn expected(heals: bool) -> BoxedStrategy<Expected> {
    // Those of single decisions.
    let property = || select(Property::ALL[..5].to_vec());
    let healed = ns().prop_map(move |ns| Expected::Stall {
        heals_within_ns: heals.then_some(ns),
    });
    prop_oneof![
        Just(Expected::Any),
        Just(Expected::Decide),
        Just(Expected::Wedge),
        healed,
        Just(Expected::Stall {
            heals_within_ns: None
        }),
        property().prop_map(Expected::Violation),
        property().prop_map(Expected::ViolationOrWedge),
    ]
    .boxed()
}

fn fuzz() -> BoxedStrategy<Fuzz> {
    let counts = |most: u8| {
        let pair = (1..=most, 1..=most);
        prop::option::of(pair.prop_map(|(one, other)| (one.min(other), one.max(other))))
    };
    let add = subsequence(FaultKind::ALL.to_vec(), 0..18);
    let retry = prop::collection::vec(contention(), 0..4);
    (counts(128), counts(16), retry, add, 1..=256_u32)
        .prop_map(|(agents, stores, retry, add, at_most)| Fuzz {
            at_most: if add.is_empty() { 0 } else { at_most },
            agents,
            stores,
            retry,
            add,
        })
        .boxed()
}

fn envelope() -> BoxedStrategy<Envelope> {
    let staleness = prop_oneof![
        (0..4_u8).prop_map(Staleness::PerRun),
        (0..2_u8).prop_map(Staleness::PerReader),
    ];
    (staleness, 0..3_u8)
        .prop_map(|(staleness, more)| {
            let least = Envelope::with_staleness(STORES.len() as u8, staleness).unwrap();
            least.quorum_of(least.quorum() + more).unwrap_or(least)
        })
        .boxed()
}

prop_compose! {
    fn changed()(
        names in any::<bool>(),
        texts in ("[ -~é]{0,40}x", "[ -~\n]{0,60}x", prop::collection::vec("[ -~]{0,9}x", 0..3)),
        envelope in envelope(),
        size in select(vec![(512, 64), (1024, 64), (2560, 40)]),
        format in select(vec![Format::Raw, Format::Checked, Format::Dual, Format::Versioned]),
        adversary in adversary(),
        delays in (any::<u64>(), span(), span(), contention(), ns(), ns()),
        bounds in (1..1_000_000_000_u64, 0..4_u32),
        heals in prop::option::of(2 * SECOND..50 * SECOND),
    )(
        faults in prop::collection::vec(rule(), 0..9),
        limits in (1..=16_000_000_u64, 51 * SECOND..99 * SECOND, ns()),
        outcome in expected(heals.is_some()),
        stall in prop::option::of(select(StallKind::ALL.to_vec())),
        always in subsequence(Property::ALL.to_vec(), 0..=10),
        seeds in prop::option::of((any::<u32>(), 1..10_000_000_u64)),
        value in prop::option::of(0..4_usize),
        fuzz in fuzz(),
        choices in prop::option::weighted(0.3, prop::collection::vec(any::<u32>(), 0..99)),
        fixed in Just((names, texts, envelope, size, format, adversary, delays, bounds, heals)),
    ) -> Scenario {
        let (names, texts, envelope, size, format, adversary, delays, bounds, heals) = fixed;
        let mut scenario = parse(SMALL);
        (scenario.title, scenario.summary, scenario.tags) = texts;
        let cluster = &mut scenario.cluster;
        if names || matches!(adversary, Adversary::Script(_)) {
            for (agent, name) in cluster.agents.iter_mut().zip(AGENTS) {
                *agent = AgentSpec { name: name.to_owned(), proposal: format!("{name}!") };
            }
            cluster.stores = STORES.map(str::to_owned).to_vec();
        }
        cluster.envelope = envelope;
        cluster.layout = Layout::new(size.0, size.1, format).unwrap();
        let schedule = &mut scenario.schedule;
        let (seed, read, write, retry, timeout_ns, start_ns) = delays;
        (schedule.seed, schedule.retry) = (seed, retry);
        (schedule.read, schedule.write) = (Delay::Range(read), Delay::Range(write));
        (schedule.timeout_ns, schedule.start_ns) = (timeout_ns, start_ns);
        if adversary.has_patience() {
            schedule.patience = bounds.0;
        }
        if matches!(adversary, Adversary::ContentAware | Adversary::StateAware) {
            schedule.crashes = bounds.1;
        }
        if !matches!(adversary, Adversary::Script(_)) {
            scenario.faults = faults;
        }
        scenario.schedule.adversary = adversary;
        scenario.heal_ns = heals;
        (scenario.limits.steps, scenario.limits.time_ns, scenario.limits.stall_ns) = limits;
        let stalls = matches!(
            outcome,
            Expected::Stall { .. } | Expected::Wedge | Expected::ViolationOrWedge(_)
        );
        let expect = &mut scenario.expect;
        (expect.outcome, expect.always) = (outcome, always);
        expect.stall = stall.filter(|_| stalls);
        expect.seeds = seeds.map(|(from, count)| (from.into(), u64::from(from) + count));
        expect.value = value.map(|index| scenario.cluster.agents[index].proposal.clone());
        if let Some(choices) = choices {
            expect.seeds = None;
            scenario.schedule.choices = Some(choices.into());
        }
        scenario.fuzz = fuzz;
        scenario.settle();
        scenario.drop_idle_rules();
        scenario
    }
}

prop_compose! {
    fn changed_log()(
        machine in select(MachineKind::ALL.to_vec()),
        beats in (ns(), 1..1_000_000_u32, ns()),
        sizes in (1..=4096_u16, 1..=4096_u16, 1..u64::MAX >> 1),
        spread in select(vec![Spread::All, Spread::Quorum]),
        counts in (1..=1000_u32, 1..=1_000_000_u32, 1..=100_000_u32, 1..=1_000_000_u32),
        at in agents(),
        pace in (any::<bool>(), span()),
        shares in prop::array::uniform4(0..=1_000_000_000_u32),
        retry_ns in ns(),
    ) -> Scenario {
        let text = SMALL.replace("agents", "protocol = \"replicated-log\"\nagents");
        let mut scenario = parse(&text);
        let tuning = &mut scenario.tuning;
        let beat = &mut tuning.heartbeat;
        (beat.every, beat.patience, beat.spread) = beats;
        (tuning.batch, tuning.window, tuning.snapshot_every) = sizes;
        tuning.spread = spread;
        let load = &mut scenario.workload;
        (load.clients, load.requests, load.keys, load.session) = counts;
        (load.machine, load.at, load.retry_ns) = (machine, at, retry_ns);
        load.pace = if pace.0 { Pace::Open(pace.1) } else { Pace::Closed(pace.1) };
        [load.reads, load.stale_reads, load.skew, load.give_up] = shares;
        scenario.settle();
        scenario
    }
}

proptest! {
    #[test]
    fn any_scenario_that_a_file_can_say_is_the_same_after_it_was_written(scenario in changed()) {
        let (again, scenario) = there_and_back(&scenario);

        prop_assert_eq!(again, scenario);
    }

    #[test]
    fn any_replicas_and_clients_are_the_same_after_they_were_written(scenario in changed_log()) {
        let (again, scenario) = there_and_back(&scenario);

        prop_assert_eq!(again, scenario);
    }
}

#[test]
fn records_are_written_without_what_goes_without_saying() {
    let text = SMALL.replace("agents", "protocol = \"acceptor-records\"\nagents");
    let scenario = parse(&text);

    let (again, scenario) = there_and_back(&scenario);

    assert_eq!(again, scenario);
    assert_eq!(again.cluster.protocol, Protocol::AcceptorRecords);
    assert!(!scenario.to_toml().contains("block"));
}
