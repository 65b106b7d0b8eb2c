//! Where a run ends, what is expected of it, and what campaigns vary.

use super::{AWAY, FORGETFUL, Judge, LOSSY, SET_BACK, Ways, merged};

pub(super) fn ends(ways: &mut Ways) {
    let run = Judge::Run;
    ways.set(run, "heal.at", "'10ms'", LOSSY);
    ways.set(run, "limits.steps", "9", "");
    ways.set(run, "limits.time", "'2ms'", "");
    ways.set(run, "limits.stall-after", "'20ms'", AWAY);
    ways.set(run, "expect.always", "[]", FORGETFUL);
    // A store that was emptied is refused by its identity where there is one.
    ways.set(run, "expect.always", "[]", SET_BACK);
    for key in ["violation", "violation-or-wedge"] {
        ways.set(run, &format!("expect.outcome.{key}"), "'agreement'", "");
    }
    let before = merged(AWAY, "[expect.outcome]\nbefore-heal = 'stall'\n");
    ways.set(run, "expect.outcome.before-heal", "'stall'", AWAY);
    ways.set(run, "expect.outcome.after-heal", "'any'", &before);
    ways.set(run, "expect.outcome.within", "'1ns'", &before);
    ways.set(run, "expect.stall", "'starved'", &before);
    ways.set(Judge::Seeds, "expect.seeds", "'0..9'", "");
    ways.set(
        run,
        "expect.value",
        "'v1'",
        "[expect]\noutcome = 'decide'\n",
    );
}

pub(super) fn campaigns(ways: &mut Ways) {
    let fuzz = Judge::Fuzz;
    ways.set(fuzz, "fuzz.agents", "'2..5'", "");
    ways.set(fuzz, "fuzz.stores", "'3..5'", "");
    ways.by(
        fuzz,
        "fuzz.retry.exponential",
        "[fuzz]\nretry = [{ exponential = '1ms..9ms' }]\n",
        "",
    );
    ways.set(fuzz, "fuzz.faults.add", "['delay']", "");
    ways.by(
        fuzz,
        "fuzz.faults.at-most",
        "[fuzz]\nfaults = { add = ['delay', 'crash', 'reorder'], at-most = 1 }\n",
        "[fuzz]\nfaults = { add = ['delay', 'crash', 'reorder'] }\n",
    );
    let price = Judge::Price;
    ways.set(price, "price.agents", "[3]", "");
    ways.by(
        price,
        "price.adversary.duel",
        "[price]\nadversary = [{ duel = ['a1', 'a2'] }]\n",
        "",
    );
    ways.by(
        price,
        "price.adversary.pct.depth",
        "[price]\nadversary = [{ pct = { depth = 2 } }]\n",
        "",
    );
    ways.by(
        price,
        "price.adversary.pct.within",
        "[price]\nadversary = [{ pct = { depth = 2, within = 9 } }]\n",
        "[price]\nadversary = [{ pct = { depth = 2 } }]\n",
    );
    for key in ["from", "before", "stem", "turn"] {
        let key = format!("price.adversary.script.{key}");
        ways.by(
            Judge::Nobody,
            &key,
            "[price]\nadversary = [{ script = {} }]\n",
            "",
        );
    }
    ways.by(
        price,
        "price.retry.exponential",
        "[price]\nretry = [{ exponential = '1ms..9ms' }]\n",
        "",
    );
    ways.set(price, "price.at", "['7ms']", "");
    ways.set(price, "price.runs", "7", "");
    ways.set(price, "price.adaptive-runs", "7", "");
}
