//! Stall reports: who got in whose way, and what would have helped, tried and not guessed.

#![cfg(test)]

use bivalent_sim::{
    engine::stall::Remedy,
    scenario::Scenario,
    story::explain::{Explanation, explain, seed_of},
};

fn of(name: &str) -> Explanation {
    let chapter = bivalent_sim::scenario::catalogue::chapters()
        .iter()
        .find(|chapter| chapter.name.ends_with(&format!("/{name}.toml")))
        .unwrap();
    let scenario = Scenario::parse(
        chapter.name,
        chapter.text,
        &bivalent_sim::scenario::catalogue::open,
    )
    .unwrap();
    let seed = seed_of(&scenario);
    explain(&scenario, seed)
}

/// How many trials of a remedy decided; none if it was not tried.
fn decided(explained: &Explanation, name: &str) -> Option<u32> {
    let stall = &explained.stalls[0];
    let named = |remedy: &&Remedy| remedy.remedy == name;
    let remedy = stall.remedies.iter().find(named).unwrap();
    assert_eq!(remedy.skipped.is_none(), remedy.tried == 64, "{remedy:?}");
    assert_eq!(remedy.median_ns.is_some(), remedy.decided > 0, "{remedy:?}");
    remedy.skipped.is_none().then_some(remedy.decided)
}

#[test]
fn two_duellists_preempt_each_other_in_turn() {
    let explained = of("duelling-agents");
    let pairs = &explained.stalls[0].preemptions;

    assert_eq!(pairs.len(), 2);
    assert!(pairs[0].times > 100);
    assert!(pairs[0].times.abs_diff(pairs[1].times) <= 1, "{pairs:?}");
    assert_eq!(pairs[0].agent, pairs[1].by);
}

#[test]
fn a_duel_is_ended_by_a_fair_schedule_or_a_leader_and_not_by_luck() {
    let explained = of("duelling-agents");

    assert_eq!(decided(&explained, "nothing"), Some(0));
    assert_eq!(decided(&explained, "random-backoff"), Some(0));
    assert_eq!(decided(&explained, "fair-schedule"), Some(64));
    assert_eq!(decided(&explained, "one-leader"), Some(64));
    assert_eq!(decided(&explained, "stores-repaired"), None);
}

#[test]
fn where_all_are_down_only_a_restart_helps() {
    let explained = of("all-agents-down");

    assert_eq!(decided(&explained, "nothing"), Some(0));
    assert_eq!(decided(&explained, "one-leader"), None);
    assert_eq!(decided(&explained, "agents-restarted"), Some(64));
}

#[test]
fn where_stores_are_out_only_their_return_helps() {
    let explained = of("majority-out-until-the-heal");

    assert_eq!(decided(&explained, "one-leader"), Some(0));
    assert_eq!(decided(&explained, "stores-repaired"), Some(64));
}

/// A run of three stores that are buckets, two of which are away until the heal.
fn two_buckets_away(cluster: &str) -> Explanation {
    let text = format!(
        "title = 't'\nsummary = 's'\n[cluster]\n{cluster}\nagents = 3\nstores = 3\n\
         [[fault]]\nat = '20ms'\noutage = {{ store = 's1' }}\n[[fault]]\nat = '20ms'\noutage = {{ store = 's2' }}\n\
         [heal]\nat = '3s'\n[limits]\ntime = '5s'\nstall-after = '500ms'\n[expect]\noutcome = 'any'\n"
    );
    explain(
        &Scenario::parse("away", &text, &|_| Err(String::new())).unwrap(),
        0,
    )
}

#[test]
fn on_buckets_and_for_logs_what_would_have_helped_is_tried_too() {
    for cluster in [
        "bucket = true",
        "protocol = 'acceptor-records'",
        "protocol = 'put-if-absent'",
        "protocol = 'replicated-log'",
    ] {
        let explained = two_buckets_away(cluster);
        let stall = &explained.stalls[0];
        let named = |name: &str| stall.remedies.iter().find(|it| it.remedy == name).unwrap();

        assert_eq!(stall.stall.kind, "no-quorum", "{cluster}");
        assert_eq!(named("nothing").decided, 0, "{cluster}");
        assert_eq!(named("no-faults").decided, 0, "{cluster}");
        // Where nobody may try again, some of them are split for good.
        for name in ["stores-repaired", "everything"] {
            let (tried, decided) = (named(name).tried, named(name).decided);
            let split = cluster.contains("put-if-absent");
            assert!(
                decided == tried || split && decided > 10,
                "{cluster}: {name} {decided}"
            );
            assert_eq!(tried, 16, "{cluster}: {name}");
        }
        let pauses = cluster == "bucket = true" || cluster.contains("acceptor");
        assert_eq!(
            named("random-backoff").skipped.is_none(),
            pauses,
            "{cluster}"
        );
    }
}

#[test]
fn nothing_ends_a_split_of_put_if_absent() {
    let explained = of("put-if-absent-split");

    assert!(!explained.stalls[0].stall.heals);
    assert_eq!(decided(&explained, "everything"), Some(0));
}

#[test]
fn an_explanation_is_the_same_each_time() {
    let (once, again) = (of("duelling-agents"), of("duelling-agents"));

    assert_eq!(once.stalls, again.stalls);
    assert_eq!(once.causes, again.causes);
}

#[test]
fn the_causes_of_a_preemption_lead_through_what_was_read_and_written() {
    let explained = of("duelling-agents");
    let links = &explained.causes[0].links;

    let says = |at: usize, word: &str| links[at].what.contains(word);
    assert!(says(0, "aborts ballot"), "{links:?}");
    assert!(says(1, "read s"), "{links:?}");
    assert!(says(2, "wrote s"), "{links:?}");
    assert!(says(3, "phase 1"), "{links:?}");
    assert_ne!(links[1].who, links[2].who);
    assert!(
        links.is_sorted_by(|later, earlier| later.step >= earlier.step),
        "{links:?}"
    );
}

#[test]
fn the_causes_of_a_wrong_value_lead_to_the_torn_write() {
    let explained = of("torn-write-raw");

    let last = explained.causes[0].links.last().unwrap();
    assert!(last.what.starts_with("torn-write"), "{last:?}");
    let titles: Vec<&str> = explained.causes.iter().map(|chain| &*chain.title).collect();
    assert_eq!(titles[2], "Faults on the way");
}
