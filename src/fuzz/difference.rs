//! In what two campaigns differ that were to be one: the thing by its name, and what it is in either.

use std::collections::BTreeSet;

use bivalent_sim::campaign::fuzz::Scheduler;

use super::store::{Campaign, Source};
use crate::render::escape;

/// The first thing in which two campaigns differ.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Difference {
    /// What it is, in a few words.
    what: String,
    /// What it is in the one and in the other, where that can be said in a word.
    values: Option<[String; 2]>,
    /// What makes the other one like the first.
    undo: String,
}

impl Difference {
    fn new(what: impl Into<String>, undo: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            values: None,
            undo: undo.into(),
        }
    }

    /// An option that was another one.
    pub(crate) fn option(name: &str, values: &[String; 2]) -> Self {
        let what = format!("the option {name} differs");
        let undo = match values[0].as_str() {
            "none" => format!("leave out {name}"),
            value if value == name => format!("give {name}"),
            value => format!("give {name} {value}"),
        };
        Self {
            values: Some(values.clone()),
            ..Self::new(what, undo)
        }
    }

    /// It in words; `one` and `two` say who has the values.
    pub(crate) fn words(&self, one: &str, two: &str) -> String {
        let what = escape::line(&self.what);
        match &self.values {
            None => what,
            Some([first, second]) => {
                format!("{what}: {one} has {first}, {two} has {second}")
            }
        }
    }

    /// What makes the other one like the first.
    pub(crate) fn undo(&self) -> String {
        escape::line(&self.undo)
    }
}

/// The first thing in which two campaigns differ, but for the part that is run.
pub(super) fn between(one: &Campaign, two: &Campaign) -> Option<Difference> {
    build(one, two)
        .or_else(|| bug(one, two))
        .or_else(|| scenarios(one, two))
        .or_else(|| settings(one, two))
        .or_else(|| seeds(one, two))
        .or_else(|| parts(one, two))
}

fn build(one: &Campaign, two: &Campaign) -> Option<Difference> {
    (one.build != two.build).then(|| Difference {
        values: Some([one.build.clone(), two.build.clone()]),
        ..Difference::new(
            "the build of Bivalent differs",
            format!("use build {}", one.build),
        )
    })
}

fn bug(one: &Campaign, two: &Campaign) -> Option<Difference> {
    (one.bug != two.bug).then(|| {
        let values = [&one.bug, &two.bug].map(|bug| bug.clone().unwrap_or_else(|| "none".into()));
        Difference::option("--bug", &values)
    })
}

fn scenarios(one: &Campaign, two: &Campaign) -> Option<Difference> {
    let names = |campaign: &Campaign| -> BTreeSet<String> {
        let names = campaign.scenarios.iter().map(|it| it.name.clone());
        names.collect()
    };
    let (first, second) = (names(one), names(two));
    let gone = first.difference(&second).next();
    let come = second.difference(&first).next();
    let set = |values: [String; 2], undo: String| Difference {
        values: Some(values),
        ..Difference::new("the set of scenarios differs", undo)
    };
    if let Some(name) = gone {
        let values = [name.clone(), format!("no {name}")];
        return Some(set(values, format!("add {name}")));
    }
    if let Some(name) = come {
        let values = [format!("no {name}"), name.clone()];
        return Some(set(values, format!("leave out {name}")));
    }
    let order = |campaign: &Campaign| -> Vec<String> {
        let names = campaign.scenarios.iter().map(|it| it.name.clone());
        names.collect()
    };
    if order(one) != order(two) {
        return Some(Difference::new(
            "the scenarios are in another order",
            format!("name them in this order: {}", order(one).join(" ")),
        ));
    }
    let mut pairs = one.scenarios.iter().zip(&two.scenarios);
    pairs.find_map(|(first, second)| scenario(first, second))
}

fn scenario(one: &Source, two: &Source) -> Option<Difference> {
    let name = &one.name;
    if one.text != two.text {
        let what = format!("the scenario {name} has changed");
        return Some(Difference::new(
            what,
            format!("bring back {name} as it was"),
        ));
    }
    let file = one.files.iter().find(|file| !two.files.contains(file));
    let file = file.or_else(|| two.files.iter().find(|file| !one.files.contains(file)));
    if let Some((file, _)) = file {
        let what = format!("the file {file} of the scenario {name} has changed");
        return Some(Difference::new(
            what,
            format!("bring back {file} as it was"),
        ));
    }
    (one.block != two.block).then(|| {
        let what = format!("the scenario {name} is cut into other blocks of seeds");
        Difference::new(what, "use the build that was used first")
    })
}

fn settings(one: &Campaign, two: &Campaign) -> Option<Difference> {
    let (first, second) = (one.settings, two.settings);
    if first.portfolio != second.portfolio {
        let shares = [first, second].map(|it| {
            let shares = Scheduler::ALL.iter().zip(it.portfolio.0);
            let shares = shares.map(|(who, share)| format!("{}={share}", who.name()));
            shares.collect::<Vec<_>>().join(",")
        });
        return Some(Difference::option("--portfolio", &shares));
    }
    if first.swarm != second.swarm {
        let values =
            [first, second].map(|it| if it.swarm { "none" } else { "--no-swarm" }.to_owned());
        return Some(Difference::option("--no-swarm", &values));
    }
    (first.compare_ppm != second.compare_ppm).then(|| {
        let values = [first, second].map(|it| percent(it.compare_ppm));
        Difference::option("--check-determinism", &values)
    })
}

/// Parts of a million as `--check-determinism` takes them.
fn percent(ppm: u32) -> String {
    let text = format!("{}.{:04}", ppm / 10_000, ppm % 10_000);
    format!("{}%", text.trim_end_matches('0').trim_end_matches('.'))
}

fn seeds(one: &Campaign, two: &Campaign) -> Option<Difference> {
    if one.open != two.open {
        let values = [one, two].map(|it| if it.open { "--for" } else { "none" }.to_owned());
        return Some(Difference::option("--for", &values));
    }
    let mut pairs = one.scenarios.iter().zip(&two.scenarios);
    let (first, second) = pairs.find(|(first, second)| first.seeds != second.seeds)?;
    let values = [first, second].map(|it| format!("{}..{}", it.seeds.start, it.seeds.end));
    let what = format!("the seeds of {} differ", first.name);
    let total: u64 = one
        .scenarios
        .iter()
        .map(|it| it.seeds.end - it.seeds.start)
        .sum();
    let same = one.scenarios.iter().all(|it| it.seeds == first.seeds);
    let undo = if same {
        format!("give --seeds {}", values[0])
    } else {
        format!("give --runs {total}")
    };
    Some(Difference {
        values: Some(values),
        ..Difference::new(what, undo)
    })
}

fn parts(one: &Campaign, two: &Campaign) -> Option<Difference> {
    (one.slice.count != two.slice.count).then(|| {
        let counts = [one, two].map(|it| format!("{}", it.slice.count));
        Difference {
            values: Some(counts),
            ..Difference::new(
                "the number of parts differs",
                format!("give --partition slice:M/{}", one.slice.count),
            )
        }
    })
}
