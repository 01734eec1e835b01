//! Writing the stored events of a stream.

use super::events;
use super::http::Sender;
use super::server::Server;
use super::sessions::Session;

/// Writes the events of a stream from an index on, as they come, until the stream, the session or the
/// client ends. New and resumed streams are the same thing here: that is why nothing is lost.
pub(super) async fn deliver(
    server: &Server,
    session: &Session,
    stream: u64,
    mut index: usize,
    sender: &Sender,
) {
    let mut changed = session.changes();
    // Of this stream: what others of the session bring breaks no silence here.
    let mut silence = Box::pin(events::silence(server));
    loop {
        let over = changed.borrow_and_update().1;
        let (ready, finished) = session.after(stream, index);
        for event in ready {
            if !events::send(server, sender, &event).await {
                return;
            }
            index = index.saturating_add(1);
            silence = Box::pin(events::silence(server));
        }
        if finished || over {
            return;
        }
        tokio::select! {
            told = changed.changed() => if told.is_err() { return },
            () = sender.closed() => return,
            () = &mut silence => {
                if sender.send(events::comment()).await.is_err() {
                    return;
                }
                silence = Box::pin(events::silence(server));
            }
        }
    }
}
