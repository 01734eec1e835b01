//! The only sockets of the scanner. Two rules of the wire:
//!
//! To the origin the user typed, always our own connection: TCP → tap → TLS → hyper's `client::conn`,
//! and WebSocket over the same. Anywhere else, always [`foreign`] (reqwest): no redirects, no default
//! headers, checked addresses, never a credential. So secrets go to one origin by construction.
// What a peer sends must not be able to panic: tests of ours may.
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::string_slice,
        clippy::arithmetic_side_effects
    )
)]

mod body;
mod coded;
mod conversation;
mod decode;
mod dial;
mod exchange;
mod failure;
pub mod foreign;
mod frames;
mod guard;
mod handles;
mod hold;
mod kept;
mod listener;
mod masker;
mod message;
mod names;
mod origin;
mod owed;
mod place;
mod pool;
mod recorder;
mod request;
mod shared;
mod stalls;
mod talk;
mod tap;
mod tls;
mod tunnel;
mod unframe;
pub mod websocket;
mod wire;

pub use dial::accepts;
pub use exchange::{ACCEPT, Call, HeaderText, Reuse, Until};
pub use foreign::fetch;
pub use handles::{Handle, HandleKind};
pub use hold::{Held, View};
pub use message::{Body, Message};
pub use names::has_zone;
pub use origin::may_carry_credentials;
pub use owed::OwedResponse;
pub use place::Place;
pub use stalls::watch as watch_stalls;
pub use talk::{FollowUp, Talk};
pub use tunnel::spares;
pub use websocket::Socket;
pub use wire::Wire;
