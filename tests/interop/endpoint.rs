//! Leaves a built-in endpoint standing, for programs that are not our tests: `cargo run --example
//! endpoint -- legacy`, with names of faults behind the kind. It prints its URL and stands until it is
//! killed (Ctrl-C).
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a tool for people at a terminal"
)]

use std::process::ExitCode;

use agentgauge::demo::{Base, Behaviour, Endpoint, Fault};

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let Some(behaviour) = behaviour(&words) else {
        eprintln!("usage: endpoint KIND [FAULT]...\nkinds: {}", kinds().join(" "));
        return ExitCode::from(2);
    };
    let endpoint = Endpoint::start_on_thread(behaviour).unwrap();
    println!("{}", endpoint.url());
    if endpoint.behaviour().base == Base::Gated {
        println!("token {}", endpoint.token());
    }
    loop {
        std::thread::park();
    }
}

fn kinds() -> Vec<String> {
    Base::ALL.map(|base| format!("{base:?}").to_lowercase()).to_vec()
}

fn behaviour(words: &[String]) -> Option<Behaviour> {
    let (kind, faults) = words.split_first()?;
    let base = Base::ALL.into_iter().zip(kinds()).find(|(_, name)| name == kind)?.0;
    faults.iter().try_fold(Behaviour::sound(base), |behaviour, name| {
        let fault = Fault::ALL.iter().copied().find(|fault| fault.spec().name == name)?;
        Some(behaviour.with(fault))
    })
}
