//! The status line: what is being done, what is waited for and for how long at most, which targets are left.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::observe::ScanEvent;
use crate::report::text::sanitise;

/// What is known of a run.
#[derive(Debug, Default)]
pub(super) struct Status {
    /// By target: how it is called.
    names: Vec<String>,
    done: usize,
    /// By target: requests so far, and how many they may be.
    requests: Vec<(u32, u32)>,
    /// Their sums, kept as they change: a request of one of many targets must not cost a walk over all.
    sums: (u64, u64),
    /// Targets that have begun and not ended.
    running: BTreeMap<usize, Running>,
}

/// A target under way.
#[derive(Debug, Default)]
struct Running {
    doing: String,
    /// Whether nothing is done any more but to wait.
    only_waiting: bool,
    waits: BTreeMap<u32, Wait>,
}

#[derive(Debug)]
struct Wait {
    what: String,
    since: Instant,
    at_most: Duration,
}

/// Most targets that are named.
const NAMED: usize = 3;

impl Status {
    pub(super) fn new(names: Vec<String>) -> Self {
        Self { requests: vec![(0, 0); names.len()], names, ..Self::default() }
    }

    pub(super) fn several(&self) -> bool {
        self.names.len() > 1
    }

    /// Takes in what a target tells at this moment.
    pub(super) fn event(&mut self, index: usize, event: ScanEvent, now: Instant) {
        let running = self.running.entry(index).or_default();
        match event {
            ScanEvent::Doing(what) => {
                running.doing = what;
                running.only_waiting = false;
            }
            ScanEvent::OnlyWaiting => running.only_waiting = true,
            ScanEvent::Waiting { number, what, at_most } => {
                running.waits.insert(number, Wait { what, since: now, at_most });
            }
            ScanEvent::Waited { number } => {
                running.waits.remove(&number);
            }
            ScanEvent::Request { sent, budget } => {
                if let Some(requests) = self.requests.get_mut(index) {
                    let before = std::mem::replace(requests, (sent, budget));
                    let moved = |sum: u64, before: u32, now: u32| {
                        sum.saturating_add(now.into()).saturating_sub(before.into())
                    };
                    self.sums = (moved(self.sums.0, before.0, sent), moved(self.sums.1, before.1, budget));
                }
            }
        }
    }

    /// A target has ended.
    pub(super) fn done(&mut self, index: usize) {
        self.done = self.done.saturating_add(1);
        self.running.remove(&index);
    }

    /// The line at this moment. Clean.
    pub(super) fn line(&self, now: Instant) -> String {
        let text = if self.several() { self.list(now) } else { self.single(now) };
        sanitise(&text)
    }

    fn single(&self, now: Instant) -> String {
        let (sent, budget) = self.sums;
        let Some(running) = self.running.values().next() else {
            return if self.done > 0 { format!("judging {sent} requests") } else { "beginning".to_owned() };
        };
        let requests =
            if budget > 0 { format!("{sent} of at most {budget} requests: ") } else { String::new() };
        match (longest(running.waits.values(), now), running.only_waiting || running.doing.is_empty()) {
            (Some(waiting), true) if running.only_waiting => format!("{waiting}; everything else is done"),
            (Some(waiting), true) => waiting,
            (Some(waiting), false) => format!("{waiting}; also {}, {sent} requests", running.doing),
            (None, _) => format!("{requests}{}", running.doing),
        }
    }

    fn list(&self, now: Instant) -> String {
        let mut line = format!("{} of {} targets, {} requests", self.done, self.names.len(), self.sums.0);
        let last = self.done.saturating_add(self.running.len()) >= self.names.len();
        let name = |index: &usize| self.names.get(*index).map_or("", String::as_str);
        let named: Vec<&str> = self.running.keys().take(NAMED).map(name).collect();
        if !named.is_empty() {
            line.push_str(if last { "; left: " } else { "; now: " });
            line.push_str(&named.join(", "));
        }
        if let Some(more @ 1..) = self.running.len().checked_sub(NAMED) {
            line.push_str(&format!(" and {more} more"));
        }
        let waits = self.running.values().flat_map(|running| running.waits.values());
        if let Some(waiting) = longest(waits, now).filter(|_| last) {
            line.push_str(&format!("; {waiting}"));
        }
        line
    }
}

/// What is waited for longest from now on.
fn longest<'w>(waits: impl Iterator<Item = &'w Wait>, now: Instant) -> Option<String> {
    let passed = |wait: &Wait| now.saturating_duration_since(wait.since).min(wait.at_most);
    let wait = waits.max_by_key(|wait| wait.at_most.saturating_sub(passed(wait)))?;
    let (so_far, at_most) = (passed(wait).as_secs(), wait.at_most.as_millis().div_ceil(1_000));
    Some(format!("waiting for {}, {so_far} of at most {at_most} s", wait.what))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting(number: u32, what: &str, seconds: u64) -> ScanEvent {
        ScanEvent::Waiting { number, what: what.to_owned(), at_most: Duration::from_secs(seconds) }
    }

    fn doing(what: &str) -> ScanEvent {
        ScanEvent::Doing(what.to_owned())
    }

    #[test]
    fn what_is_waited_for_is_said_with_its_end() {
        let begun = Instant::now();
        let after = |seconds| begun + Duration::from_secs(seconds);
        let mut status = Status::new(vec!["a".to_owned()]);
        assert_eq!(status.line(begun), "beginning");
        status.event(0, doing("sending bad input"), begun);
        status.event(0, ScanEvent::Request { sent: 3, budget: 200 }, begun);
        assert_eq!(status.line(begun), "3 of at most 200 requests: sending bad input");
        status.event(0, waiting(0, "a subscription", 5), begun);
        status.event(0, waiting(1, "a keep-alive", 35), begun);
        let line = "waiting for a keep-alive, 2 of at most 35 s; also sending bad input, 3 requests";
        assert_eq!(status.line(after(2)), line);
        status.event(0, ScanEvent::OnlyWaiting, after(3));
        let line = "waiting for a keep-alive, 9 of at most 35 s; everything else is done";
        assert_eq!(status.line(after(9)), line);
        // It is never said to be later than its end.
        assert!(status.line(after(99)).contains("35 of at most 35 s"));
        status.event(0, ScanEvent::Waited { number: 1 }, after(10));
        assert!(status.line(after(10)).starts_with("waiting for a subscription, 5 of at most 5 s"));
        status.event(0, ScanEvent::Waited { number: 0 }, after(10));
        status.event(0, doing("ending what was opened"), after(10));
        assert_eq!(status.line(after(10)), "3 of at most 200 requests: ending what was opened");
        status.done(0);
        assert_eq!(status.line(after(10)), "judging 3 requests");
    }

    #[test]
    fn the_targets_that_are_left_are_named() {
        let begun = Instant::now();
        let mut status = Status::new(["a", "b", "c", "d", "e"].map(str::to_owned).to_vec());
        for index in 0..4 {
            status.event(index, doing("x"), begun);
        }
        assert_eq!(status.line(begun), "0 of 5 targets, 0 requests; now: a, b, c and 1 more");
        for index in [0, 1, 2] {
            status.done(index);
        }
        status.event(4, ScanEvent::Request { sent: 7, budget: 9 }, begun);
        status.event(4, waiting(0, "a keep-alive", 35), begun);
        status.event(4, ScanEvent::OnlyWaiting, begun);
        let line = "3 of 5 targets, 7 requests; left: d, e; waiting for a keep-alive, 0 of at most 35 s";
        assert_eq!(status.line(begun), line);
    }
}
