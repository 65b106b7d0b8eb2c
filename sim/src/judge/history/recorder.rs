//! Puts calls and answers together, whatever format they come from.

use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;

use super::{History, HistoryError, OPS_MAX};
use crate::judge::linear::{
    Op,
    models::{Answer, Call},
};

/// A history as it is read.
#[derive(Debug, Default)]
pub(super) struct Recorder {
    history: History,
    /// Calls to be left out.
    without_effect: Vec<u32>,
    /// The call of each client that has no answer yet.
    open: HashMap<u32, u32, FxBuildHasher>,
    /// Clients one of whose calls will never be answered: the line that says so.
    gone: HashMap<u32, u32, FxBuildHasher>,
    /// Calls and answers so far.
    now: u64,
}

impl Recorder {
    pub(super) fn new(name: Option<String>) -> Self {
        Self {
            history: History {
                name,
                ..History::default()
            },
            ..Self::default()
        }
    }

    /// A client calls; which call of the history that is.
    pub(super) fn call(&mut self, line: u32, client: u32, call: Call) -> Result<u32, HistoryError> {
        if let Some(&open) = self.open.get(&client) {
            let since = self.history.lines[open as usize];
            return Err(HistoryError::new(
                line,
                format!("process {client} calls again while its call of line {since} is open"),
                "a process makes one call at a time; give each concurrent caller a number of its own",
            ));
        }
        if let Some(since) = self.gone.get(&client) {
            return Err(HistoryError::new(
                line,
                format!("process {client} calls again after its :info on line {since}"),
                "a process whose call has an unknown outcome is gone; go on with a new number",
            ));
        }
        if self.history.ops.len() >= OPS_MAX {
            return Err(HistoryError::new(
                line,
                format!("this is the call after number {OPS_MAX}"),
                "check the history in parts",
            ));
        }
        let number = self.history.ops.len() as u32;
        self.history.calls += 1;
        self.open.insert(client, number);
        self.history.lines.push(line);
        let invoked = self.tick();
        self.history.ops.push(Op {
            client,
            call,
            answer: None,
            invoked,
            answered: u64::MAX,
        });
        Ok(number)
    }

    /// The open call of a client that must be there because of what stands on `line`.
    pub(super) fn open(&self, line: u32, client: u32) -> Result<(u32, Call), HistoryError> {
        self.open
            .get(&client)
            .map(|&open| (open, self.history.ops[open as usize].call))
            .ok_or_else(|| {
                HistoryError::new(
                    line,
                    format!("process {client} is answered, but has no call open"),
                    "is the :invoke line missing, or the file cut off at its beginning?",
                )
            })
    }

    /// The open call of a client is answered.
    pub(super) fn answer(&mut self, client: u32, answer: Answer) {
        let now = self.tick();
        if let Some(open) = self.open.remove(&client) {
            let op = &mut self.history.ops[open as usize];
            op.answer = Some(answer);
            op.answered = now;
        }
    }

    /// Nobody will ever know what came of the open call of a client, which calls no more.
    pub(super) fn forget(&mut self, line: u32, client: u32) {
        self.open.remove(&client);
        self.gone.insert(client, line);
    }

    /// The same, but the client goes on.
    pub(super) fn leave_open(&mut self, client: u32) {
        self.open.remove(&client);
    }

    /// The open call of a client failed, and has changed nothing.
    pub(super) fn fail(&mut self, client: u32) {
        self.without_effect.extend(self.open.remove(&client));
    }

    /// The whole history.
    pub(super) fn finish(mut self) -> History {
        let History { ops, lines, .. } = &mut self.history;
        if !self.without_effect.is_empty() {
            let mut keep = vec![true; ops.len()];
            for call in self.without_effect {
                keep[call as usize] = false;
            }
            let mut kept = keep.iter();
            ops.retain(|_| kept.next().is_none_or(|keep| *keep));
            let mut kept = keep.iter();
            lines.retain(|_| kept.next().is_none_or(|keep| *keep));
        }
        self.history
    }

    const fn tick(&mut self) -> u64 {
        self.now += 1;
        self.now
    }
}
