//! A runtime in which waiting takes no time and every task is finished before its caller goes on.

use std::{
    panic::AssertUnwindSafe,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
    time::Duration,
};

use futures_util::{FutureExt as _, future::BoxFuture};

use crate::runtime::Runtime;

/// A [`Runtime`] for tests: sleeping only moves its own clock, and a spawned task runs to its end at once, so that the
/// same test always makes the same requests in the same order.
#[derive(Debug, Default)]
pub struct TestRuntime {
    slept: AtomicU64,
}

impl Runtime for TestRuntime {
    fn elapsed(&self) -> Duration {
        Duration::from_millis(self.slept.load(Ordering::SeqCst))
    }

    fn sleep(&self, span: Duration) -> BoxFuture<'static, ()> {
        let millis = u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
        self.slept.fetch_add(millis, Ordering::SeqCst);
        async {}.boxed()
    }

    fn spawn(&self, task: BoxFuture<'static, ()>) {
        // The task's end is what its caller waits for; a panic shows there as an answer that never came.
        let _ = block_on(AssertUnwindSafe(task).catch_unwind());
    }
}

/// Runs `future` to its end on this thread.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(answer) => return answer,
            Poll::Pending => thread::park(),
        }
    }
}
