//! debug
use agentgauge::{scan::*, target::Target, transcript::*};
#[tokio::main(flavor = "current_thread")]
async fn main() {
    let url = std::env::args().nth(1).unwrap();
    let p = if std::env::args().nth(2).as_deref() == Some("s") { Profile::Standard } else { Profile::Quick };
    let t = Target::parse(&url, p).unwrap();
    struct O;
    impl Observer for O {
        fn event(&self, e: ScanEvent) {
            if let ScanEvent::Doing(d) = e {
                eprintln!("{d}");
            }
        }
    }
    let start = std::time::Instant::now();
    let tr = scan(&t, ScanOptions::default(), &O, &Stop::default()).await;
    eprintln!("{:?} {} exchanges", start.elapsed(), tr.exchanges.len());
    let r = agentgauge::facts::Readings::new(&tr);
    eprintln!("{:#?}", r.classification());
    for e in &tr.exchanges {
        println!(
            "{:3} {:?} {} {:?} s={:?} {:?} {}us c{} {}",
            e.id,
            e.probe,
            e.step,
            e.era,
            e.session,
            e.status(),
            e.head_us().unwrap_or(0),
            e.connection,
            e.failure.as_ref().map(|f| f.words()).unwrap_or_default()
        );
    }
    for c in agentgauge::checks::all() {
        let f = c.run(&r);
        if f.status != agentgauge::finding::Status::NotApplicable {
            println!(
                "{:13} {:28} {} {:?}",
                f.status.as_str(),
                c.id,
                f.message,
                f.evidence.first().map(|e| (e.exchange, &e.excerpt))
            );
        }
    }
    std::fs::write("/tmp/t.jsonl", codec::encode(&tr)).unwrap();
}
