//! From a scenario's meaning back to the text of a file, in the usual order of sections.
//!
//! What has its usual value is left out, and what is said, is said by name. So a scenario that was changed
//! as a value can be kept as a file that stands alone.

mod faults;
pub(super) mod words;

use bivalent_core::{Envelope, Spread, Staleness};

use self::words::{delay, duration, in_lines, quoted, range, retry, share, size};
use super::bears_buckets;
use super::resolve::{FORMATS, FUZZ_FAULTS};
use super::{
    Adversary, AgentSpec, BucketPlan, Expect, Expected, Limits, Property, Protocol, Scenario,
    Schedule,
};
use crate::scenario::choices;
use crate::scenario::fault::FaultKind;
use crate::scenario::script::{self, Entry, Script};
use crate::scenario::workload::{Pace, Tuning, Workload};

impl Scenario {
    /// The text of a file that means this scenario: [`Scenario::parse`] gives it back, but for `text`,
    /// the lines of its faults, a planted bug, and files that nothing in it names.
    ///
    /// A value that no file can say, as a set of agents that nobody is in, becomes a text that is refused
    /// or means something else: whoever changes scenarios by hand parses what is written.
    ///
    /// ```
    /// use bivalent_sim::scenario::Scenario;
    ///
    /// let text = "title = \"T\"\nsummary = \"S\"\n[cluster]\nagents = 2\nstores = 3\n";
    /// let none = |_: &str| Err("no file".to_owned());
    /// let mut scenario = Scenario::parse("two.toml", text, &none).unwrap();
    /// scenario.schedule.seed = 7;
    ///
    /// let again = Scenario::parse("two.toml", &scenario.to_toml(), &none).unwrap();
    /// assert_eq!(again.schedule, scenario.schedule);
    /// ```
    pub fn to_toml(&self) -> String {
        let mut writer = Writer::default();
        self.write_head(&mut writer);
        self.write_cluster(&mut writer);
        self.write_schedule(&mut writer);
        self.write_replicas(&mut writer);
        self.write_faults(&mut writer);
        self.write_ends(&mut writer);
        self.write_expect(&mut writer);
        self.write_fuzz(&mut writer);
        self.write_price(&mut writer);
        writer.text
    }

    fn write_head(&self, to: &mut Writer) {
        to.key("title", quoted(&self.title));
        to.key("summary", quoted(&self.summary));
        if !self.tags.is_empty() {
            to.key("tags", list(self.tags.iter().map(|tag| quoted(tag))));
        }
    }

    fn write_cluster(&self, to: &mut Writer) {
        let cluster = &self.cluster;
        to.section("[cluster]");
        if cluster.protocol != Protocol::DiskPaxos {
            to.key("protocol", quoted(cluster.protocol.name()));
        }
        let log = cluster.protocol == Protocol::ReplicatedLog;
        let mut agents = (1..).zip(&cluster.agents);
        let usual = |it: &AgentSpec, i: u32| log || it.proposal == format!("v{i}");
        if agents.all(|(i, it)| it.name == format!("a{i}") && usual(it, i)) {
            to.key("agents", cluster.agents.len());
        } else if log {
            let names = cluster.agents.iter().map(|agent| quoted(&agent.name));
            to.key("agents", list(names));
        } else {
            let agents = cluster.agents.iter().map(|agent| {
                let name = words::key(&agent.name);
                format!("{name} = {}", quoted(&agent.proposal))
            });
            to.key("agents", table(agents));
        }
        let mut stores = (1..).zip(&cluster.stores);
        if stores.all(|(i, name)| *name == format!("s{i}")) {
            to.key("stores", cluster.stores.len());
        } else {
            to.key("stores", list(cluster.stores.iter().map(|it| quoted(it))));
        }
        let usual = BucketPlan::default();
        let format = FORMATS
            .iter()
            .find(|(_, known)| *known == cluster.layout.format());
        let format = format.map(|(word, _)| *word);
        let implied = bears_buckets::implied(cluster.protocol, format);
        if implied && cluster.bucket.is_none() {
            to.key("bucket", false);
        }
        // Versioned blocks are not written where `bucket` says so already.
        let silent = implied && cluster.protocol != Protocol::DiskPaxos;
        if let Some(bucket) = cluster.bucket.filter(|it| !silent || *it != usual) {
            let mut parts = Vec::new();
            if bucket.page != usual.page {
                parts.push(format!("page = {}", bucket.page));
            }
            if bucket.vanishes {
                parts.push("vanishes = true".to_owned());
            }
            to.key("bucket", table(parts));
        }
        let layout = cluster.layout;
        if cluster.bucket.is_none() && Some(layout) != cluster.protocol.usual_layout() {
            let format = format.unwrap_or_default();
            let mut parts = vec![format!("size = {}", size(layout.size()))];
            if !cluster.protocol.is_conditional() {
                parts.push(format!("sector = {}", size(layout.sector())));
            }
            parts.push(format!("format = {}", quoted(format)));
            to.key("block", table(parts));
        }
        let staleness = cluster.envelope.staleness();
        let least = Envelope::with_staleness(cluster.envelope.stores(), staleness);
        if least.map(Envelope::quorum) != Ok(cluster.envelope.quorum()) {
            to.key("quorum", cluster.envelope.quorum());
        }
        match staleness {
            Staleness::PerRun(0) => {}
            Staleness::PerRun(stale) => to.key("stale", stale),
            Staleness::PerReader(stale) => to.key("stale", format!("{{ per-reader = {stale} }}")),
        }
    }

    fn write_schedule(&self, to: &mut Writer) {
        let schedule = &self.schedule;
        let usual = Schedule::usual(self.cluster.agents.len(), self.cluster.stores.len());
        to.section("[schedule]");
        if schedule.seed != usual.seed {
            to.key("seed", format!("{:#x}", schedule.seed));
        }
        let adversary = &schedule.adversary;
        if *adversary != usual.adversary {
            to.key("adversary", self.adversary_in_words(adversary));
        }
        if schedule.read != usual.read {
            to.key("read", delay(&schedule.read));
        }
        if schedule.write != usual.write {
            to.key("write", delay(&schedule.write));
        }
        if schedule.retry != usual.retry {
            to.key("retry", retry(schedule.retry));
        }
        if schedule.timeout_ns != usual.timeout_ns {
            to.key("timeout", duration(schedule.timeout_ns));
        }
        if adversary.at_first().has_patience() && schedule.patience != usual.patience {
            to.key("patience", schedule.patience);
        }
        if schedule.crashes != usual.crashes {
            to.key("crashes", schedule.crashes);
        }
        if schedule.start_ns != usual.start_ns {
            to.key("start", duration(schedule.start_ns));
        }
        if let Some(list) = &schedule.choices {
            to.key("choices", words::encoded(&choices::encode(list)));
        }
    }

    fn adversary_in_words(&self, adversary: &Adversary) -> String {
        let word = |word: &str| quoted(word);
        match adversary {
            Adversary::Random => word("random"),
            Adversary::Fair => word("fair"),
            Adversary::Duel(one, other) => {
                let [one, other] = [one, other].map(|&index| {
                    let agent = self.cluster.agents.get(usize::from(index));
                    quoted(agent.map_or("", |agent| &agent.name))
                });
                format!("{{ duel = [{one}, {other}] }}")
            }
            Adversary::Pct {
                depth,
                within: None,
            } => format!("{{ pct = {depth} }}"),
            Adversary::Pct {
                depth,
                within: Some(within),
            } => format!("{{ pct = {{ depth = {depth}, within = {within} }} }}"),
            Adversary::Pos => word("pos"),
            Adversary::Oblivious => word("oblivious"),
            Adversary::ContentAware => word("content-aware"),
            Adversary::StateAware => word("state-aware"),
            Adversary::KeepBivalent => word("keep-bivalent"),
            Adversary::Script(script) => self.script_in_words(script),
        }
    }

    fn script_in_words(&self, script: &Script) -> String {
        let entries = |entries: &[Entry]| {
            let said = |&entry| quoted(&script::words(self, entry));
            list(entries.iter().map(said))
        };
        let (stem, turn) = (entries(&script.stem), entries(&script.turn));
        let from = match script.from {
            0 => String::new(),
            after => format!("from = {after}, "),
        };
        let before = script.before.as_ref().map_or_else(String::new, |before| {
            format!("before = {}, ", self.adversary_in_words(before))
        });
        format!("{{ script = {{ {from}{before}stem = {stem}, turn = {turn} }} }}")
    }

    fn write_replicas(&self, to: &mut Writer) {
        let (tuning, usual) = (self.tuning, Tuning::default());
        let heartbeat = tuning.heartbeat;
        to.section("[replica]");
        if heartbeat.every != usual.heartbeat.every {
            to.key("heartbeat", duration(heartbeat.every));
        }
        if heartbeat.patience != usual.heartbeat.patience {
            to.key("patience", heartbeat.patience);
        }
        // It is as long as a beat, unless it is said.
        if heartbeat.spread != heartbeat.every {
            to.key("spread", duration(heartbeat.spread));
        }
        if tuning.batch != usual.batch {
            to.key("batch", tuning.batch);
        }
        if tuning.window != usual.window {
            to.key("window", tuning.window);
        }
        if tuning.snapshot_every != usual.snapshot_every {
            to.key("snapshot-every", tuning.snapshot_every);
        }
        if tuning.spread != usual.spread {
            let word = match tuning.spread {
                Spread::All => "all",
                Spread::Quorum => "quorum",
            };
            to.key("send-to", quoted(word));
        }
        self.write_workload(to);
    }

    fn write_workload(&self, to: &mut Writer) {
        let (load, usual) = (self.workload, Workload::default());
        to.section("[workload]");
        if load.machine != usual.machine {
            to.key("machine", quoted(load.machine.name()));
        }
        if load.clients != usual.clients {
            to.key("clients", load.clients);
        }
        if load.at != usual.at {
            to.key("at", self.agent_names(load.at));
        }
        if load.requests != usual.requests {
            to.key("requests", load.requests);
        }
        match load.pace {
            pace if pace == usual.pace => {}
            Pace::Closed(think) => to.key("think", range(think)),
            Pace::Open(every) => to.key("every", range(every)),
        }
        if load.reads != usual.reads {
            to.key("reads", share(load.reads));
        }
        if load.stale_reads != usual.stale_reads {
            to.key("stale-reads", share(load.stale_reads));
        }
        if load.keys != usual.keys {
            to.key("keys", load.keys);
        }
        if load.skew != usual.skew {
            to.key("skew", share(load.skew));
        }
        if load.retry_ns != usual.retry_ns {
            to.key("retry", duration(load.retry_ns));
        }
        if load.give_up != usual.give_up {
            to.key("give-up", share(load.give_up));
        }
        if load.session != usual.session {
            to.key("session", load.session);
        }
    }

    fn write_ends(&self, to: &mut Writer) {
        to.section("[heal]");
        if let Some(heal) = self.heal_ns {
            to.key("at", duration(heal));
        }
        let triggers = self.faults.iter().map(|rule| &rule.trigger);
        let usual = Limits::usual(self.heal_ns, self.expect.outcome, triggers);
        to.section("[limits]");
        if self.limits.steps != usual.steps {
            to.key("steps", self.limits.steps);
        }
        if self.limits.time_ns != usual.time_ns {
            to.key("time", duration(self.limits.time_ns));
        }
        if self.limits.stall_ns != usual.stall_ns {
            to.key("stall-after", duration(self.limits.stall_ns));
        }
    }

    fn write_expect(&self, to: &mut Writer) {
        let Expect {
            always,
            outcome,
            stall,
            seeds,
            value,
        } = &self.expect;
        to.section("[expect]");
        if *always != Property::ALL {
            to.key("always", list(always.iter().map(|it| quoted(it.name()))));
        }
        match *outcome {
            Expected::Decide => {}
            Expected::Any => to.key("outcome", quoted("any")),
            Expected::Wedge => to.key("outcome", quoted("wedge")),
            Expected::Unwedged => to.key("outcome", quoted("unwedged")),
            Expected::Stall {
                heals_within_ns: None,
            } => to.key("outcome", quoted("stall")),
            Expected::Stall {
                heals_within_ns: Some(ns),
            } => {
                let within = duration(ns);
                let said = format!(
                    "{{ before-heal = \"stall\", after-heal = \"decide\", within = {within} }}"
                );
                to.key("outcome", said);
            }
            Expected::Violation(it) => {
                to.key(
                    "outcome",
                    format!("{{ violation = {} }}", quoted(it.name())),
                );
            }
            Expected::ViolationOrWedge(it) => {
                let said = format!("{{ violation-or-wedge = {} }}", quoted(it.name()));
                to.key("outcome", said);
            }
        }
        if let Some(stall) = stall {
            to.key("stall", quoted(stall.name()));
        }
        if let Some((from, until)) = seeds {
            to.key("seeds", quoted(&format!("{from}..{until}")));
        }
        if let Some(value) = value {
            to.key("value", quoted(value));
        }
    }

    fn write_fuzz(&self, to: &mut Writer) {
        let fuzz = &self.fuzz;
        to.section("[fuzz]");
        let counts = |(from, until)| quoted(&format!("{from}..{until}"));
        if let Some(agents) = fuzz.agents {
            to.key("agents", counts(agents));
        }
        if let Some(stores) = fuzz.stores {
            to.key("stores", counts(stores));
        }
        if !fuzz.retry.is_empty() {
            to.key("retry", list(fuzz.retry.iter().map(|&it| retry(it))));
        }
        if !fuzz.add.is_empty() || fuzz.at_most > 0 {
            let kinds = fuzz.add.iter().copied().map(FaultKind::name).map(quoted);
            let mut parts = vec![format!("add = {}", list(kinds))];
            if u64::from(fuzz.at_most) != FUZZ_FAULTS {
                parts.push(format!("at-most = {}", fuzz.at_most));
            }
            to.key("faults", table(parts));
        }
    }

    fn write_price(&self, to: &mut Writer) {
        let price = &self.price;
        to.section("[price]");
        // Inline tables are kept as they stand, words and ranges without their quotes.
        let said = |text: &String| {
            if text.starts_with('{') {
                text.clone()
            } else {
                quoted(text)
            }
        };
        if !price.agents.is_empty() {
            to.key("agents", list(price.agents.iter().map(u8::to_string)));
        }
        if !price.adversaries.is_empty() {
            to.key("adversary", list(price.adversaries.iter().map(said)));
        }
        if !price.retries.is_empty() {
            to.key("retry", list(price.retries.iter().map(said)));
        }
        if !price.at_ns.is_empty() {
            to.key("at", list(price.at_ns.iter().map(|&ns| duration(ns))));
        }
        if let Some(runs) = price.runs {
            to.key("runs", runs);
        }
        if let Some(runs) = price.adaptive_runs {
            to.key("adaptive-runs", runs);
        }
    }
}

/// A file in the making.
#[derive(Default)]
struct Writer {
    text: String,
    /// The section whose first key is still to come: without one it is left out.
    section: Option<&'static str>,
}

impl Writer {
    /// Begins a section.
    fn section(&mut self, header: &'static str) {
        self.section = Some(header);
    }

    /// A key of the section and its value, as it stands in a file.
    fn key(&mut self, key: &str, value: impl std::fmt::Display) {
        if let Some(header) = self.section.take() {
            self.text.extend(["\n", header, "\n"]);
        }
        self.text.extend([key, " = ", &value.to_string(), "\n"]);
    }
}

/// An array of values, over several lines if one is too long.
fn list(items: impl IntoIterator<Item = String>) -> String {
    in_lines("[", items, "]")
}

/// An inline table of keys with values, over several lines if one is too long.
fn table(items: impl IntoIterator<Item = String>) -> String {
    in_lines("{ ", items, " }")
}
