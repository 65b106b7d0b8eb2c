//! The kinds of fault: what each does to its victim, and how often each struck.

use std::collections::BTreeMap;

use bivalent_sim::judge::report::FaultCount;
use bivalent_sim::scenario::fault::FaultKind;

use super::units;

/// All kinds with one line each.
pub(crate) fn kinds() -> String {
    FaultKind::ALL
        .iter()
        .map(|kind| format!("{:<18} {}\n", kind.name(), describe(*kind)))
        .collect()
}

/// What a kind of fault does, from the victim's side.
const fn describe(kind: FaultKind) -> &'static str {
    match kind {
        FaultKind::Crash => "an agent forgets everything; its blocks and what is in flight remain",
        FaultKind::Restart => "a crashed agent starts again as a new incarnation",
        FaultKind::Pause => "an agent stands still and wakes later, believing all it knew",
        FaultKind::ClockSkew => "an agent's clock runs fast or slow",
        FaultKind::Outage => "a store answers nothing for a while; what it was asked waits",
        FaultKind::SlowStore => "a store takes longer for everything",
        FaultKind::Amnesia => "a store returns to an earlier state, all blocks at once",
        FaultKind::StoreLoss => "a store is gone for good",
        FaultKind::Delay => "an operation takes longer",
        FaultKind::Reorder => "an operation is passed by ones that were asked for later",
        FaultKind::LostRequest => "a request never arrives",
        FaultKind::LostAck => "it happened, but the answer never arrives",
        FaultKind::LateWrite => "a write taken for lost lands after all, over newer ones",
        FaultKind::Duplicate => "a request arrives twice, the second time later",
        FaultKind::TornWrite => "only some sectors of a block are written",
        FaultKind::StaleRead => "a read is answered with an older version",
        FaultKind::StaleListing => "a listing is answered as the folder was before",
        FaultKind::BitRot => "bits of a stored block flip",
        FaultKind::MisdirectedWrite => "a write is acknowledged and lands in another agent's block",
    }
}

/// A table of how often each kind struck.
pub(crate) fn table(faults: &BTreeMap<&'static str, FaultCount>) -> String {
    let mut text = format!(
        "    {:<18} {:>9} {:>9} {:>9}\n",
        "fault", "drawn", "landed", "observed"
    );
    for (kind, n) in faults {
        let [drawn, landed, observed] = [n.drawn, n.landed, n.observed].map(units::count);
        text += &format!("    {kind:<18} {drawn:>9} {landed:>9} {observed:>9}\n");
    }
    text
}
