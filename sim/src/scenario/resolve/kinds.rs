//! What each kind of fault says of itself: bounds, and the operations it can hit.

use std::ops::Range;

use bivalent_core::Layout;
use serde_spanned::Spanned;

use super::{Resolver, conflict};
use crate::scenario::bears;
use crate::scenario::fault::{Fault, Scope, Span, StaleBound};
use crate::scenario::shape::{Field, Flaw};
use crate::scenario::spec::{DelayFaultSpec, Names, RotSpec, ScopeSpec, SkewSpec, SlowSpec};
use crate::scenario::spec::{StaleListingSpec, StaleReadSpec, TornSpec, VersionsSpec};
use crate::scenario::units::{Duration, Factor, Times};

/// A store is slowed down at most this much, millionths.
const SLOWEST: u64 = 10_000 * 1_000_000;

/// Which operations, as it is written.
#[derive(Default)]
pub(super) struct Operations {
    pub(super) agent: Option<Field<Names>>,
    pub(super) store: Option<Field<Names>>,
    pub(super) owner: Option<Field<Names>>,
    pub(super) operation: Option<Field<String>>,
}

/// Takes the keys of a scope out of a spec that has them all, or all but the operation.
macro_rules! operations {
    ($spec:ident) => {
        Operations {
            agent: $spec.agent,
            store: $spec.store,
            owner: $spec.owner,
            operation: $spec.operation,
        }
    };
    ($spec:ident, $operation:expr) => {
        Operations {
            agent: $spec.agent,
            store: $spec.store,
            owner: $spec.owner,
            operation: $operation,
        }
    };
}

pub(super) use operations;

impl Resolver<'_> {
    /// How long a state lasts; with `during`, that says it.
    pub(super) fn lasting(&mut self, field: Option<Field<Times>>, during: bool) -> Option<Span> {
        let times = self.read(field)?;
        if during {
            let flaw = conflict("`during` already says how long", "twice");
            let help = "leave `for` out, or begin the fault with `at`";
            self.notes.add(times.span(), flaw.help(help));
        }
        Some(times.get_ref().0)
    }

    pub(super) fn skew(&mut self, skew: Spanned<SkewSpec>) -> Option<Fault> {
        let place = skew.span();
        let skew = skew.into_inner();
        let agents = self.agent_set(skew.agent);
        let rate = self.required("rate", skew.rate, &place)?;
        let ppm = rate.get_ref().0;
        if !(10_000..=100_000_000).contains(&ppm) || ppm == 1_000_000 {
            let help = "a rate from 0.01 to 100, and not 1: 2.0 runs twice as fast";
            self.factor(&rate, "rate", help);
            return None;
        }
        let rate_ppm = ppm as i32 - 1_000_000;
        Some(Fault::ClockSkew { agents, rate_ppm })
    }

    pub(super) fn slow(&mut self, slow: Spanned<SlowSpec>, during: bool) -> Option<Fault> {
        let place = slow.span();
        let slow = slow.into_inner();
        let stores = self.store_set(slow.store);
        let span = self.lasting(slow.r#for, during);
        let factor = self.required("factor", slow.factor, &place)?;
        let percent = factor.get_ref().0 / 10_000;
        if percent <= 100 || factor.get_ref().0 > SLOWEST {
            let help = "a factor from 1.01 to 10000: 10 is ten times as slow";
            self.factor(&factor, "factor", help);
            return None;
        }
        Some(Fault::SlowStore {
            stores,
            percent: percent as u32,
            span,
        })
    }

    fn factor(&mut self, factor: &Spanned<Factor>, key: &str, help: &str) {
        let written = self.text.get(factor.span()).unwrap_or_default();
        let flaw = Flaw::new(
            "bivalent::scenario::out_of_range",
            format!("`{key}` is {written}"),
            "out of range",
        );
        self.notes.add(factor.span(), flaw.help(help));
    }

    pub(super) fn versions(&mut self, versions: Spanned<VersionsSpec>) -> Option<u32> {
        let span = versions.span();
        match versions.into_inner() {
            VersionsSpec::Count(count) => {
                let count = Spanned::new(span, count);
                let most = u64::from(u32::MAX) - 1;
                let count = self.bounded("versions", &count, 1, most)?;
                self.of_versions(&count.span());
                Some(count.into_inner() as u32)
            }
            VersionsSpec::Word(word) => {
                let word = Spanned::new(span, word);
                self.word("number of versions", &word, &["all"])?;
                Some(u32::MAX)
            }
        }
    }

    /// Notes a number of versions where there is none to count.
    fn of_versions(&mut self, span: &Range<usize>) {
        if let Some(protocol) = self.protocol
            && let Some(why) = bears::versions(protocol, self.buckets)
        {
            let flaw = why.flaw("versions", protocol);
            self.notes.add(span.clone(), flaw);
        }
    }

    fn scope(&mut self, operations: Operations) -> Option<Scope> {
        let agents = self.agent_set(operations.agent);
        let stores = self.store_set(operations.store);
        let owners = self.agent_set(operations.owner);
        let (reads, writes) = match operations.operation {
            None => (true, true),
            Some(field) => {
                let word = self.read(Some(field))?;
                let index = self.word("operation", &word, &["read", "write"])?;
                (index == 0, index == 1)
            }
        };
        Some(Scope {
            agents,
            stores,
            owners,
            reads,
            writes,
        })
    }

    pub(super) fn writes(&mut self, operations: Operations) -> Option<Scope> {
        let scope = self.scope(operations)?;
        Some(Scope {
            reads: false,
            ..scope
        })
    }

    pub(super) fn plain(&mut self, field: Field<ScopeSpec>) -> Option<Scope> {
        let spec = self.read(Some(field))?.into_inner();
        self.scope(operations!(spec))
    }

    pub(super) fn later(&mut self, spec: Spanned<DelayFaultSpec>) -> Option<(Scope, Span)> {
        let place = spec.span();
        let spec = spec.into_inner();
        let by = self.required("by", spec.by, &place);
        let scope = self.scope(operations!(spec));
        Some((scope?, by?.get_ref().0))
    }

    pub(super) fn torn(
        &mut self,
        torn: Spanned<TornSpec>,
        layout: Option<Layout>,
    ) -> Option<Fault> {
        let place = torn.span();
        let torn = torn.into_inner();
        let acknowledged = self.read(torn.acknowledged);
        let scope = self.writes(operations!(torn, None));
        let given = torn.keep.is_some();
        let keep = self.read(torn.keep);
        let layout = layout?;
        let sector = u64::from(layout.sector());
        let write = u64::from(layout.sectors_per_write()) * sector;
        if write == sector {
            let flaw = conflict("a write of one sector can't tear", "nothing to tear");
            let help = format!("a write covers {write} bytes: make `sector` smaller than that");
            self.notes.add(place, flaw.help(help));
            return None;
        }
        let keep = match keep {
            None if given => return None,
            None => None,
            Some(keep) => {
                let bytes = keep.get_ref().0;
                if bytes == 0 || bytes >= write || bytes % sector != 0 {
                    let flaw = Flaw::new(
                        "bivalent::scenario::out_of_range",
                        format!("{bytes} bytes of a write can't be kept"),
                        "not whole sectors",
                    );
                    let help = format!(
                        "whole sectors of {sector} bytes, less than the {write} bytes of a write: \
                         {sector}B to {}B",
                        write - sector
                    );
                    self.notes.add(keep.span(), flaw.help(help));
                    return None;
                }
                Some((bytes / sector) as u32)
            }
        };
        Some(Fault::TornWrite {
            scope: scope?,
            keep,
            acknowledged: acknowledged.is_some_and(Spanned::into_inner),
        })
    }

    pub(super) fn stale(&mut self, stale: Spanned<StaleReadSpec>) -> Option<Fault> {
        let place = stale.span();
        let stale = stale.into_inner();
        let scope = self.scope(operations!(stale, None));
        let bound = self.bound(place, "stale read", stale.versions, stale.age)?;
        let scope = Scope {
            writes: false,
            ..scope?
        };
        Some(Fault::StaleRead { scope, bound })
    }

    /// Listings that are old.
    pub(super) fn listing(&mut self, stale: Spanned<StaleListingSpec>) -> Option<Fault> {
        let place = stale.span();
        let stale = stale.into_inner();
        let scope = self.scope(Operations {
            agent: stale.agent,
            store: stale.store,
            owner: None,
            operation: None,
        });
        let bound = self.bound(place, "stale listing", stale.versions, stale.age)?;
        let scope = Scope {
            writes: false,
            ..scope?
        };
        Some(Fault::StaleListing { scope, bound })
    }

    /// How old an answer can be.
    fn bound(
        &mut self,
        place: Range<usize>,
        what: &str,
        versions: Option<Field<i128>>,
        age: Option<Field<Duration>>,
    ) -> Option<StaleBound> {
        if usize::from(versions.is_some()) + usize::from(age.is_some()) != 1 {
            let flaw = conflict(format!("how old a {what} is takes one bound"), "how old?");
            let help = "one of versions = 1 and age = \"50ms\"";
            self.notes.add(place, flaw.help(help));
        }
        let versions = self.number("versions", versions, 1, u32::MAX.into());
        if let Some(many) = versions.as_ref().filter(|versions| *versions.get_ref() > 1) {
            self.of_versions(&many.span());
        }
        let age = self.positive("age", age);
        match (versions, age) {
            (Some(versions), _) => Some(StaleBound::Versions(versions.into_inner() as u32)),
            (None, age) => Some(StaleBound::Age(age?.into_inner())),
        }
    }

    pub(super) fn rot(&mut self, rot: Spanned<RotSpec>) -> Option<Fault> {
        let rot = rot.into_inner();
        let scope = self.scope(operations!(rot));
        let bits = self.number("bits", rot.bits, 1, 8);
        Some(Fault::BitRot {
            scope: scope?,
            bits: bits.map_or(1, Spanned::into_inner) as u32,
        })
    }
}
