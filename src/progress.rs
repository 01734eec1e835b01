//! The only writer of standard error while a scan runs: a status line on a terminal, notes, and the
//! exchanges where they are asked for. Every text goes through the sanitiser and loses what a CI system would
//! take for a command; no write can fail a scan.

mod status;

use std::borrow::Cow;
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::observe::ScanEvent;
use crate::report::sink::{ascii, without_commands};
use crate::report::text::sanitise;
use crate::transcript::{Content, Direction, Exchange, Secrets};
use status::Status;

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
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    status: Status,
    spoken: Instant,
}

/// Where nothing is drawn, a long run over several targets says a line this often, so that CI does not
/// take it for dead.
const SIGN_OF_LIFE: Duration = Duration::from_secs(30);
const TICK: Duration = Duration::from_millis(120);

impl Progress {
    /// Ready to speak about the targets with these names.
    #[must_use]
    pub fn new(voice: Voice, names: Vec<String>) -> Self {
        let drawn = voice.animated && !voice.quiet && voice.verbosity == 0 && !names.is_empty();
        let state = Arc::new(Mutex::new(State { status: Status::new(names), spoken: Instant::now() }));
        let bar = drawn.then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            if let Ok(style) = ProgressStyle::with_template("{spinner} {elapsed} {wide_msg}") {
                let plain = ASCII.load(Ordering::Relaxed);
                bar.set_style(if plain { style.tick_chars("|/-\\ ") } else { style });
            }
            keep_drawing(bar.clone(), Arc::downgrade(&state));
            bar
        });
        Self { voice, bar, state }
    }

    /// Says something the user should know. Silent with `quiet`.
    pub fn note(&self, text: &str) {
        if !self.voice.quiet {
            self.line(&format!("note: {}", sanitise(text)));
        }
    }

    /// Progress of the target with this index.
    pub fn event(&self, index: usize, event: ScanEvent) {
        self.lock().status.event(index, event, Instant::now());
        self.sign_of_life();
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

    /// The target with this index has ended.
    pub fn done(&self, index: usize) {
        self.lock().status.done(index);
        self.sign_of_life();
    }

    /// Removes the status line. Whatever follows on standard error stands alone.
    pub fn clear(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    fn sign_of_life(&self) {
        if self.bar.is_some() || self.voice.quiet {
            return;
        }
        let mut state = self.lock();
        if state.status.several() && state.spoken.elapsed() >= SIGN_OF_LIFE {
            state.spoken = Instant::now();
            say(&state.status.line(state.spoken));
        }
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

/// Draws the line again and again, until it is finished or nobody speaks any more: a wait tells nothing while it
/// lasts, and what is left of it changes all the same.
fn keep_drawing(bar: ProgressBar, state: Weak<Mutex<State>>) {
    std::thread::spawn(move || {
        while !bar.is_finished()
            && let Some(state) = state.upgrade()
        {
            let line = state.lock().unwrap_or_else(PoisonError::into_inner).status.line(Instant::now());
            bar.set_message(spoken(&line));
            bar.tick();
            drop(state);
            std::thread::sleep(TICK);
        }
    });
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
