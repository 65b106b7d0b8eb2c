//! Probes of stores whose delays are known, on a clock that nothing but sleeping moves.

use std::sync::Arc;

use object_store::{
    memory::InMemory,
    path::Path,
    throttle::{ThrottleConfig, ThrottledStore},
};

use super::*;
use crate::{Opening, TokioClock, memory, open};

type Slow = Arc<ThrottledStore<Arc<InMemory>>>;

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// A store in memory that takes its time, and what is in it.
fn slow(may_vanish: bool) -> (Bucket, Slow, Arc<InMemory>) {
    let objects = Arc::new(InMemory::new());
    let config = ThrottleConfig {
        wait_put_per_call: ms(50),
        wait_get_per_call: ms(20),
        wait_list_per_call: ms(30),
        ..ThrottleConfig::default()
    };
    let slow = Arc::new(ThrottledStore::new(Arc::clone(&objects), config));
    let shared = Arc::clone(&slow) as Arc<dyn object_store::ObjectStore>;
    let bucket = Bucket::new(shared, Path::from("base"), "slow", may_vanish);
    (bucket, slow, objects)
}

fn plan(operations: u64) -> ProbePlan {
    ProbePlan {
        operations: Some(operations),
        ..ProbePlan::default()
    }
}

async fn run(bucket: &Bucket, plan: ProbePlan) -> Result<ProbeReport, ProbeError> {
    let go = |_: &ProbeProgress| ControlFlow::Continue(());
    probe(bucket, plan, &TokioClock::start(), 7, go).await
}

fn of(report: &ProbeReport, kind: ProbeKind) -> &KindReport {
    &report.kinds[kind.index()]
}

/// The least and the greatest delay of a kind, ms.
fn range(report: &ProbeReport, kind: ProbeKind) -> (u64, u64) {
    let latencies = &of(report, kind).latencies;
    let near = |ns: u64| (ns + 500_000) / 1_000_000;
    (near(latencies.min()), near(latencies.max()))
}

fn stays(objects: &InMemory) -> usize {
    let listed = object_store::ObjectStore::list(objects, None);
    futures_util::FutureExt::now_or_never(futures_util::StreamExt::count(listed))
        .expect("memory does not wait")
}

#[tokio::test(start_paused = true)]
async fn each_kind_takes_what_its_requests_take() {
    let (bucket, _, objects) = slow(false);

    let report = run(&bucket, plan(20)).await.unwrap();

    for (kind, took) in [
        // A listing and a block.
        (ProbeKind::Read, 50),
        (ProbeKind::Write, 50),
        (ProbeKind::Put, 50),
        (ProbeKind::Get, 20),
        (ProbeKind::List, 30),
        (ProbeKind::Create, 50),
        (ProbeKind::Replace, 50),
    ] {
        assert_eq!(of(&report, kind).latencies.len(), 20, "{kind}");
        assert_eq!(range(&report, kind), (took, took), "{kind}");
    }
    assert_eq!(report.ended, ProbeEnd::Done);
    assert_eq!(report.left_behind, None);
    assert_eq!(stays(&objects), 0);
}

#[tokio::test(start_paused = true)]
async fn looks_at_the_charter_belong_to_what_agents_pay_and_to_no_single_request() {
    let (bucket, _, _) = slow(true);

    let report = run(&bucket, plan(5)).await.unwrap();

    // Before and after the write; after the listing.
    assert_eq!(range(&report, ProbeKind::Write), (90, 90));
    assert_eq!(range(&report, ProbeKind::Read), (70, 70));
    assert_eq!(range(&report, ProbeKind::Put), (50, 50));
    assert_eq!(range(&report, ProbeKind::List), (30, 30));
}

#[tokio::test(start_paused = true)]
async fn several_at_a_time_measure_as_much_together() {
    let (bucket, _, objects) = slow(false);
    let several = ProbePlan {
        concurrency: 8,
        ..plan(100)
    };

    let report = run(&bucket, several).await.unwrap();

    for kind in &report.kinds {
        assert_eq!(
            (kind.latencies.len(), kind.errors),
            (100, 0),
            "{}",
            kind.kind
        );
    }
    assert_eq!(stays(&objects), 0);
}

#[tokio::test(start_paused = true)]
async fn time_ends_a_probe_that_has_no_number() {
    let (bucket, _, _) = slow(false);
    let short = ProbePlan {
        operations: None,
        time: Some(ms(10_000)),
        ..ProbePlan::default()
    };

    let report = run(&bucket, short).await.unwrap();

    assert!(report.took >= ms(10_000) && report.took <= ms(10_100));
    assert!(of(&report, ProbeKind::Read).latencies.len() > 20);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_answered_in_time_is_counted_and_is_no_delay() {
    let (bucket, slow, objects) = slow(false);
    let patience = ProbePlan {
        patience: ms(1_000),
        ..plan(50)
    };
    let mut asked = 0;
    let watch = |now: &ProbeProgress| {
        // For a while puts take longer than anybody waits; gets in between show that the store lives.
        asked += 1;
        let wait = if (50..80).contains(&asked) { 2_000 } else { 50 };
        slow.config_mut(|config| config.wait_put_per_call = ms(wait));
        assert!(now.done <= now.of.unwrap());
        ControlFlow::Continue(())
    };

    let report = probe(&bucket, patience, &TokioClock::start(), 7, watch)
        .await
        .unwrap();

    assert_eq!(report.ended, ProbeEnd::Done);
    let timeouts: u64 = report.kinds.iter().map(|kind| kind.timeouts).sum();
    assert!(timeouts > 0);
    for kind in report
        .kinds
        .iter()
        .filter(|kind| kind.kind != ProbeKind::Replace)
    {
        assert_eq!(
            kind.latencies.len() + kind.timeouts + kind.errors,
            50,
            "{}",
            kind.kind
        );
        assert!(kind.latencies.max() < 1_000_000_000, "{}", kind.kind);
    }
    assert_eq!(stays(&objects), 0);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_falls_silent_is_given_up_and_what_was_measured_is_kept() {
    let (bucket, slow, _) = slow(false);
    let mut asked = 0;
    let watch = |_: &ProbeProgress| {
        asked += 1;
        if asked > 60 {
            let never = ms(1 << 40);
            slow.config_mut(|config| {
                config.wait_put_per_call = never;
                config.wait_get_per_call = never;
                config.wait_list_per_call = never;
            });
        }
        ControlFlow::Continue(())
    };

    let report = probe(&bucket, plan(1_000), &TokioClock::start(), 7, watch)
        .await
        .unwrap();

    assert_eq!(report.ended, ProbeEnd::GaveUp);
    assert!(of(&report, ProbeKind::Read).latencies.len() > 5);
    assert_eq!(report.left_behind.as_deref(), Some("no answer in time"));
}

#[tokio::test(start_paused = true)]
async fn a_store_that_never_answers_is_told_after_one_patience() {
    let (bucket, slow, _) = slow(false);
    slow.config_mut(|config| config.wait_put_per_call = ms(1 << 40));
    let clock = TokioClock::start();

    let error = probe(&bucket, plan(10), &clock, 7, |_| ControlFlow::Continue(())).await;

    assert!(matches!(error, Err(ProbeError::Silent { .. })), "{error:?}");
    assert!(clock.now() < ms(15_000), "{:?}", clock.now());
}

#[tokio::test(start_paused = true)]
async fn whoever_watches_can_stop_it_at_any_time() {
    for after in [1, 5, 30, 60] {
        let (bucket, _, objects) = slow(false);
        let mut asked = 0;
        let watch = |_: &ProbeProgress| {
            asked += 1;
            if asked == after {
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        };

        let report = probe(&bucket, plan(1_000), &TokioClock::start(), 7, watch)
            .await
            .unwrap();

        assert_eq!(report.ended, ProbeEnd::Stopped);
        assert_eq!(stays(&objects), 0, "after {after}");
        let measured = of(&report, ProbeKind::Read).latencies.len();
        assert_eq!(measured > 0, after >= 30, "{measured}");
    }
}

#[tokio::test]
async fn a_directory_has_no_conditional_replace_and_is_left_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let name = folder.path().to_str().unwrap();
    let bucket = open(name, Opening::default(), &[]).unwrap();

    let report = run(&bucket, plan(5)).await.unwrap();

    for kind in &report.kinds {
        let replace = kind.kind == ProbeKind::Replace;
        assert_eq!(kind.unsupported, replace, "{}", kind.kind);
        assert_eq!(kind.latencies.len(), if replace { 0 } else { 5 });
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn a_directory_that_is_not_there_is_not_made() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing");
    let bucket = open(missing.to_str().unwrap(), Opening::default(), &[]).unwrap();

    let error = run(&bucket, plan(5)).await;

    assert!(
        matches!(error, Err(ProbeError::Missing { .. })),
        "{error:?}"
    );
    assert!(!missing.exists());
}

#[tokio::test]
async fn a_plan_that_cannot_be_is_refused() {
    let nobody = ProbePlan {
        concurrency: 0,
        ..plan(1)
    };

    assert!(matches!(
        run(&memory("m"), nobody).await,
        Err(ProbeError::Plan(_))
    ));
}
