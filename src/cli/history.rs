//! The arguments of `check-history`.

use std::time::Duration;

use clap::{Args, ValueEnum};

use super::Format;

pub(super) const EXAMPLES: &str = "\
Examples:
  bivalent check-history kv.txt                        one file, which may hold many histories
  bivalent check-history runs --timeout 10s            every history in and below a folder
  bivalent check-history jepsen.log --model register
  bivalent check-history runs --format jsonl | jq 'select(.verdict != \"linearizable\")'
  grep -v nemesis jepsen.log | bivalent check-history -";

pub(super) const MORE: &str = "\
A history is linearizable if its calls can be put in an order that respects real time and in
which every answer is right. A call without an answer may take effect at any later time, or never.
Each key is judged apart. Where there is no such order, told are: a legal order of a part of the
calls that gets as far as any does; the call that none gets past; and a small history that has no
order even if every other call takes effect whenever it suits, or never. Calls are shown with their
time: the numbers of the call and of its answer among all calls and answers of the history.

Formats, told by the first line of a file:
  H name, I id client get|put|append|del|cas key [args], O id result       many histories a file
  {:process 0, :type :invoke|:ok|:fail|:info, :f :get|:put|:append, :key \"k\", :value \"v\"|nil}
  INFO jepsen.util - 0 :invoke|:ok|:fail|:info :read|:write|:cas ARG        one register

Verdicts:
  ok      linearizable
  FAIL    not linearizable                                             (exit 1)
  UNSURE  neither was found before --timeout, or in the memory allowed (exit 6)";

/// What the histories are histories of.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum ModelName {
    /// One register, unset at first: read, write, cas.
    Register,
    /// A store of texts by key: get, put, append, del, cas.
    Kv,
}

/// Arguments of `check-history`.
#[derive(Args, Debug)]
pub(crate) struct CheckHistoryArgs {
    /// Files with histories, folders of them, or - for standard input.
    #[arg(required = true, value_name = "FILE|DIR|-")]
    pub(crate) what: Vec<String>,
    /// What they are histories of. [default: register for jepsen.util logs, else kv]
    #[arg(long, value_enum, value_name = "MODEL")]
    pub(crate) model: Option<ModelName>,
    /// Give up on a history after this time.
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = timeout)]
    pub(crate) timeout: Duration,
    /// How verdicts are printed.
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(crate) format: Format,
    /// Print only histories that are not linearizable, or not known to be.
    #[arg(long, short)]
    pub(crate) quiet: bool,
}

fn timeout(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit_ms = match &text[digits.len()..] {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err("a time is a whole number and ms, s, m or h, like 60s".to_owned()),
    };
    let number: u64 = digits
        .parse()
        .map_err(|_| "a time is a whole number and ms, s, m or h, like 60s".to_owned())?;
    number
        .checked_mul(unit_ms)
        .filter(|&ms| ms > 0)
        .map(Duration::from_millis)
        .ok_or_else(|| "is out of range".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timeout_has_a_unit_and_is_not_zero() {
        assert_eq!(timeout("60s"), Ok(Duration::from_secs(60)));
        assert_eq!(timeout("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(timeout("2h"), Ok(Duration::from_secs(7200)));
        for text in [
            "",
            "s",
            "60",
            "0s",
            "-1s",
            "1.5s",
            "1d",
            "99999999999999999999h",
            "9999999999999999h",
        ] {
            assert!(timeout(text).is_err(), "{text}");
        }
    }
}
