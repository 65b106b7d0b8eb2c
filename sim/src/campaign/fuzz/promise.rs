//! What a scenario still promises when it was drawn from one that promised more.

use bivalent_core::Format;

use crate::scenario::{
    Expected, Protocol, Scenario,
    fault::{Delay, Fault},
};

/// Tries of a write that an agent tells apart.
const TRIES: u64 = 8;

/// Has a scenario that was drawn from another promise what still holds of it.
///
/// What was to break outside the envelope holds inside it: it is judged in every run, and a run that breaks it outside
/// is beyond the envelope.
pub(super) fn keep(drawn: &mut Scenario, base: &Scenario, changed: bool) {
    drawn.expect.outcome = of(drawn, base, changed);
    let (Expected::Violation(property) | Expected::ViolationOrWedge(property)) =
        base.expect.outcome
    else {
        return;
    };
    let always = &mut drawn.expect.always;
    if !always.contains(&property) {
        always.push(property);
    }
}

/// What is still promised of a scenario that was changed.
fn of(drawn: &Scenario, base: &Scenario, changed: bool) -> Expected {
    match base.expect.outcome {
        Expected::Decide if !changed => Expected::Decide,
        Expected::Decide | Expected::Unwedged
            if drawn.faults.iter().all(|rule| passes(&rule.fault)) && !outlasts_tries(drawn) =>
        {
            Expected::Unwedged
        }
        // It breaks outside its envelope, or stalls by design: inside there is safety.
        Expected::Decide
        | Expected::Unwedged
        | Expected::Violation(_)
        | Expected::ViolationOrWedge(_)
        | Expected::Wedge
        | Expected::Stall { .. }
        | Expected::Any => Expected::Any,
    }
}

/// Whether nobody has to wait for ever for what this fault has done, whatever the blocks.
const fn passes(fault: &Fault) -> bool {
    match fault {
        Fault::Crash { unfenced, .. } => !*unfenced,
        Fault::Restart { .. }
        | Fault::Pause { .. }
        | Fault::ClockSkew { .. }
        | Fault::SlowStore { .. }
        | Fault::Delay { .. }
        | Fault::Reorder { .. }
        | Fault::Outage { .. } => true,
        Fault::Amnesia { .. }
        | Fault::StoreLoss { .. }
        | Fault::LostRequest { .. }
        | Fault::LostAck { .. }
        | Fault::LateWrite { .. }
        | Fault::Duplicate { .. }
        | Fault::TornWrite { .. }
        | Fault::StaleRead { .. }
        | Fault::StaleListing { .. }
        | Fault::BitRot { .. }
        | Fault::MisdirectedWrite { .. } => false,
    }
}

/// Whether a write may be asked for so often that an agent can no longer tell its tries apart. Where it is
/// written in place, no other may ever follow: one of them might be on its way still.
///
/// On buckets an answer that comes too late is none, and an agent that gets none can't even take its start: there one
/// try is enough.
fn outlasts_tries(of: &Scenario) -> bool {
    let buckets = of.cluster.bucket.is_some();
    let in_place = of.cluster.protocol == Protocol::DiskPaxos
        && of.cluster.layout.format() != Format::Versioned;
    if !buckets && !in_place {
        return false;
    }
    let longest = |delay: &Delay| match delay {
        Delay::Range(span) => span.max,
        Delay::Histogram(table) => table.values.last().copied().unwrap_or(0),
    };
    let mut percent = 100;
    for rule in &of.faults {
        if let Fault::SlowStore { percent: slow, .. } = rule.fault {
            percent = percent.max(u64::from(slow));
        }
    }
    let slowed = |delay| longest(delay).saturating_mul(percent) / 100;
    let write = slowed(&of.schedule.write);
    let mut most = write;
    for rule in &of.faults {
        let held = if let Fault::Delay { by, .. } = rule.fault {
            by.max
        } else if let Fault::Outage { span, .. } = rule.fault {
            span.map_or(u64::MAX, |span| span.max)
        } else if let Fault::Reorder { .. } = rule.fault {
            write.saturating_mul(2)
        } else {
            0
        };
        most = most.saturating_add(held);
    }
    if of.schedule.adversary.picks() {
        let each = write.max(slowed(&of.schedule.read));
        most = most.saturating_add(of.schedule.patience.saturating_mul(each));
    }
    if buckets {
        most = most.max(slowed(&of.schedule.read));
    }
    // Agents wait by their own clocks: by a fast one an answer takes longer.
    let mut fastest = 1_000_000;
    for rule in &of.faults {
        if let Fault::ClockSkew { rate_ppm, .. } = rule.fault {
            fastest = fastest.max(1_000_000_u64.saturating_add_signed(rate_ppm.into()));
        }
    }
    most = (u128::from(most) * u128::from(fastest) / 1_000_000).min(u64::MAX.into()) as u64;
    let tries = if buckets { 1 } else { TRIES };
    most / of.schedule.timeout_ns.max(1) >= tries
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::catalogue;

    /// What is promised of this where no wedge was to come.
    fn promised(block: &str, schedule: &str, fault: &str) -> Expected {
        let text = format!(
            "title = \"t\"\nsummary = \"s\"\n[cluster]\nagents = 2\nstores = 3\n\
             bucket = false\nblock = {{ format = \"{block}\" }}\n[schedule]\n{schedule}\n{fault}\n\
             [expect]\noutcome = \"unwedged\"\n"
        );
        let scenario = Scenario::parse("t", &text, &|_| Err(String::new())).unwrap();
        of(&scenario, &scenario, true)
    }

    #[test]
    fn a_write_that_outlasts_eight_tries_in_place_may_block_its_place_for_ever() {
        let delay = "[[fault]]\nchance = 0.1\ndelay = { by = \"1ms..20ms\" }";
        let (short, shorter) = ("timeout = \"3ms\"", "timeout = \"2ms\"");

        assert_eq!(promised("dual", short, delay), Expected::Unwedged);
        assert_eq!(promised("dual", shorter, delay), Expected::Any);
        assert_eq!(promised("checked", shorter, delay), Expected::Any);
        assert_eq!(promised("versioned", shorter, delay), Expected::Unwedged);
    }

    #[test]
    fn what_breaks_outside_the_envelope_is_judged_in_whatever_is_drawn() {
        let mut some = 0;
        for chapter in catalogue::chapters() {
            let base = Scenario::parse(chapter.name, chapter.text, &catalogue::open).unwrap();
            let (Expected::Violation(property) | Expected::ViolationOrWedge(property)) =
                base.expect.outcome
            else {
                continue;
            };
            some += 1;
            let mut drawn = base.clone();
            keep(&mut drawn, &base, true);
            assert_eq!(drawn.expect.outcome, Expected::Any, "{}", chapter.name);
            let judged = drawn.expect.always.contains(&property);
            assert!(judged, "{}: {property:?}", chapter.name);
        }
        assert!(some > 5, "{some}");
    }

    #[test]
    fn by_a_fast_clock_a_write_outlasts_its_tries_sooner() {
        let skew =
            |rate: &str| format!("[[fault]]\nat = \"1ms\"\nclock-skew = {{ rate = {rate} }}");
        let of = |rate| {
            promised(
                "dual",
                "write = \"1ms..10ms\"\ntimeout = \"5ms\"",
                &skew(rate),
            )
        };

        assert_eq!(of("0.5"), Expected::Unwedged);
        assert_eq!(of("2.0"), Expected::Unwedged);
        assert_eq!(of("5.0"), Expected::Any);
    }

    #[test]
    fn on_buckets_one_answer_that_is_too_late_takes_the_promise_back() {
        let promised = |timeout: &str| {
            let text = format!(
                "title = \"t\"\nsummary = \"s\"\n[cluster]\nagents = 2\nstores = 3\nbucket = {{}}\n\
                 [schedule]\nread = \"2ms..20ms\"\n{timeout}\n[expect]\noutcome = \"unwedged\"\n"
            );
            let scenario = Scenario::parse("t", &text, &|_| Err(String::new())).unwrap();
            of(&scenario, &scenario, true)
        };

        assert_eq!(promised("timeout = \"10ms\""), Expected::Any);
        assert_eq!(promised("timeout = \"1s\""), Expected::Unwedged);
    }

    #[test]
    fn whoever_picks_operations_may_hold_a_write_back_for_many_tries() {
        let (short, usual) = (
            "timeout = \"20ms\"\nadversary = \"pos\"",
            "adversary = \"pos\"",
        );

        assert_eq!(promised("dual", short, ""), Expected::Any);
        assert_eq!(promised("dual", usual, ""), Expected::Unwedged);
        assert_eq!(promised("versioned", short, ""), Expected::Unwedged);
    }
}
