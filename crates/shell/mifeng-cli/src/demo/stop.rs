//! Ctrl-C and SIGTERM while the demo plays: it ends between two acts and clears up.

use crate::ui::Failure;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The code of a demo that was told to end.
const STOPPED: &str = "demo.stopped";

/// Whether somebody told the demo to end.
#[derive(Clone, Default)]
pub(super) struct Stop(Arc<(Mutex<bool>, Condvar)>);

impl Stop {
    /// Listens for the signals from now on. Who gives a second one does not wait for the act in hand: `clear_up` is all
    /// that is done then.
    pub(super) fn listen(clear_up: impl Fn() + Send + 'static) -> Self {
        let stop = Stop::default();
        let heard = stop.clone();
        std::thread::spawn(move || {
            for again in [false, true] {
                // Whoever closes the terminal ends it too.
                if mifeng_server::wait_for_signal(&mut || heard.tell()).is_err() {
                    return;
                }
                if again {
                    clear_up();
                    std::process::exit(130);
                }
                heard.tell();
            }
        });
        stop
    }

    fn tell(&self) {
        *self.told() = true;
        self.0.1.notify_all();
    }

    fn told(&self) -> MutexGuard<'_, bool> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sleeps, unless told to end.
    pub(super) fn pause(&self, time: Duration) -> Result<(), Failure> {
        let told = self.told();
        let waited = self.0.1.wait_timeout_while(told, time, |told| !*told);
        match waited {
            Ok((told, _)) if !*told => Ok(()),
            _ => Err(stopped()),
        }
    }

    /// Sleeps until told to end.
    pub(super) fn wait(&self) {
        let told = self.told();
        // Whatever ends the wait, there is nothing more to wait for.
        drop(self.0.1.wait_while(told, |told| !*told));
    }
}

/// What ends a demo that was told to.
fn stopped() -> Failure {
    let mut failure = Failure::refused(STOPPED, "told to end before the tender was over");
    failure.zh = Some("项目未完，已被要求结束".to_owned());
    failure
}

/// Whether this ended it.
pub(super) fn is_stopped(failure: &Failure) -> bool {
    failure.code == STOPPED
}

/// Removes a folder with keys. A host that is ending may still write into it: tried again a few times.
pub(super) fn remove(folder: &Path) -> std::io::Result<()> {
    const TRIES: u32 = 20;
    for _ in 1..TRIES {
        match std::fs::remove_dir_all(folder) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(_) => std::thread::sleep(Duration::from_millis(50)),
            Ok(()) => return Ok(()),
        }
    }
    std::fs::remove_dir_all(folder)
}
