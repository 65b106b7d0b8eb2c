use bivalent_sim::{explore::*, scenario::Scenario};
use std::ops::ControlFlow;
fn main() {
    let a: Vec<String> = std::env::args().collect();
    let text = format!(
        "title = \"t\"\nsummary = \"s\"\n[cluster]\nagents = {}\nstores = {}\nblock = {{ size = \"64B\", format = \"raw\" }}\n",
        a[1], a[2]
    );
    let sc = Scenario::parse("t.toml", &text, &|_| unreachable!()).unwrap();
    let k: u64 = a[3].parse().unwrap();
    let o = Options {
        in_flight: if a[4] == "drop" {
            InFlight::Drop
        } else {
            InFlight::Keep
        },
        ballots: (k > 0).then_some(k),
        jobs: a[5].parse().unwrap(),
        memory: 8 << 30,
        ..Options::default()
    };
    let t = std::time::Instant::now();
    let f = explore(&sc, &o, &mut |p| {
        if p.explored % (1 << 22) < 16384 && p.explored > 1 << 20 {
            eprintln!("{:?}", p);
        }
        ControlFlow::Continue(())
    })
    .unwrap();
    println!(
        "{:?} states {} trans {} depth {} {:?} {:?} term {} bytes {}M",
        f.conclusion(),
        f.states(),
        f.transitions(),
        f.depth(),
        t.elapsed(),
        f.valence(),
        f.terminal(),
        f.bytes() >> 20
    );
    if a.len() > 6 {
        let (c, l) = f.classes_and_lassos().unwrap();
        println!("{:?} {:?}", c, t.elapsed());
        println!("{} {}", l.undecided, l.stallable);
        if let Some(l) = l.shortest {
            println!(
                "stem {} turn {} multi {} shortest {}",
                l.stem.len(),
                l.turn.len(),
                l.multivalent,
                l.shortest
            );
            for m in l.stem.iter().chain(&l.turn) {
                println!("{m:?}");
            }
        }
        println!("{:?} {:?}", f.bounds(), t.elapsed());
    }
}
