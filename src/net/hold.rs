//! Streams that stay open while other requests run.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

use super::body::{Live, Publish};
use super::exchange::Call;
use super::recorder::from_now;
use super::wire::Wire;
use crate::protocol::sse::Line;
use crate::transcript::{Content, Ended, Exchange, Head};

/// A stream that is read by a task of its own. Close it to get its exchange recorded.
#[derive(Debug)]
pub struct Held {
    id: u32,
    view: View,
    close: Option<oneshot::Sender<()>>,
    task: JoinHandle<Exchange>,
}

/// What a held stream has brought so far. Clones look at the same stream.
#[derive(Clone, Debug)]
pub struct View {
    live: Arc<Mutex<Live>>,
    changed: watch::Receiver<u64>,
}

impl Wire<'_> {
    /// Opens a stream and keeps reading it until [`Held::close`] or the end of its watch. Waits for a
    /// place if too many are held.
    pub async fn hold(&self, call: Call) -> Held {
        let live = Arc::new(Mutex::new(Live::default()));
        let (sender, changed) = watch::channel(0);
        let publish = Publish { live: Arc::clone(&live), changed: sender };
        let (close, closed) = oneshot::channel();
        let shared = Arc::clone(&self.shared);
        let permit = Arc::clone(&shared.held).acquire_owned().await.ok();
        let exchange = shared.new_exchange(&call);
        let id = exchange.id;
        let task = tokio::spawn(async move {
            let ending = publish.clone();
            let exchange = shared.hold(exchange, call, publish, closed).await;
            drop(permit);
            ending.update(|live| live.ended = true);
            exchange
        });
        Held { id, view: View { live, changed }, close: Some(close), task }
    }

    /// Closes a held stream and records it.
    pub async fn close(&self, mut held: Held) -> Option<Arc<Exchange>> {
        if let Some(close) = held.close.take() {
            // The task may have ended by itself.
            let _ = close.send(());
        }
        held.task.await.ok().map(|exchange| self.record(exchange))
    }
}

impl super::shared::Shared {
    async fn hold(
        &self,
        mut exchange: Exchange,
        call: Call,
        publish: Publish,
        closed: oneshot::Receiver<()>,
    ) -> Exchange {
        let live = Arc::clone(&publish.live);
        let told = tokio::select! {
            () = self.run_as(&mut exchange, &call, Some(publish)) => false,
            _ = closed => true,
        };
        if told {
            // The reader was cut off: what it had published is what was seen.
            let mut live = live.lock().unwrap_or_else(PoisonError::into_inner);
            exchange.ended = Ended::ByUs;
            exchange.ended_us = self.clock.now_us();
            exchange.shapes.append(&mut live.shapes);
            exchange.first_byte_us = live.first_byte_us;
            exchange.coded = live.coded;
            if live.stream {
                exchange.content = Content::Lines {
                    lines: std::mem::take(&mut live.lines),
                    bytes: live.bytes,
                    bom: live.bom,
                };
            }
        }
        exchange
    }
}

impl Held {
    /// The id that its exchange will have.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.id
    }

    /// A view that outlives a borrow.
    #[must_use]
    pub fn view(&self) -> View {
        self.view.clone()
    }

    /// Looks at what has come so far: head and masked lines, and whether it ended.
    pub fn look<T>(&self, see: impl FnOnce(Option<&Head>, &[Line], bool) -> T) -> T {
        self.view.look(see)
    }

    /// Waits until `settled` says so, the stream ends, or the time is over. Gives whether it settled.
    pub async fn wait(
        &mut self,
        limit: Duration,
        settled: impl FnMut(Option<&Head>, &[Line]) -> bool,
    ) -> bool {
        self.view.wait(limit, settled).await
    }
}

impl View {
    /// Looks at what has come so far: head and masked lines, and whether it ended.
    pub fn look<T>(&self, see: impl FnOnce(Option<&Head>, &[Line], bool) -> T) -> T {
        let live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        see(live.head.as_ref(), &live.lines, live.ended)
    }

    /// Waits until `settled` says so, the stream ends, or the time is over. Gives whether it settled.
    pub async fn wait(
        &mut self,
        limit: Duration,
        mut settled: impl FnMut(Option<&Head>, &[Line]) -> bool,
    ) -> bool {
        let end = from_now(limit);
        loop {
            let begun = tokio::time::Instant::now();
            let (done, ended) = self.look(|head, lines, ended| (settled(head, lines), ended));
            if done || ended {
                return done;
            }
            // A flood makes every look longer: at most a fifth of the time goes into looking.
            let pause = begun.elapsed().saturating_mul(4);
            tokio::time::sleep_until(end.min(from_now(pause))).await;
            match tokio::time::timeout_at(end, self.changed.changed()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) | Err(_) => return self.look(|head, lines, _| settled(head, lines)),
            }
        }
    }
}
