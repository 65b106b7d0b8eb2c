//! Who takes part: names, proposals, blocks, quorum. Numbers are checked before names are made.

use std::ops::Range;

use bivalent_core::Staleness;
use bivalent_core::{Envelope, EnvelopeError, Format, Layout, LayoutError, MAX_AGENTS, MAX_STORES};
use serde_spanned::Spanned;

use super::{Resolver, conflict, idle};
use crate::scenario::bears_buckets;
use crate::scenario::error::printable;
use crate::scenario::keys::NAME_MAX;
use crate::scenario::shape::{Field, Flaw};
use crate::scenario::spec::{
    AgentsSpec, BlockSpec, BucketSpec, ClusterSpec, StaleSpec, StoresSpec,
};
use crate::scenario::units::Size;
use crate::scenario::{AgentSpec, BucketPlan, Cluster, Protocol};

/// The greatest block the core's layout takes, bytes.
const BLOCK_MAX: usize = 1 << 16;
// However large a scenario is made, one image of all blocks stays below 1 GiB.
const _: () = assert!(MAX_AGENTS * MAX_STORES * BLOCK_MAX <= 1 << 30);

/// The most names that a page of a listing can have.
const PAGE_MAX: u64 = 1_000_000;

/// A block and a sector, where nothing is said, bytes.
const SIZE: u32 = 512;
const SECTOR: u32 = 64;

pub(in crate::scenario) const FORMATS: [(&str, Format); 4] = [
    ("raw", Format::Raw),
    ("checked", Format::Checked),
    ("dual", Format::Dual),
    ("versioned", Format::Versioned),
];

impl Protocol {
    /// Blocks as bytes, where a file says nothing.
    pub(in crate::scenario) fn usual_layout(self) -> Option<Layout> {
        Layout::new(SIZE, self.usual_sector(SIZE), self.usual_format()).ok()
    }

    /// What a store writes atomically of so many bytes, where a file says nothing.
    const fn usual_sector(self, size: u32) -> u32 {
        match self {
            Self::DiskPaxos | Self::ReplicatedLog => SECTOR,
            // A conditional write takes effect as a whole.
            Self::AcceptorRecords | Self::PutIfAbsent => size,
        }
    }

    const fn usual_format(self) -> Format {
        match self {
            Self::DiskPaxos => Format::Dual,
            // A record is one object: no second slot, no key beside it.
            Self::AcceptorRecords | Self::PutIfAbsent => Format::Checked,
            // Every block of a log has a key of its own.
            Self::ReplicatedLog => Format::Versioned,
        }
    }
}

impl Resolver<'_> {
    /// Who takes part. Leaves the names in `self`, for whoever refers to them.
    pub(super) fn cluster(&mut self, field: Option<Field<ClusterSpec>>) -> Option<Cluster> {
        let spec = self.required("cluster", field, &(0..0))?;
        let place = spec.span();
        let spec = spec.into_inner();
        self.protocol = self.protocol(spec.protocol);
        let agents = self.required("agents", spec.agents, &place);
        let agents = agents.and_then(|agents| self.agents(agents));
        self.agents = agents
            .as_ref()
            .map(|agents| agents.iter().map(|agent| agent.name.clone()).collect());
        let stores = self.required("stores", spec.stores, &place);
        self.stores = stores.and_then(|stores| self.stores(stores));
        let implied = self.protocol.is_some_and(|protocol| {
            let block = spec
                .block
                .as_ref()
                .and_then(|field| field.value.as_ref().ok());
            let format = block.and_then(|block| block.format.as_ref()?.value.as_ref().ok());
            bears_buckets::implied(protocol, format.map(String::as_str))
        });
        let bucket = self.bucket(spec.bucket, implied);
        self.buckets = bucket.is_some();
        let layout = match bucket {
            Some(_) => self.layout_on_buckets(spec.block),
            None => self.layout(spec.block),
        };
        let envelope = self.envelope(spec.quorum, spec.stale);
        Some(Cluster {
            protocol: self.protocol?,
            agents: agents?,
            stores: self.stores.clone()?,
            layout: layout?,
            bucket,
            envelope: envelope?,
        })
    }

    fn protocol(&mut self, field: Option<Field<String>>) -> Option<Protocol> {
        if field.is_none() {
            return Some(Protocol::DiskPaxos);
        }
        let word = self.read(field)?;
        let words = Protocol::ALL.map(Protocol::name);
        let index = self.word("protocol", &word, &words)?;
        Some(Protocol::ALL[index])
    }

    /// The protocol's name, if its agents share one record a store.
    pub(super) fn shared_record(&self) -> Option<&'static str> {
        let protocol = self.protocol.filter(|protocol| protocol.is_conditional())?;
        Some(protocol.name())
    }

    fn agents(&mut self, agents: Spanned<AgentsSpec>) -> Option<Vec<AgentSpec>> {
        let span = agents.span();
        let entries = match agents.into_inner() {
            AgentsSpec::Count(count) => {
                let count = Spanned::new(span, count);
                let count = self.bounded("agents", &count, 1, MAX_AGENTS as u64)?;
                let proposes = self.protocol != Some(Protocol::ReplicatedLog);
                let named = |i| AgentSpec {
                    name: format!("a{i}"),
                    proposal: proposal(i, proposes),
                };
                return Some((1..=count.into_inner()).map(named).collect());
            }
            AgentsSpec::Listed(names) => return self.listed(names, span),
            AgentsSpec::Named(entries) => entries.0,
        };
        if self.protocol == Some(Protocol::ReplicatedLog) {
            let flaw = idle(
                "proposals do nothing with `replicated-log`: replicas propose what clients ask for",
            );
            let help = "name the agents alone: agents = [\"a1\", \"a2\"]";
            self.notes.add(span.clone(), flaw.help(help));
        }
        let count = Spanned::new(span, entries.len() as i128);
        self.bounded("agents", &count, 1, MAX_AGENTS as u64)?;
        let mut agents = Some(Vec::new());
        for (name, proposal) in entries {
            let name = self.checked("the agent's name", name, NAME_MAX, false);
            let proposal = self.read(Some(proposal));
            let proposal =
                proposal.and_then(|text| self.checked("the proposal", text, NAME_MAX, false));
            match (&mut agents, name, proposal) {
                (Some(agents), Some(name), Some(proposal)) => {
                    agents.push(AgentSpec { name, proposal });
                }
                _ => agents = None,
            }
        }
        agents
    }

    /// Agents by their names alone.
    fn listed(&mut self, names: Vec<Field<String>>, span: Range<usize>) -> Option<Vec<AgentSpec>> {
        let count = Spanned::new(span, names.len() as i128);
        self.bounded("agents", &count, 1, MAX_AGENTS as u64)?;
        let proposes = self.protocol != Some(Protocol::ReplicatedLog);
        let names = self.distinct("agent", names)?;
        let agents = (1..).zip(names).map(|(i, name)| AgentSpec {
            name,
            proposal: proposal(i, proposes),
        });
        Some(agents.collect())
    }

    fn stores(&mut self, stores: Spanned<StoresSpec>) -> Option<Vec<String>> {
        let span = stores.span();
        let list = match stores.into_inner() {
            StoresSpec::Count(count) => {
                let count = Spanned::new(span, count);
                let count = self.bounded("stores", &count, 1, MAX_STORES as u64)?;
                return Some((1..=count.into_inner()).map(|i| format!("s{i}")).collect());
            }
            StoresSpec::Named(list) => list,
        };
        let count = Spanned::new(span, list.len() as i128);
        self.bounded("stores", &count, 1, MAX_STORES as u64)?;
        self.distinct("store", list)
    }

    /// Names that are all different.
    fn distinct(&mut self, what: &str, list: Vec<Field<String>>) -> Option<Vec<String>> {
        let mut names: Vec<String> = Vec::new();
        let mut right = true;
        for name in list {
            let Some(name) = self.read(Some(name)) else {
                right = false;
                continue;
            };
            let span = name.span();
            let Some(name) = self.checked(&format!("the {what}'s name"), name, NAME_MAX, false)
            else {
                right = false;
                continue;
            };
            if names.contains(&name) {
                right = false;
                let flaw = Flaw::new(
                    "bivalent::scenario::duplicate_name",
                    format!("two {what}s are called `{}`", printable(&name)),
                    "the second one",
                );
                self.notes.add(
                    span,
                    flaw.help(format!("each {what} has a name of its own")),
                );
            } else {
                names.push(name);
            }
        }
        right.then_some(names)
    }

    /// What the stores are like, if they are buckets: as the file says, or as the protocol and the format imply.
    fn bucket(&mut self, field: Option<Field<BucketSpec>>, implied: bool) -> Option<BucketPlan> {
        let usual = BucketPlan::default();
        let Some(field) = field else {
            return implied.then_some(usual);
        };
        let spec = self.read(Some(field))?;
        let place = spec.span();
        let spec = match spec.into_inner() {
            BucketSpec::Like(table) => *table,
            BucketSpec::Are(true) => return Some(usual),
            BucketSpec::Are(false) if self.protocol == Some(Protocol::ReplicatedLog) => {
                let flaw = conflict("a log lies on buckets always", "not for a log");
                self.notes.add(place, flaw.help("leave it out"));
                return Some(usual);
            }
            BucketSpec::Are(false) => return None,
        };
        let page = self.number("page", spec.page, 1, PAGE_MAX);
        let vanishes = self.read(spec.vanishes);
        Some(BucketPlan {
            page: page.map_or(usual.page, |page| page.into_inner() as usize),
            vanishes: vanishes.map_or(usual.vanishes, Spanned::into_inner),
        })
    }

    /// What stands on buckets. A size or a sector that is said of it has been refused already.
    fn layout_on_buckets(&mut self, field: Option<Field<BlockSpec>>) -> Option<Layout> {
        let spec = self.read(field).map(Spanned::into_inner);
        if let Some(word) = self.read(spec.and_then(|spec| spec.format)) {
            let words = FORMATS.map(|(word, _)| word);
            let index = self.word("block format", &word, &words)?;
            if FORMATS[index].1 != bears_buckets::FORMAT {
                let message = format!(
                    "stores are buckets, and what stands there is no {} block: every version is an object of its own",
                    word.get_ref()
                );
                let flaw = conflict(message, "not on buckets");
                let help = "leave it out, or add bucket = false to [cluster]";
                self.notes.add(word.span(), flaw.help(help));
                return None;
            }
        }
        Layout::new(SIZE, SECTOR, bears_buckets::FORMAT).ok()
    }

    fn layout(&mut self, field: Option<Field<BlockSpec>>) -> Option<Layout> {
        let shared = self.shared_record();
        let protocol = self.protocol.unwrap_or(Protocol::DiskPaxos);
        let usual = protocol.usual_format();
        let Some(field) = field else {
            return protocol.usual_layout();
        };
        let spec = self.read(Some(field))?;
        let place = spec.span();
        let spec = spec.into_inner();
        let size = self.size(spec.size, SIZE, &place);
        let whole = size.as_ref().map_or(SIZE, |size| *size.get_ref());
        // One that is said where there are none has been refused already.
        let sector = spec.sector.filter(|_| shared.is_none());
        let sector = self.size(sector, protocol.usual_sector(whole), &place);
        let format = match spec.format {
            None => Some(usual),
            Some(field) => {
                let words = FORMATS.map(|(word, _)| word);
                let word = self.read(Some(field))?;
                let index = self.word("block format", &word, &words);
                let format = index.map(|index| FORMATS[index].1);
                if let (Some(protocol), Some(Format::Dual | Format::Versioned)) = (shared, format) {
                    let message = format!(
                        "`{protocol}` has one record a store, not a {} block",
                        word.get_ref()
                    );
                    let flaw = conflict(message, "not for one record");
                    let help = "format = \"checked\", or \"raw\": a conditional write replaces the record as a whole";
                    self.notes.add(word.span(), flaw.help(help));
                    return None;
                }
                format
            }
        };
        let (size, sector, format) = (size?, sector?, format?);
        match Layout::new(*size.get_ref(), *sector.get_ref(), format) {
            Ok(layout) => Some(layout),
            Err(error) => {
                let span = match error {
                    LayoutError::Sector { .. } => sector.span(),
                    LayoutError::Size { .. } | _ => size.span(),
                };
                let flaw = Flaw::new(
                    "bivalent::scenario::layout",
                    error.to_string(),
                    "does not fit",
                );
                let help = match error {
                    LayoutError::Sector { slot, .. } => {
                        let known = FORMATS.iter().find(|(_, known)| *known == format);
                        let (word, size) = (known.map_or("", |(word, _)| word), *size.get_ref());
                        let fits = |sector: &u32| Layout::new(size, *sector, format).is_ok();
                        match (1..=64).rev().find(fits) {
                            Some(sector) => format!(
                                "a {word} block of {size} bytes is written {slot} bytes at a time: try sectors of {sector}B"
                            ),
                            None => format!(
                                "no sectors fit a {word} block of {size} bytes: try a size that is a multiple of 64 bytes"
                            ),
                        }
                    }
                    LayoutError::Size { .. } | _ => "512B is a usual size".to_owned(),
                };
                self.notes.add(span, flaw.help(help));
                None
            }
        }
    }

    fn size(
        &mut self,
        field: Option<Field<Size>>,
        default: u32,
        place: &Range<usize>,
    ) -> Option<Spanned<u32>> {
        let Some(field) = field else {
            return Some(Spanned::new(place.clone(), default));
        };
        let size = self.read(Some(field))?;
        // What does not fit is far too large anyway, and the layout says so.
        let bytes = u32::try_from(size.get_ref().0).unwrap_or(u32::MAX);
        Some(Spanned::new(size.span(), bytes))
    }

    fn envelope(
        &mut self,
        quorum: Option<Field<i128>>,
        stale: Option<Field<StaleSpec>>,
    ) -> Option<Envelope> {
        let most = MAX_STORES as u64;
        let given = quorum.is_some();
        let quorum = self.number("quorum", quorum, 1, most);
        let (stale_span, staleness) = match stale {
            None => (0..0, Staleness::PerRun(0)),
            Some(field) => {
                let stale = self.read(Some(field))?;
                (stale.span(), self.staleness(stale)?)
            }
        };
        let stores = u8::try_from(self.stores.as_ref()?.len()).ok()?;
        let envelope = match Envelope::with_staleness(stores, staleness) {
            Ok(envelope) => envelope,
            Err(error) => {
                let help = match error {
                    EnvelopeError::TooFew { needed, .. } => {
                        format!(
                            "{needed} stores, or fewer stale ones; any two quorums must share more stores than are stale"
                        )
                    }
                    EnvelopeError::Stores(_) | EnvelopeError::Quorum { .. } | _ => {
                        format!("1 to {MAX_STORES} stores")
                    }
                };
                let flaw = Flaw::new(
                    "bivalent::scenario::envelope",
                    error.to_string(),
                    "more than they bear",
                );
                self.notes.add(stale_span, flaw.help(help));
                return None;
            }
        };
        if !given {
            return Some(envelope);
        }
        let quorum = quorum?;
        match envelope.quorum_of(*quorum.get_ref() as u8) {
            Ok(envelope) => Some(envelope),
            Err(error) => {
                let flaw = Flaw::new(
                    "bivalent::scenario::envelope",
                    error.to_string(),
                    "not a safe quorum",
                );
                let help = format!("leave it out for the least safe one, {}", envelope.quorum());
                self.notes.add(quorum.span(), flaw.help(help));
                None
            }
        }
    }

    fn staleness(&mut self, stale: Spanned<StaleSpec>) -> Option<Staleness> {
        let span = stale.span();
        let most = MAX_STORES as u64;
        let table = match stale.into_inner() {
            StaleSpec::Count(count) => {
                let count = self.bounded("stale", &Spanned::new(span, count), 0, most)?;
                return Some(Staleness::PerRun(count.into_inner() as u8));
            }
            StaleSpec::Table(table) => *table,
        };
        match (table.per_run, table.per_reader) {
            (Some(count), None) => {
                let count = self.number("per-run", Some(count), 0, most)?;
                Some(Staleness::PerRun(count.into_inner() as u8))
            }
            (None, Some(count)) => {
                let count = self.number("per-reader", Some(count), 0, most)?;
                Some(Staleness::PerReader(count.into_inner() as u8))
            }
            (Some(_), Some(_)) | (None, None) => {
                let flaw = conflict(
                    "`stale` takes one of `per-run` and `per-reader`",
                    "which one?",
                );
                self.notes
                    .add(span, flaw.help("stale = 1, or stale = { per-reader = 1 }"));
                None
            }
        }
    }
}

/// What the `i`-th agent proposes where nothing is said; nothing, if that has no meaning.
fn proposal(i: u64, proposes: bool) -> String {
    if proposes {
        format!("v{i}")
    } else {
        String::new()
    }
}
