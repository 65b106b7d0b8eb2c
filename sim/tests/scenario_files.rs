//! Scenario files and what they come to: the contract's example, every kind of fault, delays as measured.
#![cfg(test)]
#![expect(clippy::disallowed_methods, reason = "these tests are about files")]

use std::fs;
use std::path::Path;

use bivalent_core::{AgentId, Contention, Format, Layout, Staleness};
use bivalent_sim::scenario::fault::{
    Condition, Delay, Fault, FaultKind, FaultRule, Happening, Scope, Span, StaleBound, Trigger,
};
use bivalent_sim::scenario::{
    Adversary, AgentSpec, Expected, Property, Protocol, Scenario, ScenarioErrors, StallKind,
    delay_table, render,
};

const MS: u64 = 1_000_000;
const EXAMPLE: &str = include_str!("data/contract-example.toml");
const SMALL: &str = "title = \"T\"\nsummary = \"S\"\n[cluster]\nagents = 3\nstores = 3\n";

fn parse(text: &str) -> Result<Scenario, ScenarioErrors> {
    Scenario::parse("x.toml", text, &|_| Err("no such file".to_owned()))
}

/// A small scenario with some more lines.
fn with(lines: &str) -> Scenario {
    parse(&format!("{SMALL}{lines}\n")).unwrap_or_else(|errors| panic!("{}", render(&errors)))
}

fn fault(lines: &str) -> FaultRule {
    with(&format!("[[fault]]\n{lines}")).faults.remove(0)
}

const fn ms(min: u64, max: u64) -> Span {
    Span {
        min: min * MS,
        max: max * MS,
    }
}

#[test]
fn the_contracts_example_means_what_it_says() {
    let scenario = parse(EXAMPLE).unwrap();

    assert_eq!(scenario.name, "x.toml");
    assert_eq!(scenario.text, EXAMPLE);
    assert_eq!(scenario.title, "Duelling agents");
    assert_eq!(scenario.tags, ["flp", "livelock", "tour"]);

    let cluster = &scenario.cluster;
    let agent = |name: &str, proposal: &str| AgentSpec {
        name: name.to_owned(),
        proposal: proposal.to_owned(),
    };
    assert_eq!(cluster.protocol, Protocol::DiskPaxos);
    assert_eq!(cluster.agents, [agent("a1", "0"), agent("a2", "1")]);
    assert_eq!(cluster.stores, ["s1", "s2", "s3"]);
    assert_eq!(Ok(cluster.layout), Layout::new(512, 64, Format::Dual));
    assert_eq!(cluster.envelope.quorum(), 2);

    let schedule = &scenario.schedule;
    assert_eq!(schedule.seed, 0x5eed);
    assert_eq!(schedule.adversary, Adversary::Duel(0, 1));
    let read = Span {
        min: 400_000,
        max: 2 * MS,
    };
    assert_eq!(schedule.read, Delay::Range(read));
    assert_eq!(schedule.write, Delay::Range(ms(1, 3)));
    assert_eq!(schedule.retry, Contention::None);
    assert_eq!(schedule.timeout_ns, 50 * MS);

    let crash = FaultRule {
        trigger: Trigger::At(9_100 * MS),
        times: Some(1),
        fault: Fault::Crash {
            agents: 0b10,
            restart: None,
            unfenced: false,
        },
        line: 19,
    };
    assert_eq!(scenario.faults, [crash]);
    assert_eq!(scenario.heal_ns, Some(60_000 * MS));
    assert_eq!(scenario.limits.time_ns, 66_000 * MS);

    let expect = &scenario.expect;
    let always = [Property::Agreement, Property::Validity, Property::Integrity];
    assert_eq!(expect.always, always);
    let stall = Expected::Stall {
        heals_within_ns: Some(5_000 * MS),
    };
    assert_eq!(expect.outcome, stall);

    let fuzz = &scenario.fuzz;
    assert_eq!((fuzz.agents, fuzz.stores), (Some((2, 5)), None));
    assert_eq!(fuzz.retry[0], Contention::None);
    let add = [
        FaultKind::Crash,
        FaultKind::TornWrite,
        FaultKind::StaleRead,
        FaultKind::Delay,
    ];
    assert_eq!((fuzz.add.as_slice(), fuzz.at_most), (&add[..], 6));
}

#[test]
fn what_is_left_out_has_a_sensible_value() {
    let scenario = with("");

    let proposals: Vec<_> = scenario
        .cluster
        .agents
        .iter()
        .map(|a| &a.proposal)
        .collect();
    assert_eq!(proposals, ["v1", "v2", "v3"]);
    assert_eq!(scenario.schedule.adversary, Adversary::Random);
    assert_eq!(scenario.expect.outcome, Expected::Decide);
    assert_eq!(scenario.expect.always, Property::ALL);
    assert_eq!(scenario.limits.steps, 1_000_000);
    assert_eq!(scenario.limits.time_ns, 10_000 * MS);
    assert_eq!(scenario.limits.stall_ns, 1_000 * MS);
}

#[test]
fn agents_come_in_the_order_of_the_file() {
    let text = SMALL.replace("agents = 3", "agents = { zoe = '0', ada = '1', bob = '0' }");

    let scenario = parse(&text).unwrap();

    let names: Vec<_> = scenario.cluster.agents.iter().map(|a| &a.name).collect();
    assert_eq!(names, ["zoe", "ada", "bob"]);
}

#[test]
fn staleness_is_per_run_or_per_reader() {
    let per_run = with("stale = 1").cluster.envelope;
    let per_reader = with("stale = { per-reader = 1 }\nquorum = 3")
        .cluster
        .envelope;

    assert_eq!(per_run.staleness(), Staleness::PerRun(1));
    assert_eq!(per_run.quorum(), 3);
    assert_eq!(per_reader.staleness(), Staleness::PerReader(1));
}

#[test]
fn retries_are_none_random_or_exponential() {
    let retry = |text: &str| with(&format!("[schedule]\nretry = {text}")).schedule.retry;

    assert_eq!(retry("'0ms'"), Contention::None);
    let (min, max) = (5 * MS, 50 * MS);
    assert_eq!(retry("'5ms..50ms'"), Contention::Random { min, max });
    let exponential = retry("{ exponential = '5ms..50ms' }");
    assert_eq!(exponential, Contention::Exponential { min, max });
}

#[test]
fn the_whole_range_of_seeds_can_be_written() {
    let scenario = with("[schedule]\nseed = 0xffff_ffff_ffff_ffff");

    assert_eq!(scenario.schedule.seed, u64::MAX);
}

#[test]
fn a_rule_strikes_at_a_time_in_a_time_on_an_event_by_chance_or_by_count() {
    let trigger = |text: &str| {
        let rule = fault(&format!("{text}\noutage = {{}}"));
        (rule.trigger, rule.times)
    };
    let vote = Condition {
        happens: Happening::Vote,
        agents: 0b10,
        stores: 0b100,
        nth: 3,
    };

    let when = "when = { happens = 'vote', agent = 'a2', store = 's3', nth = 3 }";
    assert_eq!(trigger("at = '1s'"), (Trigger::At(1_000 * MS), Some(1)));
    let during = Trigger::During(1_000 * MS, 2_000 * MS);
    assert_eq!(trigger("during = '1s..2s'"), (during, None));
    assert_eq!(trigger(when), (Trigger::When(vote), Some(1)));
    let chance = Trigger::Chance(10_000_000);
    assert_eq!(trigger("chance = 0.01\ntimes = 7"), (chance, Some(7)));
    assert_eq!(trigger("nth = 17"), (Trigger::Nth(17), Some(1)));
}

#[test]
fn every_kind_of_fault_can_be_written() {
    let scope = Scope::ALL;
    let writes = Scope {
        reads: false,
        ..scope
    };
    let reads = Scope {
        writes: false,
        ..scope
    };
    let (agents, stores, by) = (u128::MAX, u16::MAX, ms(1, 2));
    let cases = [
        (
            "crash = { agent = ['a1', 'a3'], restart = '1ms..2ms', unfenced = true }",
            Fault::Crash {
                agents: 0b101,
                restart: Some(by),
                unfenced: true,
            },
        ),
        ("restart = {}", Fault::Restart { agents }),
        (
            "pause = { for = '1ms..2ms' }",
            Fault::Pause {
                agents,
                span: Some(by),
            },
        ),
        (
            "clock-skew = { agent = 'a2', rate = 0.5 }",
            Fault::ClockSkew {
                agents: 0b10,
                rate_ppm: -500_000,
            },
        ),
        (
            "outage = { store = 's2' }",
            Fault::Outage {
                stores: 0b10,
                span: None,
            },
        ),
        (
            "slow-store = { factor = 10 }",
            Fault::SlowStore {
                stores,
                percent: 1000,
                span: None,
            },
        ),
        (
            "amnesia = { versions = 'all' }",
            Fault::Amnesia {
                stores,
                versions: u32::MAX,
            },
        ),
        (
            "store-loss = { store = ['s1'] }",
            Fault::StoreLoss { stores: 1 },
        ),
        ("delay = { by = '1ms..2ms' }", Fault::Delay { scope, by }),
        (
            "reorder = { operation = 'read' }",
            Fault::Reorder { scope: reads },
        ),
        ("lost-request = {}", Fault::LostRequest { scope }),
        (
            "lost-ack = { operation = 'write' }",
            Fault::LostAck { scope: writes },
        ),
        (
            "late-write = { by = '1ms..2ms' }",
            Fault::LateWrite { scope: writes, by },
        ),
        (
            "duplicate = { by = '1ms..2ms' }",
            Fault::Duplicate { scope, by },
        ),
        (
            "torn-write = { keep = '128B', acknowledged = true }",
            Fault::TornWrite {
                scope: writes,
                keep: Some(2),
                acknowledged: true,
            },
        ),
        (
            "stale-read = { versions = 2 }",
            Fault::StaleRead {
                scope: reads,
                bound: StaleBound::Versions(2),
            },
        ),
        (
            "stale-read = { age = '2ms' }",
            Fault::StaleRead {
                scope: reads,
                bound: StaleBound::Age(2 * MS),
            },
        ),
        ("bit-rot = {}", Fault::BitRot { scope, bits: 1 }),
        (
            "misdirected-write = { onto = 'a3' }",
            Fault::MisdirectedWrite {
                scope: writes,
                onto: Some(AgentId(2)),
            },
        ),
    ];

    let mut seen = Vec::new();
    for (text, expected) in cases {
        let found = fault(&format!("at = '1s'\n{text}")).fault;
        seen.push(found.kind());
        assert_eq!(found, expected, "{text}");
    }

    let listing = "[cluster]\nagents = 2\nstores = 3\nbucket = {}\n[[fault]]\nat = '1s'\n\
                   stale-listing = { versions = 2 }\n";
    let text = format!("title = 't'\nsummary = 's'\n{listing}");
    let scenario = Scenario::parse("t", &text, &|_| Err(String::new())).unwrap();
    let expected = Fault::StaleListing {
        scope: reads,
        bound: StaleBound::Versions(2),
    };
    assert_eq!(scenario.faults[0].fault, expected);
    seen.push(FaultKind::StaleListing);

    for kind in FaultKind::ALL {
        assert!(seen.contains(&kind), "{} is not tried", kind.name());
    }
}

#[test]
fn outcomes_are_words_or_tables() {
    let outcome = |text: &str| {
        let lines = format!("[heal]\nat = '3s'\n[expect]\noutcome = {text}");
        with(&lines).expect.outcome
    };
    let stall = |heals_within_ns| Expected::Stall { heals_within_ns };

    assert_eq!(outcome("'any'"), Expected::Any);
    assert_eq!(outcome("'stall'"), stall(None));
    assert_eq!(outcome("'wedge'"), Expected::Wedge);
    let broken = Expected::Violation(Property::Agreement);
    assert_eq!(outcome("{ violation = 'agreement' }"), broken);
    let either = Expected::ViolationOrWedge(Property::Validity);
    assert_eq!(outcome("{ violation-or-wedge = 'validity' }"), either);
    assert_eq!(
        outcome("{ before-heal = 'stall' }"),
        stall(Some(5_000 * MS))
    );
    let any = "{ before-heal = 'stall', after-heal = 'any' }";
    assert_eq!(outcome(any), stall(None));
}

#[test]
fn an_expectation_can_name_the_stall_the_seeds_and_the_value() {
    let scenario = with(
        "[heal]\nat = '1s'\n[expect]\noutcome = { before-heal = 'stall' }\nstall = 'starved'\nseeds = '0..2000'\nvalue = 'v2'",
    );

    assert_eq!(scenario.expect.stall, Some(StallKind::Starved));
    assert_eq!(scenario.expect.seeds, Some((0, 2000)));
    assert_eq!(scenario.expect.value.as_deref(), Some("v2"));
}

#[test]
fn chances_that_never_meet_may_add_up_to_more_than_one() {
    let rules = "[[fault]]\nchance = 0.9\nlost-ack = { operation = 'read', owner = 'a1' }\n\
                 [[fault]]\nchance = 0.9\nlost-ack = { operation = 'read', owner = 'a2' }\n\
                 [[fault]]\nchance = 0.9\nlost-ack = { operation = 'write', agent = 'a1' }\n\
                 [[fault]]\nchance = 0.9\ntorn-write = { agent = 'a2', store = 's1' }\n\
                 [[fault]]\nchance = 0.9\noutage = { store = 's2' }";
    let meeting = format!("{SMALL}{rules}\n").replace("store = 's2'", "store = 's1'");

    let without = rules.rsplit_once("[[fault]]").unwrap().0;
    assert_eq!(with(without).faults.len(), 4);
    assert_eq!(parse(&meeting).unwrap_err().errors().len(), 1);
}

#[test]
fn measured_delays_have_the_medians_that_were_measured() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/measured/delays");
    for (file, median_us, max_us) in [
        ("local-directory-write.hlog", 4_130, 193_000),
        ("local-directory-read.hlog", 563, 18_400),
        ("local-disk-write.hlog", 224, 5_444),
        ("local-disk-read.hlog", 106, 2_327),
        ("postgres-write.hlog", 617, 9_740),
        ("postgres-read.hlog", 279, 11_149),
        ("redis-aof-write.hlog", 648, 10_215),
        ("redis-aof-read.hlog", 540, 12_976),
    ] {
        let text = fs::read_to_string(folder.join(file)).unwrap();
        let open = |name: &str| {
            assert_eq!(name, file);
            Ok(text.clone())
        };
        let lines = format!("{SMALL}[schedule]\nread = {{ histogram = '{file}' }}\n");

        let read = Scenario::parse("x", &lines, &open).unwrap().schedule.read;

        let Delay::Histogram(table) = read else {
            panic!("{file} is no histogram");
        };
        let values = &table.values;
        let near = |value: u64, us: u64| value.abs_diff(us * 1000) * 50 <= us * 1000;
        assert_eq!((table.file.as_str(), values.len()), (file, 4096));
        assert!(values.is_sorted());
        assert!(near(values[2048], median_us), "{file}: {}", values[2048]);
        assert!(near(values[4095], max_us), "{file}: {}", values[4095]);
        assert_eq!(*table, delay_table(file, &text).unwrap());
    }
}
