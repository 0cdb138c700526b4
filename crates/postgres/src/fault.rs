//! Places at which a test ends or holds the program: what happens to a node when it dies, or pauses, exactly there.
//!
//! A debug build looks at `COUNTERSIGN_FAULTS` once: `name=kill`, `name=kill@3` (the third time), `name=pause:2000` (for
//! so many milliseconds, the first time), `name=hold:FILE` (for as long as there is such a file), several separated by
//! commas. Any other build has none of this.

/// The program has come to a place of this name.
#[cfg(not(debug_assertions))]
#[inline]
pub async fn reached(_place: &'static str) {}

#[cfg(debug_assertions)]
pub use armed::reached;

#[cfg(debug_assertions)]
mod armed {
    use nix::sys::signal::{Signal, kill};
    use nix::unistd::Pid;
    use std::collections::HashMap;
    use std::path::PathBuf;
    use std::sync::LazyLock;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::Duration;

    /// What is to happen at the places that are named; each knows how often it was come to.
    static FAULTS: LazyLock<HashMap<String, Fault>> =
        LazyLock::new(|| read(&std::env::var("COUNTERSIGN_FAULTS").unwrap_or_default()));

    struct Fault {
        what: What,
        at_the: u64,
        reached: AtomicU64,
    }

    enum What {
        Kill,
        Pause(Duration),
        Hold(PathBuf),
    }

    /// Between two looks at what holds the program.
    const LOOK_AGAIN: Duration = Duration::from_millis(10);

    /// The program has come to a place of this name.
    pub async fn reached(place: &'static str) {
        let Some(fault) = FAULTS.get(place) else { return };
        if fault.reached.fetch_add(1, Ordering::SeqCst) + 1 != fault.at_the {
            return;
        }
        match &fault.what {
            // Nothing is flushed, nothing said, no connection closed in good order; and no memory is written to disk.
            What::Kill => {
                eprintln!("fault: {place} kills");
                let killed = kill(Pid::this(), Signal::SIGKILL);
                panic!("{place} could not kill: {killed:?}");
            }
            What::Pause(duration) => {
                eprintln!("fault: {place} pauses");
                tokio::time::sleep(*duration).await;
            }
            What::Hold(file) => {
                eprintln!("fault: {place} holds");
                while file.exists() {
                    tokio::time::sleep(LOOK_AGAIN).await;
                }
            }
        }
    }

    fn read(named: &str) -> HashMap<String, Fault> {
        named.split(',').filter(|one| !one.is_empty()).map(one).collect()
    }

    fn one(fault: &str) -> (String, Fault) {
        let (place, what) = fault.split_once('=').unwrap_or_else(|| panic!("{fault} is not place=what"));
        let (what, at_the) = what.split_once('@').unwrap_or((what, "1"));
        let number = |text: &str| text.parse().unwrap_or_else(|_| panic!("{text} in {fault} is no number"));
        let what = match what.split_once(':') {
            None if what == "kill" => What::Kill,
            Some(("pause", milliseconds)) => What::Pause(Duration::from_millis(number(milliseconds))),
            Some(("hold", file)) => What::Hold(file.into()),
            None | Some(_) => panic!("{fault} asks for none of kill, pause:MILLISECONDS and hold:FILE"),
        };
        (place.to_owned(), Fault { what, at_the: number(at_the), reached: AtomicU64::new(0) })
    }
}
