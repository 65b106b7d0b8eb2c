//! A fault at one operation, then at the next, until a run has no such operation.

use crate::{
    campaign::{
        failure::Failure,
        fuzz::{draw, promise},
        guard::{BuiltIn, Guard, How},
    },
    engine::dice::Lots,
    scenario::{
        Scenario,
        fault::{FaultKind, FaultRule, Trigger},
    },
};

/// What came of a kind of fault at every operation of a scenario.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Nth {
    /// Operations that were struck, each in a run of its own.
    pub operations: u64,
    /// Runs in which the fault changed something.
    pub landed: u64,
    /// The runs that failed, by the number of the operation.
    pub failures: Vec<(u64, Failure)>,
    /// There are no more operations.
    pub complete: bool,
}

/// Runs the scenario's own seed with the fault at its first operation, at its second, and so on, beside its own
/// faults; `go_on` is told the number of each, and says whether to. None if the scenario can't have such a fault.
pub fn nth_faults(
    scenario: &Scenario,
    kind: FaultKind,
    most: u64,
    go_on: &mut dyn FnMut(u64) -> bool,
) -> Option<Nth> {
    let fault = draw::rule(
        kind,
        scenario,
        draw::liars(scenario, &mut Lots::new(0)),
        &mut Lots::new(0),
    )?
    .fault;
    // What the scenario promises was promised without this fault.
    let mut struck = scenario.clone();
    struck.faults.push(FaultRule {
        trigger: Trigger::Nth(1),
        times: Some(1),
        fault,
        line: 0,
    });
    promise::keep(&mut struck, scenario, true);
    struck.expect.seeds = None;
    let parsed = Scenario::parse(&scenario.name, &struck.to_toml(), &|named| {
        let found = scenario.files.iter().find(|(name, _)| name == named);
        found
            .map(|(_, text)| text.clone())
            .ok_or_else(|| "not carried".to_owned())
    });
    // A fault that its blocks or its protocol can't have is refused.
    parsed.ok()?;
    let mut found = Nth {
        operations: 0,
        landed: 0,
        failures: Vec::new(),
        complete: false,
    };
    let seed = scenario.schedule.seed;
    for operation in 1..=most {
        if !go_on(operation) {
            return Some(found);
        }
        if let Some(rule) = struck.faults.last_mut() {
            rule.trigger = Trigger::Nth(u32::try_from(operation).unwrap_or(u32::MAX));
        }
        let mut guard = Guard::new(&BuiltIn, &struck);
        let failure = guard.judge(How::Seed(seed));
        let run = guard.runner().finished();
        let counts = run.faults();
        let count = counts.iter().find(|(found, _)| *found == kind);
        let others = scenario.faults.iter().any(|rule| rule.fault.kind() == kind);
        let (drawn, landed) = count.map_or((0, 0), |(_, count)| (count.drawn, count.landed));
        if drawn == 0 || (others && run.store_ops() < operation) {
            found.complete = true;
            break;
        }
        found.operations += 1;
        found.landed += u64::from(landed > 0);
        found
            .failures
            .extend(failure.map(|failure| (operation, failure)));
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scenario(text: &str) -> Scenario {
        Scenario::parse("t", text, &|_| Err(String::new())).unwrap()
    }

    const ONE: &str = "title = \"t\"\nsummary = \"s\"\n[cluster]\nagents = 2\nstores = 3\n";

    #[test]
    fn every_operation_of_a_run_is_struck_once_and_then_it_ends() {
        let found = nth_faults(&scenario(ONE), FaultKind::LostAck, 10_000, &mut |_| true).unwrap();

        assert!(found.complete && found.failures.is_empty());
        assert!(found.operations >= 12, "{}", found.operations);
        // What is asked for last may not arrive before everybody has decided.
        assert!(found.landed + 2 >= found.operations, "{found:?}");
    }

    #[test]
    fn a_fault_that_a_scenario_cannot_have_is_not_tried() {
        let records = ONE.replace(
            "agents = 2",
            "agents = 2\nprotocol = \"acceptor-records\"\nbucket = false",
        );

        assert_eq!(
            nth_faults(&scenario(&records), FaultKind::TornWrite, 10, &mut |_| true),
            None
        );
    }

    #[test]
    fn whoever_says_no_ends_it() {
        let found = nth_faults(&scenario(ONE), FaultKind::Delay, 100, &mut |n| n < 4).unwrap();

        assert_eq!((found.operations, found.complete), (3, false));
    }
}
