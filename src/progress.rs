//! The only writer of standard error while a scan runs: a status line on a terminal, notes, and the
//! exchanges where they are asked for. Every text goes through the sanitiser and loses what a CI system would
//! take for a command; no write can fail a scan.

use std::borrow::Cow;
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::observe::ScanEvent;
use crate::report::sink::{ascii, without_commands};
use crate::report::text::sanitise;
use crate::transcript::{Content, Direction, Exchange, Secrets};

/// How much is said.
#[derive(Clone, Copy, Debug, Default)]
pub struct Voice {
    /// Whether a status line may be drawn: standard error is a terminal that takes one.
    pub animated: bool,
    /// No notes and no progress.
    pub quiet: bool,
    /// 0: nothing about single exchanges; 1: one line each; 2: heads as well.
    pub verbosity: u8,
}

/// Speaks on standard error.
#[derive(Debug)]
pub struct Progress {
    voice: Voice,
    bar: Option<ProgressBar>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    targets: usize,
    done: usize,
    /// By target: requests so far, and how many they may be.
    requests: Vec<(u32, u32)>,
    /// Their sums, kept as they change: a request of one of many targets must not cost a walk over all.
    sums: (u64, u64),
    doing: String,
    spoken: Instant,
}

/// Where nothing is drawn, a long run over several targets says a line this often, so that CI does not
/// take it for dead.
const SIGN_OF_LIFE: Duration = Duration::from_secs(30);
const TICK: Duration = Duration::from_millis(120);

impl Progress {
    /// Ready to speak about so many targets.
    #[must_use]
    pub fn new(voice: Voice, targets: usize) -> Self {
        let bar = (voice.animated && !voice.quiet && voice.verbosity == 0 && targets > 0).then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            if let Ok(style) = ProgressStyle::with_template("{spinner} {elapsed} {wide_msg}") {
                let plain = ASCII.load(Ordering::Relaxed);
                bar.set_style(if plain { style.tick_chars("|/-\\ ") } else { style });
            }
            bar.enable_steady_tick(TICK);
            bar
        });
        let requests = vec![(0, 0); targets];
        let state =
            State { targets, done: 0, requests, sums: (0, 0), doing: String::new(), spoken: Instant::now() };
        Self { voice, bar, state: Mutex::new(state) }
    }

    /// Says something the user should know. Silent with `quiet`.
    pub fn note(&self, text: &str) {
        if !self.voice.quiet {
            self.line(&format!("note: {}", sanitise(text)));
        }
    }

    /// Progress of the target with this index.
    pub fn event(&self, index: usize, event: ScanEvent) {
        {
            let mut state = self.lock();
            match event {
                ScanEvent::Doing(what) => state.doing = what,
                ScanEvent::Request { sent, budget } => {
                    if let Some(requests) = state.requests.get_mut(index) {
                        let before = std::mem::replace(requests, (sent, budget));
                        let moved = |sum: u64, before: u32, now: u32| {
                            sum.saturating_add(now.into()).saturating_sub(before.into())
                        };
                        state.sums =
                            (moved(state.sums.0, before.0, sent), moved(state.sums.1, before.1, budget));
                    }
                }
            }
        }
        self.show();
    }

    /// An exchange has ended.
    pub fn exchange(&self, name: &str, exchange: &Exchange) {
        if self.voice.verbosity > 0 {
            let text = describe(exchange, self.voice.verbosity > 1);
            for line in text.lines() {
                self.line(&if name.is_empty() {
                    line.to_owned()
                } else {
                    format!("[{}] {line}", sanitise(name))
                });
            }
        }
    }

    /// A target has ended.
    pub fn done(&self) {
        {
            let mut state = self.lock();
            state.done = state.done.saturating_add(1);
            if let Some(last) = state.requests.first().filter(|_| state.targets == 1) {
                state.doing = format!("judging {} requests", last.0);
            }
        }
        self.show();
    }

    /// Removes the status line. Whatever follows on standard error stands alone.
    pub fn clear(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    fn show(&self) {
        let mut state = self.lock();
        let several = state.targets > 1;
        let Some(bar) = &self.bar else {
            if several && !self.voice.quiet && state.spoken.elapsed() >= SIGN_OF_LIFE {
                state.spoken = Instant::now();
                say(&format!("scanned {} of {} targets", state.done, state.targets));
            }
            return;
        };
        let (sent, budget) = state.sums;
        let message = if several {
            format!("{} of {} targets, {sent} requests", state.done, state.targets)
        } else if budget > 0 {
            format!("{sent} requests (at most {budget}): {}", sanitise(&state.doing))
        } else {
            sanitise(&state.doing).to_string()
        };
        bar.set_message(spoken(&message));
    }

    fn line(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| say(text)),
            None => say(text),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One line on standard error: every one passes here. It must be sanitised already; what the log of a CI system
/// would read as a command is escaped here. A closed standard error is no one's fault.
pub fn say(text: &str) {
    let mut err = io::stderr().lock();
    let _ = writeln!(err, "{}", spoken(text));
}

/// Whether only ASCII is spoken: what the locale says.
static ASCII: AtomicBool = AtomicBool::new(false);

/// From here on only ASCII is spoken.
pub fn speak_ascii() {
    ASCII.store(true, Ordering::Relaxed);
}

/// The operator's secrets. What libraries and the system say may hold them.
static SECRETS: OnceLock<Secrets> = OnceLock::new();

/// From here on none of these secrets is spoken.
pub fn keep_secret(secrets: Secrets) {
    // A program scans once.
    let _ = SECRETS.set(secrets);
}

fn spoken(text: &str) -> String {
    let text = without_commands(text);
    let text = match SECRETS.get() {
        Some(secrets) => secrets.shown(text),
        None => text,
    };
    if ASCII.load(Ordering::Relaxed) { ascii(&text) } else { text }
}

/// An exchange in one line, with heads and frames below it if they are asked for. Clean.
fn describe(exchange: &Exchange, heads: bool) -> String {
    let outcome: Cow<'_, str> = match (&exchange.head, &exchange.failure) {
        (Some(head), None) => head.status.to_string().into(),
        (Some(head), Some(failure)) => format!("{}, {}", head.status, failure.words()).into(),
        (None, Some(failure)) => failure.words().into(),
        (None, None) => "no answer".into(),
    };
    let probe = serde_json::to_value(exchange.probe).ok();
    let time = crate::verdict::milliseconds(exchange.ended_us.saturating_sub(exchange.started_us));
    let mut text = sanitise(&format!(
        "#{} {} {} {} {} -> {outcome}, {} bytes, {time}",
        exchange.id,
        probe.as_ref().and_then(serde_json::Value::as_str).unwrap_or_default(),
        exchange.step,
        exchange.request.method,
        exchange.request.url,
        exchange.content.bytes(),
    ))
    .to_string();
    if heads {
        let mut add = |line: &str| {
            text.push('\n');
            text.push_str(&sanitise(line));
        };
        for (name, value) in &exchange.request.headers {
            add(&format!("  > {name}: {value}"));
        }
        if let Some(head) = &exchange.head {
            add(&format!("  < {} {}", head.version, head.status));
            for (name, value) in &head.headers {
                add(&format!("  < {name}: {value}"));
            }
        }
        if let Content::Frames { frames } = &exchange.content {
            for frame in frames {
                let arrow = if frame.direction == Direction::In { '<' } else { '>' };
                add(&format!("  {arrow} {:?} frame, {} bytes", frame.kind, frame.text.len()));
            }
        }
    }
    text
}
