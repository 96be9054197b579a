//! The one way to start a task.
//!
//! A panic in a task ends that task alone: the runtime catches it, and this wrapper counts it and
//! logs the task's name, so that it is never silent.

use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use tokio::task::JoinHandle;

/// Panics caught in tasks since the process began: a metric, no state.
static PANICS: AtomicU64 = AtomicU64::new(0);

/// Panics caught in tasks since the process began.
#[must_use]
pub fn panics() -> u64 {
    PANICS.load(Relaxed)
}

/// Starts a task on the current thread's runtime.
///
/// It takes what makes the future, not the future: a task that was handed one would have room for
/// it twice, before and while it runs, and a connection is a task.
pub fn spawn_local<F>(
    name: &'static str,
    begin: impl FnOnce() -> F + 'static,
) -> JoinHandle<F::Output>
where
    F: Future + 'static,
    F::Output: 'static,
{
    #[expect(clippy::disallowed_methods, reason = "the one wrapper")]
    tokio::task::spawn_local(async move {
        let guard = Guard(name);
        let output = begin().await;
        std::mem::forget(guard);
        output
    })
}

/// Starts a task on the control plane's runtime.
pub fn spawn<F>(name: &'static str, future: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    #[expect(clippy::disallowed_methods, reason = "the one wrapper")]
    tokio::spawn(async move {
        let guard = Guard(name);
        let output = future.await;
        std::mem::forget(guard);
        output
    })
}

/// Counts the panic of the task that drops it while unwinding.
struct Guard(&'static str);

impl Drop for Guard {
    fn drop(&mut self) {
        if std::thread::panicking() {
            PANICS.fetch_add(1, Relaxed);
            tracing::error!(task = self.0, "a task panicked");
        }
    }
}
